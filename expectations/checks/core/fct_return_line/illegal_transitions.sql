-- severity: warning
-- meaning: At most 5% of lines took a forbidden step.
select
    count(*) filter (where has_illegal_transition) as lines,
    count(*) as of_lines
from batch
having
    count(*) >= 100
    and avg(case when has_illegal_transition then 1.0 else 0.0 end) > 0.05
