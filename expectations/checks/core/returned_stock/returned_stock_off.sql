-- severity: warning
-- meaning: Opening + received - disposed is the count, for each site and SKU.
-- advice: Let the warehouse count again, or look for the receipt or disposition.
select * from batch
