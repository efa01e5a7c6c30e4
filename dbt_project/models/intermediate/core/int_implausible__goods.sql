-- Grain: one row per record of the touched units and rule that it contradicts: what was received, looked at,
-- worked on, disposed of, claimed from vendors and sold again.

with arrived as (
    select * from {{ ref('int_receipts') }}
),

receipts as (
    select
        arrived.*,
        lines.product_key,
        arrived.site in (select site.site from {{ ref('sites') }} as site) as is_known_site,
        rma.authorized_at,
        rma.quantity_authorized,
        sold.ordered_at,
        'wms_return_receipts' as feed,
        arrived.receipt_id as record_key
    from arrived
    inner join {{ ref('int_return_lines') }} as lines
        on arrived.return_line_key = lines.return_line_key
    left join {{ ref('int_rma_lines') }} as rma
        on arrived.unit_key = rma.unit_key
        and arrived.rma_no = rma.rma_no and arrived.rma_line_no = rma.rma_line_no
    left join {{ ref('int_sales_lines') }} as sold on lines.sales_line_key = sold.sales_line_key
),

inspections as (
    select
        looks.*, arrived.received_at, 'wms_inspections' as feed, looks.inspection_id as record_key
    from {{ ref('int_inspections') }} as looks
    left join arrived on looks.receipt_id = arrived.receipt_id
),

work_orders as (
    select work.*, arrived.received_at, 'wms_work_orders' as feed, work.work_order_no as record_key
    from {{ ref('int_work_orders') }} as work
    left join arrived on work.receipt_id = arrived.receipt_id
),

dispositions as (
    select
        gone.*,
        arrived.received_at,
        arrived.quantity as received_quantity,
        original.disposed_at as original_at,
        original.quantity as original_quantity,
        coalesce(original.is_reversal, false) as is_reversal_of_reversal,
        'wms_dispositions' as feed,
        gone.disposition_id as record_key
    from {{ ref('int_dispositions') }} as gone
    left join arrived on gone.receipt_id = arrived.receipt_id
    left join {{ ref('int_dispositions') }} as original
        on gone.reverses_disposition_id = original.disposition_id
        and gone.unit_key = original.unit_key
),

claims as (
    select fact.*, arrived.received_at, 'erp_vendor_claims' as feed, fact.claim_key as record_key
    from {{ ref('fct_vendor_claim') }} as fact
    left join arrived on fact.receipt_id = arrived.receipt_id
    where {{ in_touched_units('fact.unit_key') }}
),

recovered as (
    select
        sale.*,
        gone.disposed_on,
        gone.quantity as disposed_quantity,
        'erp_recovery_sales' as feed,
        sale.recovery_id as record_key
    from {{ ref('int_recovery_sales') }} as sale
    left join {{ ref('int_dispositions') }} as gone
        on sale.disposition_id = gone.disposition_id and sale.unit_key = gone.unit_key
)

{{ contradictions('goods') }}
