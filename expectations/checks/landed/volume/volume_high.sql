-- severity: warning
-- meaning: No feed brought far more rows than in the recent past.
select * from batch
where rows > most_usual
