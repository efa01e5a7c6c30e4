{#- Whether the company has a layout of the feed: a word that is true, or nothing. (A `return` is not understood
    by the linter.) -#}
{% macro carries(feed) -%}
    {%- if feed not in var('feeds_not_carried') -%} true {%- endif -%}
{%- endmacro %}

{#- Where the way of goods ends, as far as the company's feeds tell: at their final disposition; of a company
    that carries no dispositions at the inspection, and if it carries none either, at the receipt. -#}
{% macro end_of_goods() -%}
    {%- if carries('wms_dispositions') -%} disposed
    {%- elif carries('wms_inspections') -%} inspected
    {%- else -%} received
    {%- endif -%}
{%- endmacro %}

{#- When how many units of a return line came to that end, as a query: of dispositions their `quantity`, the
    column that counts, of receipts all that was received. -#}
{% macro ends_of_goods(quantity) -%}
    {% if end_of_goods() == 'disposed' -%}
    select unit_key, return_line_key, disposed_at as ended_at, {{ quantity }} as quantity
    from {{ ref('fct_disposition') }}
    {%- else -%}
    select
        receipt.unit_key,
        receipt.return_line_key,
        {{ 'inspection.inspected_at' if end_of_goods() == 'inspected' else 'receipt.received_at' }} as ended_at,
        receipt.quantity
    from {{ ref('fct_receipt') }} as receipt
    {% if end_of_goods() == 'inspected' -%}
    inner join (
        select receipt_id, min(inspected_at) as inspected_at
        from {{ ref('fct_inspection') }}
        group by receipt_id
    ) as inspection on receipt.receipt_id = inspection.receipt_id
    {%- endif %}
    {%- endif %}
{%- endmacro %}
