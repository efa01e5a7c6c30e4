{#- Lists in the rows of unit tests: PostgreSQL calls every list's type ARRAY, which no cast accepts. -#}
{% macro postgres__safe_cast(field, type) -%}
    cast({{ field }} as {{ 'text[]' if type == 'ARRAY' else type }})
{%- endmacro %}
