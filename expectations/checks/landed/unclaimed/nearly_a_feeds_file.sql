-- severity: critical
-- meaning: No file that was meant for a feed lies there and is taken by no layout.
-- advice: Rename it, move it away, or let a layout take it; or let it pass for tonight: revlog
--     accept --feed FEED --business-date DATE --reason WHY
select * from batch
where feed is not null and not is_occasional and not is_accepted
