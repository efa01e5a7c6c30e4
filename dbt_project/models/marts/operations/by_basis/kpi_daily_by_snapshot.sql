-- Grain: one row per KPI, day at whose end the returns were open, channel, product category, site and currency: basis
-- SNAPSHOT of kpi_daily. A level: numerator and denominator add up over channels, categories and sites of one KPI and
-- day, never over days; kpi_levels_now has the last. The ratio never adds up.
{{ config(materialized='view') }}

{{ kpi_daily_of('SNAPSHOT') }}
