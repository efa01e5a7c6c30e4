{#- Fails with rows of one key that hold on the same day: a code then means two things, a rate is
    charged twice. -#}
{% test validity_apart(model, key) %}
with rows_in_order as (
    select
        {{ key | join(', ') }},
        valid_from,
        valid_to,
        lead(valid_from) over (
            partition by {{ key | join(', ') }} order by valid_from, valid_to
        ) as next_from
    from {{ model }}
)

select *
from rows_in_order
where valid_from >= valid_to or valid_to > next_from
{% endtest %}
