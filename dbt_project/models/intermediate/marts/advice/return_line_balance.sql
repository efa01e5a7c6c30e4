-- Grain: one row per return line that cost or brought anything: what it cost, which part of that the processor took for
-- the refund, what its goods brought again, and what those had cost whose way has ended; in the reporting currency.
-- Additive: everything. Not published.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'units'},
    indexes=[{'columns': ['unit_key']}, {'columns': ['return_line_key']}]
) }}

with amounts as (

    select
        unit_key, return_line_key, reporting_amount as cost,
        case when component = 'payment_fee' then reporting_amount else 0 end as payment_fee,
        0 as recovered, 0 as asset_cost
    from {{ ref('fct_cost_line') }}
    where {{ in_touched_units('unit_key') }}
    union all
    select unit_key, return_line_key, 0 as cost, 0 as payment_fee, recovered_reporting as recovered, 0 as asset_cost
    from {{ ref('fct_recovery') }}
    where {{ in_touched_units('unit_key') }}
    union all
    select unit_key, return_line_key, 0 as cost, 0 as payment_fee, 0 as recovered, asset_cost_reporting as asset_cost
    from {{ ref('fct_disposition') }}
    where is_final and net_quantity > 0 and {{ in_touched_units('unit_key') }}

)

select
    unit_key,
    return_line_key,
    cast(sum(cost) as numeric(18, 2)) as cost,
    cast(sum(payment_fee) as numeric(18, 2)) as payment_fee,
    cast(sum(recovered) as numeric(18, 2)) as recovered,
    cast(sum(asset_cost) as numeric(18, 2)) as asset_cost
from amounts
where return_line_key is not null
group by unit_key, return_line_key
