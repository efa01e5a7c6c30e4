-- severity: warning
-- meaning: Every file in the landing zone is taken by a layout.
select * from batch
where feed is null or is_occasional or is_accepted
