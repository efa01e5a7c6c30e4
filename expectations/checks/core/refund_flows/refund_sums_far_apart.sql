-- severity: critical
-- meaning: Sums of refunds, settlements and memos of {{ days }} days are within 50% of each
--     other, by currency.
-- advice: A feed is missing, doubled or has turned its sign: compare the daily sums of
--     core.fct_refund_tender with the other fact.
select * from batch
where are_enough and gap_share > 0.50
