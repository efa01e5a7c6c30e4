-- Grain: one row per SKU that came back or was left with a customer: what taking it back has cost and brought,
-- what was left with customers instead, and whether a unit taken back should bring more than it costs. Means of a
-- SKU are drawn towards those of its category, the more the fewer units they rest on. Of goods whose way has ended.
-- Additive: units and amounts, but for those of one unit.
{{ config(materialized='table', indexes=[{'columns': ['product_category']}, {'columns': ['advice']}]) }}
{%- set k = var('shrink_units', 10) %}

with by_sku as (

    select * from {{ ref('returnless_units') }}

),

by_category as (

    select
        product_category,
        -- nothing at all is not what it costs, but what nobody has told
        nullif(sum(cost), 0) / nullif(sum(units), 0) as unit_cost_of_return,
        sum(recovered_of_cost) / nullif(sum(original_cost), 0) as share,
        sum(unit_price * units) filter (where unit_cost > 0 and unit_price is not null)
        / nullif(sum(unit_cost * units) filter (where unit_cost > 0 and unit_price is not null), 0) as markup
    from by_sku
    group by product_category

),

expected as (

    select
        by_sku.*,
        by_category.markup,
        by_sku.units / (by_sku.units + {{ k }}) * coalesce(by_sku.cost / nullif(by_sku.units, 0), 0)
        + {{ k }} / (by_sku.units + {{ k }}) * by_category.unit_cost_of_return as cost_to_come,
        case
            when by_sku.original_cost > 0 then by_sku.units / (by_sku.units + {{ k }})
                * by_sku.recovered_of_cost / by_sku.original_cost
                + {{ k }} / (by_sku.units + {{ k }}) * by_category.share
            else by_category.share
        end as share
    from by_sku
    left join by_category on by_sku.product_category = by_category.product_category

)

select
    sku,
    {{ product_name('expected.sku') }} as product_name,
    product_category,
    -- taking back
    cast(units as bigint) as units_taken_back,
    cast(cost as numeric(18, 2)) as cost_of_taking_back,
    cast(recovered as numeric(18, 2)) as recovered_value,
    -- leaving with the customer
    cast(kept_units as bigint) as units_kept,
    cast(kept_refunded as numeric(18, 2)) as refunded_kept,
    cast(kept_cost as numeric(18, 2)) as cost_of_kept,
    -- the next unit
    cast(round(unit_price, 2) as numeric(18, 2)) as unit_price,
    cast(round(unit_cost, 2) as numeric(18, 2)) as unit_cost,
    cast(round(cost_to_come, 2) as numeric(18, 2)) as expected_cost,
    cast(round(unit_cost * share, 2) as numeric(18, 2)) as expected_recovery,
    cast(round(unit_cost * share - cost_to_come, 2) as numeric(18, 2)) as expected_net,
    cast(round(
        cost_to_come / case when share > 0 then share end * coalesce(unit_price / nullif(unit_cost, 0), markup), 2
    ) as numeric(18, 2)) as threshold_price,
    case
        when unit_cost * share - cost_to_come < 0 then 'KEEP'
        when unit_cost * share - cost_to_come >= 0 then 'TAKE_BACK'
    end as advice,
    cast('{{ var("reporting_currency") }}' as text) as currency
from expected
