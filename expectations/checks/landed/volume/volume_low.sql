-- severity: critical
-- meaning: No feed brought far fewer rows than in the recent past (a file cut off between two
--     rows looks like this).
-- advice: Ask the source for the file again. If it is right as it is, let it pass: revlog
--     accept --feed FEED --business-date DATE --reason WHY
select * from batch
where rows < fewest_usual and not is_accepted
