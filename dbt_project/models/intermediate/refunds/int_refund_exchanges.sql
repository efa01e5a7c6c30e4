-- Grain: one row per return line of the touched units that was exchanged: the goods sent instead, and what they
-- are sold for with their tax. What was sent without a price, or in another currency, is like for like and
-- has no row.

with lines as (
    select * from {{ ref('fct_return_line') }}
    where resolution = 'exchange' and {{ in_touched_units('unit_key') }}
)

select
    lines.unit_key,
    lines.return_line_key,
    sum(sent.quantity) as sent_quantity,
    sum(sales.net_amount + sales.tax_amount) as sent_amount,
    max(sales.ordered_at) as sent_at
from lines
inner join {{ ref('bridge_return_exchange') }} as sent on lines.return_line_key = sent.return_line_key
inner join {{ ref('fct_sales_line') }} as sales on sent.exchange_sales_line_key = sales.sales_line_key
group by lines.unit_key, lines.return_line_key
having min(sales.net_amount) > 0 and bool_and(sales.currency = lines.currency)
