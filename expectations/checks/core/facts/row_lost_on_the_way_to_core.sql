-- severity: critical
-- meaning: Every staged row of the night is in its fact.
-- advice: Compute everything anew: revlog night DATE --full-refresh.
select * from batch
where in_core is null and staged is not null
