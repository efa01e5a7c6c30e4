-- severity: warning
-- meaning: Feeds with too few rows that someone accepted.
select * from batch
where rows < fewest_usual and is_accepted
