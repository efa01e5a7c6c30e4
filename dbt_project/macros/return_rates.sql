{#- Return rates from the CTE `members`: its `keys`, and units shipped, returned and unattributed. `shipped` is what
    the denominator is called: in slices of reasons it is not the slice's own. A rate is null, not 0, where a feed
    that it needs is lacking, or units came back and none of them has a known sale. -#}
{% macro return_rates(keys, shipped='shipped_quantity') %}
judged as (

    select
        members.*,
        case
            when completeness.completeness = 'lacking' then completeness.reason
            when members.returned_quantity = 0 and members.unattributed_quantity > 0
                then 'no return that came has a known sale'
        end as lacking_reason
    from members
    -- which counts returns as these rates do, at their sale
    inner join {{ ref('kpi_completeness') }} as completeness on completeness.kpi = 'order_return_rate'

),

known as (

    select *, lacking_reason is null as is_known from judged

)

select
    {{ keys | join(', ') }},
    {%- if 'sku' in keys %}
    (select product_name from {{ ref('dimension_product') }} as products where products.sku = known.sku)
        as product_name,
    {%- endif %}
    cast(shipped_quantity as bigint) as {{ shipped }},
    cast(case when is_known then returned_quantity end as bigint) as returned_quantity,
    cast(case when is_known then round(returned_quantity / nullif(shipped_quantity, 0), 6) end
        as numeric(12, 6)) as return_rate,
    cast(case when is_known then {{ wilson_bound('returned_quantity', 'shipped_quantity', '-1') }} end
        as numeric(9, 6)) as rate_low,
    cast(case when is_known then {{ wilson_bound('returned_quantity', 'shipped_quantity', '1') }} end
        as numeric(9, 6)) as rate_high,
    cast(unattributed_quantity as bigint) as unattributed_quantity,
    case
        when not is_known then 'lacking'
        when unattributed_quantity > 0 then 'partly'
        else 'complete'
    end as completeness,
    coalesce(
        lacking_reason,
        case when unattributed_quantity > 0 then 'leaves out returns without a known sale' end
    ) as completeness_reason
from known
{%- endmacro %}
