-- Grain: one row per level and member: a SKU, a lot of a SKU, a category, a reason, or a reason within a SKU.
-- Units of all sales ever: shipped, come back, and come back without a known sale. The latter have no
-- denominator and stand beside. Not additive over levels. Not published; product_return_rates reads it.
{{ config(materialized='table') }}

with cohorts as (

    select * from {{ ref('lot_cohorts') }}

),

shipped as (

    select sku, max(product_category) as product_category, sum(shipped_quantity) as shipped_quantity
    from cohorts
    group by sku

),

lines as (

    select sku, reason, product_category, is_attributed, received_quantity
    from {{ ref('fct_return_line') }}
    where is_counted and received_quantity > 0 and (is_attributed or is_product)

),

by_reason as (

    select sku, reason, sum(received_quantity) as returned_quantity
    from lines
    where is_attributed
    group by sku, reason

),

blind as (

    select levels.level, levels.member, sum(lines.received_quantity) as unattributed_quantity
    from lines
    cross join lateral (
        values
        ('sku', lines.sku), ('category', lines.product_category), ('reason', lines.reason),
        ('sku_reason', lines.sku || ' / ' || lines.reason)
    ) as levels (level, member)
    where not lines.is_attributed
    group by levels.level, levels.member
    union all
    select 'lot' as level, sku || ' / ' || lot_no as member, unattributed_quantity
    from {{ ref('lot_trace') }}

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
    members.*,
    coalesce(blind.unattributed_quantity, 0) as unattributed_quantity
from members
left join blind on members.level = blind.level and members.member = blind.member
