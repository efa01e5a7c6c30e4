-- severity: critical
-- meaning: The classes of every group add up to its gaps, to the cent.
-- advice: Compute everything anew: revlog night DATE --full-refresh.
select * from batch
