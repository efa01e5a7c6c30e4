-- Grain: one row per level and member: a SKU, a lot of a SKU, a category, a reason, or a reason within a SKU.
-- Units that came back over units shipped, of all sales ever, with the Wilson interval of the rate: order by
-- rate_low, so that three returns of four sold don't top the list. Blind returns without a known sale are
-- left out: they have no denominator. A rate is null, not 0, where a feed that it needs is lacking or units came
-- back and none of them has a known sale. Not additive over levels.
{{ config(materialized='table', indexes=[{'columns': ['level', 'rate_low']}]) }}

with members as (

    select
        members.*,
        completeness.completeness = 'lacking' as is_lacking,
        completeness.reason as lacking_told,
        members.returned_quantity = 0 and members.unattributed_quantity > 0 as has_no_sale
    from {{ ref('product_rate_members') }} as members
    -- which counts returns as these rates do, at their sale
    inner join {{ ref('kpi_completeness') }} as completeness on completeness.kpi = 'order_return_rate'

),

judged as (

    select
        *,
        case
            when is_lacking or has_no_sale then 'lacking'
            when unattributed_quantity > 0 then 'partly'
            else 'complete'
        end as completeness,
        case
            when is_lacking then lacking_told
            when has_no_sale then 'no return that came has a known sale'
            when unattributed_quantity > 0 then 'leaves out returns without a known sale'
        end as completeness_reason,
        not is_lacking and not has_no_sale as is_known
    from members

)

select
    level,
    member,
    sku,
    lot_no,
    product_category,
    reason,
    cast(shipped_quantity as bigint) as shipped_quantity,
    cast(case when is_known then returned_quantity end as bigint) as returned_quantity,
    cast(case when is_known then round(returned_quantity / nullif(shipped_quantity, 0), 6) end
        as numeric(12, 6)) as return_rate,
    cast(case when is_known then {{ wilson_bound('returned_quantity', 'shipped_quantity', '-1') }} end
        as numeric(9, 6)) as rate_low,
    cast(case when is_known then {{ wilson_bound('returned_quantity', 'shipped_quantity', '1') }} end
        as numeric(9, 6)) as rate_high,
    cast(unattributed_quantity as bigint) as unattributed_quantity,
    completeness,
    completeness_reason
from judged
