-- Grain: one row per match group, day, gap (M-P, M-T) and class; only classes with cents. Each class takes
-- its share of what the classes before it left. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

{%- set causes = {
    'mirrored': 'mirrored_amount', 'PAYMENT_AMOUNT': 'mispaid_amount', 'TAX': 'tax_amount',
    'SHIPPING': 'shipping_amount', 'DUTY': 'duty_amount', 'RESTOCKING_FEE': 'restocking_fee_amount',
    'LABEL_FEE': 'return_label_fee_amount',
} %}

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
        case when abs(faults.amount) > 0.02 then -faults.amount else 0 end as mirrored_amount
    from rest
    left join faults on rest.group_key = faults.group_key and rest.day = faults.day
),

-- A leg that is not there, a refund that is not settled, or one that no memo names yet
missing as (
    select
        *,
        case
            when has_memo <> has_payment then left_amount
            when not has_both or left_amount = mirrored_amount then 0
            when waiting_amount > 0 and left_amount >= waiting_amount then waiting_amount
            when unnamed_amount > 0 and left_amount = -unnamed_amount then left_amount
            else 0
        end as missing_share,
        case
            when has_memo <> has_payment then case when has_memo then credited_on else payment_on end
            when waiting_amount > 0 and left_amount >= waiting_amount then waiting_on
            else unnamed_on
        end as missing_since
    from compared
),

-- What both legs leave is whole causes, alone or together, or nothing that anybody knows
named as (
    select
        *,
        left_amount - missing_share as named_amount,
        case when has_both and abs(left_amount - missing_share) > 0.02
            then {{ fewest_causes('left_amount - missing_share', causes.values() | list) }}
        end as causes
    from missing
),

classes as (
    select named.group_key, named.day, named.gap, share.class, share.amount
    from named
    cross join lateral (
        values
        ('DUPLICATE', named.duplicate_memo_amount - named.duplicate_payment_amount),
        ('FAILED_REFUND', named.failed_share),
        ('STORE_CREDIT_OR_EXCHANGE', named.credit_share),
        ('FX', named.fx_share),
        ('PROCESSOR_FEE', named.fee_share),
        ({{ missing_leg_class('named.missing_since') }}, named.missing_share),
        (
            'ROUNDING', case when named.has_both and abs(named.named_amount) <= 0.02
                then named.named_amount else 0 end
        )
        {%- for class, amount in causes.items() if class != 'mirrored' %},
        ('{{ class }}', {{ taken_cause(loop.index, 'named.causes', 'named.' ~ amount) }})
        {%- endfor %}
    ) as share (class, amount)
    union all
    select named.group_key, named.day, named.gap, fault.class, -fault.amount as amount
    from named
    inner join {{ ref('refund_line_classes') }} as fault
        on named.group_key = fault.group_key and named.day = fault.day
    where {{ has_cause(0, 'named.causes') }} and {{ is_component_class('fault.class') }}
)

select group_key, day, gap, class, cast(sum(amount) as numeric(18, 2)) as amount
from classes
group by group_key, day, gap, class
having sum(amount) <> 0
