-- Grain: one row per value grade, from the best; UNGRADED is a member, not null.
{{ config(materialized='table') }}

with named as (
    {{ members_of_facts([('disposition_outcomes', 'grade'), ('returned_stock', 'grade')]) }}
)

select
    coalesce(grades.grade, named.value) as grade,
    coalesce(grades.label, named.value) as grade_name,
    cast(grades.grade_rank as integer) as grade_rank,
    cast(grades.restock_factor as numeric(6, 2)) as restock_factor,
    coalesce(grades.grade, 'UNGRADED') = 'UNGRADED' as is_unknown
from {{ ref('dim_grade') }} as grades
full join named on grades.grade = named.value
