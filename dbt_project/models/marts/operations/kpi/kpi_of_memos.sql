-- Grain: one row per component of a credit memo line, on the day of posting (basis REFUND).
-- Fees, postage and manual lines are no goods, by the code that the memo itself names.
-- Additive: reporting amounts; credited_amount within a currency.
{{ config(meta={'replaces': 'units'}) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where {{ in_touched_units('unit_key') }}

),

memos as (

    select
        memos.*,
        coalesce(lines.resolution in ('exchange', 'store_credit', 'replacement', 'repair'), false)
            as is_retained
    from {{ ref('fct_credit_memo_component') }} as memos
    left join lines on memos.return_line_key = lines.return_line_key
    where {{ in_touched_units('memos.unit_key') }}

)

select
    unit_key,
    memo_component_key,
    posted_on as period_date,
    channel,
    product_category,
    ship_from_site as site,
    case when is_product then reporting_amount end as memo_amount,
    case when is_product then case when is_retained then reporting_amount else 0 end end
        as retained_amount,
    case when is_product then sku end as credited_sku,
    currency,
    amount as credited_amount
from memos
