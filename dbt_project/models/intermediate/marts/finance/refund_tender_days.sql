-- Grain: one row per match group, refund tender and day: how customer service's tender stands by then. In the
-- currency of the group, at the rate of the tender's day as in refund_documents. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'item']}]) }}

with tenders as (
    select
        bridge.group_key,
        'REF:' || fact.refund_id as item,
        {{ in_currency('fact.amount', 'fact.currency', 'groups.currency', 'fact.created_on') }}
            as amount,
        fact.amount as source_amount,
        fact.currency as source_currency,
        fact.is_credit_tender,
        fact.status,
        fact.created_on,
        {{ business_day('fact.updated_at') }} as updated_on
    from {{ ref('bridge_refund_document') }} as bridge
    inner join {{ ref('fct_refund_tender') }} as fact
        on bridge.document_type = 'refund' and bridge.document_no = fact.refund_id
        and bridge.unit_key = fact.unit_key
    inner join {{ ref('dim_refund_group') }} as groups on bridge.group_key = groups.group_key
    where {{ in_refund_units('bridge.unit_key') }}
)

select
    days.group_key, days.day, tenders.item, tenders.amount, tenders.source_amount, tenders.source_currency,
    tenders.is_credit_tender, tenders.created_on,
    tenders.status = 'failed' and tenders.updated_on <= days.day as has_failed,
    tenders.status in ('failed', 'canceled') and tenders.updated_on <= days.day as is_void,
    tenders.is_credit_tender and tenders.status = 'succeeded' and tenders.updated_on <= days.day
        as is_given
from {{ ref('refund_days') }} as days
inner join tenders on days.group_key = tenders.group_key and days.day >= tenders.created_on
