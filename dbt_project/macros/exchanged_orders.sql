{#- Orders that replace the goods of an RMA of which `units` hold the order, the RMA or another replacement:
    which of them replaces which line is decided together. -#}
{% macro exchanged_orders(units) -%}
    {%- set exchanged -%}
        select substr(unit_key, 5) as rma_no from {{ units }} where unit_key like 'RMA:%'
        union
        select rma.rma_no
        from {{ units }} as unit
        inner join {{ ref('stg_erp__return_authorizations') }} as rma on unit.unit_key = rma.order_no
        union
        select sale.replaces_rma_no
        from {{ units }} as unit
        inner join {{ source('erp', 'erp_sales_lines') }} as sale on unit.unit_key = sale.order_no
        where sale.replaces_rma_no is not null
    {%- endset -%}
    select sale.order_no as unit_key
    from ({{ exchanged }}) as exchanged
    inner join {{ ref('stg_erp__sales_lines') }} as sale on exchanged.rma_no = sale.replaces_rma_no
    union
    -- what the goods sent cost decides what is due for those that came back
    select rma.unit_key
    from ({{ exchanged }}) as exchanged
    inner join {{ ref('int_rma_units') }} as rma on exchanged.rma_no = rma.rma_no
{%- endmacro %}
