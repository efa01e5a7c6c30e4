-- severity: critical
-- meaning: The sums of kpi_daily are those of core, to the unit and the cent.
-- advice: Compute everything anew: revlog night DATE --full-refresh.
select * from batch
where in_mart is distinct from in_core
