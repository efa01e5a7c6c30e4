-- Grain: one row per site that shipped, category, day of a line's first receipt and day of a later one, in days
-- since 1970-01-01: units that did not come with the first, all and usual ones.
with usual as (
    select * from unnest(%(months)s::date[], %(most_units)s::bigint[]) as usual (month, most_units)
)

select
    l.ship_from_site as site,
    coalesce(l.product_category, 'UNKNOWN') as product_category,
    l.first_received_on - date '1970-01-01' as first_received,
    r.received_on - date '1970-01-01' as received,
    sum(r.quantity)::bigint as units,
    sum(least(r.quantity, usual.most_units))::bigint as usual_units
from core.fct_return_line as l
inner join core.fct_receipt as r
    on l.return_line_key = r.return_line_key and l.first_received_on < r.received_on
left join usual on usual.month = date_trunc('month', l.asked_on)::date
where l.is_product and r.is_product and r.quantity > 0
    and l.asked_on > %(as_of)s - %(days)s and r.received_on <= %(as_of)s
group by l.ship_from_site, coalesce(l.product_category, 'UNKNOWN'), l.first_received_on, r.received_on
