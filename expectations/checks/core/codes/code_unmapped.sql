-- severity: warning
-- meaning: Every code of the sources leads to a canonical one.
-- advice: {{ advice }}
select * from batch
