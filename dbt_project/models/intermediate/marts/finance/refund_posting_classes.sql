-- Grain: one row per match group, day, gap (P-G, M-G) and class; only classes with cents; those of a
-- group's documents added up. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

{%- set causes = {
    'TAX': 'tax_amount', 'SHIPPING': 'shipping_amount', 'DUTY': 'duty_amount',
    'RESTOCKING_FEE': 'restocking_fee_amount', 'LABEL_FEE': 'return_label_fee_amount',
    'ADJUSTMENT': 'adjustment_amount',
} %}

with named as (
    select * from {{ ref('refund_posting_shares') }}
),

-- Components of a posted memo, and what their rates round otherwise than that of the whole
parts as (
    select
        named.group_key, named.day, named.gap, named.item,
        coalesce({{ component_class('parts.component', 'parts.amount') }}, '') as class,
        parts.amount
    from named
    inner join {{ ref('refund_posting_components') }} as parts
        on named.group_key = parts.group_key and named.day = parts.day and named.item = parts.item
    where named.gap = 'M-G' and named.has_both and named.class is null and named.fx_share = 0
),

rounded as (
    select named.group_key, named.day, named.left_amount - coalesce(sum(parts.amount), 0) as amount
    from named
    left join parts using (group_key, day, gap, item)
    where named.gap = 'M-G' and named.has_both and named.class is null and named.fx_share = 0
    group by named.group_key, named.day, named.item, named.left_amount
),

-- Credit beyond what was credited for it
beyond as (
    select group_key, day, sum(credit_beyond) as amount
    from {{ ref('refund_claim_shares') }}
    where credit_beyond > 0
    group by group_key, day
),

posted_beyond as (
    select named.group_key, named.day, least(max(beyond.amount), -sum(named.credit_share)) as amount
    from named
    inner join beyond using (group_key, day)
    group by named.group_key, named.day
),

classes as (
    select named.group_key, named.day, named.gap, share.class, share.amount
    from named
    cross join lateral (
        values
        ('DUPLICATE', -named.copied_amount),
        ('FAILED_REFUND', named.failed_share),
        ('STORE_CREDIT_OR_EXCHANGE', named.credit_share),
        ('FX', named.fx_share),
        ('PROCESSOR_FEE', -named.fee_share),
        (named.class, named.left_amount + named.fee_share)
        {%- for class, amount in causes.items() %},
        ('{{ class }}', named.{{ amount }})
        {%- endfor %}
    ) as share (class, amount)
    where share.class is not null
    union all
    select group_key, day, gap, class, amount from parts where class <> ''
    union all
    select group_key, day, 'M-G' as gap, 'ROUNDING' as class, amount from rounded where abs(amount) <= 0.02
    union all
    select posted_beyond.group_key, posted_beyond.day, 'P-G' as gap, share.class, share.amount
    from posted_beyond
    cross join lateral (
        values
        ('STORE_CREDIT_OR_EXCHANGE', posted_beyond.amount), ('ISSUED_AMOUNT', -posted_beyond.amount)
    ) as share (class, amount)
)

select group_key, day, gap, class, cast(sum(amount) as numeric(18, 2)) as amount
from classes
group by group_key, day, gap, class
having sum(amount) <> 0
