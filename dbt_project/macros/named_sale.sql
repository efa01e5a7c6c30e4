{#- The sale of a document of money: that of its return line, else the order line that the document itself names, so
    that it is never told where it has none of the two. Joins `lines`, and `named` of int_sales_lines. -#}
{% macro with_sale(documents) -%}
    left join lines on {{ documents }}.return_line_key = lines.return_line_key
    left join {{ ref('int_sales_lines') }} as named
        on {{ documents }}.unit_key = named.unit_key
        and named.sales_line_key
        = coalesce(lines.sales_line_key, {{ documents }}.order_no || '-' || {{ documents }}.order_line_no)
{%- endmacro %}

{#- What the sale, else the return line, says of where it was sold and what; columns of every fact of money. `item` is
    the product as of today that the document itself names: it counts where neither knows the category. -#}
{% macro sale_columns(item=none) -%}
    coalesce(lines.sales_line_key, named.sales_line_key) as sales_line_key,
    coalesce(named.ship_from_site, lines.ship_from_site, 'UNATTRIBUTED') as ship_from_site,
    coalesce(named.channel, lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(
        named.product_category, nullif(lines.product_category, 'UNKNOWN'),
        {%- if item %} {{ item }}.product_category,{% endif %} 'UNKNOWN'
    ) as product_category
{%- endmacro %}
