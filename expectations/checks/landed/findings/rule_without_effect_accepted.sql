-- severity: warning
-- meaning: Rules of layouts without effect that someone accepted.
select * from batch
where is_critical and is_accepted
