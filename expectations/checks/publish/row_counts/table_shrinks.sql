-- severity: warning
-- meaning: No table keeps less than 90% of its rows.
select * from batch
where rows_published >= 50 and rows_built < rows_published * 0.9
