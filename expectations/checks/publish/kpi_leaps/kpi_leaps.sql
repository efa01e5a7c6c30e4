-- severity: warning
-- meaning: No KPI of the last 90 days moves by more than 20% in a night.
-- A KPI that moves by a fifth in one night is worth a look.
select * from batch
where denominator >= 100 and abs(ratio - ratio_published) > 0.20 * abs(ratio_published)
