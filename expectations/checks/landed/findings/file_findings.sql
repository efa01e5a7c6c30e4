-- severity: warning
-- meaning: Nothing about a file that loaded needs to be told.
select * from batch
where not is_critical and kind <> 'unknown_column'
