-- Grain: one row per product line of an order that was shipped, and per blind receipt whose sale is not
-- known. What a shipping cohort (basis SALE) adds up from: what came back of a line that never shipped has
-- no cohort, and counts on the day that it came (basis RETURN) only; kpi_completeness says how many units.
-- Additive: every measure; amounts are in the reporting currency.
{{ config(meta={'replaces': 'units'}) }}

with sales_lines as (

    select * from {{ ref('fct_sales_line') }}
    where is_product and {{ in_touched_units('unit_key') }}

),

blind_receipts as (

    select * from {{ ref('fct_receipt') }}
    where is_product and sales_line_key is null and {{ in_touched_units('unit_key') }}

),

final as (

    select
        unit_key,
        shipped_on as period_date,
        channel,
        product_category,
        ship_from_site as site,
        sku,
        {{ sale_mature_on('shipped_on', 'return_window_days') }} as mature_on,
        shipped_quantity as shipped_units,
        received_quantity as returned_units,
        net_reporting as net_amount,
        round(net_reporting * received_quantity / quantity, 2) as returned_amount,
        captured_reporting as captured_amount
    from sales_lines
    where shipped_quantity > 0
    union all
    select
        unit_key,
        received_on as period_date,
        'UNATTRIBUTED' as channel,
        product_category,
        'UNATTRIBUTED' as site,
        sku,
        {{ always_mature() }} as mature_on,
        0 as shipped_units,
        quantity as returned_units,
        null as net_amount,
        null as returned_amount,
        null as captured_amount
    from blind_receipts

)

select * from final
