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
-- depends_on: {{ ref('kpi_completeness') }} {{ ref('kpi_sums') }} {{ ref('int_touched_units') }}

with cohorts as (

    {{ sale_cohorts() }}

),

sold as (

    select * from {{ ref('fct_sales_line') }}
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
    sold.unit_key,
    sold.sales_line_key,
    sold.order_no,
    sold.line_no,
    -- keys
    sold.survivor_customer_id as customer_id,
    sold.sku,
    coalesce(sold.vendor_id, 'UNKNOWN') as vendor_id,
    sold.channel,
    sold.ship_from_site,
    -- as of the order
    sold.customer_segment,
    coalesce(sold.customer_country, 'UNKNOWN') as customer_country,
    sold.product_category,
    coalesce(sold.brand, 'UNKNOWN') as brand,
    coalesce(sold.style, 'UNKNOWN') as style,
    coalesce(sold.size, 'UNKNOWN') as size,
    sold.is_exchange_replacement,
    -- timing
    sold.ordered_on,
    sold.shipped_on,
    sold.delivered_on,
    -- one answer with the KPI, whose cells are whole cohorts
    cohorts.mature_on,
    cohorts.mature_on <= {{ as_of_date() }} as is_mature,
    -- quantities
    sold.shipped_quantity,
    case when {{ returns_are_known() }} then sold.received_quantity end as returned_quantity,
    -- amounts
    sold.currency,
    cast(sold.net_amount as numeric(18, 2)) as net_amount,
    sold.net_reporting,
    cast(
        case
            when {{ returns_are_known() }} then round(sold.net_reporting * sold.received_quantity / sold.quantity, 2)
        end
        as numeric(18, 2)
    ) as returned_reporting
from sold
inner join cohorts
    on
        sold.shipped_on = cohorts.period_date
        and sold.channel = cohorts.channel
        and sold.product_category = cohorts.product_category
        and sold.ship_from_site = cohorts.site
