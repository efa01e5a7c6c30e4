-- Grain: one row per site that received, site that shipped, category and day of receipt, in days since
-- 1970-01-01: units that came, of a known sale or not, usual ones, and the squares of those of each receipt.
with usual as (
    select * from unnest(%(months)s::date[], %(most_units)s::bigint[]) as usual (month, most_units)
)

select
    coalesce(r.site, 'UNATTRIBUTED') as site,
    l.ship_from_site,
    coalesce(l.product_category, 'UNKNOWN') as product_category,
    r.received_on - date '1970-01-01' as received,
    sum(r.quantity)::bigint as units,
    sum(least(r.quantity, usual.most_units))::bigint as usual_units,
    sum(least(r.quantity, usual.most_units) ^ 2)::double precision as squared_units
from core.fct_receipt as r
inner join core.fct_return_line as l on r.return_line_key = l.return_line_key
left join usual on usual.month = date_trunc('month', r.received_on)::date
where r.is_product and r.quantity > 0 and r.received_on <= %(as_of)s
group by
    coalesce(r.site, 'UNATTRIBUTED'), l.ship_from_site, coalesce(l.product_category, 'UNKNOWN'), r.received_on
