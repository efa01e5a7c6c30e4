{{ config(materialized='view', post_hook=[]) }}
-- Grain: one row per customer that was merged into another, with the customer left at the chain's end.
-- A chain that closes on itself ends at its smallest id, so that every member names the same one.

with recursive merges as (  -- noqa: PRS
    select customer_id, merged_into
    from {{ ref('stg_crm__customers') }}
    where is_current and merged_into is not null and merged_into <> customer_id
),

chain as (
    select customer_id, merged_into, 1 as step, array[customer_id, merged_into] as seen
    from merges
    union all
    select chain.customer_id, merges.merged_into, chain.step + 1, chain.seen || merges.merged_into
    from chain
    inner join merges on chain.merged_into = merges.customer_id
    where chain.merged_into <> all(chain.seen[1:array_length(chain.seen, 1) - 1])
),

ends as (
    select
        *,
        row_number() over (partition by customer_id order by step desc) as from_end
    from chain
)

select
    customer_id,
    case
        -- closed on itself
        when merged_into = any(seen[1:array_length(seen, 1) - 1])
            then (select min(member) from unnest(seen) as member)
        else merged_into
    end as survivor_customer_id
from ends
where from_end = 1
