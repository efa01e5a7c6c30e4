-- Grain: one row per match group and day: its legs in the group's currency, and which of them are there.
-- Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with days as (
    select * from {{ ref('refund_days') }}
),

sums as (
    select
        days.group_key,
        days.day,
        {%- for leg in ('E', 'M', 'P', 'G', 'T', 'GM') %}
        coalesce(sum(documents.group_amount) filter (where documents.leg = '{{ leg }}'), 0)
            as {{ leg | lower }}_amount,
        max(documents.effective_on) filter (where documents.leg = '{{ leg }}')
            as {{ leg | lower }}_on,
        max(documents.period) filter (where documents.leg = '{{ leg }}')
            as {{ leg | lower }}_period,
        {%- endfor %}
        coalesce(bool_or(documents.leg = 'E'), false) as has_e,
        coalesce(bool_or(documents.leg = 'E' and documents.group_amount <> 0), false) as was_entitled
    from days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    group by days.group_key, days.day
),

issued as (
    select group_key, day, sum(issued_amount) as issued_amount
    from {{ ref('refund_payment_days') }}
    group by group_key, day
),

-- In each currency of the source, so that an exchange rate leaves no trace of cash that went back
paid as (
    select distinct group_key, day
    from (
        select days.group_key, days.day
        from days
        inner join {{ ref('refund_documents') }} as documents
            on days.group_key = documents.group_key and days.day >= documents.effective_on
        where documents.leg = 'P'
        group by days.group_key, days.day, documents.currency
        having sum(documents.amount) <> 0
    ) as by_currency
),

-- Goods that came back less the goods sent instead
balances as (
    select group_key, day, sum(balance_amount) as balance_amount
    from {{ ref('refund_entitlement_days') }}
    group by group_key, day
),

standing as (
    select group_key, day, bool_or(has_memo) as has_memo
    from {{ ref('refund_line_days') }}
    group by group_key, day
),

-- In another currency the least cents are none of the group's, and yet they are posted
posted as (
    select group_key, day
    from {{ ref('refund_posting_days') }}
    where posted_amount <> 0
    union
    select days.group_key, days.day
    from days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    where documents.leg in ('G', 'GM') and documents.is_converted
    group by days.group_key, days.day, documents.item, documents.currency
    having sum(documents.amount) <> 0
)

select
    days.unit_key, sums.group_key, sums.day,
    sums.e_amount, sums.m_amount, sums.p_amount, sums.g_amount,
    -- tenders that failed or were canceled since still counted before
    coalesce(issued.issued_amount, 0) as t_amount,
    sums.gm_amount,
    balances.balance_amount,
    {%- for leg in ('e', 'm', 'p', 'g', 't', 'gm') %}
    sums.{{ leg }}_on,
    sums.{{ leg }}_period,
    {%- endfor %}
    sums.has_e,
    sums.was_entitled,
    coalesce(standing.has_memo, false) as has_m,
    paid.group_key is not null as has_p,
    posted.group_key is not null as has_g
from sums
inner join days on sums.group_key = days.group_key and sums.day = days.day
left join issued on sums.group_key = issued.group_key and sums.day = issued.day
left join paid on sums.group_key = paid.group_key and sums.day = paid.day
left join balances on sums.group_key = balances.group_key and sums.day = balances.day
left join standing on sums.group_key = standing.group_key and sums.day = standing.day
left join posted on sums.group_key = posted.group_key and sums.day = posted.day
