-- asset: refunds, settlements, memos
-- key: currency, compared, gap_share
-- holds: finance
-- Refunds beside settlements and credit memos: three systems on the same money. They never
-- agree to the cent on one day, which is what the reconciliation is for. They agree within a
-- few percent over two months that are old enough to have settled; where they don't, a feed is
-- missing or a sign has turned. Exchanges have a memo and no refund, so memos are always
-- somewhat more.
with refunds as (
    select
        currency,
        count(*) as refunds,
        sum(amount) as refunded,
        coalesce(sum(amount) filter (where not is_credit_tender), 0) as cash
    from core.fct_refund_tender
    where status = 'succeeded' and created_on between {{ since }} and {{ until }}
    group by currency
),

settlements as (
    select
        currency,
        -sum(gross_amount) as settled
    from core.fct_settlement
    where status = 'succeeded' and type in ('refund', 'refund_failure')
        and booked_on between {{ since }} and {{ until }}
    group by currency
),

memos as (
    select
        currency,
        sum(amount) as credited
    from core.fct_credit_memo_component
    where posted_on between {{ since }} and {{ until }}
    group by currency
)

select
    t.*,
    round(abs(t.refunded - t.other) / nullif(t.refunded, 0), 4) as gap_share,
    -- Fewer refunds than this scatter too much for a share.
    t.refunds >= 50 as are_enough
from (
    select
        r.currency,
        'settlements' as compared,
        r.refunds,
        r.cash as refunded,
        coalesce(s.settled, 0) as other
    from refunds as r
    left join settlements as s on r.currency = s.currency
    union all
    select
        r.currency,
        'credit memos' as compared,
        r.refunds,
        r.refunded,
        coalesce(m.credited, 0) as other
    from refunds as r
    left join memos as m on r.currency = m.currency
) as t
