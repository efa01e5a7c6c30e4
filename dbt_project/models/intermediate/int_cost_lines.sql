-- Grain: one row per cost line of the touched units, in its own currency. Receiving, inspection, storage
-- and service are priced by rates; each line is rounded once. Storage is known when goods leave.

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

dispositions as (
    select * from {{ ref('int_dispositions') }}
),

handling as (
    select
        unit_key, return_line_key, receipt_id,
        'disposition:' || disposition_id as source_key,
        case when is_disposal then 'disposal' else 'handling' end as component,
        disposed_on as cost_on, handling_cost as amount, currency
    from dispositions
    where handling_cost <> 0
),

storage as (
    select
        dispositions.unit_key, dispositions.return_line_key, dispositions.receipt_id,
        'disposition:' || dispositions.disposition_id as source_key,
        'storage' as component, dispositions.disposed_on as cost_on,
        round(
            dispositions.net_quantity * (dispositions.disposed_on - receipts.received_on)
            * rates.rate, 2
        ) as amount,
        rates.currency
    from dispositions
    inner join receipts on dispositions.receipt_id = receipts.receipt_id
    inner join rates
        on receipts.site = rates.site and rates.activity = 'storage'
        and dispositions.disposed_on >= rates.valid_from
        and dispositions.disposed_on < rates.valid_to
    where dispositions.is_final and dispositions.net_quantity > 0
        and dispositions.disposed_on > receipts.received_on
),

work as (
    select
        unit_key, return_line_key, receipt_id,
        'work_order:' || work_order_no as source_key,
        case when work_type = 'repack' then 'repack' else 'repair' end as component,
        cost_on, cost_amount as amount, currency
    from {{ ref('int_work_orders') }}
    where cost_amount <> 0
),

case_handling as (
    select
        unit_key, return_line_key, cast(null as text) as receipt_id,
        'case:' || charge_key as source_key,
        'case_handling' as component, opened_on as cost_on, amount, currency
    from {{ ref('int_case_handling__split') }}
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
select * from storage
union all
select * from work
union all
select * from case_handling
union all
select * from payment_fees
