-- Grain: one row per KPI, day of shipping, its cohort, channel, product category, site and currency: basis SALE of
-- kpi_daily. Final rows only, see macro kpi_daily_of. Numerator and denominator add up within a KPI; the ratio never
-- does.
{{ config(materialized='view') }}

{{ kpi_daily_of('SALE') }}
