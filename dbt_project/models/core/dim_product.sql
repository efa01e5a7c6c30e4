{{ config(
    meta={'replaces': 'entity', 'entity': 'sku', 'key': 'sku'},
    indexes=[
        {'columns': ['product_key'], 'unique': true},
        {'columns': ['sku', 'valid_from']},
    ],
) }}
-- depends_on: {{ ref('int_touched_keys') }}
-- Grain: one row per SKU and version (type 2); valid from valid_from up to, not including, valid_to.
-- The first version reaches back to 1900-01-01. 'UNKNOWN' stands for a SKU that no item file named.

with items as (
    select * from {{ ref('stg_erp__items') }}
    {% if is_incremental() -%}
    where sku in (
        select entity_key from {{ ref('int_touched_keys') }} where entity = 'sku'
    )
    {%- endif %}
),

final as (
    select
        sku || '@' || to_char(valid_from, 'YYYY-MM-DD') as product_key,
        sku,
        valid_from,
        valid_to,
        is_current,
        is_deleted,
        -- what
        style,
        size,
        colour,
        description,
        product_category,
        brand,
        weight_g,
        is_serialised,
        warranty_months,
        hazmat_class,
        weee_category,
        vendor_id,
        is_returnable,
        return_window_days,
        restocking_fee_pct,
        -- amounts
        unit_cost,
        list_price,
        currency
    from items
    {% if not is_incremental() -%}
    union all
    select
        'UNKNOWN', 'UNKNOWN', cast('1900-01-01' as date), cast('9999-12-31' as date), true, false,
        null, null, null, 'Unknown product', 'UNKNOWN', null, null, false, null, null, null, null,
        true, null, cast(null as numeric(20, 8)), cast(null as numeric(18, 4)),
        cast(null as numeric(18, 4)), null
    {%- endif %}
)

select * from final
