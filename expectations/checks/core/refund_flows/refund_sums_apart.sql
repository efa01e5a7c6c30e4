-- severity: warning
-- meaning: They are within 20% of each other.
select * from batch
where are_enough and gap_share > 0.20
