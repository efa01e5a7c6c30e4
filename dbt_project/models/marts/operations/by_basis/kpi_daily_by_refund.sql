-- Grain: one row per KPI, day on which money was settled or a memo posted, channel, product category, site and
-- currency: basis REFUND of kpi_daily. Final rows only, see macro kpi_daily_of. Numerator and denominator add up
-- within a KPI; the ratio never does.
{{ config(materialized='view') }}

{{ kpi_daily_of('REFUND') }}
