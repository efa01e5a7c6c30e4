-- severity: critical
-- meaning: At most 5% of a feed's rows are quarantined.
-- advice: Look at ops.quarantine for the file; mend the layout or ask the source.
-- Real feeds carry a few bad rows per thousand; one in twenty is a format that changed. A
-- handful of rows is no share of anything.
select * from batch
where share > 0.05 and rows_quarantined >= 20 and not is_accepted
