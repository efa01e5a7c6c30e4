-- Returned stock of a day, by site and SKU: that of the snapshot before, and what was received since, less
-- what was finally disposed of. A night looks at the newest snapshot, a full build at all of them.
{{ config(
    severity='warn',
    meta={'failure_means': 'The WMS counts other goods than its receipts and dispositions leave there: a file of one of the three is late, or goods are lost.'},
) }}
with days as (

    select snapshot_date, lag(snapshot_date) over (order by snapshot_date) as day_before
    from (select distinct snapshot_date from {{ ref('snap_returned_stock') }}) as counted
    {%- if not is_full_build() %}
    order by snapshot_date desc
    limit 1
    {%- endif %}

),

counted as (

    select days.snapshot_date, stock.site, stock.sku, stock.quantity
    from days
    inner join {{ ref('snap_returned_stock') }} as stock on days.snapshot_date = stock.snapshot_date
    where days.day_before is not null
    union all
    select days.snapshot_date, stock.site, stock.sku, -stock.quantity as quantity
    from days
    inner join {{ ref('snap_returned_stock') }} as stock on days.day_before = stock.snapshot_date

),

moved as (

    select days.snapshot_date, receipts.site, receipts.sku, receipts.quantity
    from days
    inner join {{ ref('fct_receipt') }} as receipts
        on days.day_before < receipts.received_on and days.snapshot_date >= receipts.received_on
    union all
    select days.snapshot_date, gone.site, receipts.sku, -gone.final_change as quantity
    from days
    inner join {{ ref('fct_disposition') }} as gone
        on days.day_before < gone.disposed_on and days.snapshot_date >= gone.disposed_on
    inner join {{ ref('fct_receipt') }} as receipts on gone.receipt_id = receipts.receipt_id

)

select
    snapshot_date,
    site,
    sku,
    coalesce(sum(quantity) filter (where is_counted), 0) as change_counted,
    coalesce(sum(quantity) filter (where not is_counted), 0) as change_by_events
from (
    select *, true as is_counted from counted
    union all
    select *, false as is_counted from moved
) as both_sides
group by snapshot_date, site, sku
having coalesce(sum(quantity) filter (where is_counted), 0)
    <> coalesce(sum(quantity) filter (where not is_counted), 0)
