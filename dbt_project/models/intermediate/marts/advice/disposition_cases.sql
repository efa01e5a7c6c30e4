-- Grain: one row per final disposition whose goods have a grade and a cost: which way they went, what it
-- brought and cost from the decision on, and since when that is known. Not published.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'units'},
    indexes=[{'columns': ['unit_key']}]
) }}

-- What was sent to the workshop, and what the work cost
with workshop as (

    select
        receipt_id,
        min(disposed_on) as worked_on,
        min(disposed_at) as worked_at,
        sum(quantity) as units,
        (array_agg(disposition order by disposed_at desc, disposition_id desc))[1] as disposition
    from {{ ref('fct_disposition') }}
    where disposition in ('REFURBISH', 'REPAIR') and not is_reversal and not is_reversed
        and {{ in_touched_units('unit_key') }}
    group by receipt_id

),

work as (

    select receipt_id, sum(reporting_amount) as amount
    from {{ ref('fct_cost_line') }}
    where component in ('repair', 'repack') and receipt_id is not null and {{ in_touched_units('unit_key') }}
    group by receipt_id

),

-- Goods that were worked on went that way, wherever they ended: the last to leave, as many as were sent there
followed as (

    select
        results.*,
        workshop.receipt_id is not null and results.disposed_at >= workshop.worked_at
        and sum(results.net_quantity) over (
            partition by results.receipt_id order by results.disposed_at desc, results.disposition_id desc
            rows between unbounded preceding and current row
        ) <= workshop.units as is_worked,
        workshop.disposition as work_disposition,
        workshop.worked_on,
        workshop.units as worked_units
    from {{ ref('disposition_results') }} as results
    left join workshop on results.receipt_id = workshop.receipt_id
    where {{ in_touched_units('results.unit_key') }}

),

told as (

    select
        followed.*,
        lines.sku,
        lines.vendor_id,
        lines.reason,
        lines.shipped_on,
        receipts.received_on,
        case when followed.is_worked then followed.work_disposition else followed.disposition end as way,
        case when followed.is_worked then followed.worked_on else followed.disposed_on end as decided_on,
        followed.cost + case
            when followed.is_worked
                then coalesce(round(work.amount * followed.net_quantity / followed.worked_units, 2), 0)
            else 0
        end as whole_cost
    from followed
    inner join {{ ref('fct_receipt') }} as receipts on followed.receipt_id = receipts.receipt_id
    left join {{ ref('fct_return_line') }} as lines on followed.return_line_key = lines.return_line_key
    left join work on followed.receipt_id = work.receipt_id

)

select
    {% for column in [
        'unit_key', 'disposition_id', 'receipt_id', 'product_category', 'grade', 'vendor_id', 'reason',
        'shipped_on', 'hazmat_class', 'weee_category',
    ] -%}
    {{ column }},
    {% endfor -%}
    coalesce(sku, 'UNKNOWN') as sku,
    -- the way
    way as disposition,
    case when way = 'SECONDARY_SALE' then coalesce(recovery_channel, 'NONE') else 'NONE' end as channel,
    {{ age_band_of_stock('decided_on - received_on') }} as age_band,
    decided_on,
    -- what it brought, and the day from which that is known
    net_quantity as units, asset_cost_reporting as original_cost, recovered, whole_cost as cost,
    greatest(coalesce(recovered_on, disposed_on) - decided_on, 0) as days,
    case
        when is_unanswered then disposed_on + {{ var('claim_answer_days') }}
        -- what is sold soon is known no sooner than what is never sold
        when disposition = 'SECONDARY_SALE'
            then greatest(disposed_on + {{ var('invoice_days') }}, recovered_on)
        when recovered_on is not null then greatest(recovered_on, disposed_on)
        when disposition = 'RTV' then disposed_on + {{ var('invoice_days') }}
        else disposed_on
    end as known_on
from told
-- what no feed tells is not nothing
where (disposition <> 'RTV' or {{ carries('erp_vendor_claims') or 'false' }})
    and (disposition <> 'SECONDARY_SALE' or {{ carries('erp_recovery_sales') or 'false' }})
