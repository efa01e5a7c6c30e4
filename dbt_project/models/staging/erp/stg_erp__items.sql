{%- set columns = [
    'style', 'size', 'colour', 'description', 'category', 'brand', 'unit_cost', 'list_price',
    'currency', 'weight_g', 'is_serialised', 'warranty_months', 'hazmat_class', 'weee_category',
    'vendor_id', 'is_returnable', 'return_window_days', 'restocking_fee_pct',
] -%}
{{ config(
    meta={
        'replaces': 'versions', 'source': 'erp', 'feed': 'erp_items', 'key': 'sku',
        'columns': columns,
    },
    indexes=[{'columns': ['sku', 'valid_from'], 'unique': true}],
) }}
-- Grain: one row per SKU and version. The file is the whole table; versions follow from its history.

with versioned as (
    {{ versions('erp', 'erp_items', 'sku', columns) }}
)

select
    sku,
    -- what
    style,
    size,
    colour,
    description,
    upper(category) as product_category,
    brand,
    weight_g,
    is_serialised,
    cast(warranty_months as integer) as warranty_months,
    hazmat_class,
    weee_category,
    vendor_id,
    is_returnable,
    cast(return_window_days as integer) as return_window_days,
    restocking_fee_pct,
    -- amounts
    unit_cost,
    list_price,
    currency,
    -- timing
    valid_from,
    valid_to,
    is_current,
    is_deleted,
    -- lineage
    _file_id,
    _line_no
from versioned
