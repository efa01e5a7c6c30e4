-- Grain: one row per match group all of whose store credit was spent, to the cent, by journals that name its
-- refunds: how much, and on which day the last of it. Journals dated ahead count too, so that no night has to
-- wake a group up. Credit in another currency than the group's is left out. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key'], 'unique': true}]) }}

with issued as (
    select bridge.group_key, fact.refund_id, fact.currency, sum(fact.amount) as amount
    from {{ ref('bridge_refund_document') }} as bridge
    inner join {{ ref('fct_refund_tender') }} as fact
        on bridge.document_type = 'refund' and bridge.document_no = fact.refund_id
        and bridge.unit_key = fact.unit_key
    where fact.is_credit_tender and fact.status not in ('failed', 'canceled')
    group by bridge.group_key, fact.refund_id, fact.currency
),

spent as (
    select document_ref as refund_id, currency, sum(amount) as amount, max(posted_on) as spent_on
    from {{ ref('refund_credit_entries') }}
    where is_spending
    group by document_ref, currency
)

select issued.group_key, cast(sum(issued.amount) as numeric(18, 2)) as amount, max(spent.spent_on) as spent_on
from issued
inner join {{ ref('dim_refund_group') }} as groups on issued.group_key = groups.group_key
left join spent on issued.refund_id = spent.refund_id and issued.currency = spent.currency
group by issued.group_key
having bool_and(coalesce(issued.amount = spent.amount and issued.currency = groups.currency, false))
