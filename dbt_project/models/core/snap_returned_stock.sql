{{ config(
    meta={
        'replaces': 'entity', 'entity': 'wms_returned_stock.snapshot_date', 'key': 'snapshot_date', 'key_type': 'date',
    },
    indexes=[
        {'columns': ['snapshot_date', 'site', 'location', 'sku', 'grade'], 'unique': true},
    ],
) }}
-- depends_on: {{ ref('int_touched_keys') }}
-- Grain: one row per day, site, location, SKU and grade: returned goods that lay there at its end.
-- Quantities and values add up over everything but days; product as of the snapshot's day.

with stock as (
    select * from {{ ref('stg_wms__returned_stock') }}
    {% if is_incremental() -%}
    where snapshot_date in (
        select cast(entity_key as date) from {{ ref('int_touched_keys') }}
        where entity = 'wms_returned_stock.snapshot_date'
    )
    {%- endif %}
),

products as (
    select * from {{ ref('dim_product') }}
),

fx as (
    select * from {{ ref('int_fx') }}
)

select
    stock.snapshot_date,
    stock.site,
    stock.location,
    stock.sku,
    stock.grade,
    coalesce(products.product_key, 'LATE_ARRIVING') as product_key,
    coalesce(products.product_category, 'UNKNOWN') as product_category,
    {{ is_product('stock.sku') }} as is_product,
    stock.quantity,
    -- amounts
    stock.unit_value,
    cast(round(stock.quantity * stock.unit_value, 2) as numeric(18, 2)) as value_amount,
    stock.currency,
    {{ to_reporting('(stock.quantity * stock.unit_value)', 'fx.rate') }} as value_reporting
from stock
left join products
    on stock.sku = products.sku
    and stock.snapshot_date >= products.valid_from
    and stock.snapshot_date < products.valid_to
left join fx
    on stock.currency = fx.currency
    and stock.snapshot_date >= fx.valid_from
    and stock.snapshot_date < fx.valid_to
