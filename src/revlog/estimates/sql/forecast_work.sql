-- Grain: one row per site that received and category, of the goods of the last year: minutes of inspections and
-- work orders on what came at least `settled_days` ago, and days that units have lain in the house so far.
-- The handling rates price just these: an hour of inspection, and a unit's day in storage.
with receipts as (
    select
        r.receipt_id, r.quantity, r.received_on, r.received_on <= %(as_of)s - %(settled_days)s as is_settled,
        coalesce(r.site, 'UNATTRIBUTED') as site,
        coalesce(r.product_category, 'UNKNOWN') as product_category
    from core.fct_receipt as r
    where r.is_product and r.quantity > 0
        and r.received_on > %(as_of)s - %(days)s and r.received_on <= %(as_of)s
),

minutes as (
    select worked.receipt_id, sum(worked.labour_minutes) as minutes
    from (
        select receipt_id, labour_minutes, inspected_on as worked_on from core.fct_inspection
        union all
        select receipt_id, labour_minutes, cost_on as worked_on from core.fct_work_order
    ) as worked
    where worked.worked_on <= %(as_of)s and worked.labour_minutes >= 0
    group by worked.receipt_id
),

gone as (
    select d.receipt_id, sum(d.net_quantity) as units, sum(d.net_quantity * d.disposed_on) as day_units
    from (
        select receipt_id, net_quantity, disposed_on - date '1970-01-01' as disposed_on
        from core.fct_disposition
        where is_final and net_quantity > 0 and disposed_on <= %(as_of)s
    ) as d
    group by d.receipt_id
)

select
    r.site,
    r.product_category,
    coalesce(sum(r.quantity) filter (where r.is_settled), 0)::double precision as settled_units,
    (sum(m.minutes) filter (where r.is_settled))::double precision as minutes,
    coalesce(sum(g.units), 0)::double precision as gone_units,
    sum(
        coalesce(g.day_units, 0) + greatest(r.quantity - coalesce(g.units, 0), 0) * (%(as_of)s - date '1970-01-01')
        - greatest(r.quantity, coalesce(g.units, 0)) * (r.received_on - date '1970-01-01')
    )::double precision as unit_days
from receipts as r
left join minutes as m on r.receipt_id = m.receipt_id
left join gone as g on r.receipt_id = g.receipt_id
group by r.site, r.product_category
