-- Grain: one row per cost line of the touched units, in its own currency. Receiving, inspection, storage
-- and service are priced by rates; each line is rounded once. Storage is known when goods leave.

with receipts as (
    select * from {{ ref('int_receipts') }}
),

dispositions as (
    select * from {{ ref('int_dispositions') }}
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
    inner join rates on {{ rate_holds('receiving', 'receipts.site', 'receipts.received_on') }}
),

inspection as (
    select
        looks.unit_key, looks.return_line_key, looks.receipt_id,
        'inspection:' || looks.inspection_id as source_key,
        'inspection' as component, looks.inspected_on as cost_on,
        round(looks.labour_minutes * rates.rate / 60, 2) as amount, rates.currency
    from {{ ref('int_inspections') }} as looks
    inner join rates on {{ rate_holds('inspection', 'looks.site', 'looks.inspected_on') }}
),

handling as (
    select
        unit_key, return_line_key, receipt_id, 'disposition:' || disposition_id as source_key,
        case when is_disposal then 'disposal' else 'handling' end as component,
        disposed_on as cost_on, handling_cost as amount, currency
    from dispositions
    where handling_cost <> 0
),

storage as (
    select
        gone.unit_key, gone.return_line_key, gone.receipt_id,
        'disposition:' || gone.disposition_id as source_key,
        'storage' as component, gone.disposed_on as cost_on,
        round(gone.net_quantity * (gone.disposed_on - receipts.received_on) * rates.rate, 2)
            as amount,
        rates.currency
    from dispositions as gone
    inner join receipts on gone.receipt_id = receipts.receipt_id
    inner join rates on {{ rate_holds('storage', 'receipts.site', 'gone.disposed_on') }}
    where gone.is_final and gone.net_quantity > 0 and gone.disposed_on > receipts.received_on
),

work as (
    select
        unit_key, return_line_key, receipt_id, 'work_order:' || work_order_no as source_key,
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

payment_fee as (
    select
        unit_key, return_line_key, cast(null as text) as receipt_id,
        'settlement:' || settlement_id as source_key,
        'payment_fee' as component, booked_on as cost_on, -fee_amount as amount, currency
    from {{ ref('int_settlements') }}
    where type = 'refund' and fee_amount <> 0
)

{% for component in [
    'freight', 'receiving', 'inspection', 'handling', 'storage', 'work', 'case_handling', 'payment_fee'
] -%}
select * from {{ component }}
{{ 'union all' if not loop.last }}
{% endfor %}
