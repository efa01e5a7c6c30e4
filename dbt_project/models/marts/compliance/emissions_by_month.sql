-- Grain: one row per month, site, source of emissions, what it depends on, and version of the factors:
-- grams of CO2 equivalent. Transport stands in the month of the receipt, disposal in that of the disposition.
-- Additive: units, weight and grams; grams are null, not 0, where nothing has come that says what goods weigh.
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
    emissions.month,
    emissions.site,
    emissions.source,
    coalesce(emissions.detail, 'UNKNOWN') as detail,
    coalesce(emissions.factor_version, 'NONE') as factor_version,
    cast(sum(emissions.units) as bigint) as units,
    cast(case when items.has_come then coalesce(sum(emissions.co2e_g), 0) end as numeric(20, 2)) as co2e_g,
    {{ completeness_of_weight('items') }}
from emissions
inner join {{ ref('dim_feed') }} as items on items.feed = 'erp_items'
group by
    emissions.month, emissions.site, emissions.source, coalesce(emissions.detail, 'UNKNOWN'),
    coalesce(emissions.factor_version, 'NONE'), items.has_come, items.is_carried
