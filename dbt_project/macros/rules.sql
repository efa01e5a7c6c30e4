{#- Whether a row breaks a rule that it tells alone. -#}
{% macro breaks_rule(value, rule) -%}
    {%- if rule.test == 'not_null' -%} {{ value }} is null
    {%- else -%} coalesce({{ value }} not in ('{{ rule.arguments['values'] | join("', '") }}'), false)
    {%- endif -%}
{%- endmacro %}

{#- Rows that break any other rule, as its generic test finds them. -#}
{% macro failing_rows(model, rule) -%}
    {%- if rule.test == 'unique' -%} {{ test_unique(model, rule.column) }}
    {%- elif rule.test == 'relationships' -%}
    {{ test_relationships(model, rule.column, rule.arguments.to, rule.arguments.field) }}
    {%- elif rule.test == 'one_row_per' -%} {{ test_one_row_per(model, rule.arguments.columns) }}
    {%- elif rule.test == 'versions_meet' -%} {{ test_versions_meet(model, rule.arguments.key) }}
    {%- elif rule.test == 'policy_versions_meet' -%} {{ test_policy_versions_meet(model) }}
    {%- else -%} {{ exceptions.raise_compiler_error('rules_hold knows no test ' ~ rule.test) }}
    {%- endif -%}
{%- endmacro %}
