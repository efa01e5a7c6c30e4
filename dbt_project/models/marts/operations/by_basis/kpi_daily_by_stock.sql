-- Grain: one row per KPI, day on which the stock was counted, channel, product category, site and currency: basis
-- STOCK of kpi_daily. A level: numerator and denominator add up over channels, categories and sites of one KPI and
-- day, never over days; kpi_levels_now has the last. The ratio never adds up.
{{ config(materialized='view') }}

{{ kpi_daily_of('STOCK') }}
