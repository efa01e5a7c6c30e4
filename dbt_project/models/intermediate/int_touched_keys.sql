{{ config(indexes=[{'columns': ['entity', 'entity_key']}]) }}
-- Grain: one row per entity and key that the night's files touched, with what hangs below it.
-- Empty in a full build, which takes everything. Keys are coarse (an RMA, not its line): a superset
-- costs a little and cannot be wrong, since a unit recomputed needlessly comes out the same.

-- depends_on: {{ ref('int_touched_rates') }} {{ ref('sites') }} {{ ref('handling_rates') }}
-- depends_on: {{ ref('stg_erp__items') }} {{ ref('stg_crm__customers') }}
-- depends_on: {{ ref('stg_erp__vendors') }} {{ ref('stg_erp__vendor_claims') }}
-- depends_on: {{ ref('stg_erp__return_authorizations') }} {{ ref('stg_erp__credit_memos') }}
-- depends_on: {{ ref('stg_erp__payment_settlements') }} {{ ref('stg_erp__recovery_sales') }}
-- depends_on: {{ ref('stg_crm__return_requests') }} {{ ref('stg_crm__refunds') }}
-- depends_on: {{ ref('stg_crm__cases') }} {{ ref('stg_wms__returned_stock') }}
-- depends_on: {{ ref('stg_erp__gl_entries') }}
-- depends_on: {{ ref('stg_wms__carrier_invoices') }} {{ ref('stg_wms__shipment_events') }}
-- depends_on: {{ ref('stg_wms__return_receipts') }} {{ ref('stg_wms__inspections') }}
-- depends_on: {{ ref('stg_wms__dispositions') }} {{ ref('stg_wms__work_orders') }}
{% if is_full_build() %}
select cast(null as text) as entity, cast(null as text) as entity_key
from {{ ref('stg_erp__sales_lines') }}
where false
{% else %}
with recursive rates as (
    select * from {{ ref('int_touched_rates') }}
),

-- What full tables changed
changed_skus as (
    {{ touched_versions('erp', 'erp_items', 'sku', model_meta('stg_erp__items')['columns']) }}
),

changed_vendors as (
    {{ touched_versions(
        'erp', 'erp_vendors', 'vendor_id', model_meta('stg_erp__vendors')['columns']) }}
),

changed_customers as (
    {{ touched_versions(
        'crm', 'crm_customers', 'customer_id', model_meta('stg_crm__customers')['columns']) }}
),

-- Whoever was merged, at any time and over any chain, into a changed customer changes with it
customers as (
    select customer_id from changed_customers
    union
    select child.customer_id
    from customers as parent
    inner join {{ ref('stg_crm__customers') }} as child on parent.customer_id = child.merged_into
),

cases_by_file as (
    {{ touched_keys('crm', 'crm_cases', ['case_id']) }}
),

orders as (
    {{ touched_keys('erp', 'erp_sales_lines', ['order_no']) }}
    union
    select sale.order_no
    from changed_skus
    inner join {{ ref('stg_erp__sales_lines') }} as sale
        on changed_skus.sku = sale.sku and changed_skus.changed_from <= sale.ordered_on
    union
    select sale.order_no
    from customers
    inner join {{ ref('stg_erp__sales_lines') }} as sale on customers.customer_id = sale.customer_id
    union
    {{ repriced(ref('stg_erp__sales_lines'), 'order_no', 'ordered_on') }}
),

requests as (
    {{ touched_keys('crm', 'crm_return_requests', ['request_id']) }}
),

-- RMAs: their own rows, their requests, the parcels that they share, goods whose product as of today
-- counts because the sale is unknown, authorizations that lapsed since the last build, and cases
-- whose cost another rate converts
clock as (
    select
        least(min(business_date), {{ as_of_date() }}) as from_date,
        greatest(max(business_date), {{ as_of_date() }}) + 1 as to_date
    from {{ source('ops', 'builds') }}
    where build_id >= (
        select coalesce(max(build_id), 0) from {{ source('ops', 'builds') }} where status = 'built'
    )
),

rmas_by_file as (
    {{ touched_keys('erp', 'erp_return_authorizations', ['rma_no']) }}
    union
    select rma.rma_no
    from requests
    inner join {{ source('erp', 'erp_return_authorizations') }} as rma
        on requests.request_id = rma.request_id
),

parcels as (
    {{ touched_keys('wms', 'wms_carrier_invoices', ['tracking_no']) }}
    union
    {{ touched_keys('wms', 'wms_shipment_events', ['tracking_no']) }}
    union
    {{ repriced(ref('stg_wms__carrier_invoices'), 'tracking_no', 'invoiced_on') }}
    union
    select rma.tracking_no
    from rmas_by_file
    inner join {{ source('erp', 'erp_return_authorizations') }} as rma
        on rmas_by_file.rma_no = rma.rma_no
    where rma.tracking_no is not null
),

