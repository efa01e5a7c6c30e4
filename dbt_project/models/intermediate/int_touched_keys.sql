{{ config(indexes=[{'columns': ['entity', 'entity_key']}]) }}
-- Grain: one row per entity and key that the night's files touched, with what hangs below it.
-- Empty in a full build, which takes everything. Keys are coarse (an RMA, not its line): a superset
-- costs a little and cannot be wrong, since a unit recomputed needlessly comes out the same.

{% if is_full_build() %}
select cast(null as text) as entity, cast(null as text) as entity_key
from {{ ref('stg_erp__sales_lines') }}
where false
    -- depends_on: {{ ref('int_touched_rates') }}
    -- depends_on: {{ ref('stg_erp__items') }} {{ ref('stg_crm__customers') }}
    -- depends_on: {{ ref('stg_erp__return_authorizations') }} {{ ref('stg_erp__credit_memos') }}
    -- depends_on: {{ ref('stg_erp__payment_settlements') }} {{ ref('stg_erp__recovery_sales') }}
    -- depends_on: {{ ref('stg_crm__return_requests') }} {{ ref('stg_crm__refunds') }}
    -- depends_on: {{ ref('stg_wms__carrier_invoices') }} {{ ref('stg_wms__shipment_events') }}
    -- depends_on: {{ ref('stg_wms__return_receipts') }} {{ ref('stg_wms__inspections') }}
    -- depends_on: {{ ref('stg_wms__dispositions') }} {{ ref('sites') }}
{% else %}
with recursive rates as (
    select * from {{ ref('int_touched_rates') }}
),

-- What full tables changed
changed_skus as (
    {{ touched_versions('erp', 'erp_items', 'sku', model_meta('stg_erp__items')['columns']) }}
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
    select sale.order_no
    from rates
    inner join {{ ref('stg_erp__sales_lines') }} as sale
        on rates.currency = sale.currency
        and sale.ordered_on >= rates.affected_from and sale.ordered_on < rates.affected_to
),

requests as (
    {{ touched_keys('crm', 'crm_return_requests', ['request_id']) }}
),

-- RMAs: their own rows, their requests, the parcels that they share, goods whose product as of today
-- counts because the sale is unknown, and authorizations that lapsed since the last build
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
    select invoice.tracking_no
    from rates
    inner join {{ ref('stg_wms__carrier_invoices') }} as invoice
        on rates.currency = invoice.currency
        and invoice.invoiced_on >= rates.affected_from
        and invoice.invoiced_on < rates.affected_to
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
        on rma.expires_at >= cast(clock.from_date as timestamp) at time zone 'UTC'
        and rma.expires_at < cast(clock.to_date as timestamp) at time zone 'UTC'
),

-- Receipts: their own rows, their RMAs, and what inspectors, disposers and buyers did with them
dispositions as (
    {{ touched_keys('wms', 'wms_dispositions', ['disposition_id']) }}
    union
    {{ touched_keys('erp', 'erp_recovery_sales', ['disposition_id']) }}
    union
    select sale.disposition_id
    from {{ source('erp', 'erp_recovery_sales') }} as changed
    inner join {{ source('erp', 'erp_recovery_sales') }} as sale
        on changed.recovery_id = sale.recovery_id
    where changed._file_id in ({{ changed_files('erp_recovery_sales') }})
    union
    select disposition.disposition_id
    from rates
    inner join {{ ref('stg_wms__dispositions') }} as disposition
        on disposition.disposed_on >= rates.affected_from
        and disposition.disposed_on < rates.affected_to
    union
    select sale.disposition_id
    from rates
    inner join {{ ref('stg_erp__recovery_sales') }} as sale
        on rates.currency = sale.currency
        and sale.sold_on >= rates.affected_from and sale.sold_on < rates.affected_to
),

receipts as (
    {{ touched_keys('wms', 'wms_return_receipts', ['receipt_id']) }}
    union
    select any_version.receipt_id
    from {{ source('wms', 'wms_inspections') }} as changed
    inner join {{ source('wms', 'wms_inspections') }} as any_version
        on changed.inspection_id = any_version.inspection_id
    where changed._file_id in ({{ changed_files('wms_inspections') }})
    union
    select any_version.receipt_id
    from dispositions
    inner join {{ source('wms', 'wms_dispositions') }} as any_version
        on dispositions.disposition_id = any_version.disposition_id
    union
    select receipt.receipt_id
    from rmas
    inner join {{ ref('stg_wms__return_receipts') }} as receipt on rmas.rma_no = receipt.rma_no
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
        and receipt.received_on >= rates.affected_from and receipt.received_on < rates.affected_to
    union
    select inspection.receipt_id
    from rates
    inner join {{ ref('stg_wms__inspections') }} as inspection
        on inspection.inspected_on >= rates.affected_from
        and inspection.inspected_on < rates.affected_to
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
    select refund.refund_id
    from rates
    inner join {{ ref('stg_crm__refunds') }} as refund
        on rates.currency = refund.currency
        and refund.created_on >= rates.affected_from and refund.created_on < rates.affected_to
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
    from rates
    inner join {{ ref('stg_erp__credit_memos') }} as memo
        on rates.currency = memo.currency
        and memo.posted_on >= rates.affected_from and memo.posted_on < rates.affected_to
),

settlements as (
    {{ touched_keys('erp', 'erp_payment_settlements', ['settlement_id']) }}
    union
    select settlement.settlement_id
    from refunds
    inner join {{ ref('stg_erp__payment_settlements') }} as settlement
        on refunds.refund_id = settlement.refund_id
    union
    select settlement.settlement_id
    from rates
    inner join {{ ref('stg_erp__payment_settlements') }} as settlement
        on rates.currency = settlement.currency
        and settlement.booked_on >= rates.affected_from
        and settlement.booked_on < rates.affected_to
)

select 'sku' as entity, sku as entity_key from changed_skus
union all
select 'customer' as entity, customer_id as entity_key from customers
union all
select 'order' as entity, order_no as entity_key from orders
union all
select 'request' as entity, request_id as entity_key from requests
union all
select 'rma' as entity, rma_no as entity_key from rmas
union all
select 'parcel' as entity, tracking_no as entity_key from parcels
union all
select 'disposition' as entity, disposition_id as entity_key from dispositions
union all
select 'receipt' as entity, receipt_id as entity_key from receipts
union all
select 'refund' as entity, refund_id as entity_key from refunds
union all
select 'memo' as entity, memo_no as entity_key from memos
union all
select 'settlement' as entity, settlement_id as entity_key from settlements
{% endif %}
