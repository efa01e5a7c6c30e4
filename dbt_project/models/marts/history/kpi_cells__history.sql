-- Grain: one row per cell of kpi_cells and publication with which a version of it began.
-- Filled by the publisher; see macro history_of.
{{ config(
    materialized='view',
    meta={'publish_to': 'marts', 'history_of': 'kpi_cells', 'is_for_views': true, 'primary_key': [
        'kpi', 'basis', 'period_date', 'channel', 'product_category', 'site', 'currency', 'from_publication',
    ]},
) }}

{{ history_of('kpi_cells') }}
