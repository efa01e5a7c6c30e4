{{ config(severity='warn', meta={
    'failure_means': 'A source code that no crosswalk knows; its rows count as UNMAPPED. Add it to '
    ~ 'seeds/reason_crosswalk.csv, seeds/disposition_crosswalk.csv or seeds/channels.csv.',
}) }}
with codes as (
    select 'request reason' as what, source_reason_code as source_code, reason as code
    from {{ ref('fct_return_request_line') }} where {{ touched_only() }}
    union all
    select 'RMA reason' as what, source_reason_code as source_code, reason as code
    from {{ ref('fct_rma_line') }} where {{ touched_only() }}
    union all
    select 'inspection reason' as what, source_reason_code as source_code, confirmed_reason as code
    from {{ ref('fct_inspection') }} where {{ touched_only() }}
    union all
    select 'disposition' as what, source_code, disposition as code
    from {{ ref('fct_disposition') }} where {{ touched_only() }}
    union all
    select 'channel' as what, 'see staging' as source_code, channel as code
    from {{ ref('fct_sales_line') }} where {{ touched_only() }}
)

select what, source_code, count(*) as unmapped_rows
from codes
where code = 'UNMAPPED'
group by what, source_code
