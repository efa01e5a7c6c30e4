-- Grain: one row per vendor: every one of the vendor master, those that an item names and no vendor file has
-- shown, and UNKNOWN. As of today.
{{ config(materialized='table') }}

with master as (

    select * from {{ ref('dim_vendor') }} where is_current

),

named as (
    {{ members_of_facts([
        ('sales_lines', 'vendor_id'), ('return_lines', 'vendor_id'), ('return_costs', 'vendor_id'),
    ]) }}
    union
    select vendor_id as value from {{ ref('dimension_product') }}
)

select
    coalesce(master.vendor_id, named.value) as vendor_id,
    coalesce(master.name, master.vendor_id, named.value) as vendor_name,
    coalesce(master.country, 'UNKNOWN') as country,
    master.rtv_window_days,
    coalesce(master.is_unknown, true) as is_unknown
from master
full join named on master.vendor_id = named.value
