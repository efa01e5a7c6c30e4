-- Grain: one row per month of disposition, SKU, grade, disposition, channel of recovery and site: where
-- returned units went and what came of it. Additive: everything. One disposition may be sold through several
-- channels: its units then stand with the channel of their sale, the rest with NONE. Of more units sold, or
-- credited, than still stand (a disposition taken back in part, a vendor's credit in parts) only as many count
-- as stand; what was recovered counts in full.
{{ config(
    materialized='table',
    indexes=[
        {'columns': ['month', 'disposition']}, {'columns': ['sku']}, {'columns': ['disposition']},
        {'columns': ['grade']}, {'columns': ['site']},
    ]
) }}

with dispositions as (

    select
        dispositions.*,
        coalesce(lines.sku, 'UNKNOWN') as sku,
        cast(date_trunc('month', dispositions.disposed_on) as date) as month
    from {{ ref('fct_disposition') }} as dispositions
    left join {{ ref('fct_return_line') }} as lines
        on dispositions.return_line_key = lines.return_line_key
    where dispositions.is_final and dispositions.net_quantity > 0

),

-- A vendor credits a receipt: its units left by the receipt's return to the vendor
returned_to_vendor as (

    select receipt_id, min(disposition_id) as disposition_id
    from dispositions
    where disposition = 'RTV'
    group by receipt_id

),

recoveries as (

    select
        coalesce(recoveries.disposition_id, returned_to_vendor.disposition_id) as disposition_id,
        recoveries.recovery_channel,
        sum(recoveries.quantity) as quantity,
        sum(recoveries.recovered_reporting) as recovered
    from {{ ref('fct_recovery') }} as recoveries
    left join returned_to_vendor
        on recoveries.receipt_id = returned_to_vendor.receipt_id
        and recoveries.kind = 'vendor_credit'
    group by
        coalesce(recoveries.disposition_id, returned_to_vendor.disposition_id),
        recoveries.recovery_channel

),

counted as (

    select
        recoveries.*,
        least(
            sum(recoveries.quantity) over (
                partition by recoveries.disposition_id order by recoveries.recovery_channel
                rows between unbounded preceding and current row
            ),
            dispositions.net_quantity
        ) as upto_quantity
    from recoveries
    inner join dispositions on recoveries.disposition_id = dispositions.disposition_id

),

costs as (

    select source_key, sum(reporting_amount) as amount
    from {{ ref('fct_cost_line') }}
    where component in ('handling', 'disposal')
    group by source_key

),

parts as (

    select
        disposition_id,
        recovery_channel,
        upto_quantity - coalesce(
            lag(upto_quantity) over (partition by disposition_id order by recovery_channel), 0
        ) as quantity,
        recovered
    from counted
    union all
    select
        dispositions.disposition_id,
        'NONE' as recovery_channel,
        dispositions.net_quantity - coalesce(max(counted.upto_quantity), 0) as quantity,
        0 as recovered
    from dispositions
    left join counted on dispositions.disposition_id = counted.disposition_id
    group by dispositions.disposition_id, dispositions.net_quantity
    having dispositions.net_quantity > coalesce(max(counted.upto_quantity), 0)

),

numbered as (

    select
        *,
        row_number() over (partition by disposition_id order by recovery_channel) as part_no
    from parts

)

select
    dispositions.month,
    dispositions.sku,
    {{ product_name('dispositions.sku') }} as product_name,
    dispositions.product_category,
    dispositions.grade,
    dispositions.disposition,
    numbered.recovery_channel,
    dispositions.site,
    cast(sum(numbered.quantity) as bigint) as units,
    -- the disposition's own figures stand once, with its first part
    cast(coalesce(sum(dispositions.asset_cost_reporting) filter (where numbered.part_no = 1), 0)
        as numeric(18, 2)) as original_cost,
    cast(coalesce(sum(costs.amount) filter (where numbered.part_no = 1), 0) as numeric(18, 2))
        as handling_cost,
    cast(sum(numbered.recovered) as numeric(18, 2)) as recovered_value,
    cast('{{ var("reporting_currency") }}' as text) as currency
from numbered
inner join dispositions on numbered.disposition_id = dispositions.disposition_id
left join costs on costs.source_key = 'disposition:' || dispositions.disposition_id
group by
    dispositions.month, dispositions.sku, dispositions.product_category, dispositions.grade,
    dispositions.disposition, numbered.recovery_channel, dispositions.site
