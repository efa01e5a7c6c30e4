-- Grain: one row per receipt of goods with units that are not finally disposed of: how many, the grade that they have
-- now (of goods that were worked on the work's own), and whether they are in the workshop. Not published.
{{ config(materialized='table') }}

with gone as (

    select receipt_id, sum(net_quantity) as units
    from {{ ref('fct_disposition') }}
    where is_final
    group by receipt_id

),

last_steps as (

    select
        receipt_id,
        (array_agg(disposition order by disposed_at desc, disposition_id desc))[1] in ('REFURBISH', 'REPAIR')
            as is_to_the_workshop
    from {{ ref('fct_disposition') }}
    where not is_reversal and not is_reversed
    group by receipt_id

),

work as (

    select
        receipt_id,
        bool_or(is_open) as is_open,
        (array_agg(outcome_grade order by closed_at desc nulls last, work_order_no desc))[1] as outcome_grade
    from {{ ref('fct_work_order') }}
    where work_type in ('refurbish', 'repair')
    group by receipt_id

)

select
    receipts.receipt_id,
    receipts.return_line_key,
    receipts.rma_no,
    coalesce(receipts.site, 'UNATTRIBUTED') as site,
    receipts.sku,
    coalesce(receipts.product_category, 'UNKNOWN') as product_category,
    receipts.received_on,
    cast(receipts.quantity - coalesce(gone.units, 0) as bigint) as open_units,
    cast(receipts.unit_cost * fx.rate as numeric(38, 6)) as unit_cost,
    coalesce(last_steps.is_to_the_workshop and coalesce(work.is_open, true), false) as is_worked_on,
    coalesce(last_steps.is_to_the_workshop and not work.is_open, false) as was_worked_on,
    nullif(coalesce(
        case when last_steps.is_to_the_workshop and not work.is_open then work.outcome_grade end, looks.grade
    ), 'UNGRADED') as grade,
    case when looks.confirmed_reason = 'RECALL' then 'RECALL' else lines.reason end as reason,
    lines.shipped_on
from {{ ref('fct_receipt') }} as receipts
left join gone on receipts.receipt_id = gone.receipt_id
left join last_steps on receipts.receipt_id = last_steps.receipt_id
left join work on receipts.receipt_id = work.receipt_id
left join {{ ref('fct_inspection') }} as looks
    on receipts.receipt_id = looks.receipt_id and looks.is_latest
left join {{ ref('fct_return_line') }} as lines on receipts.return_line_key = lines.return_line_key
left join {{ ref('dim_exchange_rate') }} as fx
    on receipts.cost_currency = fx.currency
    and receipts.received_on >= fx.valid_from and receipts.received_on < fx.valid_to
where receipts.is_product and receipts.quantity > coalesce(gone.units, 0)
    -- where no system tells what becomes of goods, nobody knows that they wait
    and {{ carries('wms_dispositions') or 'false' }}
