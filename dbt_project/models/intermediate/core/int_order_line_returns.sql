{{ config(materialized='view', post_hook=[]) }}
-- Grain: one row per order line of the touched units that has exactly one return line.

select
    unit_key,
    order_no,
    order_line_no,
    min(return_line_key) as return_line_key
from {{ ref('int_return_lines') }}
where order_no is not null and order_line_no is not null
group by unit_key, order_no, order_line_no
having count(*) = 1
