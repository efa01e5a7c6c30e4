-- Grain: one row per sales line that was shipped instead of goods that came back for exchange, of the touched
-- units: the units, and what they are sold for with their tax. Without a price, or in another currency, they are
-- like for like: sent_amount is null. Goods ordered and not shipped yet replace nothing.

with lines as (
    select * from {{ ref('fct_return_line') }}
    where {{ is_exchanged_by_goods() }} and {{ in_touched_units('unit_key') }}
)

select
    lines.unit_key,
    lines.return_line_key,
    sent.exchange_sales_line_key as sales_line_key,
    sent.quantity as sent_quantity,
    case when sales.net_amount > 0 and sales.currency = lines.currency
        then sales.net_amount + sales.tax_amount end as sent_amount,
    sales.shipped_at as sent_at
from lines
inner join {{ ref('bridge_return_exchange') }} as sent on lines.return_line_key = sent.return_line_key
inner join {{ ref('fct_sales_line') }} as sales on sent.exchange_sales_line_key = sales.sales_line_key
where sales.shipped_at is not null
