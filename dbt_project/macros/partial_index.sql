{#- Statement that indexes the few rows for which `condition` holds, once, when a table is built anew.
    Without a name, since the table that it replaces may still hold one of that name. -#}
{% macro partial_index(relation, columns, condition) -%}
    {%- if not is_incremental() -%}
    create index on {{ relation }} {{ columns }} where {{ condition }}
    {%- endif -%}
{%- endmacro %}
