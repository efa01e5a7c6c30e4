-- What explains the difference between a period as reported and as restated adds up to it.
{{ config(meta={'failure_means': 'A restated figure differs from the reported one by cents that no row of restatements explains.'}) }}
with proof as (
    select
        period, entity, currency, leg, gap, case when leg is null then class end as class,
        case line when 'bridge' then -difference else difference end as difference
    from {{ ref('refund_proof_as_restated') }}
    where line in ('leg', 'bridge')
),

explained as (
    select original_period as period, entity, currency, leg, gap, class, difference
    from {{ ref('restatements') }}
)

select period, entity, currency, leg, gap, class, sum(difference) as unexplained_amount
from (
    select * from proof
    union all
    select period, entity, currency, leg, gap, class, -difference from explained
) as sides
group by period, entity, currency, leg, gap, class
having sum(difference) <> 0
