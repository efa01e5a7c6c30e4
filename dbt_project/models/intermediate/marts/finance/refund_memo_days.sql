-- Grain: one row per match group, return line ('' where a memo names none), day and credit memo that
-- stands on it: a memo less what reverses it. The same content again is a duplicate, as far as the memos of
-- the line exceed what its units are worth: two parts credited one after the other are none. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'line']}]) }}

{%- set components = [
    'merchandise', 'tax', 'shipping', 'duty', 'restocking_fee', 'return_label_fee', 'adjustment',
] %}

with days as (
    select * from {{ ref('refund_days') }}
),

-- A memo that names no line belongs to the group's line where there is one only
memos as (
    select
        documents.group_key,
        coalesce(
            documents.return_line_key, case when groups.return_lines = 1 then groups.return_line_key end,
            ''
        ) as line,
        coalesce(fact.reverses_memo_no, fact.memo_no) as memo_no,
        fact.refund_id,
        documents.component,
        documents.group_amount as amount,
        documents.effective_on
    from {{ ref('refund_documents') }} as documents
    inner join {{ ref('dim_refund_group') }} as groups on documents.group_key = groups.group_key
    inner join {{ ref('fct_credit_memo_component') }} as fact
        on substr(documents.document_key, 3) = fact.memo_component_key
    where documents.leg = 'M' and {{ in_refund_units('documents.unit_key') }}
),

summed as (
    select
        days.group_key,
        days.day,
        memos.line,
        memos.memo_no,
        'REF:' || max(memos.refund_id) as refund_item,
        min(memos.effective_on) as first_on,
        max(memos.effective_on) as last_on,
        sum(memos.amount) as amount,
        {%- for component in components %}
        coalesce(sum(memos.amount) filter (where memos.component = '{{ component }}'), 0)
            as {{ component }},
        {%- endfor %}
        count(*) as component_rows
    from days
    inner join memos on days.group_key = memos.group_key and days.day >= memos.effective_on
    group by days.group_key, days.day, memos.line, memos.memo_no
),

standing as (
    select
        *,
        sum(amount) over (partition by group_key, day, line) as line_amount,
        count(*) over same_content as copies,
        row_number() over (same_content order by first_on, memo_no) as copy_no
    from summed
    where ({{ components | join(', ') }}) <> ({{ (['0'] * components | length) | join(', ') }})
    window same_content as (partition by group_key, day, line, {{ components | join(', ') }})
)

select
    standing.group_key,
    standing.day,
    standing.line,
    standing.memo_no,
    standing.refund_item,
    standing.last_on,
    standing.amount,
    {%- for component in components %}
    standing.{{ component }},
    {%- endfor %}
    standing.copy_no > standing.copies - {{ surplus_copies(
        'standing.line_amount - coalesce(entitled.value_amount, 0)', 'standing.amount',
        'standing.copies') }} as is_duplicate
from standing
left join {{ ref('refund_entitlement_days') }} as entitled
    on standing.group_key = entitled.group_key
    and standing.day = entitled.day
    and standing.line = entitled.line
