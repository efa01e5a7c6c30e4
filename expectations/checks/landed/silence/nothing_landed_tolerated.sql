-- severity: warning
-- meaning: A date without any file that need not have one.
select * from batch
where not has_files and (is_quiet_weekday or is_past or is_accepted)