rmas as (
    select rma_no from rmas_by_file
    union
    select rma.rma_no
    from parcels
    inner join {{ ref('stg_erp__return_authorizations') }} as rma
        on parcels.tracking_no = rma.tracking_no
    union
    select event.rma_no
    from {{ source('wms', 'wms_shipment_events') }} as event
    where event._file_id in ({{ changed_files('wms_shipment_events') }})
        and event.rma_no is not null
    union
    select rma.rma_no
    from changed_skus
    inner join {{ ref('stg_erp__return_authorizations') }} as rma on changed_skus.sku = rma.sku
    left join {{ ref('stg_erp__sales_lines') }} as sale
        on rma.order_no = sale.order_no and rma.order_line_no = sale.line_no
    where sale.order_no is null
    union
    select rma.rma_no
    from clock
    inner join {{ ref('stg_erp__return_authorizations') }} as rma
        on rma.expires_at >= {{ start_of('clock.from_date') }}
        and rma.expires_at < {{ start_of('clock.to_date') }}
    union
    select case_row.rma_no
    from rates
    inner join {{ ref('handling_rates') }} as rate
        on rates.currency = rate.currency and rate.activity = 'case'
    inner join {{ ref('stg_crm__cases') }} as case_row
        on rates.affected_from <= case_row.opened_on and rates.affected_to > case_row.opened_on
    where case_row.rma_no is not null
),

-- Receipts: their own rows, their RMAs, who shipped or sent the same serial number, and what
-- inspectors, workshops, disposers, vendors and buyers did with them
serials as (
    select unnest(any_version.serial_nos) as serial_no
    from {{ source('erp', 'erp_sales_lines') }} as changed
    inner join {{ source('erp', 'erp_sales_lines') }} as any_version
        on changed.order_no = any_version.order_no and changed.line_no = any_version.line_no
    where changed._file_id in ({{ changed_files('erp_sales_lines') }})
    union
    {{ any_version_of(['receipt_id'], 'serial_no', 'wms', 'wms_return_receipts') }}
),

dispositions as (
    {{ touched_keys('wms', 'wms_dispositions', ['disposition_id']) }}
    union
    {{ any_version_of(['recovery_id'], 'disposition_id', 'erp', 'erp_recovery_sales') }}
    union
    {{ repriced(ref('stg_wms__dispositions'), 'disposition_id', 'disposed_on', currency=none) }}
    union
    {{ repriced(ref('stg_erp__recovery_sales'), 'disposition_id', 'sold_on') }}
),

claims as (
    {{ touched_keys('erp', 'erp_vendor_claims', ['claim_no']) }}
    union
    select claim.claim_no
    from changed_vendors
    inner join {{ ref('stg_erp__vendor_claims') }} as claim
        on changed_vendors.vendor_id = claim.vendor_id
        and changed_vendors.changed_from <= claim.opened_on
    union
    select claim.claim_no
    from changed_skus
    inner join {{ ref('stg_erp__vendor_claims') }} as claim on changed_skus.sku = claim.sku
    left join {{ ref('stg_wms__return_receipts') }} as receipt
        on claim.receipt_id = receipt.receipt_id
    where receipt.receipt_id is null
    union
    {{ repriced(ref('stg_erp__vendor_claims'), 'claim_no', 'opened_on') }}
    union
    {{ repriced(ref('stg_erp__vendor_claims'), 'claim_no', 'credited_on') }}
),

receipts as (
    {{ touched_keys('wms', 'wms_return_receipts', ['receipt_id']) }}
    union
    {{ any_version_of(['inspection_id'], 'receipt_id', 'wms', 'wms_inspections') }}
    union
    {{ any_version_of(['work_order_no'], 'receipt_id', 'wms', 'wms_work_orders') }}
    union
    select any_version.receipt_id
    from dispositions
    inner join {{ source('wms', 'wms_dispositions') }} as any_version
        on dispositions.disposition_id = any_version.disposition_id
    union
    select any_version.receipt_id
    from claims
    inner join {{ source('erp', 'erp_vendor_claims') }} as any_version
        on claims.claim_no = any_version.claim_no
    where any_version.receipt_id is not null
    union
    select receipt.receipt_id
    from rmas
    inner join {{ ref('stg_wms__return_receipts') }} as receipt on rmas.rma_no = receipt.rma_no
    union
    {{ any_version_of(
        ['memo_no', 'memo_line_no', 'component'], 'receipt_id', 'erp', 'erp_credit_memos') }}
    union
    select receipt.receipt_id
    from serials
    inner join {{ ref('stg_wms__return_receipts') }} as receipt
        on serials.serial_no = receipt.serial_no
    union
    select receipt.receipt_id
    from changed_skus
    inner join {{ ref('stg_wms__return_receipts') }} as receipt on changed_skus.sku = receipt.sku
    left join {{ ref('stg_erp__return_authorizations') }} as rma
        on receipt.rma_no = rma.rma_no and receipt.rma_line_no = rma.rma_line_no
    where rma.rma_no is null
    union
    select receipt.receipt_id
    from rates
    inner join {{ ref('sites') }} as site on rates.currency = site.currency
    inner join {{ ref('stg_wms__return_receipts') }} as receipt
        on site.site = receipt.site
        and rates.affected_from <= receipt.received_on and rates.affected_to > receipt.received_on
    union
    {{ repriced(ref('stg_wms__inspections'), 'receipt_id', 'inspected_on', currency=none) }}
    union
    {{ repriced(ref('stg_wms__work_orders'), 'receipt_id', 'cost_on') }}
),

