{{ config(
    meta={'replaces': 'files', 'source': 'crm', 'feed': 'crm_cases', 'keys': ['case_id']},
    indexes=[
        {'columns': ['case_id'], 'unique': true},
        {'columns': ['rma_no']},
        {'columns': ['order_no']},
        {'columns': ['customer_id']},
        {'columns': ['opened_on']},
    ],
) }}
-- Grain: one row per service case, its newest version.

with winners as (
    {{ winners('crm', 'crm_cases', ['case_id'], 'updated_at') }}
)

select
    case_id,
    customer_id,
    order_no,
    rma_no,
    -- what
    topic,
    channel as contact_channel,
    csat,
    -- timing
    opened_at,
    {{ business_day('opened_at') }} as opened_on,
    closed_at,
    updated_at,
    -- lineage
    _file_id,
    _line_no
from winners
