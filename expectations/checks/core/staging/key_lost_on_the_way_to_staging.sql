-- severity: critical
-- meaning: Every key that the night brought is in staging.
-- advice: Compute everything anew: revlog night DATE --full-refresh.
select * from batch
