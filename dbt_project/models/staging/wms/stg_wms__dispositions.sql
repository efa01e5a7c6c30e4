{{ config(
    meta={
        'replaces': 'files', 'source': 'wms', 'feed': 'wms_dispositions',
        'keys': ['disposition_id'],
    },
    indexes=[
        {'columns': ['disposition_id'], 'unique': true},
        {'columns': ['receipt_id']},
        {'columns': ['disposed_on']},
    ],
) }}
-- Grain: one row per disposition of units of one receipt; a reversal is a row of its own.

with winners as (
    {{ winners('wms', 'wms_dispositions', ['disposition_id']) }}
),

crosswalk as (
    select * from {{ ref('disposition_crosswalk') }}
)

select
    winners.disposition_id,
    winners.receipt_id,
    winners.reverses_disposition_id,
    -- what
    winners.quantity,
    winners.code as source_code,
    coalesce(crosswalk.disposition, 'UNMAPPED') as disposition,
    winners.from_location,
    winners.to_location,
    winners.certificate_no,
    -- amounts
    coalesce(winners.handling_cost, 0) as handling_cost,
    winners.currency,
    -- timing
    winners.disposed_at,
    {{ business_day('winners.disposed_at') }} as disposed_on,
    -- lineage
    winners._file_id,
    winners._line_no
from winners
left join crosswalk
    on winners.code = crosswalk.source_code
    and {{ business_day('winners.disposed_at') }} >= crosswalk.valid_from
    and {{ business_day('winners.disposed_at') }} < crosswalk.valid_to
