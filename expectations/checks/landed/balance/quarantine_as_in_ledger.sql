-- severity: critical
-- meaning: Quarantine holds as many rows of each file as the ledger says.
-- advice: Load the file again: revlog load --business-date DATE.
select * from batch
where rows_in_quarantine <> rows_quarantined
