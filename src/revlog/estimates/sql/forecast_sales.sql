-- Grain: one row per site that shipped, category and day of shipping, in days since 1970-01-01, of the last
-- years: usual units shipped, those that replace returned ones among them, since they may come back as well.
with usual as (
    select * from unnest(%(months)s::date[], %(most_units)s::bigint[]) as usual (month, most_units)
)

select
    coalesce(s.ship_from_site, 'UNATTRIBUTED') as site,
    coalesce(s.product_category, 'UNKNOWN') as product_category,
    s.shipped_on - date '1970-01-01' as shipped,
    sum(least(s.shipped_quantity, usual.most_units))::bigint as units
from core.fct_sales_line as s
left join usual on usual.month = date_trunc('month', s.shipped_on)::date
where s.is_product and s.shipped_quantity > 0
    and s.shipped_on > %(as_of)s - %(days)s and s.shipped_on <= %(as_of)s
group by coalesce(s.ship_from_site, 'UNATTRIBUTED'), coalesce(s.product_category, 'UNKNOWN'), s.shipped_on
