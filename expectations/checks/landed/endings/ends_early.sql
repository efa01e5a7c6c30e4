-- severity: critical
-- meaning: No feed's last event was far earlier in the day than ever before (a file cut off
--     between two rows ends so).
-- advice: Ask the source for the file again. If it is right as it is, let it pass: revlog
--     accept --feed FEED --business-date DATE --reason WHY
select * from batch
where last_minute < earliest and not is_accepted
