{{ config(materialized='table', indexes=[{'columns': ['grade'], 'unique': true}]) }}
-- Grain: one row per value grade. Goods that nobody graded count as LIKE_NEW.

select grade, grade_rank, restock_factor, label
from {{ ref('grade_factors') }}
union all
select 'UNGRADED' as grade, 99 as grade_rank, restock_factor, 'Not graded' as label
from {{ ref('grade_factors') }}
where grade = 'LIKE_NEW'
