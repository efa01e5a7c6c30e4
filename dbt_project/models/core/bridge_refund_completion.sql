{{ config(indexes=[{'columns': ['settlement_id'], 'unique': true}, {'columns': ['unit_key']}]) }}
-- Grain: one row per refund that was paid: the settlement row with which it was wholly
-- paid, and stayed so. What failed and was not paid again has none. A refund that was settled in another amount
-- or currency than issued is paid with the last row that it needed; settled twice, with the first.

with settlements as (

    select
        *,
        coalesce(refund_id, settlement_id) as refund,
        sum(-gross_amount) over so_far as settled_so_far,
        row_number() over so_far as row_of_refund
    from {{ ref('fct_settlement') }}
    where
        status = 'succeeded'
        and type in ('refund', 'refund_failure')
        and {{ in_touched_units('unit_key') }}
    window so_far as (
        partition by unit_key, coalesce(refund_id, settlement_id) order by booked_at, settlement_id
    )

),

-- What was to be paid in cash
issued as (

    select unit_key, refund_id, currency, sum(amount) as amount
    from {{ ref('fct_refund_tender') }}
    where not is_credit_tender and status not in ('failed', 'canceled')
        and {{ in_touched_units('unit_key') }}
    group by unit_key, refund_id, currency

),

targets as (

    select
        settlements.unit_key,
        settlements.refund,
        least(max(issued.amount), sum(-settlements.gross_amount)) as amount
    from settlements
    left join issued
        on settlements.unit_key = issued.unit_key
        and settlements.refund_id = issued.refund_id
        and settlements.currency = issued.currency
    group by settlements.unit_key, settlements.refund
    having sum(-settlements.gross_amount) > 0

),

completions as (

    select
        targets.unit_key,
        targets.refund,
        1 + coalesce(
            max(settlements.row_of_refund) filter (where settlements.settled_so_far < targets.amount), 0
        ) as row_of_refund
    from targets
    inner join settlements
        on targets.unit_key = settlements.unit_key and targets.refund = settlements.refund
    group by targets.unit_key, targets.refund

)

select
    settlements.unit_key,
    settlements.refund,
    settlements.settlement_id,
    settlements.booked_on as paid_on
from completions
inner join settlements
    on completions.unit_key = settlements.unit_key
    and completions.refund = settlements.refund
    and completions.row_of_refund = settlements.row_of_refund
