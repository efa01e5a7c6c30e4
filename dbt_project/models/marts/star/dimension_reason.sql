-- Grain: one row per canonical return reason, with the party at fault; UNKNOWN and UNMAPPED are members.
{{ config(materialized='table') }}

with named as (
    {{ members_of_facts([('return_lines', 'reason'), ('return_costs', 'reason')]) }}
)

select
    coalesce(reasons.reason, named.value) as reason,
    coalesce(reasons.label, named.value) as reason_name,
    coalesce(reasons.fault_party, 'UNKNOWN') as fault_party
from {{ ref('dim_reason') }} as reasons
full join named on reasons.reason = named.value
