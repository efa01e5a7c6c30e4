-- asset: build.refund_reconciliation by currency
-- key: currency
-- holds: finance
select
    currency,
    sum(abs(unexplained)) as unexplained,
    sum(credited) as credited
from (
    -- Of the chain alone: the side gaps say more of the same money.
    select
        currency,
        amount as unexplained,
        0 as credited
    from build.refund_exceptions
    where class = 'UNEXPLAINED' and is_chain
    union all
    select
        currency,
        0 as unexplained,
        abs(credited_amount) as credited
    from build.refund_reconciliation
) as sides
group by currency
