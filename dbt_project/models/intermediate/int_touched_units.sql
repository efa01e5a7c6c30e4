{{ config(indexes=[{'columns': ['unit_key'], 'unique': true}]) }}
-- Grain: one row per unit of recomputation that the night touched: an order, or what stands alone.
-- A key leads to its units through every version of its row that raw keeps, so that the order that a
-- row has left is found as well as the one it went to. Raw never forgets, so a build that broke off
-- half way finds the same units when it runs again.

{% if is_full_build() %}
select cast(null as text) as unit_key from {{ ref('int_touched_keys') }} where false
    -- depends_on: {{ ref('stg_erp__sales_lines') }} {{ ref('stg_erp__return_authorizations') }}
{% else %}
with keys as (
    select * from {{ ref('int_touched_keys') }}
),

-- What a journal names may be a memo, a refund or a settlement: each is looked for
posted as (
    select distinct entry.document_ref
    from keys
    inner join {{ source('erp', 'erp_gl_entries') }} as entry on keys.entity_key = entry.journal_no
    where keys.entity = 'journal' and entry.document_ref is not null
),

touched as (
    select entity, entity_key from keys
    union
    select kinds.entity, posted.document_ref as entity_key
    from posted
    cross join (values ('memo'), ('refund'), ('settlement')) as kinds (entity)
),

receipt_versions as (
    select receipt.receipt_id, receipt.rma_no, receipt.order_no
    from touched
    inner join {{ source('wms', 'wms_return_receipts') }} as receipt
        on touched.entity_key = receipt.receipt_id
    where touched.entity = 'receipt'
),

memo_versions as (
    select memo.memo_no, memo.rma_no, memo.order_no, memo.refund_id
    from touched
    inner join {{ source('erp', 'erp_credit_memos') }} as memo on touched.entity_key = memo.memo_no
    where touched.entity = 'memo'
),

case_versions as (
    select any_version.case_id, any_version.rma_no, any_version.order_no
    from touched
    inner join {{ source('crm', 'crm_cases') }} as any_version
        on touched.entity_key = any_version.case_id
    where touched.entity = 'case'
),

refund_keys as (
    select entity_key as refund_id from touched where entity = 'refund'
    union
    select refund_id from memo_versions where refund_id is not null
    union
    select settlement.refund_id
    from touched
    inner join {{ source('erp', 'erp_payment_settlements') }} as settlement
        on touched.entity_key = settlement.settlement_id
    where touched.entity = 'settlement' and settlement.refund_id is not null
),

refund_versions as (
    select refund.refund_id, refund.request_id, refund.rma_no, refund.order_no
    from refund_keys
    inner join {{ source('crm', 'crm_refunds') }} as refund
        on refund_keys.refund_id = refund.refund_id
),

rma_keys as (
    select entity_key as rma_no from touched where entity = 'rma'
    union
    select rma_no from receipt_versions where rma_no is not null
    union
    select rma_no from memo_versions where rma_no is not null
    union
    select rma_no from refund_versions where rma_no is not null
    union
    select rma_no from case_versions where rma_no is not null
),

rma_versions as (
    select rma.rma_no, rma.request_id, rma.order_no
    from rma_keys
    inner join {{ source('erp', 'erp_return_authorizations') }} as rma on rma_keys.rma_no = rma.rma_no
),

request_keys as (
    select entity_key as request_id from touched where entity = 'request'
    union
    select request_id from rma_versions where request_id is not null
    union
    select request_id from refund_versions where request_id is not null
),

request_versions as (
    select request.request_id, request.order_no
    from request_keys
    inner join {{ source('crm', 'crm_return_requests') }} as request
        on request_keys.request_id = request.request_id
),

units as (
    select entity_key as unit_key from touched where entity = 'order'
    union
    select order_no from request_versions
    union
    select order_no from rma_versions
    union
    select order_no from receipt_versions
    union
    select order_no from memo_versions
    union
    select order_no from refund_versions
    union
    select order_no from case_versions
    union
    select 'REQ:' || request_id from request_keys
    union
    select 'RMA:' || rma_no from rma_keys
    union
    select 'RCV:' || entity_key from touched where entity = 'receipt'
    union
    select 'DSP:' || entity_key from touched where entity = 'disposition'
    union
    select 'TRK:' || entity_key from touched where entity = 'parcel'
    union
    select 'RFD:' || refund_id from refund_keys
    union
    select 'MEM:' || entity_key from touched where entity = 'memo'
    union
    select 'STL:' || entity_key from touched where entity = 'settlement'
    union
    select 'CLM:' || entity_key from touched where entity = 'claim'
    union
    select 'CAS:' || entity_key from touched where entity = 'case'
    union
    select 'JRN:' || entity_key from touched where entity = 'journal'
),

-- An RMA's goods are replaced by other orders; which of them replaces which line is decided together
exchanged_rmas as (
    select rma_no from rma_keys
    union
    select rma.rma_no
    from units
    inner join {{ ref('stg_erp__return_authorizations') }} as rma on units.unit_key = rma.order_no
    union
    select sale.replaces_rma_no
    from units
    inner join {{ source('erp', 'erp_sales_lines') }} as sale on units.unit_key = sale.order_no
    where sale.replaces_rma_no is not null
)

select unit_key from units where unit_key is not null
union
select sale.order_no
from exchanged_rmas
inner join {{ ref('stg_erp__sales_lines') }} as sale on exchanged_rmas.rma_no = sale.replaces_rma_no
{% endif %}
