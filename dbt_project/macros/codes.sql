{#- Canonical code of a source code: UNKNOWN where the source gave none, UNMAPPED where the crosswalk
    doesn't know it (counted, and warned about). -#}
{% macro canonical(source_code, mapped) -%}
    case
        when nullif({{ source_code }}, '') is null then 'UNKNOWN'
        else coalesce({{ mapped }}, 'UNMAPPED')
    end
{%- endmacro %}

{#- False for postage, discounts and other lines that the seed names: they are no goods. -#}
{% macro is_product(sku) -%}
    not exists (
        select 1 from {{ ref('non_product_codes') }} as code where {{ sku }} like code.sku_pattern
    )
{%- endmacro %}
