-- Grain: one row per customer that was merged into another, with the customer left at the chain's end.
-- A chain that runs into a circle ends at the circle's smallest id, so that all who lead there name the
-- same one.

{# Each round doubles the steps looked ahead, so that a chain of 2 ^ rounds merges is followed to its end at
   a cost that grows with the merges, not with their square. A longer one would stop half way. -#}
{%- set rounds = 20 -%}
with merged as (
    select customer_id, merged_into
    from {{ ref('stg_crm__customers') }}
    where is_current and merged_into is not null and merged_into <> customer_id
),

-- `ahead`: where so many steps lead; `smallest`: the smallest id on the way there
ahead_0 as (
    select customer_id, merged_into as ahead, least(customer_id, merged_into) as smallest
    from merged
),
{%- for round in range(rounds) %}

ahead_{{ round + 1 }} as (
    select
        near.customer_id,
        coalesce(far.ahead, near.ahead) as ahead,
        least(near.smallest, far.smallest) as smallest
    from ahead_{{ round }} as near
    left join ahead_{{ round }} as far on near.ahead = far.customer_id
),
{%- endfor %}

ends as (
    select * from ahead_{{ rounds }}
)

select
    ends.customer_id,
    -- whoever is still merged after so many steps goes round in a circle
    coalesce(circle.smallest, ends.ahead) as survivor_customer_id
from ends
left join ends as circle on ends.ahead = circle.customer_id
