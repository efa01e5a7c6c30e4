-- severity: critical
-- meaning: No file of tonight was refused, unless its replacement has come.
-- advice: Ask the source for the file again. If it is right as it is, let it pass: revlog
--     accept --feed FEED --business-date DATE --reason WHY
select * from batch
where status = 'rejected' and not is_replaced and not is_occasional and not is_accepted
