-- Grain: one row per KPI and basis: whether it can be counted from what has come.
-- lacking: a feed without which it says nothing has not come, or no return (of refund_rate, no refund) has a known
-- sale where it goes by the sale; kpi_daily shows no figure then. partly: it says less than its definition, for want
-- of feeds that only add to it, or since it leaves out what has no known sale, or on basis SALE what never shipped:
-- that is in no cohort. What counts by the day that it came (basis RETURN) has it all the same. Not additive.
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

sums as (

    select
        kpi, basis,
        sum(numerator) as numerator,
        coalesce(sum(numerator) filter (where channel = 'UNATTRIBUTED'), 0) as without_sale
    from {{ ref('kpi_sums') }}
    where kpi in ('product_return_rate', 'return_value_rate', 'refund_rate')
    group by kpi, basis

),

-- What the day that it came has, and no cohort has
returned as (

    select
        coalesce(sum(numerator) filter (where kpi = 'product_return_rate' and basis = 'RETURN'), 0) as units,
        coalesce(sum(numerator) filter (where kpi = 'product_return_rate' and basis = 'SALE'), 0)
            as units_in_cohorts,
        coalesce(sum(without_sale) filter (where kpi = 'product_return_rate' and basis = 'RETURN'), 0)
            as units_without_sale,
        coalesce(sum(without_sale) filter (where kpi = 'return_value_rate' and basis = 'RETURN'), 0)
            as value_without_sale,
        coalesce(sum(numerator) filter (where kpi = 'refund_rate' and basis = 'REFUND'), 0) as refunded,
        coalesce(sum(numerator) filter (where kpi = 'refund_rate' and basis = 'SALE'), 0)
            as refunded_in_cohorts
    from sums

),

-- Whether a return counts by its sale; what has none may have the value of its memo
bases as (

    select
        definitions.kpi,
        trim(part.basis) as basis,
        definitions.goes_by_sale or trim(part.basis) = 'SALE' as goes_by_sale,
        definitions.kpi = 'refund_rate' and trim(part.basis) = 'SALE' as is_of_money,
        definitions.kpi = 'return_value_rate' and trim(part.basis) = 'RETURN' as has_memos
    from {{ ref('kpi_definitions') }} as definitions
    cross join unnest(string_to_array(definitions.bases, ',')) as part (basis)

),

left_out as (

    select
        bases.*,
        case when bases.goes_by_sale and not bases.is_of_money then returned.units_without_sale end
            as units_without_sale,
        case
            when bases.basis = 'SALE' and not bases.is_of_money
                then returned.units - returned.units_in_cohorts - returned.units_without_sale
        end as units_never_shipped,
        case
            when bases.is_of_money then returned.refunded <> 0 and returned.refunded_in_cohorts = 0
            when bases.has_memos and returned.value_without_sale <> 0 then false
            else bases.goes_by_sale and returned.units > 0 and returned.units = returned.units_without_sale
        end as has_no_sale,
        bases.is_of_money and returned.refunded <> returned.refunded_in_cohorts as has_lost_money
    from bases
    cross join returned

),

judged as (

    select
        left_out.*,
        feeds.lacking_feeds, feeds.lacking_told, feeds.uncounted_feeds, feeds.uncounted_told,
        coalesce(left_out.units_without_sale, 0) > 0 and not left_out.has_no_sale as has_lost_sales
    from left_out
    left join feeds on left_out.kpi = feeds.kpi

)

select
    kpi,
    basis,
    case
        when lacking_feeds is not null or has_no_sale then 'lacking'
        when uncounted_feeds is not null or has_lost_sales or has_lost_money or units_never_shipped > 0
            then 'partly'
        else 'complete'
    end as completeness,
    nullif(concat_ws(
        '; ',
        'needs ' || lacking_told,
        case
            when has_no_sale and is_of_money then 'no refund that came has a known sale'
            when has_no_sale then 'no return that came has a known sale'
        end,
        'does not count ' || uncounted_told,
        case
            when has_lost_sales and has_memos then 'returns without a known sale count by their memo, else not'
            when has_lost_sales then 'leaves out returns without a known sale'
        end,
        case when has_lost_money and not has_no_sale then 'leaves out refunds of no sale that shipped' end,
        case when units_never_shipped > 0 then 'leaves out returns of lines that never shipped' end
    ), '') as reason,
    lacking_feeds,
    uncounted_feeds,
    cast(units_without_sale as bigint) as units_without_sale,
    cast(units_never_shipped as bigint) as units_never_shipped
from judged
