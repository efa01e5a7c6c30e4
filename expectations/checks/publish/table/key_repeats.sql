-- severity: critical
-- meaning: One row per {{ key }}.
select
    {{ key }},
    count(*) as times
from batch
group by {{ key }}
having count(*) > 1
