-- severity: critical
-- meaning: Every extract and map of a layout fits some value of each file.
-- advice: Mend the layout and load the file again: revlog ingestion reload FEED FILE DATE. If
--     the rule is right, name the column under `optional`, or accept the date.
select * from batch
where is_critical and not is_accepted
