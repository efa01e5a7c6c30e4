-- Grain: one row per final disposition of goods that have a grade and a cost: what it brought and through which
-- channel, what its handling cost, and whether the vendor has still to answer. Not published.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'units'},
    indexes=[{'columns': ['unit_key']}]
) }}

with dispositions as (

    select
        unit_key, disposition_id, receipt_id, return_line_key, disposition, net_quantity, grade, product_category,
        hazmat_class, weee_category, disposed_on, disposed_at, asset_cost_reporting
    from {{ ref('fct_disposition') }}
    where is_final and net_quantity > 0 and grade <> 'UNGRADED' and asset_cost_reporting > 0
        and {{ in_touched_units('unit_key') }}

),

-- A vendor credits a receipt: its units left by the receipt's return to the vendor
sent_to_vendor as (

    select receipt_id, min(disposition_id) as disposition_id
    from dispositions
    where disposition = 'RTV'
    group by receipt_id

),

recoveries as (

    select
        coalesce(recoveries.disposition_id, sent_to_vendor.disposition_id) as disposition_id,
        (array_agg(
            recoveries.recovery_channel order by recoveries.recovered_reporting desc, recoveries.recovery_channel asc
        ))[1] as channel,
        sum(recoveries.recovered_reporting) as recovered,
        max(recoveries.recovered_on) as recovered_on
    from {{ ref('fct_recovery') }} as recoveries
    left join sent_to_vendor
        on recoveries.receipt_id = sent_to_vendor.receipt_id and recoveries.kind = 'vendor_credit'
    where {{ in_touched_units('recoveries.unit_key') }}
    group by coalesce(recoveries.disposition_id, sent_to_vendor.disposition_id)

),

unanswered as (

    select distinct receipt_id from {{ ref('fct_vendor_claim') }}
    where status = 'open' and receipt_id is not null and {{ in_touched_units('unit_key') }}

),

handling as (

    select source_key, sum(reporting_amount) as amount
    from {{ ref('fct_cost_line') }}
    where component in ('handling', 'disposal') and {{ in_touched_units('unit_key') }}
    group by source_key

)

select
    dispositions.*,
    recoveries.channel as recovery_channel,
    recoveries.recovered_on,
    unanswered.receipt_id is not null as is_unanswered,
    coalesce(recoveries.recovered, 0) as recovered,
    coalesce(handling.amount, 0) as cost
from dispositions
left join recoveries on dispositions.disposition_id = recoveries.disposition_id
left join unanswered
    on dispositions.receipt_id = unanswered.receipt_id and dispositions.disposition = 'RTV'
left join handling on handling.source_key = 'disposition:' || dispositions.disposition_id
