{#- What a product is called, by its SKU; null where there is none. One that nobody has sold and no item file has
    shown, like what came back by itself, is called by its SKU. Views that readers see join dimension_product
    instead, since they can't read what is not published. -#}
{% macro product_name(sku) -%}
    coalesce(
        (select names.product_name from {{ ref('product_names') }} as names where names.sku = {{ sku }}), {{ sku }}
    )
{%- endmacro %}
