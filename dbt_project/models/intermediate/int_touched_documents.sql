{{ config(indexes=[{'columns': ['unit_key'], 'unique': true}]) }}
-- Grain: one row per unit of recomputation that the night's documents lead to: an order, or what stands alone.
-- A key leads to its units through every version of its row that raw keeps, so that the order that a
-- row has left is found as well as the one it went to. Raw never forgets, so a build that broke off
-- half way finds the same units when it runs again.

-- depends_on: {{ ref('stg_erp__sales_lines') }} {{ ref('stg_erp__return_authorizations') }}
-- depends_on: {{ ref('int_rma_units') }}
{% if is_full_build() %}
select cast(null as text) as unit_key from {{ ref('int_touched_keys') }} where false
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

{% for entity, system, feed, key, columns in [
    ('memo', 'erp', 'erp_credit_memos', 'memo_no', 'rma_no, order_no, refund_id, receipt_id'),
    ('settlement', 'erp', 'erp_payment_settlements', 'settlement_id', 'refund_id'),
    ('case', 'crm', 'crm_cases', 'case_id', 'rma_no, order_no'),
] -%}
{{ entity }}_versions as (
    select {{ columns }}
    from touched
    inner join {{ source(system, feed) }} as any_version
        on touched.entity_key = any_version.{{ key }}
    where touched.entity = '{{ entity }}'
),

{% endfor -%}
receipt_keys as (
    select entity_key as receipt_id from touched where entity = 'receipt'
    union
    select receipt_id from memo_versions where receipt_id is not null
),

receipt_versions as (
    select any_version.rma_no, any_version.order_no
    from receipt_keys
    inner join {{ source('wms', 'wms_return_receipts') }} as any_version
        on receipt_keys.receipt_id = any_version.receipt_id
),

refund_keys as (
    select entity_key as refund_id from touched where entity = 'refund'
    union
    select refund_id from memo_versions where refund_id is not null
    union
    select refund_id from settlement_versions where refund_id is not null
),

refund_versions as (
    select refund.request_id, refund.rma_no, refund.order_no
    from refund_keys
    inner join {{ source('crm', 'crm_refunds') }} as refund
        on refund_keys.refund_id = refund.refund_id
),

rma_keys as (
    select entity_key as rma_no from touched where entity = 'rma'
    {%- for versions in ['receipt', 'memo', 'refund', 'case'] %}
    union
    select rma_no from {{ versions }}_versions where rma_no is not null
    {%- endfor %}
),

rma_versions as (
    select rma.request_id, rma.order_no
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

units as (
    select entity_key as unit_key from touched where entity = 'order'
    {%- for versions in ['rma', 'receipt', 'memo', 'refund', 'case'] %}
    union
    select order_no from {{ versions }}_versions
    {%- endfor %}
    union
    select request.order_no
    from request_keys
    inner join {{ source('crm', 'crm_return_requests') }} as request
        on request_keys.request_id = request.request_id
    union
    select 'REQ:' || request_id from request_keys
    union
    select 'RMA:' || rma_no from rma_keys
    union
    select 'RFD:' || refund_id from refund_keys
    union
    select 'RCV:' || receipt_id from receipt_keys
    {%- for entity, prefix in [
        ('disposition', 'DSP'), ('parcel', 'TRK'), ('memo', 'MEM'), ('settlement', 'STL'),
        ('claim', 'CLM'), ('case', 'CAS'), ('journal', 'JRN'),
    ] %}
    union
    select '{{ prefix }}:' || entity_key from touched where entity = '{{ entity }}'
    {%- endfor %}
)

select unit_key from units where unit_key is not null
union
{{ exchanged_orders('units') }}
{% endif %}
