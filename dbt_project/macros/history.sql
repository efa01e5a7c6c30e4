{#- Shape of the history of a published table: its columns, and the publications between which readers saw
    a version. The publisher fills it where it writes the table, so the two never disagree; what dbt
    builds has no rows. -#}
{% macro history_of(name) -%}
    select
        {{ name }}.*,
        cast(null as bigint) as from_publication,
        cast(null as bigint) as to_publication
    from {{ ref(name) }} as {{ name }}
    where false
{%- endmacro %}

{#- Condition that a version of a row is what readers saw with a publication. -#}
{% macro published_with(version, publication_id) -%}
    {{ version }}.from_publication <= {{ publication_id }}
    and ({{ version }}.to_publication is null or {{ version }}.to_publication > {{ publication_id }})
{%- endmacro %}
