-- Grain: one row per way that return lines went, in days since 1970-01-01 (business time zone), of the last two
-- years: when they were asked for, approved, scanned, first received or ended, and the units of all that went
-- it; of no line more than `most_units` of its month are usual. A blind receipt is asked for on the day on which
-- it comes. What had not happened has no day.
with usual as (
    select * from unnest(%(months)s::date[], %(most_units)s::bigint[]) as usual (month, most_units)
),

first_day as (
    select l.return_line_key, sum(r.quantity) as units
    from core.fct_return_line as l
    inner join core.fct_receipt as r
        on l.return_line_key = r.return_line_key and l.first_received_on = r.received_on
    where r.is_product and r.quantity > 0
    group by l.return_line_key
),

lines as (
    select
        l.ship_from_site as site,
        coalesce(l.product_category, 'UNKNOWN') as product_category,
        l.shipped_on - date '1970-01-01' as shipped,
        l.asked_on - date '1970-01-01' as asked,
        (coalesce(l.approved_at, l.authorized_at) at time zone %(zone)s)::date - date '1970-01-01' as approved,
        (l.first_scan_at at time zone %(zone)s)::date - date '1970-01-01' as scanned,
        l.first_received_on - date '1970-01-01' as received,
        case when l.is_void or l.is_returnless
            then (l.ended_at at time zone %(zone)s)::date - date '1970-01-01'
        end as ended,
        -- what was asked for, whatever came
        coalesce(nullif(l.approved_quantity, 0), nullif(l.requested_quantity, 0), l.expected_quantity) as units,
        coalesce(f.units, 0) as first_units,
        usual.most_units
    from core.fct_return_line as l
    left join first_day as f on l.return_line_key = f.return_line_key
    left join usual on usual.month = date_trunc('month', l.asked_on)::date
    where l.is_product and l.asked_on > %(as_of)s - %(days)s and l.asked_on <= %(as_of)s
)

select
    site, product_category, shipped, asked, approved, scanned, received, ended,
    sum(units)::bigint as units,
    sum(first_units)::bigint as first_units,
    sum(least(units, most_units))::bigint as usual_units,
    sum(least(first_units, most_units))::bigint as usual_first_units
from lines
where units > 0
group by site, product_category, shipped, asked, approved, scanned, received, ended
