{#- Members of a type 2 dimension that stand for what is not known, with a label for people. -#}
{% macro unknown_members(entity, file) -%}
    values
    ('UNKNOWN', 'No {{ entity }} named'),
    ('NOT_APPLICABLE', 'No {{ entity }} applies'),
    ('LATE_ARRIVING', 'In no {{ file }} yet')
{%- endmacro %}
