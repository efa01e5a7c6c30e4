-- Grain: one row per SKU: every one that the item master has ever held, those that a published table names and no
-- item file has shown, and UNKNOWN. As of today: what it was when it was sold is in the facts.
{{ config(materialized='table') }}

with master as (

    select * from {{ ref('dim_product') }} where is_current

),

named as (
    {{ members_of_facts([
        ('sales_lines', 'sku'), ('return_lines', 'sku'), ('return_costs', 'sku'), ('return_positions', 'sku'),
        ('product_months', 'sku'), ('serial_positions', 'sku'), ('returned_stock', 'sku'),
        ('disposition_outcomes', 'sku'),
    ]) }}
    union
    select sku as value from {{ ref('lot_trace') }}
    union
    select sku as value from {{ ref('regulated_units') }} where sku is not null
)

select
    coalesce(master.sku, named.value) as sku,
    {{ product_name('coalesce(master.sku, named.value)') }} as product_name,
    coalesce(master.product_category, 'UNKNOWN') as product_category,
    coalesce(master.brand, 'UNKNOWN') as brand,
    coalesce(master.style, 'UNKNOWN') as style,
    coalesce(master.size, 'UNKNOWN') as size,
    coalesce(master.colour, 'UNKNOWN') as colour,
    coalesce(master.vendor_id, 'UNKNOWN') as vendor_id,
    coalesce(master.is_serialised, false) as is_serialised,
    coalesce(master.is_returnable, true) as is_returnable,
    master.weee_category is not null as is_electronic_waste,
    master.hazmat_class is not null as is_hazardous,
    coalesce(not master.is_deleted and not master.is_unknown, false) as is_in_catalog,
    coalesce(master.is_unknown, true) as is_unknown
from master
full join named on master.sku = named.value
