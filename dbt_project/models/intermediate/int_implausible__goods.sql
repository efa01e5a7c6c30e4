-- Grain: one row per record of the touched units and rule that it contradicts: what was received, looked at,
-- worked on, disposed of, claimed from vendors and sold again.

{%- set rules = [
    {'rule': 'rma_unknown', 'of': 'receipts', 'where': 'is_blind and rma_no is not null'},
    {'rule': 'sku_unknown', 'of': 'receipts', 'where': "product_key = 'LATE_ARRIVING'"},
    {'rule': 'site_unknown', 'of': 'receipts', 'where': 'not is_known_site'},
    {'rule': 'received_before_authorized', 'of': 'receipts', 'where': 'received_at < authorized_at'},
    {'rule': 'received_before_sale', 'of': 'receipts', 'where': 'received_at < ordered_at'},
    {'rule': 'received_above_authorized', 'of': 'receipts', 'where': 'quantity > quantity_authorized'},
    {'rule': 'receipt_unknown', 'of': 'inspections', 'where': 'received_at is null'},
    {'rule': 'inspected_before_received', 'of': 'inspections', 'where': 'inspected_at < received_at'},
    {'rule': 'receipt_unknown', 'of': 'work_orders', 'where': 'received_at is null'},
    {'rule': 'opened_before_received', 'of': 'work_orders', 'where': 'opened_at < received_at'},
    {'rule': 'closed_before_opened', 'of': 'work_orders', 'where': 'closed_at < opened_at'},
    {'rule': 'receipt_unknown', 'of': 'dispositions', 'where': 'received_at is null'},
    {'rule': 'disposed_before_received', 'of': 'dispositions', 'where': 'disposed_at < received_at'},
    {'rule': 'disposed_above_received', 'of': 'dispositions',
     'where': 'not is_reversal and net_quantity > received_quantity'},
    {'rule': 'reverses_nothing', 'of': 'dispositions', 'where': 'is_reversal and original_at is null'},
    {'rule': 'reverses_a_reversal', 'of': 'dispositions', 'where': 'is_reversal_of_reversal'},
    {'rule': 'reverses_more_units', 'of': 'dispositions', 'where': 'quantity > original_quantity'},
    {'rule': 'reverses_what_comes_later', 'of': 'dispositions', 'where': 'disposed_at < original_at'},
    {'rule': 'vendor_unknown', 'of': 'claims', 'where': "vendor_key = 'LATE_ARRIVING'"},
    {'rule': 'receipt_unknown', 'of': 'claims', 'where': 'receipt_id is not null and received_at is null'},
    {'rule': 'credited_above_claimed', 'of': 'claims', 'where': 'credited_amount > claimed_amount'},
    {'rule': 'credited_before_opened', 'of': 'claims', 'where': 'credited_on < opened_on'},
    {'rule': 'disposition_unknown', 'of': 'recovered', 'where': 'disposed_on is null'},
    {'rule': 'sold_before_disposed', 'of': 'recovered', 'where': 'sold_on < disposed_on'},
    {'rule': 'sold_above_disposed', 'of': 'recovered', 'where': 'quantity > disposed_quantity'},
    {'rule': 'fees_above_proceeds', 'of': 'recovered', 'where': 'fees > gross_proceeds'},
] %}

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

{% for rule in rules -%}
select unit_key, feed, record_key, '{{ rule.rule }}' as rule from {{ rule.of }} where {{ rule.where }}
{{ 'union all' if not loop.last }}
{% endfor %}
