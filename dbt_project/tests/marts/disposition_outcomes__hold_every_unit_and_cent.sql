-- Units and recovered value by disposition are those of core.
{{ config(meta={'failure_means': 'Units finally disposed of, or value recovered from them, are lost or doubled on the way to the mart.'}) }}
with mart as (

    select sum(units) as units, sum(recovered_value) as recovered, sum(original_cost) as cost
    from {{ ref('disposition_outcomes') }}

),

core as (

    select
        (
            select coalesce(sum(net_quantity), 0) from {{ ref('fct_disposition') }}
            where is_final and net_quantity > 0
        ) as units,
        (
            select coalesce(sum(asset_cost_reporting), 0) from {{ ref('fct_disposition') }}
            where is_final and net_quantity > 0
        ) as cost

)

select mart.units, core.units as core_units, mart.cost, core.cost as core_cost
from mart
cross join core
where coalesce(mart.units, 0) <> core.units or coalesce(mart.cost, 0) <> core.cost
