-- Grain: one row per cost line of the touched units, in its own currency. Receiving and inspection are
-- priced by the site's rates; inspection_minutes become hours once, so each line is rounded once.

with receipts as (
    select * from {{ ref('int_receipts') }}
),

rates as (
    select * from {{ ref('handling_rates') }}
),

freight as (
    select
        unit_key, return_line_key, cast(null as text) as receipt_id,
        'carrier_invoice:' || charge_key || '/' || rma_line_key as source_key,
        'freight' as component, invoiced_on as cost_on, amount, currency
    from {{ ref('int_freight__split') }}
),

receiving as (
    select
        receipts.unit_key, receipts.return_line_key, receipts.receipt_id,
        'receipt:' || receipts.receipt_id as source_key,
        'receiving' as component, receipts.received_on as cost_on,
        round(receipts.quantity * rates.rate, 2) as amount, rates.currency
    from receipts
    inner join rates
        on receipts.site = rates.site and rates.activity = 'receiving'
        and receipts.received_on >= rates.valid_from and receipts.received_on < rates.valid_to
),

inspection as (
    select
        inspections.unit_key, inspections.return_line_key, inspections.receipt_id,
        'inspection:' || inspections.inspection_id as source_key,
        'inspection' as component, inspections.inspected_on as cost_on,
        round(inspections.labour_minutes * rates.rate / 60, 2) as amount, rates.currency
    from {{ ref('int_inspections') }} as inspections
    inner join rates
        on inspections.site = rates.site and rates.activity = 'inspection'
        and inspections.inspected_on >= rates.valid_from
        and inspections.inspected_on < rates.valid_to
),

handling as (
    select
        unit_key, return_line_key, receipt_id,
        'disposition:' || disposition_id as source_key,
        case when is_disposal then 'disposal' else 'handling' end as component,
        disposed_on as cost_on, handling_cost as amount, currency
    from {{ ref('int_dispositions') }}
    where handling_cost <> 0
),

payment_fees as (
    select
        unit_key, return_line_key, cast(null as text) as receipt_id,
        'settlement:' || settlement_id as source_key,
        'payment_fee' as component, booked_on as cost_on, -fee_amount as amount, currency
    from {{ ref('int_settlements') }}
    where type = 'refund' and fee_amount <> 0
)

select * from freight
union all
select * from receiving
union all
select * from inspection
union all
select * from handling
union all
select * from payment_fees
