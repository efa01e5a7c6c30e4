{#- An index of a model's or seed's config, named by PostgreSQL: the table that a new one replaces still holds its own
    index of any name that would be the same each night, and dbt's `if not exists` would leave the new one without. -#}
{% macro postgres__get_create_index_sql(relation, index_dict) -%}
    {%- set index = adapter.parse_index(index_dict) -%}
    create {{ 'unique ' if index.unique }}index on {{ relation }}
    {{- ' using ' ~ index.type if index.type }} ({{ index.columns | join(', ') }})
{%- endmacro %}

{#- Statement that indexes the few rows for which `condition` holds, once, when a table is built anew. -#}
{% macro partial_index(relation, columns, condition) -%}
    {%- if not is_incremental() -%}
    create index on {{ relation }} {{ columns }} where {{ condition }}
    {%- endif -%}
{%- endmacro %}