cases as (
    select case_id from cases_by_file
    union
    select case_row.case_id
    from rmas
    inner join {{ ref('stg_crm__cases') }} as case_row on rmas.rma_no = case_row.rma_no
),

refunds as (
    {{ touched_keys('crm', 'crm_refunds', ['refund_id']) }}
    union
    select refund.refund_id
    from requests
    inner join {{ ref('stg_crm__refunds') }} as refund on requests.request_id = refund.request_id
    union
    select refund.refund_id
    from rmas
    inner join {{ ref('stg_crm__refunds') }} as refund on rmas.rma_no = refund.rma_no
    union
    {{ repriced(ref('stg_crm__refunds'), 'refund_id', 'created_on') }}
),

memos as (
    {{ touched_keys('erp', 'erp_credit_memos', ['memo_no']) }}
    union
    select memo.memo_no
    from rmas
    inner join {{ ref('stg_erp__credit_memos') }} as memo on rmas.rma_no = memo.rma_no
    union
    select memo.memo_no
    from refunds
    inner join {{ ref('stg_erp__credit_memos') }} as memo on refunds.refund_id = memo.refund_id
    union
    select memo.memo_no
    from receipts
    inner join {{ ref('stg_erp__credit_memos') }} as memo on receipts.receipt_id = memo.receipt_id
    union
    {{ repriced(ref('stg_erp__credit_memos'), 'memo_no', 'posted_on') }}
),

settlements as (
    {{ touched_keys('erp', 'erp_payment_settlements', ['settlement_id']) }}
    union
    select settlement.settlement_id
    from refunds
    inner join {{ ref('stg_erp__payment_settlements') }} as settlement
        on refunds.refund_id = settlement.refund_id
    union
    {{ repriced(ref('stg_erp__payment_settlements'), 'settlement_id', 'booked_on') }}
),

-- Journals: their own rows, and the documents that they post
journals as (
    {{ touched_keys('erp', 'erp_gl_entries', ['journal_no']) }}
    {%- for cte, key in [
        ('memos', 'memo_no'), ('refunds', 'refund_id'), ('settlements', 'settlement_id'),
    ] %}
    union
    select entry.journal_no
    from {{ cte }}
    inner join {{ ref('stg_erp__gl_entries') }} as entry on {{ cte }}.{{ key }} = entry.document_ref
    {%- endfor %}
    union
    {{ repriced(ref('stg_erp__gl_entries'), 'journal_no', 'posted_on') }}
),

stock_days as (
    {{ touched_keys('wms', 'wms_returned_stock', ['snapshot_date']) }}
    union
    select stock.snapshot_date
    from changed_skus
    inner join {{ ref('stg_wms__returned_stock') }} as stock
        on changed_skus.sku = stock.sku and changed_skus.changed_from <= stock.snapshot_date
    union
    {{ repriced(ref('stg_wms__returned_stock'), 'snapshot_date', 'snapshot_date') }}
)

select 'sku' as entity, sku as entity_key from changed_skus
{%- for entity, cte, key in [
    ('vendor', 'changed_vendors', 'vendor_id'), ('customer', 'customers', 'customer_id'),
    ('order', 'orders', 'order_no'), ('request', 'requests', 'request_id'),
    ('rma', 'rmas', 'rma_no'), ('parcel', 'parcels', 'tracking_no'),
    ('disposition', 'dispositions', 'disposition_id'), ('claim', 'claims', 'claim_no'),
    ('receipt', 'receipts', 'receipt_id'), ('case', 'cases', 'case_id'),
    ('refund', 'refunds', 'refund_id'), ('memo', 'memos', 'memo_no'),
    ('settlement', 'settlements', 'settlement_id'), ('journal', 'journals', 'journal_no'),
    ('stock_day', 'stock_days', 'snapshot_date'),
] %}
union all
select '{{ entity }}' as entity, cast({{ key }} as text) as entity_key from {{ cte }}
{%- endfor %}
{% endif %}
