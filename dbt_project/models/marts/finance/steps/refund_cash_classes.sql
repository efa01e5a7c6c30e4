-- Grain: one row per match group, day, gap (M-P, M-T) and class; only classes with cents. Each class takes
-- its share of what the classes before it left. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with sides as (
    select
        *,
        credited_amount - payment_amount + duplicate_payment_amount as open_amount
    from {{ ref('refund_cash_days') }}
),

failed as (
    select
        *,
        case when has_memo then {{ up_to('open_amount', 'coalesce(failed_amount, 0)') }} else 0 end
            as failed_share
    from sides
),

in_credit as (
    select
        *,
        case when has_memo
            then {{ up_to('open_amount - failed_share', 'in_credit_amount') }} else 0
        end as credit_share
    from failed
),

rest as (
    select
        *,
        open_amount - failed_share - credit_share as rest_amount,
        has_memo and has_payment as has_both,
        case when has_memo and has_payment then coalesce(fx_amount, 0) else 0 end as fx_share,
        case when has_memo and has_payment then coalesce(kept_fee_amount, 0) else 0 end as fee_share
    from in_credit
),

-- Where the cash is what the return entitles to, and only the memo is off, the memo's faults stand here
-- with their sign turned
faults as (
    select group_key, day, sum(amount) as amount
    from {{ ref('refund_line_classes') }}
    where {{ is_component_class('class') }}
    group by group_key, day
),

compared as (
    select
        rest.*,
        rest.rest_amount - rest.fx_share - rest.fee_share as left_amount,
        coalesce(
            rest.has_both and abs(faults.amount) > 0.02
            and rest.rest_amount - rest.fx_share - rest.fee_share = -faults.amount, false
        ) as is_mirrored
    from rest
    left join faults on rest.group_key = faults.group_key and rest.day = faults.day
),

waited as (
    select
        *,
        case
            when is_mirrored then 0
            when has_memo <> has_payment
                then case
                    when day - case when has_memo then credited_on else payment_on end
                        <= {{ var('cutoff_days', 7) }} then left_amount
                    else 0
                end
            when not has_both then 0
            when waiting_amount > 0 and left_amount >= waiting_amount
                and day - waiting_on <= {{ var('cutoff_days', 7) }} then waiting_amount
            when unnamed_amount > 0 and left_amount = -unnamed_amount
                and day - unnamed_on <= {{ var('cutoff_days', 7) }} then left_amount
            else 0
        end as cutoff_share
    from compared
),

classes as (
    select waited.group_key, waited.day, waited.gap, share.class, share.amount
    from waited
    cross join lateral (
        values
        ('DUPLICATE', waited.duplicate_memo_amount - waited.duplicate_payment_amount),
        ('FAILED_REFUND', waited.failed_share),
        ('STORE_CREDIT_OR_EXCHANGE', waited.credit_share),
        ('FX', waited.fx_share),
        ('PROCESSOR_FEE', waited.fee_share),
        ('CUTOFF', waited.cutoff_share),
        (
            'ROUNDING', case
                when waited.has_both and not waited.is_mirrored and abs(waited.left_amount - waited.cutoff_share) <= 0.02
                    then waited.left_amount - waited.cutoff_share else 0 end
        )
    ) as share (class, amount)
    union all
    select waited.group_key, waited.day, waited.gap, fault.class, -fault.amount as amount
    from waited
    inner join {{ ref('refund_line_classes') }} as fault
        on waited.group_key = fault.group_key and waited.day = fault.day
    where waited.is_mirrored and {{ is_component_class('fault.class') }}
)

select group_key, day, gap, class, cast(sum(amount) as numeric(18, 2)) as amount
from classes
group by group_key, day, gap, class
having sum(amount) <> 0
