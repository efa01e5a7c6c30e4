-- severity: warning
-- meaning: At most 1% of a feed's rows are quarantined.
select * from batch
where share > 0.01
