-- Grain: one row per match group, computed anew, and day on which its legs or classes may change: a
-- document's own day, a tender's last change, and the day after which a missing leg is no longer a matter
-- of days. Days to come are there as well, so that no night has to wake a group up. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with documents as (
    select * from {{ ref('refund_documents') }} where {{ in_refund_units() }}
),

tenders as (
    select bridge.group_key, fact.created_on, {{ business_day('fact.updated_at') }} as updated_on
    from {{ ref('bridge_refund_document') }} as bridge
    inner join {{ ref('fct_refund_tender') }} as fact
        on bridge.document_type = 'refund' and bridge.document_no = fact.refund_id
        and bridge.unit_key = fact.unit_key
    where {{ in_refund_units('bridge.unit_key') }}
),

days as (
    select group_key, effective_on as day from documents
    union
    select group_key, effective_on + {{ var('cutoff_days', 7) | int + 1 }} as day from documents
    union
    select group_key, created_on as day from tenders
    union
    select group_key, created_on + {{ var('cutoff_days', 7) | int + 1 }} as day from tenders
    union
    select group_key, updated_on as day from tenders
)

select days.group_key, groups.unit_key, groups.return_line_key, groups.return_lines, days.day
from days
inner join {{ ref('dim_refund_group') }} as groups on days.group_key = groups.group_key
