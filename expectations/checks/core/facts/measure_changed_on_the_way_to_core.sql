-- severity: critical
-- meaning: Quantities and amounts arrive in core as they were staged.
-- advice: Compute everything anew: revlog night DATE --full-refresh.
select * from batch
where in_core <> staged
