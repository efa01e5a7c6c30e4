-- Grain: one row per canonical disposition; OPEN stands for units that have no final one yet.
{{ config(materialized='table') }}

with named as (
    {{ members_of_facts([('disposition_outcomes', 'disposition'), ('regulated_units', 'disposition')]) }}
    union
    select disposition as value from {{ ref('waste_by_month') }}
)

select
    coalesce(dispositions.disposition, named.value) as disposition,
    case when named.value = 'OPEN' then 'Not decided yet' else coalesce(dispositions.label, named.value) end
        as disposition_name,
    coalesce(dispositions.is_final, false) as is_final,
    coalesce(dispositions.is_landfill_diverting, false) as is_landfill_diverting,
    coalesce(dispositions.is_value_recovering, false) as is_value_recovering,
    coalesce(dispositions.is_disposal, false) as is_disposal,
    coalesce(dispositions.disposition, 'UNMAPPED') = 'UNMAPPED' as is_unknown
from {{ ref('dim_disposition') }} as dispositions
full join named on dispositions.disposition = named.value
