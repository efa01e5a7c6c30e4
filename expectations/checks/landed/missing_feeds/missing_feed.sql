-- severity: critical
-- meaning: Every feed that came on each of the dates before came tonight, from each system and
--     channel that has a layout of its own.
-- advice: Ask the source for the file; once none will come, accept the date.
select * from batch
where not has_come and has_rhythm and not is_occasional and not is_replaced
    and not is_accepted
