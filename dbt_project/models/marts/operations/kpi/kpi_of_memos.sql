-- Grain: one row per component of a credit memo line, on the day of posting (basis REFUND).
-- Fees, postage and manual lines are no goods, by the code that the memo itself names.
-- Retained is what was issued in credit tenders, whatever the RMA had wished for; and of what goods made good
-- all but the cash that was issued beside them. All memos of a return line share it by their amounts, rounded
-- to the cent. Additive: reporting amounts; credited_amount within a currency.
{{ config(meta={'replaces': 'units'}) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where {{ in_touched_units('unit_key') }}

),

-- By return line, as memos have it; goodwill without one by its refund
tenders as (

    select
        unit_key,
        coalesce(return_line_key, 'REF:' || refund_id) as credited_with,
        case when min(currency) = max(currency) then min(currency) end as currency,
        coalesce(sum(amount) filter (where is_credit_tender), 0) as credit,
        coalesce(sum(amount) filter (where not is_credit_tender), 0) as cash,
        coalesce(sum(reporting_amount) filter (where is_credit_tender), 0) as reporting_credit,
        coalesce(sum(reporting_amount) filter (where not is_credit_tender), 0) as reporting_cash
    from {{ ref('fct_refund_tender') }}
    where status not in ('failed', 'canceled') and {{ in_touched_units('unit_key') }}
    group by unit_key, coalesce(return_line_key, 'REF:' || refund_id)

),

memos as (

    select
        memos.*,
        coalesce(lines.resolution in ('exchange', 'replacement', 'repair'), false) as is_in_kind,
        coalesce(memos.return_line_key, 'REF:' || memos.refund_id) as credited_with
    from {{ ref('fct_credit_memo_component') }} as memos
    left join lines on memos.return_line_key = lines.return_line_key
    where {{ in_touched_units('memos.unit_key') }}

),

credited as (

    select
        unit_key,
        credited_with,
        bool_or(is_in_kind) as is_in_kind,
        case when min(currency) = max(currency) then min(currency) end as currency,
        sum(amount) as amount,
        sum(reporting_amount) as reporting_amount
    from memos
    group by unit_key, credited_with

),

shares as (

    select
        credited.unit_key,
        credited.credited_with,
        case when credited.currency = tenders.currency
            then case when credited.is_in_kind then credited.amount - tenders.cash else tenders.credit end
                / nullif(credited.amount, 0)
            when tenders.unit_key is not null
                then case when credited.is_in_kind
                    then credited.reporting_amount - tenders.reporting_cash else tenders.reporting_credit end
                    / nullif(credited.reporting_amount, 0)
            when credited.is_in_kind then 1
        end as share
    from credited
    left join tenders
        on credited.unit_key = tenders.unit_key and credited.credited_with = tenders.credited_with

)

select
    memos.unit_key,
    memos.memo_component_key,
    memos.posted_on as period_date,
    memos.channel,
    memos.product_category,
    memos.ship_from_site as site,
    case when memos.is_product then memos.reporting_amount end as memo_amount,
    case when memos.is_product
        then round(memos.reporting_amount * {{ up_to('coalesce(shares.share, 0)', '1') }}, 2) end
        as retained_amount,
    case when memos.is_product then memos.sku end as credited_sku,
    memos.currency,
    memos.amount as credited_amount
from memos
left join shares on memos.unit_key = shares.unit_key and memos.credited_with = shares.credited_with
