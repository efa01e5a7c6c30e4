-- Grain: one row per match group, claim, day and gap M-P or M-T. A claim is a refund with the memos that name
-- it; what names nothing is one claim ('') of its group, and so is all of a group for which goods were sent.
-- What is credited is held against what is issued for it (M-T), or is to reach the customer (M-P); an
-- unnamed refund stands in for a named one that is not there. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'gap', 'claim']}]) }}

with goods as (
    select
        group_key,
        day,
        sum(goods_amount) as goods_amount,
        sum(made_good_amount) as made_good_amount,
        sum(entitled_amount) as entitled_amount,
        greatest(sum(credited_amount), sum(entitled_amount)) as cover_amount,
        bool_or(has_memo) as has_memo,
        max(entitled_on) as entitled_on,
        -- returned, and in no memo
        sum(uncredited_amount) as uncredited_amount,
        max(uncredited_on) filter (where uncredited_amount <> 0) as uncredited_on,
        sum(returnable_amount) as returnable_amount
    from {{ ref('refund_line_days') }}
    group by group_key, day
),

memos as (
    select
        memo.group_key, memo.day,
        case when goods.goods_amount > 0 then '' else coalesce(memo.refund_item, '') end as claim,
        sum(memo.amount) as credited_amount,
        max(memo.last_on) as credited_on
    from {{ ref('refund_memo_days') }} as memo
    inner join goods on memo.group_key = goods.group_key and memo.day = goods.day
    where not memo.is_duplicate
    group by memo.group_key, memo.day, claim
),

refunds as (
    select
        refund.group_key, refund.day,
        coalesce(memos.claim, '') as claim,
        bool_or(refund.is_issued) as is_issued,
        sum(refund.issued_amount) as issued_amount,
        sum(refund.expected_amount) as expected_amount,
        sum(refund.paid_amount) as paid_amount,
        sum(refund.failed_amount) as failed_amount,
        sum(refund.failed_cash_amount) as failed_cash_amount,
        max(refund.issued_on) as issued_on,
        max(refund.paid_on) as paid_on,
        max(refund.waiting_on) filter (where refund.waiting_amount > 0) as waiting_on,
        {%- for part in (
            'charged_back', 'given', 'waiting', 'again', 'fx', 'kept_fee', 'rounding', 'overpaid', 'underpaid'
        ) %}
        sum(refund.{{ part }}_amount) as {{ part }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('refund_settlement_days') }} as refund
    left join memos
        on refund.group_key = memos.group_key and refund.day = memos.day
        and refund.refund_item = memos.claim
    group by refund.group_key, refund.day, memos.claim
),

gaps as (
    select
        group_key, day, claim, gap.gap,
        memos.claim is not null as has_memo,
        coalesce(memos.credited_amount, 0) as credited_amount,
        memos.credited_on,
        case gap.gap when 'M-T' then refunds.issued_amount > 0 else refunds.is_issued end as is_issued,
        case gap.gap when 'M-T' then coalesce(refunds.issued_amount, 0)
            else coalesce(refunds.expected_amount + refunds.charged_back_amount, 0) end as claimed_amount,
        case gap.gap when 'M-T' then coalesce(refunds.failed_amount, 0)
            else coalesce(refunds.failed_cash_amount, 0) end as failed_amount,
        case gap.gap when 'M-T' then refunds.issued_on else refunds.paid_on end as payment_on,
        refunds.waiting_on,
        case gap.gap when 'M-P' then coalesce(refunds.paid_amount, 0) else 0 end as paid_amount,
        {%- for part in (
            'charged_back', 'given', 'waiting', 'again', 'fx', 'kept_fee', 'rounding', 'overpaid', 'underpaid'
        ) %}
        case gap.gap when 'M-P' then coalesce(refunds.{{ part }}_amount, 0) else 0 end as {{ part }}_amount
        {{- ',' if not loop.last }}
        {%- endfor %}
    from memos
    full join refunds using (group_key, day, claim)
    cross join (values ('M-P'), ('M-T')) as gap (gap)
),

-- A chargeback pays what its refund has not
charged as (
    select
        *,
        {{ up_to('claimed_amount - credited_amount', 'least(charged_back_amount, waiting_amount)') }}
            as charged_waiting,
        {{ up_to('claimed_amount - credited_amount - waiting_amount',
            'least(charged_back_amount, underpaid_amount)') }} as charged_short
    from gaps
),

opened as (
    select
        *,
        credited_amount - claimed_amount + charged_waiting + charged_short as open_amount
    from charged
),

-- What unnamed refunds pay beyond unnamed memos stands in for what named ones lack; and the other way round where
-- the one is to the cent the other
pooled as (
    select
        *,
        coalesce(sum(greatest(open_amount, 0)) filter (where claim <> '') over of_group, 0) as lacking_amount,
        coalesce(sum(greatest(open_amount, 0)) filter (where claim <> '') over up_to_claim, 0)
        - case when claim = '' then 0 else greatest(open_amount, 0) end as lacking_before,
        coalesce(sum(greatest(-open_amount, 0)) filter (where claim <> '') over of_group, 0) as spare_amount,
        coalesce(sum(open_amount) filter (where claim = '') over of_group, 0) as unnamed_amount
    from opened
    window
        of_group as (partition by group_key, day, gap),
        up_to_claim as (
            partition by group_key, day, gap order by claim rows between unbounded preceding and current row
        )
),

covered as (
    select
        *,
        case
            when unnamed_amount > 0 and unnamed_amount = spare_amount
                then case when claim = '' then open_amount else least(open_amount, 0) end
            when unnamed_amount >= 0 then 0
            when claim = '' then -least(-unnamed_amount, lacking_amount)
            else {{ up_to('least(-unnamed_amount, lacking_amount) - lacking_before', 'greatest(open_amount, 0)') }}
        end as covered_amount
    from pooled
)

select
    covered.group_key, covered.day, covered.gap, covered.claim,
    covered.has_memo,
    covered.has_memo or covered.covered_amount <> 0 as is_credited,
    coalesce(goods.has_memo, false) as group_has_memo,
    covered.credited_amount, covered.credited_on,
    coalesce(covered.is_issued, false) as is_issued,
    covered.claimed_amount, covered.paid_amount, covered.failed_amount, covered.payment_on,
    covered.charged_back_amount, covered.given_amount,
    covered.waiting_amount - covered.charged_waiting as waiting_amount, covered.waiting_on,
    covered.again_amount, covered.fx_amount, covered.kept_fee_amount, covered.rounding_amount,
    covered.overpaid_amount, covered.underpaid_amount - covered.charged_short as underpaid_amount,
    covered.open_amount - covered.covered_amount as open_amount, covered.covered_amount,
    -- of the group, where goods were sent for what came back
    case when goods.goods_amount > 0 then goods.made_good_amount else 0 end as made_good_amount,
    coalesce(goods.goods_amount > 0, false) as is_made_good,
    coalesce(goods.entitled_amount, 0) as entitled_amount,
    goods.entitled_on,
    coalesce(goods.cover_amount, 0) as cover_amount,
    coalesce(goods.uncredited_amount, 0) as uncredited_amount,
    goods.uncredited_on,
    coalesce(goods.returnable_amount, 0) as returnable_amount
from covered
left join goods on covered.group_key = goods.group_key and covered.day = goods.day
