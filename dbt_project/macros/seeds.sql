{#- dbt's own, but that it writes no file: the tables in force lie outside the project (src/revlog/companies/master.py),
    where the place for what was run would be the seed itself. -#}
{% macro noop_statement(name=none, message=none, code=none, rows_affected=none, res=none) -%}
    {%- set sql = caller() -%}
    {%- if name is not none -%}
        {{ store_raw_result(name, message=message, code=code, rows_affected=rows_affected, agate_table=res) }}
    {%- endif -%}
{%- endmacro %}
