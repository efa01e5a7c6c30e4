-- Grain: one row per final disposition whose goods have a grade and a cost: which way they went, what it
-- brought and cost from the decision on, and since when that is known. Not published.
{{ config(materialized='table') }}

-- Goods that were worked on went that way, wherever they ended
with worked as (

    select
        receipt_id,
        min(disposed_on) as worked_on,
        (array_agg(disposition order by disposed_at desc, disposition_id desc))[1] as disposition
    from {{ ref('fct_disposition') }}
    where disposition in ('REFURBISH', 'REPAIR') and not is_reversal and not is_reversed
    group by receipt_id

),

told as (

    select
        dispositions.disposition_id,
        dispositions.receipt_id,
        lines.sku,
        dispositions.product_category,
        dispositions.grade,
        lines.vendor_id,
        lines.reason,
        lines.shipped_on,
        dispositions.hazmat_class,
        dispositions.weee_category,
        coalesce(
            case when dispositions.disposition in ('RESTOCK', 'SECONDARY_SALE') then worked.disposition end,
            dispositions.disposition
        ) as disposition,
        dispositions.disposition as ended_as,
        dispositions.recovery_channel as channel,
        receipts.received_on,
        coalesce(
            case when dispositions.disposition in ('RESTOCK', 'SECONDARY_SALE') then worked.worked_on end,
            dispositions.disposed_on
        ) as decided_on,
        dispositions.disposed_on,
        dispositions.recovered_on,
        dispositions.is_unanswered,
        dispositions.net_quantity as units,
        dispositions.asset_cost_reporting as original_cost,
        dispositions.recovered,
        dispositions.cost
    from {{ ref('disposition_results') }} as dispositions
    inner join {{ ref('fct_receipt') }} as receipts on dispositions.receipt_id = receipts.receipt_id
    left join {{ ref('fct_return_line') }} as lines on dispositions.return_line_key = lines.return_line_key
    left join worked on dispositions.receipt_id = worked.receipt_id

)

select
    disposition_id,
    receipt_id,
    coalesce(sku, 'UNKNOWN') as sku,
    product_category,
    grade,
    vendor_id,
    reason,
    shipped_on,
    hazmat_class,
    weee_category,
    -- the way
    disposition,
    case when disposition = 'SECONDARY_SALE' then coalesce(channel, 'NONE') else 'NONE' end as channel,
    {{ age_band_of_stock('decided_on - received_on') }} as age_band,
    decided_on,
    -- what it brought, and the day from which that is known
    units,
    original_cost,
    recovered,
    cost,
    greatest(coalesce(recovered_on, disposed_on) - decided_on, 0) as days,
    case
        when is_unanswered then {{ never_mature() }}
        when recovered_on is not null then greatest(recovered_on, disposed_on)
        when ended_as in ('SECONDARY_SALE', 'RTV') then disposed_on + {{ var('invoice_days') }}
        else disposed_on
    end as known_on
from told
