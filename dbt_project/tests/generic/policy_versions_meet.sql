{#- Fails with policy versions of one category and reason that overlap or leave a gap. -#}
{% test policy_versions_meet(model) %}
with versions as (
    select
        product_category,
        reason,
        policy,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by product_category, reason order by valid_from) as next_from
    from {{ model }}
)

select product_category, reason, policy, valid_from, valid_to, next_from
from versions
where valid_to <> coalesce(next_from, cast('9999-12-31' as date)) or valid_from >= valid_to
{% endtest %}
