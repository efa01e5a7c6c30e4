-- severity: critical
-- meaning: Over all days, a KPI of counted things lies between the least and the most of its
--     definition.
select * from batch
where held_as = 'count' and (ratio < least or ratio > most)
