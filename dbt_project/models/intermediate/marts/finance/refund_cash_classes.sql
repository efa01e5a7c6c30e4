-- Grain: one row per match group, day, gap (M-P, M-T) and class; only classes with cents. Those of a group's
-- claims are added up: none hides behind another. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

{%- set components = {
    'TAX': 'tax', 'SHIPPING': 'shipping', 'DUTY': 'duty', 'RESTOCKING_FEE': 'restocking_fee',
    'LABEL_FEE': 'return_label_fee', 'ADJUSTMENT': 'adjustment',
} %}

with doubled as (
    select group_key, day, sum(duplicate_amount) as amount
    from {{ ref('refund_line_days') }}
    where duplicate_amount <> 0
    group by group_key, day
),

-- What no cause explains was issued otherwise than credited; or it was paid otherwise than credited, and nobody
-- issued it; beside credit for the same it is paid twice
claims as (
    select
        shares.*,
        causes.lines, causes.causes, causes.last_on,
        {%- for component in components.values() %}
        causes.{{ component }},
        {%- endfor %}
        coalesce(causes.is_whole, false) as is_whole,
        case
            when shares.left_amount = 0 then null
            when shares.missing_since is not null then 'missing'
            when abs(shares.left_amount) <= 0.02 then 'rounding'
            when causes.causes is not null or causes.is_whole then 'caused'
            when shares.gap = 'M-P' and shares.is_given and shares.left_amount < 0 then 'twice'
            when shares.gap = 'M-T' or shares.is_issued then 'issued'
            else 'paid'
        end as named
    from {{ ref('refund_claim_shares') }} as shares
    left join {{ ref('refund_claim_causes') }} as causes using (group_key, day, gap, claim)
),

-- Cash that is as credited to the cent is right, were it issued otherwise: M-T shows that
evened as (
    select
        *,
        named = 'issued' and gap = 'M-P' and left_amount = overpaid_share as is_evened_up,
        named = 'issued' and gap = 'M-P' and left_amount = -underpaid_share as is_evened_down
    from claims
),

classes as (
    select claims.group_key, claims.day, claims.gap, share.class, share.amount
    from evened as claims
    cross join lateral (
        values
        ('DUPLICATE', -claims.duplicate_amount + case when claims.named = 'twice' then claims.left_amount else 0 end),
        ('FAILED_REFUND', claims.failed_share),
        ('STORE_CREDIT_OR_EXCHANGE', claims.credit_share),
        ('FX', claims.fx_share),
        ('PROCESSOR_FEE', claims.fee_share),
        ({{ missing_leg_class('claims.waiting_on') }}, claims.waiting_share),
        ({{ missing_leg_class('claims.owed_since') }}, -claims.owed_share),
        (
            {{ missing_leg_class('coalesce(claims.missing_since, claims.last_on)') }},
            case when claims.named = 'missing' or claims.is_whole then claims.left_amount else 0 end
        ),
        ('OVERPAYMENT', case when claims.is_evened_up then 0 else -claims.overpaid_share end
            + case when claims.named = 'paid' then least(claims.left_amount, 0) else 0 end),
        ('PAYMENT_AMOUNT', case when claims.is_evened_down then 0 else claims.underpaid_share end
            + case when claims.named = 'paid' then greatest(claims.left_amount, 0) else 0 end),
        ('ISSUED_AMOUNT', case when claims.named = 'issued' and not claims.is_evened_up
            and not claims.is_evened_down then claims.left_amount else 0 end),
        ('ROUNDING', claims.rounding_share + case when claims.named = 'rounding' then claims.left_amount else 0 end)
        {%- for class, component in components.items() %},
        ('{{ class }}', case when claims.named = 'caused' and not claims.is_whole
            then {{ taken_cause(loop.index0 + 1, 'claims.causes', 'claims.' ~ component) }} else 0 end)
        {%- endfor %}
    ) as share (class, amount)
    union all
    select claims.group_key, claims.day, claims.gap, fault.class, -fault.amount as amount
    from claims
    inner join {{ ref('refund_line_classes') }} as fault
        on claims.group_key = fault.group_key and claims.day = fault.day
    where claims.named = 'caused' and not claims.is_whole and {{ has_cause(0, 'claims.causes') }}
        and {{ is_component_class('fault.class') }}
        and fault.line = any(claims.lines)
    union all
    -- a memo that credits the same again
    select doubled.group_key, doubled.day, gap.gap, 'DUPLICATE' as class, doubled.amount
    from doubled
    cross join (values ('M-P'), ('M-T')) as gap (gap)
)

select group_key, day, gap, class, cast(sum(amount) as numeric(18, 2)) as amount
from classes
group by group_key, day, gap, class
having sum(amount) <> 0
