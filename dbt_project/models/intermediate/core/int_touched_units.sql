{{ config(indexes=[{'columns': ['unit_key'], 'unique': true}]) }}
-- Grain: one row per unit of recomputation that the night touched: an order, or what stands alone. Whose
-- returns name no order has all orders and such returns computed together, since each takes units of a sale
-- that the others then can't: a superset costs a little and cannot be wrong.

-- depends_on: {{ ref('stg_erp__sales_lines') }} {{ ref('stg_erp__return_authorizations') }}
-- depends_on: {{ ref('stg_wms__return_receipts') }} {{ ref('int_rma_units') }} {{ ref('int_request_units') }}
{% if is_full_build() %}
select entity_key as unit_key from {{ ref('int_touched_keys') }} where false
{% else %}
with documents as (
    {%- for unit in units() %}
    {{ 'union all' if not loop.first }}
    select '{{ unit.prefix }}' || entity_key as unit_key
    from {{ ref('int_touched_keys') }}
    where entity = '{{ unit.document }}'
    {%- endfor %}
),

blind_customers as (
    select customer_id from {{ ref('stg_wms__return_receipts') }}
    where order_no is null and customer_id is not null
    union
    select customer_id from {{ ref('stg_erp__return_authorizations') }}
    where order_no is null and customer_id is not null
    union
    select customer_id from {{ ref('stg_crm__return_requests') }}
    where order_no is null and customer_id is not null
),

-- Whose orders and returns were touched, in any version that raw keeps
customers as (
    select sale.customer_id
    from documents
    inner join {{ source('erp', 'erp_sales_lines') }} as sale on documents.unit_key = sale.order_no
    where sale.customer_id in (select customer_id from blind_customers)
    {%- for prefix, system, feed, key in [
        ('RCV', 'wms', 'wms_return_receipts', 'receipt_id'),
        ('RMA', 'erp', 'erp_return_authorizations', 'rma_no'),
        ('REQ', 'crm', 'crm_return_requests', 'request_id'),
    ] %}
    union
    select any_version.customer_id
    from (
        select substr(unit_key, 5) as {{ key }} from documents where unit_key like '{{ prefix }}:%'
    ) as touched
    inner join {{ source(system, feed) }} as any_version on touched.{{ key }} = any_version.{{ key }}
    where any_version.order_no is null and any_version.customer_id is not null
    {%- endfor %}
    -- what a touched RMA or request authorized, by whoever sent it
    {%- for prefix, key in [('RMA', 'rma_no'), ('REQ', 'request_id')] %}
    union
    select unnest(array[rma.customer_id, receipt.customer_id]) as customer_id
    from documents
    inner join {{ ref('stg_erp__return_authorizations') }} as rma
        on documents.unit_key = '{{ prefix }}:' || rma.{{ key }} and rma.order_no is null
    left join {{ ref('stg_wms__return_receipts') }} as receipt on rma.rma_no = receipt.rma_no
    {%- endfor %}
),

units as (
    select sale.order_no as unit_key
    from customers
    inner join {{ ref('stg_erp__sales_lines') }} as sale on customers.customer_id = sale.customer_id
    union
    select request.unit_key
    from customers
    inner join {{ ref('int_request_units') }} as request on customers.customer_id = request.customer_id
    where request.order_no is null
    union
    select rma.unit_key
    from customers
    inner join {{ ref('int_rma_units') }} as rma on customers.customer_id = rma.customer_id
    where rma.order_no is null
    union
    select coalesce(rma.unit_key, 'RCV:' || receipt.receipt_id)
    from customers
    inner join {{ ref('stg_wms__return_receipts') }} as receipt
        on customers.customer_id = receipt.customer_id and receipt.order_no is null
    left join {{ ref('int_rma_units') }} as rma on receipt.rma_no = rma.rma_no
)

select unit_key from documents
union
select unit_key from units
union
{{ exchanged_orders('units') }}
{% endif %}
