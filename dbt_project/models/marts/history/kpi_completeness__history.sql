-- Grain: one row per KPI, basis and publication with which a version of its completeness began.
-- Filled by the publisher; see macro history_of.
{{ config(
    materialized='view',
    meta={
        'publish_to': 'marts', 'history_of': 'kpi_completeness',
        'primary_key': ['kpi', 'basis', 'from_publication'],
    },
) }}

{{ history_of('kpi_completeness') }}
