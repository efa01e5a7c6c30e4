-- severity: warning
-- meaning: Over all days, a KPI of money lies between the least and the most of its definition.
-- Credits can exceed charges for a while.
select * from batch
where held_as = 'money' and (ratio < least or ratio > most)
