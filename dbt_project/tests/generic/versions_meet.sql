{#- Fails with versions of a type 2 dimension that overlap, leave a gap, or lack a last one. -#}
{% test versions_meet(model, key) %}
with versions as (
    select
        {{ key }},
        valid_from,
        valid_to,
        is_current,
        lead(valid_from) over (partition by {{ key }} order by valid_from) as next_from
    from {{ model }}
)

select {{ key }}, valid_from, valid_to, is_current, next_from
from versions
where valid_to <> coalesce(next_from, cast('9999-12-31' as date))
    or is_current <> (next_from is null)
    or valid_from >= valid_to
{% endtest %}
