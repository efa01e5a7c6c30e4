-- severity: critical
-- meaning: Every table that is published has been built.
-- advice: Run the night again: revlog night DATE.
select * from batch
