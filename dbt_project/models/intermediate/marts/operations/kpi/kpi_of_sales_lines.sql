-- Grain: one row per product line of an order that was shipped. What a shipping cohort (basis SALE) adds up
-- from: what came back without a known sale, or of a line that never shipped, is in no cohort, and counts on
-- the day that it came (basis RETURN) only; kpi_completeness says how many units.
-- Additive: every measure; amounts are in the reporting currency.
{{ config(meta={'replaces': 'units'}) }}

with sales_lines as (

    select * from {{ ref('fct_sales_line') }}
    where is_product and {{ in_touched_units('unit_key') }}

),

final as (

    select
        unit_key,
        shipped_on as period_date,
        channel,
        product_category,
        ship_from_site as site,
        sku,
        {{ sale_mature_on() }} as mature_on,
        shipped_quantity as shipped_units,
        received_quantity as returned_units,
        net_reporting as net_amount,
        round(net_reporting * received_quantity / quantity, 2) as returned_amount,
        captured_reporting as captured_amount
    from sales_lines
    where shipped_quantity > 0

)

select * from final
