-- severity: warning
-- meaning: Feeds without a file tonight that need not have one.
select * from batch
where not has_come and (is_accepted or not has_rhythm or is_occasional or is_replaced)
