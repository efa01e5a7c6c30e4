-- Each close froze what it says it froze, to the row and the cent.
{{ config(meta={'failure_means': 'Rows of a closed period are missing or were changed by hand: what was reported can no longer be shown.'}) }}
with frozen as (
    select act_id, count(*) as rows_found, currency, coalesce(leg, gap) as leg_or_gap, sum(amount) as amount
    from {{ source('ops', 'frozen_postings') }}
    group by act_id, currency, coalesce(leg, gap)
),

counted as (
    select act_id, sum(rows_found) as rows_found from frozen group by act_id
),

said as (
    select
        acts.act_id, by_currency.key as currency, by_leg.key as leg_or_gap,
        cast(by_leg.value as numeric) as amount
    from {{ ref('period_acts') }} as acts
    cross join lateral jsonb_each(acts.frozen_amounts) as by_currency
    cross join lateral jsonb_each_text(by_currency.value) as by_leg
    where acts.act = 'close'
)

select
    coalesce(frozen.act_id, said.act_id) as act_id,
    coalesce(frozen.currency, said.currency) as currency,
    coalesce(frozen.leg_or_gap, said.leg_or_gap) as leg_or_gap,
    frozen.amount as amount_found,
    said.amount as amount_recorded
from frozen
full join said
    on frozen.act_id = said.act_id and frozen.currency = said.currency
    and frozen.leg_or_gap = said.leg_or_gap
where frozen.amount is distinct from said.amount
union all
select acts.act_id, null, 'rows', counted.rows_found, acts.frozen_rows
from {{ ref('period_acts') }} as acts
left join counted on acts.act_id = counted.act_id
where acts.act = 'close' and coalesce(counted.rows_found, 0) <> acts.frozen_rows
