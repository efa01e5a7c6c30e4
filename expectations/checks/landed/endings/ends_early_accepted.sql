-- severity: warning
-- meaning: Feeds that ended early on a date that someone accepted.
select * from batch
where last_minute < earliest and is_accepted
