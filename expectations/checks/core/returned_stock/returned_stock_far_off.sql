-- severity: critical
-- meaning: Opening + received - disposed is the count, but for 10% of the units.
-- advice: Receipts, dispositions or the count are missing, doubled or of another day. If the
--     goods are really gone or found, accept the count: revlog accept --feed wms_returned_stock
--     --business-date DATE --reason WHY
-- Counts of real goods are off by a unit here and there; more than this of what lay there or
-- moved is a lost or doubled feed.
select * from batch
where units_off_that_day >= 20 and units_off_that_day > 0.10 * units_that_day
    and not is_accepted
