{#- A figure, or nothing where what it is counted from is lacking: unknown is not zero. A publication that is
    older than completeness says what it said. -#}
{% macro known(figure, completeness, type='numeric(20, 2)') -%}
    case when ({{ completeness }} is distinct from 'lacking') then cast({{ figure }} as {{ type }}) else cast(null as {{ type }}) end
{%- endmacro %}

{#- Completeness of a weight, or of what is worked out from one: the item master says what goods weigh. `items`
    is the row of dim_feed about it. -#}
{% macro completeness_of_weight(items) -%}
    case when {{ items }}.has_come then 'complete' else 'lacking' end as completeness,
    case
        when {{ items }}.has_come then null
        when {{ items }}.is_carried then 'needs erp_items (nothing has come yet)'
        else 'needs erp_items (not carried)'
    end as completeness_reason
{%- endmacro %}
