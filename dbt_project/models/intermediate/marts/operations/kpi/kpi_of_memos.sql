-- Grain: one row per component of a credit memo line, on the day of posting (basis REFUND).
-- Fees, postage and manual lines are no goods, by the code that the memo itself names.
-- Retained is what was issued in credit tenders, and what goods that were sent make good, as far as no cash was
-- issued instead, whatever the RMA had wished for; of what is owed in goods all but the cash. All memos of a return
-- line share it by their amounts, to the cent. Final by the clock where it names no line.
-- Additive: reporting amounts; credited_amount by currency.
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
        bool_or(status <> 'succeeded') as is_pending,
        coalesce(sum(amount) filter (where is_credit_tender), 0) as credit,
        coalesce(sum(amount) filter (where not is_credit_tender), 0) as cash,
        coalesce(sum(reporting_amount) filter (where is_credit_tender), 0) as reporting_credit,
        coalesce(sum(reporting_amount) filter (where not is_credit_tender), 0) as reporting_cash
    from {{ ref('fct_refund_tender') }}
    where status not in ('failed', 'canceled') and {{ in_touched_units('unit_key') }}
    group by unit_key, coalesce(return_line_key, 'REF:' || refund_id)

),

-- Goods sent in exchange, by what they took away of the entitlement
goods as (

    select
        unit_key, return_line_key as credited_with, min(currency) as currency,
        greatest(-sum(entitled_amount), 0) as amount
    from {{ ref('fct_refund_entitlement') }}
    where acceptance like 'SENT:%' and {{ in_touched_units('unit_key') }}
    group by unit_key, return_line_key

),

memos as (

    select
        memos.*,
        coalesce({{ is_owed_in_goods('lines.') }}, false) as is_in_kind,
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
        bool_or(return_line_key is not null) as is_line,
        case when min(currency) = max(currency) then min(currency) end as currency,
        sum(amount) as amount,
        sum(reporting_amount) as reporting_amount
    from memos
    group by unit_key, credited_with

),

-- In one currency where all is in one, else in the reporting currency
compared as (

    select
        credited.unit_key,
        credited.credited_with,
        credited.is_in_kind,
        credited.is_line and tenders.is_pending as is_pending,
        credited.is_line and (tenders.unit_key is not null or goods.unit_key is not null or credited.is_in_kind)
            as is_issued,
        {%- for column, in_one, in_reporting in [
            ('amount', 'credited.amount', 'credited.reporting_amount'),
            ('credit', 'tenders.credit', 'tenders.reporting_credit'),
            ('cash', 'tenders.cash', 'tenders.reporting_cash'),
        ] %}
        case when tenders.unit_key is null or credited.currency = tenders.currency
            then coalesce({{ in_one }}, 0) else coalesce({{ in_reporting }}, 0) end as {{ column }},
        {%- endfor %}
        case when goods.currency = credited.currency then goods.amount / nullif(credited.amount, 0) else 1 end
            as goods_share,
        goods.unit_key is not null as has_goods
    from credited
    left join tenders
        on credited.unit_key = tenders.unit_key and credited.credited_with = tenders.credited_with
    left join goods
        on credited.unit_key = goods.unit_key and credited.credited_with = goods.credited_with

),

shares as (

    select
        unit_key,
        credited_with,
        is_pending,
        is_issued,
        case
            when is_in_kind then amount - cash
            when has_goods then least(amount * goods_share + credit, amount - cash)
            else credit
        end / nullif(amount, 0) as share
    from compared

)

select
    memos.unit_key,
    memos.memo_component_key,
    memos.posted_on as period_date,
    memos.channel,
    memos.product_category,
    memos.ship_from_site as site,
    case when shares.is_issued then {{ mature_if('shares.is_pending is not true') }}
        else memos.posted_on + {{ var('refund_days') }} end as mature_on,
    case when memos.is_product then memos.reporting_amount end as memo_amount,
    case when memos.is_product
        then round(memos.reporting_amount * {{ up_to('coalesce(shares.share, 0)', '1') }}, 2) end
        as retained_amount,
    case when memos.is_product then memos.sku end as credited_sku,
    memos.currency,
    memos.amount as credited_amount
from memos
left join shares on memos.unit_key = shares.unit_key and memos.credited_with = shares.credited_with
