-- severity: critical
-- meaning: Each row of a file is loaded, quarantined, a duplicate or a control row.
-- advice: Load the file again: revlog load --business-date DATE.
select * from batch
where rows_parsed <> rows_loaded + rows_quarantined + rows_duplicate + rows_control
