-- Grain: one row per reason: units that came back for it over all units shipped ever, with the Wilson interval.
-- Additive: returned and unattributed units; all of them are those of product_return_rate. Not additive: the
-- units shipped, the same on every row, since nothing is shipped for a reason.
{{ config(materialized='table', indexes=[{'columns': ['rate_low']}]) }}

with members as (

    select
        reason,
        (select sum(shipped_quantity) from {{ ref('return_rate_units') }}) as shipped_quantity,
        sum(returned_quantity) as returned_quantity,
        sum(unattributed_quantity) as unattributed_quantity
    from {{ ref('return_rate_units') }}
    where reason is not null
    group by reason

),

{{ return_rates(['reason'], shipped='all_shipped_quantity') }}
