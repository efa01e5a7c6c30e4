-- Grain: one row per match group, claim, day and gap M-P or M-T: which cents of the difference goods and
-- credit, copies and chargebacks, failures and payments still to come explain, and what they leave. Where
-- nothing is credited for a refund, only what was paid is open, and what is still to be paid isn't. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'gap', 'claim']}]) }}

with claims as (
    select
        *,
        case when has_memo then greatest(-entitled_amount, 0) else 0 end as owed_amount,
        -- beside goods a refund that waits is none yet
        case when is_credited or gap = 'M-T'
            then open_amount + case when is_made_good then waiting_amount else 0 end
            else again_amount + overpaid_amount - paid_amount end as due_amount,
        sum(paid_amount - charged_back_amount) over (partition by group_key, day, gap) as group_paid,
        sum(claimed_amount) over (partition by group_key, day, gap) as group_claimed
    from {{ ref('refund_claim_days') }}
),

-- All cash beyond what goods leave due is paid twice
sent as (
    select
        *,
        case when is_made_good then {{ up_to(
            'claimed_amount - waiting_amount - given_amount - greatest(cover_amount'
            ' - least(made_good_amount + given_amount, cover_amount), entitled_amount - given_amount)',
            'case when is_credited then claimed_amount else -due_amount end') }} else 0 end as beside_goods
    from claims
),

-- Goods that are dearer than the credit leave money due from the customer, until as much is collected
made_good as (
    select
        *,
        case when has_memo and is_made_good
            then {{ up_to('due_amount + beside_goods + owed_amount', 'made_good_amount') }} else 0
        end as goods_share
    from sent
),

owed as (
    select
        *,
        case when is_made_good
            then {{ up_to('goods_share - due_amount - beside_goods', 'owed_amount') }} else 0 end as owed_share
    from made_good
),

-- Credit explains what it is worth; a refund too many, or too large, that did not reach the customer is no
-- payment too many
given as (
    select
        *,
        due_amount + beside_goods - goods_share + owed_share as after_goods,
        case when is_credited then {{ up_to(
            'goods_share - due_amount - beside_goods - owed_share',
            'least(given_amount, given_amount - credited_amount + covered_amount)'
        ) }} else given_amount end as credit_beyond
    from owed
),

waiting as (
    select
        *,
        after_goods + case when is_credited then credit_beyond else 0 end as after_credit,
        given_amount - credit_beyond as credit_share
    from given
),

unpaid as (
    select
        *,
        case when not is_credited then waiting_amount
            when is_made_good then waiting_amount - {{ up_to('after_credit', 'waiting_amount') }}
            when waiting_amount > 0 and -after_credit >= waiting_amount then waiting_amount else 0
        end as waiting_beyond,
        case when not is_credited then underpaid_amount
            when underpaid_amount > 0 and -after_credit = underpaid_amount then underpaid_amount else 0
        end as short_beyond
    from waiting
),

settled as (
    select
        *,
        after_credit + case when is_credited then waiting_beyond + short_beyond else 0 end
        - case when is_credited and is_made_good then waiting_amount else 0 end as after_waiting
    from unpaid
),

charged as (
    select
        *,
        {{ up_to('-after_waiting', 'least(charged_back_amount,'
            ' case when group_has_memo or is_credited then charged_back_amount else group_paid end)') }}
            as charged_twice
    from settled
),

-- Another refund of the same amount is one too many as far as more is claimed than credited, or due where that is
-- more; not while units are still to come for which it may be
copied as (
    select
        charged.group_key, charged.day, charged.gap,
        sum(copies.amount * least(copies.unnamed_copies, {{ surplus_copies(
            'least(-charged.after_waiting - charged.charged_twice,'
            ' charged.group_claimed - charged.charged_twice - charged.cover_amount)',
            'copies.amount', 'copies.copies') }})) as amount
    from charged
    inner join {{ ref('refund_copy_days') }} as copies
        on charged.group_key = copies.group_key and charged.day = copies.day and charged.gap = copies.gap
    where charged.claim = '' and not charged.is_made_good and not (
        charged.day - charged.payment_on <= {{ var('cutoff_days', 7) }}
        and charged.group_claimed <= charged.returnable_amount
    )
    group by charged.group_key, charged.day, charged.gap
),

doubled as (
    select
        charged.*,
        charged.beside_goods + charged.charged_twice + coalesce(copied.amount, 0) as twice_amount,
        charged.after_waiting + charged.charged_twice + coalesce(copied.amount, 0) as after_copies
    from charged
    left join copied
        on charged.group_key = copied.group_key and charged.day = copied.day and charged.gap = copied.gap
        and charged.claim = ''
),

failed as (
    select
        *,
        case when has_memo then {{ up_to('after_copies', 'failed_amount') }} else 0 end as failed_share
    from doubled
)

select
    group_key, day, gap, claim, is_credited, is_issued, credited_amount,
    twice_amount + again_amount as duplicate_amount,
    failed_share,
    goods_share + credit_share as credit_share,
    -- beside what pays for it already
    credit_share > 0
    or covered_amount <> 0 and sum(credit_share) over (partition by group_key, day, gap) > 0 as is_given,
    case when is_credited and gap = 'M-P' then credit_beyond else 0 end as credit_beyond,
    owed_share,
    case when is_credited then fx_amount else 0 end as fx_share,
    case when is_credited then kept_fee_amount else 0 end as fee_share,
    case when is_credited then rounding_amount else 0 end as rounding_share,
    case when is_credited then waiting_amount - waiting_beyond else 0 end as waiting_share,
    waiting_on,
    overpaid_amount as overpaid_share,
    underpaid_amount - short_beyond as underpaid_share,
    entitled_on as owed_since,
    -- the other leg is not there
    case when not is_credited then payment_on when claimed_amount = 0 and covered_amount = 0 then credited_on
        when after_copies < 0 and after_copies = -uncredited_amount then uncredited_on end as missing_since,
    after_copies - failed_share as left_amount
from failed
