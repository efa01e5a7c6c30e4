-- Grain: one row per KPI: whether the feeds that it is counted from have come.
-- lacking: a feed without which it says nothing has not come, or no return has a known sale; kpi_daily shows no
-- figure then. partly: it says less than its definition, for want of feeds that only add to it, or since some
-- returns have no known sale, or none that ever shipped. Not additive.
{{ config(materialized='table') }}

with needs as (

    select definitions.kpi, true as is_needed, trim(part.need) as need, part.place
    from {{ ref('kpi_definitions') }} as definitions
    cross join unnest(string_to_array(definitions.needs, ',')) with ordinality as part (need, place)
    union all
    select definitions.kpi, false as is_needed, trim(part.need) as need, part.place
    from {{ ref('kpi_definitions') }} as definitions
    cross join unnest(string_to_array(definitions.also_counts, ',')) with ordinality as part (need, place)

),

-- What is not met: one of 'a or b' is enough
unmet as (

    select
        needs.kpi, needs.is_needed, needs.need, needs.place,
        needs.need
        || case when bool_or(feeds.is_carried) then ' (nothing has come yet)' else ' (not carried)' end
            as told
    from needs
    inner join {{ ref('dim_feed') }} as feeds on feeds.feed = any(string_to_array(needs.need, ' or '))
    group by needs.kpi, needs.is_needed, needs.need, needs.place
    having not bool_or(feeds.has_come)

),

feeds as (

    select
        kpi,
        string_agg(need, ', ' order by place) filter (where is_needed) as lacking_feeds,
        string_agg(told, ', ' order by place) filter (where is_needed) as lacking_told,
        string_agg(need, ', ' order by place) filter (where not is_needed) as uncounted_feeds,
        string_agg(told, ', ' order by place) filter (where not is_needed) as uncounted_told
    from unmet
    group by kpi

),

returned as (

    select
        coalesce(sum(numerator) filter (where basis = 'RETURN'), 0) as units,
        coalesce(sum(numerator) filter (where basis = 'RETURN' and channel = 'UNATTRIBUTED'), 0)
            as units_without_sale,
        -- what came back and is in no cohort
        coalesce(sum(case basis when 'RETURN' then numerator else -numerator end), 0) as units_never_shipped
    from {{ ref('kpi_sums') }}
    where kpi = 'product_return_rate' and basis in ('RETURN', 'SALE')

),

judged as (

    select
        definitions.kpi,
        feeds.lacking_feeds, feeds.lacking_told, feeds.uncounted_feeds, feeds.uncounted_told,
        case when definitions.goes_by_sale then returned.units_without_sale end as units_without_sale,
        case when definitions.bases like '%SALE%' then returned.units_never_shipped end
            as units_never_shipped,
        definitions.goes_by_sale and returned.units_without_sale > 0 as has_lost_sales,
        definitions.goes_by_sale and returned.units_without_sale = returned.units and returned.units > 0
            as has_no_sale
    from {{ ref('kpi_definitions') }} as definitions
    cross join returned
    left join feeds on definitions.kpi = feeds.kpi

)

select
    kpi,
    case
        when lacking_feeds is not null or has_no_sale then 'lacking'
        when uncounted_feeds is not null or has_lost_sales or units_never_shipped > 0 then 'partly'
        else 'complete'
    end as completeness,
    nullif(concat_ws(
        '; ',
        'needs ' || lacking_told,
        case when has_no_sale then 'no return that came has a known sale' end,
        'does not count ' || uncounted_told,
        case when has_lost_sales and not has_no_sale then 'leaves out returns without a known sale' end,
        case when units_never_shipped > 0 then 'SALE leaves out returns of lines that never shipped' end
    ), '') as reason,
    lacking_feeds,
    uncounted_feeds,
    cast(units_without_sale as bigint) as units_without_sale,
    cast(units_never_shipped as bigint) as units_never_shipped
from judged
