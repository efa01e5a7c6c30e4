{#- Canonical code of a source code: UNKNOWN where the source gave none, UNMAPPED where the crosswalk
    doesn't know it (counted, and warned about). -#}
{% macro canonical(source_code, mapped) -%}
    case
        when nullif({{ source_code }}, '') is null then 'UNKNOWN'
        else coalesce({{ mapped }}, 'UNMAPPED')
    end
{%- endmacro %}
