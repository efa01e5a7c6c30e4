{{ config(
    meta={'replaces': 'entity', 'entity': 'erp_items.sku', 'key': 'sku'},
    indexes=[
        {'columns': ['product_key'], 'unique': true},
        {'columns': ['sku', 'valid_from']},
    ],
) }}
-- depends_on: {{ ref('int_touched_keys') }}
-- Grain: one row per SKU and version (type 2); valid from valid_from up to, not including, valid_to.
-- The first version reaches back to 1900-01-01. Members of their own stand for rows that name no SKU
-- ('UNKNOWN'), can have none ('NOT_APPLICABLE'), or name one that no item file has shown yet
-- ('LATE_ARRIVING'): these change over to its versions once a file does.

with items as (
    select * from {{ ref('stg_erp__items') }}
    {% if is_incremental() -%}
    where sku in (
        select entity_key from {{ ref('int_touched_keys') }} where entity = 'erp_items.sku'
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
        false as is_unknown,
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
        member as product_key,
        member as sku,
        cast('1900-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to,
        true as is_current,
        false as is_deleted,
        true as is_unknown,
        null as style,
        null as size,
        null as colour,
        label as description,
        'UNKNOWN' as product_category,
        null as brand,
        null as weight_g,
        false as is_serialised,
        null as warranty_months,
        null as hazmat_class,
        null as weee_category,
        null as vendor_id,
        true as is_returnable,
        null as return_window_days,
        -- typed, since a union of numeric(18, 4) and null is numeric without a scale
        cast(null as numeric(20, 8)) as restocking_fee_pct,
        cast(null as numeric(18, 4)) as unit_cost,
        cast(null as numeric(18, 4)) as list_price,
        null as currency
    from ({{ unknown_members('product', 'item file') }}) as members (member, label)
    {%- endif %}
)

select * from final
