-- severity: critical
-- meaning: Units, hours, days and grams are never negative.
select * from batch
where held_as = 'count' and least(least_numerator, least_denominator) < 0
