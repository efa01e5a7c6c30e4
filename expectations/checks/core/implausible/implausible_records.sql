-- severity: warning
-- meaning: No record contradicts itself or another one of its order.
-- advice: They count as they stand. Look them up in core.fct_implausible_record by feed and
--     rule, and have them corrected at the source.
select * from batch
