{#- Schemas are named in architecture: a folder's schema is used as it stands, without a prefix.
    The target `published` sees each table where readers find it: in the schema that it goes to. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set public = (node.config.meta or {}).get('publish_to') if node else none -%}
    {%- if target.name == 'published' and public -%}
        {{ public }}
    {%- else -%}
        {{ custom_schema_name | trim if custom_schema_name else target.schema }}
    {%- endif -%}
{%- endmacro %}
