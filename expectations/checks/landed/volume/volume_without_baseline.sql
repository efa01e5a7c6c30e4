-- severity: warning
-- meaning: Every feed has a recent past to be compared with.
select * from batch
where fewest_usual is null
