-- Grain: one row per order line of goods that was shipped. Who bought, the product and where it went are as of
-- the order; what dimensions say is as of today. Additive: quantities and reporting amounts; net_amount within a
-- currency. Returns that name no sale are not in it: return_lines has them.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'sales_lines'},
    indexes=[
        {'columns': ['unit_key']}, {'columns': ['shipped_on']}, {'columns': ['mature_on']},
        {'columns': ['customer_id']}, {'columns': ['sku']}, {'columns': ['vendor_id']},
        {'columns': ['channel']}, {'columns': ['ship_from_site']},
    ]
) }}
-- depends_on: {{ ref('kpi_completeness') }} {{ ref('int_touched_units') }}

with sold as (

    select
        *,
        {{ sale_mature_on('shipped_on', 'return_window_days') }} as mature_on
    from {{ ref('fct_sales_line') }}
    where is_product and shipped_quantity > 0
    {%- if is_incremental() %}
        and sales_line_key in (
            select sales_line_key from {{ ref('fct_sales_line') }}
            where {{ in_touched_units('unit_key') }}
            union
            {{ touched_sales_lines(this) }}
        )
    {%- endif %}

)

select
    unit_key,
    sales_line_key,
    order_no,
    line_no,
    -- keys
    survivor_customer_id as customer_id,
    sku,
    coalesce(vendor_id, 'UNKNOWN') as vendor_id,
    channel,
    ship_from_site,
    -- as of the order
    customer_segment,
    coalesce(customer_country, 'UNKNOWN') as customer_country,
    product_category,
    coalesce(brand, 'UNKNOWN') as brand,
    coalesce(style, 'UNKNOWN') as style,
    coalesce(size, 'UNKNOWN') as size,
    is_exchange_replacement,
    -- timing
    ordered_on,
    shipped_on,
    delivered_on,
    mature_on,
    mature_on <= {{ as_of_date() }} as is_mature,
    -- quantities
    shipped_quantity,
    case when {{ returns_are_known() }} then received_quantity end as returned_quantity,
    -- amounts
    currency,
    cast(net_amount as numeric(18, 2)) as net_amount,
    net_reporting,
    cast(
        case when {{ returns_are_known() }} then round(net_reporting * received_quantity / quantity, 2) end
        as numeric(18, 2)
    ) as returned_reporting
from sold
