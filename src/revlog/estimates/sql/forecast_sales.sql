-- Grain: one row per site that shipped, category and day of shipping, in days since 1970-01-01, of the last
-- years: units shipped, those that replace returned ones among them, since they may come back as well.
select
    coalesce(ship_from_site, 'UNATTRIBUTED') as site,
    coalesce(product_category, 'UNKNOWN') as product_category,
    shipped_on - date '1970-01-01' as shipped,
    sum(shipped_quantity)::bigint as units
from core.fct_sales_line
where is_product and shipped_quantity > 0
    and shipped_on > %(as_of)s - %(days)s and shipped_on <= %(as_of)s
group by coalesce(ship_from_site, 'UNATTRIBUTED'), coalesce(product_category, 'UNKNOWN'), shipped_on
