{{ config(materialized='table', indexes=[{'columns': ['feed'], 'unique': true}]) }}
-- Grain: one row per feed that has a contract: whether the company carries it, and whether a row has come.

{%- set feeds = [
    'crm_cases', 'crm_customers', 'crm_refunds', 'crm_return_requests', 'erp_credit_memos', 'erp_fx_rates',
    'erp_gl_entries', 'erp_items', 'erp_payment_settlements', 'erp_recovery_sales',
    'erp_return_authorizations', 'erp_sales_lines', 'erp_vendor_claims', 'erp_vendors',
    'wms_carrier_invoices', 'wms_dispositions', 'wms_inspections', 'wms_return_receipts',
    'wms_returned_stock', 'wms_shipment_events', 'wms_work_orders',
] %}

{% for feed in feeds %}
select
    cast('{{ feed }}' as text) as feed,
    {{ carries(feed) or 'false' }} as is_carried,
    exists(select 1 from {{ ref('stg_' ~ feed.replace('_', '__', 1)) }}) as has_come
{% if not loop.last %}union all{% endif %}
{%- endfor %}
