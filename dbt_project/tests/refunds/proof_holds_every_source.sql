-- What the groups of the proof have of the sources are the facts themselves: nothing is left out or counted
-- twice.
{{ config(meta={'failure_means': 'Money of a feed is in no group, or in two: the proof does not start from what the sources say.'}) }}
with proof as (
    -- both faces of the ledger together: which one a line belongs to is a matter of matching
    select
        case leg when 'GM' then 'G' else leg end as leg,
        period,
        currency,
        sum(
            case leg when 'GM' then -1 else 1 end * case line when 'missing' then -amount else amount end
        ) as amount
    from {{ ref('refund_proof') }}
    where line in ('source', 'missing')
    group by case leg when 'GM' then 'G' else leg end, period, currency
),

facts as (
    select 'E' as leg, {{ fiscal_period('accepted_on') }} as period, currency, entitled_amount as amount
    from {{ ref('fct_refund_entitlement') }} where accepted_on <= {{ as_of_date() }}
    union all
    select 'M' as leg, {{ fiscal_period('posted_on') }}, currency, amount
    from {{ ref('fct_credit_memo_component') }} where posted_on <= {{ as_of_date() }}
    union all
    select 'P' as leg, {{ fiscal_period('booked_on') }}, currency, -gross_amount
    from {{ ref('fct_settlement') }}
    where booked_on <= {{ as_of_date() }} and status = 'succeeded'
        and type in ('refund', 'refund_failure', 'chargeback')
    union all
    select 'T' as leg, {{ fiscal_period('created_on') }}, currency, amount
    from {{ ref('fct_refund_tender') }}
    where created_on <= {{ as_of_date() }} and status not in ('failed', 'canceled')
    union all
    select 'G' as leg, fiscal_period, currency, amount
    from {{ ref('fct_gl_line') }}
    where posted_on <= {{ as_of_date() }} and account_role = 'refund_liability'
),

sums as (
    select leg, period, currency, sum(amount) as amount from facts group by leg, period, currency
)

select
    leg,
    period,
    currency,
    proof.amount as amount_in_proof,
    sums.amount as amount_in_core
from proof
full join sums using (leg, period, currency)
where coalesce(proof.amount, 0) <> coalesce(sums.amount, 0)
