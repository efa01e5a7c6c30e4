{#- Return rates from the CTE `members`: its `keys`, and units shipped, returned and unattributed. `shipped` is what
    the denominator is called: in slices of reasons it is not the slice's own. All that came back counts, since it is
    of the product whatever its sale; what of it has no known sale that shipped is told beside it, and may have been
    sold before the first file, so that a rate can exceed 1. A rate is null, not 0, where a feed that it needs is
    lacking. -#}
{% macro return_rates(keys, shipped='shipped_quantity') %}
judged as (

    select
        members.*,
        members.returned_quantity + members.unattributed_quantity as came_back,
        case when completeness.completeness = 'lacking' then completeness.reason end as lacking_reason
    from members
    -- which counts all that came, as these rates do
    inner join {{ ref('kpi_completeness') }} as completeness
        on completeness.kpi = 'product_return_rate' and completeness.basis = 'RETURN'

),

known as (

    select *, lacking_reason is null as is_known from judged

)

select
    {{ keys | join(', ') }},
    {%- if 'sku' in keys %}
    {{ product_name('known.sku') }} as product_name,
    {%- endif %}
    cast(shipped_quantity as bigint) as {{ shipped }},
    cast(case when is_known then came_back end as bigint) as returned_quantity,
    cast(case when is_known then round(came_back / nullif(shipped_quantity, 0), 6) end
        as numeric(12, 6)) as return_rate,
    cast(case when is_known then {{ wilson_bound('came_back', 'shipped_quantity', '-1') }} end
        as numeric(9, 6)) as rate_low,
    cast(case when is_known then {{ wilson_bound('came_back', 'shipped_quantity', '1') }} end
        as numeric(9, 6)) as rate_high,
    cast(unattributed_quantity as bigint) as unattributed_quantity,
    case
        when not is_known then 'lacking'
        when unattributed_quantity > 0 then 'partly'
        else 'complete'
    end as completeness,
    coalesce(
        lacking_reason,
        case when unattributed_quantity > 0 then 'counts returns without a known sale that shipped, which may have been sold before the first file' end
    ) as completeness_reason
from known
{%- endmacro %}
