-- Grain: one row per month, site, source of emissions, what it depends on, and version of the factors:
-- grams of CO2 equivalent. Transport stands in the month of the receipt, disposal in that of the disposition.
-- Additive: units, weight and grams.
{{ config(materialized='table', indexes=[{'columns': ['month']}]) }}

with transport as (

    select
        cast(date_trunc('month', received_on) as date) as month,
        site,
        'transport' as source,
        distance_band as detail,
        co2e_factor_version as factor_version,
        quantity as units,
        transport_co2e_g as co2e_g
    from {{ ref('fct_receipt') }}
    where is_product

),

disposal as (

    select
        cast(date_trunc('month', disposed_on) as date) as month,
        site,
        'disposal' as source,
        disposition as detail,
        co2e_factor_version as factor_version,
        net_quantity as units,
        disposal_co2e_g as co2e_g
    from {{ ref('fct_disposition') }}
    where is_final and net_quantity > 0

),

emissions as (

    select * from transport
    union all
    select * from disposal

)

select
    month,
    site,
    source,
    coalesce(detail, 'UNKNOWN') as detail,
    coalesce(factor_version, 'NONE') as factor_version,
    cast(sum(units) as bigint) as units,
    cast(coalesce(sum(co2e_g), 0) as numeric(20, 2)) as co2e_g
from emissions
group by month, site, source, coalesce(detail, 'UNKNOWN'), coalesce(factor_version, 'NONE')
