{#- Judges all rules of one table in one query: a node of dbt costs more than the scan of a night's rows. A row per
    rule that fails: its name, its column, how many rows break it, and the first of them. A night takes each rule
    for a test of its own (src/revlog/transform/rules.py).

    A rule is a generic test (macro failing_rows knows which): `name`, `test`, and as it needs them `column` and
    `arguments`; `failure_means`, and `severity: warn`, `allows` (rows) and `holds` (a domain) as a test says them in
    its `config`. What one row tells is looked for in one scan; any other rule reads the table itself. -#}
{% test rules_hold(model, rules) %}
{{ config(error_if='< 0' if env_var('RUN_BY_A_NIGHT', '') else '!= 0 and bool_or(is_error)') }}
{%- set of_a_row = [] -%}
{%- set of_the_table = [] -%}
{%- for rule in rules -%}
    {%- do (of_a_row if rule.test in ('not_null', 'accepted_values') else of_the_table).append(rule) -%}
{%- endfor %}
with broken as (
    {%- if of_a_row %}
    select rule.place, to_json(tested) as found
    from (select * from {{ model }}) as tested
    cross join lateral (
        values
        {%- for rule in of_a_row %}
        ({{ rules.index(rule) }}, {{ breaks_rule('tested.' ~ rule.column, rule) }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as rule (place, is_broken)
    where rule.is_broken
    {%- endif %}
    {%- for rule in of_the_table %}
    {{ 'union all' if of_a_row or not loop.first }}
    select {{ rules.index(rule) }} as place, to_json(failing) as found
    from ({{ failing_rows(model, rule) }}) as failing
    {%- endfor %}
),

counted as (
    select
        place,
        found,
        row_number() over (partition by place) as row_no,
        count(*) over (partition by place) as failures
    from broken
)

select
    rule.name as rule,
    rule.column_name,
    counted.failures,
    rule.is_critical and counted.failures > rule.allows as is_error,
    json_agg(counted.found order by counted.row_no) as first_rows
from counted
inner join (
    values
    {%- for rule in rules %}
    (
        {{ loop.index0 }}, '{{ rule.name }}', '{{ rule.column or '' }}',
        {{ (rule.severity or 'error') == 'error' }}, {{ rule.allows or 0 }}
    ){{ ',' if not loop.last }}
    {%- endfor %}
) as rule (place, name, column_name, is_critical, allows)
    on counted.place = rule.place
where counted.row_no <= 5
group by rule.place, rule.name, rule.column_name, counted.failures, rule.is_critical, rule.allows
order by rule.place
{% endtest %}
