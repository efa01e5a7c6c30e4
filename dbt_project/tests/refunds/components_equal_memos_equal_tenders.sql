-- components = memo = Σ tenders, but for the cents that an exception of the group names.
{{ config(meta={'failure_means': 'Credit memos and refunds of a group differ and no exception says so, or components are missing from the group''s memos.'}) }}
with groups as (
    select * from {{ ref('refund_groups') }} where {{ touched_refund_units_only() }}
),

components as (
    select
        bridge.group_key, sum(memos.amount) as amount, min(memos.currency) as currency,
        count(distinct memos.currency) as currencies
    from {{ ref('bridge_refund_document') }} as bridge
    inner join {{ ref('fct_credit_memo_component') }} as memos
        on bridge.document_type = 'memo' and bridge.document_no = memos.memo_no
        and bridge.unit_key = memos.unit_key
    where memos.posted_on <= {{ as_of_date() }} and {{ touched_refund_units_only('bridge.unit_key') }}
    group by bridge.group_key
),

tenders as (
    select
        bridge.group_key, sum(tenders.amount) as amount, min(tenders.currency) as currency,
        count(distinct tenders.currency) as currencies
    from {{ ref('bridge_refund_document') }} as bridge
    inner join {{ ref('fct_refund_tender') }} as tenders
        on bridge.document_type = 'refund' and bridge.document_no = tenders.refund_id
        and bridge.unit_key = tenders.unit_key
    where tenders.created_on <= {{ as_of_date() }} and tenders.status not in ('failed', 'canceled')
        and {{ touched_refund_units_only('bridge.unit_key') }}
    group by bridge.group_key
),

named as (
    select group_key, sum(amount) as amount
    from {{ ref('refund_exceptions') }}
    where gap = 'M-T'
    group by group_key
)

select
    groups.group_key,
    groups.credited_amount,
    coalesce(components.amount, 0) as components_amount,
    coalesce(tenders.amount, 0) as tenders_amount,
    coalesce(named.amount, 0) as exceptions_amount
from groups
left join components on groups.group_key = components.group_key
left join tenders on groups.group_key = tenders.group_key
left join named on groups.group_key = named.group_key
-- amounts in other currencies than the group's are compared after conversion, by the classes of the gap
where greatest(components.currencies, tenders.currencies, 1) = 1
    and coalesce(components.currency, groups.currency) = groups.currency
    and coalesce(tenders.currency, groups.currency) = groups.currency
    and (
        groups.credited_amount <> coalesce(components.amount, 0)
        {% if carries_leg('M') and carries_leg('T') -%}
        or coalesce(components.amount, 0) - coalesce(tenders.amount, 0) <> coalesce(named.amount, 0)
        {%- endif %}
    )
