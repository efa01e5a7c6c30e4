-- severity: critical
-- meaning: Every row is as of {{ as_of_day }}.
-- advice: The table is left over from another build; build again.
select * from batch
where business_date is distinct from {{ as_of }}
