{%- set columns = ['name', 'country', 'rtv_window_days', 'rtv_recovery_pct'] -%}
{{ config(
    meta={
        'replaces': 'versions', 'source': 'erp', 'feed': 'erp_vendors', 'key': 'vendor_id',
        'columns': columns,
    },
    indexes=[{'columns': ['vendor_id', 'valid_from'], 'unique': true}],
) }}
-- Grain: one row per vendor and version. The file is the whole table; versions follow from its history.

with versioned as (
    {{ versions('erp', 'erp_vendors', 'vendor_id', columns) }}
)

select
    vendor_id,
    -- what
    name,
    country,
    cast(rtv_window_days as integer) as rtv_window_days,
    rtv_recovery_pct,
    -- timing
    valid_from,
    valid_to,
    is_current,
    is_deleted,
    -- lineage
    _file_id,
    _line_no
from versioned
