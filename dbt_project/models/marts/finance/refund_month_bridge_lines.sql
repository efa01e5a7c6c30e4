-- Grain: one row per fiscal period, currency and figure that may be meant by the refunds of a month, each by its
-- own date, or line between two of them. Within a chain a figure and the lines after it add up to the next
-- figure. In the currency of the sale, others converted as in refund_documents. Not additive.
{{ config(
    materialized='table',
    indexes=[{'columns': ['period', 'currency', 'position'], 'unique': true}],
) }}

{%- set paid_back = 'paid_amount - charged_back_amount' %}
{%- set rows = [
    ('M', 100, 'figure', 'credited', 'credited_amount', 'Credit memos, by the day of posting'),
    (
        'T', 200, 'figure', 'issued', 'issued_amount',
        'Refunds issued, by the day of issue, failed and canceled ones left out'
    ),
    ('P', 300, 'figure', 'paid', 'paid_amount', 'Cash that left with failures netted, by the day of booking'),
    ('G', 400, 'figure', 'posted', 'posted_amount', 'Refunds on the liability account, by the period of the journal'),
    ('P', 500, 'figure', 'paid', 'paid_amount', 'Cash that left, as above'),
    ('P', 510, 'line', 'chargebacks', '-charged_back_amount', 'less: Chargebacks'),
    ('P', 520, 'figure', 'refunds_paid', paid_back, 'Refunds paid before fees, as refund_rate counts them'),
    ('P', 530, 'line', 'fees', 'fee_amount', 'Fees of the processor on refunds'),
    (
        'P', 540, 'figure', 'refunds_paid_with_fees', paid_back ~ ' + fee_amount',
        'Refunds paid and what the processor took for them'
    ),
] %}

with sums as (
    select * from {{ ref('refund_month_sums') }}
),

parts as (
    {%- for leg, position, line, name, amount, label in rows if carries_leg(leg) %}
    select
        period, currency, {{ position }} as position, '{{ line }}' as line, '{{ name }}' as name,
        '{{ label }}' as label, {{ amount }} as amount,
        {{ amount | replace('_amount', '_reporting') }} as reporting_amount
    from sums
    union all
    {%- endfor %}
    -- from memo to refund, from refund to cash, from cash to posting
    select
        gaps.period, gaps.currency, spans.position + classes.class_no as position, 'line' as line,
        lower(gaps.class) as name, 'less: ' || classes.label as label, spans.sign * gaps.amount as amount,
        spans.sign * gaps.amount * rates.rate as reporting_amount
    from {{ ref('refund_gap_periods') }} as gaps
    inner join (values ('M-T', 100, -1), ('M-T', 200, 1), ('M-P', 200, -1), ('P-G', 300, -1))
        as spans (gap, position, sign)
        on gaps.gap = spans.gap
    inner join {{ ref('refund_classes') }} as classes on gaps.class = classes.class
    left join {{ ref('refund_group_rates') }} as rates on gaps.group_key = rates.group_key
)

select
    period,
    currency,
    cast(position as integer) as position,
    case when position < 500 then 'books' else 'cash' end as chain,
    line,
    name,
    case
        when line = 'figure' then 'figure'
        when name in ('cutoff', 'missing_leg') then 'timing'
        when name in ('processor_fee', 'restocking_fee', 'label_fee', 'fees') then 'fee'
        when name in ('store_credit_or_exchange', 'chargebacks', 'failed_refund') then 'scope'
        else 'difference'
    end as kind,
    label,
    cast(sum(amount) as numeric(18, 2)) as amount,
    cast(sum(reporting_amount) as numeric(18, 2)) as reporting_amount
from parts
group by period, currency, position, line, name, label
having line = 'figure' or sum(amount) <> 0
