-- Grain: one row per level and member: a SKU, a lot of a SKU, a category, a reason, or a reason within a SKU.
-- Units that came back over units shipped, of all sales ever, with the Wilson interval of the rate: order by
-- rate_low, so that three returns of four sold don't top the list. Blind returns without a known sale are
-- left out: they have no denominator. Not additive over levels.
{{ config(materialized='table', indexes=[{'columns': ['level', 'rate_low']}]) }}

with cohorts as (

    select * from {{ ref('lot_cohorts') }}

),

shipped as (

    select sku, max(product_category) as product_category, sum(shipped_quantity) as shipped_quantity
    from cohorts
    group by sku

),

by_reason as (

    select sku, reason, sum(received_quantity) as returned_quantity
    from {{ ref('fct_return_line') }}
    where is_counted and is_attributed and received_quantity > 0
    group by sku, reason

),

members as (

    select
        'sku' as level, sku as member, sku, null as lot_no, max(product_category) as product_category,
        null as reason, sum(shipped_quantity) as shipped_quantity,
        sum(returned_quantity) as returned_quantity
    from cohorts
    group by sku
    union all
    select
        'lot' as level, sku || ' / ' || lot_no as member, sku, lot_no,
        max(product_category) as product_category, null as reason,
        sum(shipped_quantity) as shipped_quantity, sum(returned_quantity) as returned_quantity
    from cohorts
    where lot_no <> 'NONE'
    group by sku, lot_no
    union all
    select
        'category' as level, product_category as member, null as sku, null as lot_no,
        product_category, null as reason,
        sum(shipped_quantity) as shipped_quantity, sum(returned_quantity) as returned_quantity
    from cohorts
    group by product_category
    union all
    select
        'reason' as level, by_reason.reason as member, null as sku, null as lot_no,
        null as product_category, by_reason.reason,
        (select sum(shipped_quantity) from cohorts) as shipped_quantity,
        sum(by_reason.returned_quantity) as returned_quantity
    from by_reason
    group by by_reason.reason
    union all
    select
        'sku_reason' as level, by_reason.sku || ' / ' || by_reason.reason as member, by_reason.sku,
        null as lot_no, shipped.product_category, by_reason.reason, shipped.shipped_quantity,
        by_reason.returned_quantity
    from by_reason
    inner join shipped on by_reason.sku = shipped.sku

)

select
    level,
    member,
    sku,
    lot_no,
    product_category,
    reason,
    cast(shipped_quantity as bigint) as shipped_quantity,
    cast(returned_quantity as bigint) as returned_quantity,
    cast(round(returned_quantity / nullif(shipped_quantity, 0), 6) as numeric(12, 6)) as return_rate,
    {{ wilson_bound('returned_quantity', 'shipped_quantity', '-1') }} as rate_low,
    {{ wilson_bound('returned_quantity', 'shipped_quantity', '1') }} as rate_high
from members
