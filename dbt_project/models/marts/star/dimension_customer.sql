-- Grain: one row per customer, as keyed hash: every one of the customer master, those that a fact names and no
-- customer file has shown, and UNKNOWN. As of today. A merged customer's sales are the survivor's; what names the
-- merged one alone leads there by survivor_customer_id. Nothing here names a person.
{{ config(materialized='table') }}

with master as (

    select * from {{ ref('dim_customer') }} where is_current

),

named as (
    {{ members_of_facts([('sales_lines', 'customer_id'), ('return_lines', 'customer_id')]) }}
)

select
    coalesce(master.customer_id, named.value) as customer_id,
    coalesce(master.survivor_customer_id, named.value) as survivor_customer_id,
    coalesce(master.segment, 'UNKNOWN') as segment,
    coalesce(master.country, 'UNKNOWN') as country,
    {{ business_day('master.created_at') }} as created_on,
    coalesce(master.is_merged, false) as is_merged,
    coalesce(master.is_unknown, true) as is_unknown
from master
full join named on master.customer_id = named.value
