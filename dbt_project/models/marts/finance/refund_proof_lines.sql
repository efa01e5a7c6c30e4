-- Grain: one row per fiscal period, entity (the site that sold), currency and line of the proof: each leg as
-- the sources have it, what was settled in another currency, the leg in the groups, the bridge from leg to
-- leg by class, and checks that are 0. Follow `position`: leg less its classes is the next leg. Sources
-- are summed from the facts: what groups lose stands in a check. Groups only say whose a document is.
{{ config(
    materialized='table',
    indexes=[{'columns': ['period', 'entity', 'currency', 'position', 'line', 'class'], 'unique': true}],
) }}

with documents as (
    select documents.*, groups.ship_from_site as entity, rates.rate
    from {{ ref('refund_documents') }} as documents
    inner join {{ ref('refund_groups') }} as groups on documents.group_key = groups.group_key
    left join {{ ref('refund_group_rates') }} as rates on documents.group_key = rates.group_key
    where documents.effective_on <= {{ as_of_date() }}
),

facts as (
    select
        'E' as leg, 'return_line' as document_type, return_line_key as document_no,
        cast(null as text) as unit_key, {{ fiscal_period('accepted_on') }} as period, currency,
        entitled_amount as amount
    from {{ ref('fct_refund_entitlement') }} where accepted_on <= {{ as_of_date() }}
    union all
    select
        'M' as leg, 'memo' as document_type, memo_no as document_no, unit_key,
        {{ fiscal_period('posted_on') }} as period, currency, amount
    from {{ ref('fct_credit_memo_component') }} where posted_on <= {{ as_of_date() }}
    union all
    select
        'P' as leg, 'settlement' as document_type, settlement_id as document_no,
        cast(null as text) as unit_key, {{ fiscal_period('booked_on') }} as period, currency,
        -gross_amount as amount
    from {{ ref('fct_settlement') }}
    where booked_on <= {{ as_of_date() }} and status = 'succeeded'
        and type in ('refund', 'refund_failure', 'chargeback')
    union all
    select
        'T' as leg, 'refund' as document_type, refund_id as document_no, unit_key,
        {{ fiscal_period('created_on') }} as period, currency, amount
    from {{ ref('fct_refund_tender') }}
    where created_on <= {{ as_of_date() }} and status not in ('failed', 'canceled')
    union all
    select
        'G' as leg, 'journal_line' as document_type, gl_line_key as document_no,
        cast(null as text) as unit_key, fiscal_period as period, currency, amount
    from {{ ref('fct_gl_line') }} as entry
    where posted_on <= {{ as_of_date() }} and account_role = 'refund_liability'
        and not exists (
            select 1 from {{ ref('bridge_posting_share') }} as share
            where share.gl_line_key = entry.gl_line_key and share.document is not null
        )
    union all
    select
        'G' as leg, 'journal_share' as document_type, share.share_no as document_no,
        cast(null as text) as unit_key, entry.fiscal_period as period, entry.currency, share.amount
    from {{ ref('bridge_posting_share') }} as share
    inner join {{ ref('fct_gl_line') }} as entry on share.gl_line_key = entry.gl_line_key
    where entry.posted_on <= {{ as_of_date() }} and share.document is not null
),

-- A posting belongs to the face of the ledger on which it was matched
sources as (
    select
        case when facts.leg = 'G' and bridge.matched_to like 'MEM:%' then 'GM' else facts.leg end as leg,
        coalesce(groups.ship_from_site, 'UNATTRIBUTED') as entity, facts.period, facts.currency,
        case when facts.leg = 'G' and bridge.matched_to like 'MEM:%' then -facts.amount else facts.amount end
            as amount
    from facts
    left join {{ ref('bridge_refund_document') }} as bridge
        on facts.document_type = bridge.document_type
        and facts.document_no = bridge.document_no
        and (facts.unit_key is null or facts.unit_key = bridge.unit_key)
    left join {{ ref('dim_refund_group') }} as groups on bridge.group_key = groups.group_key
    where facts.amount <> 0
),

sums as (
    select
        period, entity, group_currency as currency, currency as document_currency, leg,
        cast(null as text) as gap, cast(null as text) as class, 'whole' as part,
        sum(group_amount) as amount, sum(amount) as document_amount, 0 as source_amount,
        sum(group_amount * rate) as reporting_amount
    from documents
    group by period, entity, group_currency, currency, leg
    union all
    select
        period, entity, currency, currency as document_currency, leg, cast(null as text) as gap,
        cast(null as text) as class, 'whole' as part, cast(null as numeric) as amount,
        cast(null as numeric) as document_amount, sum(amount) as source_amount,
        cast(null as numeric) as reporting_amount
    from sources
    group by period, entity, currency, leg
    union all
    select
        gaps.period, gaps.entity, gaps.currency, cast(null as text) as document_currency,
        cast(null as text) as leg, gaps.gap, gaps.class, 'whole' as part, sum(gaps.amount) as amount,
        cast(null as numeric) as document_amount, cast(null as numeric) as source_amount,
        sum(gaps.amount * rates.rate) as reporting_amount
    from {{ ref('refund_gap_periods') }} as gaps
    left join {{ ref('refund_group_rates') }} as rates on gaps.group_key = rates.group_key
    group by gaps.period, gaps.entity, gaps.currency, gaps.gap, gaps.class
),

proof_lines as (
    {{ proof_lines('sums', 'sums.reporting_amount') }}
)

select
    period, entity, currency, position, line, leg, gap, class, label,
    cast(sum(amount) as numeric(18, 2)) as amount,
    cast(sum(reporting_amount) as numeric(18, 2)) as reporting_amount
from proof_lines
group by period, entity, currency, position, line, leg, gap, class, label
having line not in ('converted', 'missing') or sum(amount) <> 0
