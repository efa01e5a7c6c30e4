-- Grain: one row per refund that gives store credit or gift cards: what was issued, what of it the ledger shows
-- on the account that owes it to the customer, and what of that was spent. A credit is cash owed until it is on
-- its liability; then only spending clears it. A journal that names the refund posts it; so does one of a day in
-- sum, where it is all that was issued on the day and no journal names. Additive within a currency.
{{ config(materialized='table', indexes=[{'columns': ['group_key']}]) }}

with issued as (
    select
        bridge.group_key, fact.refund_id, fact.currency,
        min(fact.order_no) as order_no,
        min(fact.return_line_key) as return_line_key,
        sum(fact.amount) as issued_amount,
        min(fact.created_on) as issued_on
    from {{ ref('bridge_refund_document') }} as bridge
    inner join {{ ref('fct_refund_tender') }} as fact
        on bridge.document_type = 'refund' and bridge.document_no = fact.refund_id
        and bridge.unit_key = fact.unit_key
    where fact.is_credit_tender and fact.status not in ('failed', 'canceled')
        and fact.created_on <= {{ as_of_date() }}
    group by bridge.group_key, fact.refund_id, fact.currency
),

entries as (
    select * from {{ ref('refund_credit_entries') }}
    where posted_on <= {{ as_of_date() }}
),

named as (
    select
        issued.refund_id, issued.currency,
        coalesce(-sum(entries.amount) filter (where not entries.is_spending), 0) as posted_amount,
        max(entries.posted_on) filter (where not entries.is_spending and entries.amount < 0) as posted_on,
        coalesce(sum(entries.amount) filter (where entries.is_spending), 0) as spent_amount,
        max(entries.posted_on) filter (where entries.is_spending and entries.amount > 0) as spent_on
    from issued
    inner join entries
        on issued.refund_id = entries.document_ref and issued.currency = entries.currency
    group by issued.refund_id, issued.currency
),

unnamed as (
    select posted_on, currency, -sum(amount) as amount
    from entries
    where document_type in ('none', 'unknown') and amount < 0
    group by posted_on, currency
),

day_sums as (
    select issued.issued_on, issued.currency
    from issued
    inner join unnamed
        on issued.issued_on = unnamed.posted_on and issued.currency = unnamed.currency
    left join named on issued.refund_id = named.refund_id and issued.currency = named.currency
    where named.refund_id is null
    group by issued.issued_on, issued.currency, unnamed.amount
    having sum(issued.issued_amount) = unnamed.amount
)

select
    issued.refund_id,
    issued.currency,
    issued.group_key,
    issued.order_no,
    issued.return_line_key,
    -- amounts
    cast(issued.issued_amount as numeric(18, 2)) as issued_amount,
    cast(
        case when day_sums.issued_on is not null then issued.issued_amount else coalesce(named.posted_amount, 0) end
        as numeric(18, 2)
    ) as posted_amount,
    cast(coalesce(named.spent_amount, 0) as numeric(18, 2)) as spent_amount,
    {{ beside_in_reporting([
        ('issued.issued_amount', 'issued_reporting'),
        ('case when day_sums.issued_on is not null then issued.issued_amount else coalesce(named.posted_amount, 0) end',
            'posted_reporting'),
        ('coalesce(named.spent_amount, 0)', 'spent_reporting'),
    ], 'rates.rate') }},
    -- timing
    issued.issued_on,
    coalesce(named.posted_on, day_sums.issued_on) as posted_on,
    named.spent_on,
    case
        when {{ 'false' if carries_leg('G') else 'true' }}
            or not exists (select 1 from {{ ref('gl_accounts') }} where role = 'gift_card_liability')
            then 'not known'
        when named.spent_amount > issued.issued_amount then 'overspent'
        when named.spent_amount = issued.issued_amount then 'spent'
        when day_sums.issued_on is not null or named.posted_amount >= issued.issued_amount then 'on its liability'
        else 'issued'
    end as status
from issued
left join named on issued.refund_id = named.refund_id and issued.currency = named.currency
left join day_sums
    on issued.issued_on = day_sums.issued_on and issued.currency = day_sums.currency
    and named.refund_id is null
left join {{ ref('dim_exchange_rate') }} as rates
    on issued.currency = rates.currency
    and issued.issued_on >= rates.valid_from and issued.issued_on < rates.valid_to
