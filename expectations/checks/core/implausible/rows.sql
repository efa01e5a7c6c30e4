-- asset: core.fct_implausible_record
-- key: source, records, rules
-- Records that contradict themselves or others: told by rule and number, and never held for.
-- One row a source system; of a night the units that it computed anew, of a full build all.
select
    split_part(rules.feed, '_', 1) as source,
    sum(rules.records) as records,
    string_agg(
        rules.feed || ' ' || rules.rule || ' ' || rules.records, ', '
        order by rules.feed, rules.rule
    ) as rules
from (
    select
        r.feed,
        r.rule,
        count(*) as records
    from core.fct_implausible_record as r
    {%- if touched_units %}
    where r.unit_key in (select u.unit_key from intermediate.int_touched_units as u)
    {%- endif %}
    group by r.feed, r.rule
) as rules
group by split_part(rules.feed, '_', 1)
