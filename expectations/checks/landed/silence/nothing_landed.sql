-- severity: critical
-- meaning: At least one file landed for the business date.
-- advice: Look whether the exports reach the landing zone; the next night takes what comes
--     late. If no file is right, accept the date for any feed: revlog accept --feed FEED
--     --business-date DATE --reason WHY
select * from batch
where not has_files and not is_quiet_weekday and is_past is not true and not is_accepted
