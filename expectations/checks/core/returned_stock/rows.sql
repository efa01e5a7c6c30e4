-- asset: core.snap_returned_stock
-- key: snapshot_date, site, sku, opening, received, disposed, counted, off_by
-- holds: marts
-- Returned stock rolls forward: what lay there, plus what came, less what left, is what was
-- counted. Receipts, dispositions and the count are three feeds of the warehouse system. Within
-- a site and SKU the moves between areas and grades cancel out.
with days as (
    select
        d.snapshot_date,
        lag(d.snapshot_date) over (order by d.snapshot_date) as day_before
    from (select distinct snapshot_date from core.snap_returned_stock) as d
),

brought as (
    select distinct snapshot_date
    from raw.wms_returned_stock
    where _file_id in ({{ files }})
),

-- The counts that the night brought, and each one that follows one of them.
judged as (
    select *
    from days
    where
        day_before is not null
        and (
            snapshot_date in (select snapshot_date from brought)
            or day_before in (select snapshot_date from brought)
        )
),

parts as (
    select
        j.snapshot_date,
        s.site,
        s.sku,
        s.quantity as opening,
        0 as received,
        0 as disposed,
        0 as counted
    from judged as j
    inner join core.snap_returned_stock as s on j.day_before = s.snapshot_date
    union all
    select
        j.snapshot_date,
        r.site,
        r.sku,
        0 as opening,
        r.quantity as received,
        0 as disposed,
        0 as counted
    from judged as j
    inner join core.fct_receipt as r
        on j.day_before < r.received_on and j.snapshot_date >= r.received_on
    union all
    select
        j.snapshot_date,
        r.site,
        r.sku,
        0 as opening,
        0 as received,
        d.final_change as disposed,
        0 as counted
    from judged as j
    inner join core.fct_disposition as d
        on j.day_before < d.disposed_on and j.snapshot_date >= d.disposed_on
    inner join core.fct_receipt as r on d.receipt_id = r.receipt_id
    union all
    select
        j.snapshot_date,
        s.site,
        s.sku,
        0 as opening,
        0 as received,
        0 as disposed,
        s.quantity as counted
    from judged as j
    inner join core.snap_returned_stock as s on j.snapshot_date = s.snapshot_date
),

rolled as (
    select
        snapshot_date,
        site,
        sku,
        sum(opening) as opening,
        sum(received) as received,
        sum(disposed) as disposed,
        sum(counted) as counted,
        sum(counted - opening - received + disposed) as off_by
    from parts
    group by snapshot_date, site, sku
),

days_off as (
    select
        snapshot_date,
        sum(abs(off_by)) as units_off_that_day,
        sum(opening + received) as units_that_day
    from rolled
    group by snapshot_date
)

select
    rolled.*,
    days_off.units_off_that_day,
    days_off.units_that_day,
    exists(
        select 1
        from ops.acceptances as a
        where a.feed = 'wms_returned_stock' and a.business_date = rolled.snapshot_date
    ) as is_accepted
from rolled
inner join days_off on rolled.snapshot_date = days_off.snapshot_date
where rolled.off_by <> 0
