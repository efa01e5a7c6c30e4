-- severity: critical
-- meaning: The amounts of each file add up to those of the ledger.
-- advice: Load the file again: revlog load --business-date DATE.
select * from batch
where amount_in_raw <> amount_in_ledger
