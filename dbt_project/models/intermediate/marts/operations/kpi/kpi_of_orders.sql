-- Grain: one row per order with a shipped product line, on the day of its first parcel, under the
-- dimensions of the first line in it, so that a later parcel moves nothing. An order is bracketed where it
-- shipped two sizes of one style and some of those came back. Additive: every measure, over orders.
{{ config(meta={'replaces': 'units'}) }}

with shipped as (

    select
        *,
        {{ sale_mature_on() }} as mature_on,
        row_number() over (partition by order_no order by shipped_on, line_no) as rank_of_line
    from {{ ref('fct_sales_line') }}
    where is_product and shipped_quantity > 0 and {{ in_touched_units('unit_key') }}

),

bracketed as (

    select distinct order_no
    from (
        select order_no
        from shipped
        where style is not null
        group by order_no, style
        having count(distinct size) > 1 and sum(received_quantity) > 0
    ) as styles

),

final as (

    select
        shipped.unit_key,
        min(shipped.shipped_on) as period_date,
        max(shipped.channel) filter (where shipped.rank_of_line = 1) as channel,
        max(shipped.product_category) filter (where shipped.rank_of_line = 1) as product_category,
        max(shipped.ship_from_site) filter (where shipped.rank_of_line = 1) as site,
        max(shipped.mature_on) as mature_on,
        1 as orders,
        max(case when shipped.received_quantity > 0 then 1 else 0 end) as returned_orders,
        max(case when bracketed.order_no is not null then 1 else 0 end) as bracketed_orders
    from shipped
    left join bracketed on shipped.order_no = bracketed.order_no
    group by shipped.unit_key, shipped.order_no

)

select * from final
