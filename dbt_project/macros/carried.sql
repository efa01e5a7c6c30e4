{#- Whether the company has a layout of the feed: a word that is true, or nothing. (A `return` is not understood
    by the linter.) -#}
{% macro carries(feed) -%}
    {%- if feed not in var('feeds_not_carried') -%} true {%- endif -%}
{%- endmacro %}

{#- Whether a layout of the company gives a column that is optional: a word that is true, or nothing. -#}
{% macro carries_column(feed, column) -%}
    {%- if carries(feed) and feed ~ '.' ~ column not in var('columns_not_carried') -%} true {%- endif -%}
{%- endmacro %}

{#- Where the way of goods ends, as far as the company's feeds tell: at their final disposition; of a company
    that carries no dispositions at the inspection, and if it carries none either, at the receipt. Of a company
    that carries no receipts only the money tells that they came: it ends when they are credited or refunded,
    and where that is not told either, when the return is approved. -#}
{% macro end_of_goods() -%}
    {%- if carries('wms_return_receipts') -%}
        {%- if carries('wms_dispositions') -%} disposed
        {%- elif carries('wms_inspections') -%} inspected
        {%- else -%} received
        {%- endif -%}
    {%- elif tells_of_money() -%} settled
    {%- else -%} approved
    {%- endif -%}
{%- endmacro %}

{#- Whether a feed tells that a return was credited or refunded. -#}
{% macro tells_of_money() -%}
    {%- if carries('erp_credit_memos') or carries('crm_refunds') -%} true {%- endif -%}
{%- endmacro %}

{#- Whether goods are told of when they come, so that units are counted one by one; else a return ends whole. -#}
{% macro counts_goods() -%}
    {%- if carries('wms_return_receipts') -%} true {%- endif -%}
{%- endmacro %}

{#- When how many units of a return line came to that end, as a query: of dispositions their `quantity`, the
    column that counts, of receipts all that was received, of returns without receipts the whole. -#}
{% macro ends_of_goods(quantity) -%}
    {% if end_of_goods() == 'disposed' -%}
    select unit_key, return_line_key, disposed_at as ended_at, {{ quantity }} as quantity
    from {{ ref('fct_disposition') }}
    {%- elif not counts_goods() -%}
    select unit_key, return_line_key, ended_at, ended_quantity as quantity
    from {{ ref('fct_return_line') }}
    where ended_quantity > 0
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

{#- Legs of the refund reconciliation of which the company lacks a feed, as a text like 'G, GM'. Such a leg is
    neither there nor missing: it has no amount, and no gap with it is claimed. -#}
{% macro legs_not_carried() -%}
    {%- set feeds = {
        'E': ['erp_sales_lines', 'wms_return_receipts'], 'M': ['erp_credit_memos'],
        'P': ['erp_payment_settlements'], 'G': ['erp_gl_entries'], 'T': ['crm_refunds'],
        'GM': ['erp_gl_entries'],
    } -%}
    {%- set lacking = [] -%}
    {%- for leg in feeds if feeds[leg] | select('in', var('feeds_not_carried')) | list -%}
        {%- set _ = lacking.append(leg) -%}
    {%- endfor -%}
    {{- lacking | join(', ') -}}
{%- endmacro %}

{#- Whether the company has a leg: a word that is true, or nothing. -#}
{% macro carries_leg(leg) -%}
    {%- if leg not in legs_not_carried().split(', ') -%} true {%- endif -%}
{%- endmacro %}

{#- An amount of these legs; null where the company lacks one of them. -#}
{% macro amount_of(legs, expression) -%}
    cast({{ 'null' if legs | select('in', legs_not_carried().split(', ')) | list else expression }}
        as numeric(18, 2))
{%- endmacro %}

{#- Condition: the company has both legs of a row of `refund_gaps`, so that the gap is claimed. -#}
{% macro is_claimed(gap) -%}
    not array[{{ gap }}.left_leg, {{ gap }}.right_leg] && string_to_array('{{ legs_not_carried() }}', ', ')
{%- endmacro %}

{#- Which of the legs E, M, P and G are there, as bits in that order; - for one that the company lacks. -#}
{% macro leg_pattern() -%}
    concat(
        {%- for leg, column in [('E', 'has_e'), ('M', 'has_m'), ('P', 'has_p'), ('G', 'has_g')] %}
        {{ 'cast(' ~ column ~ ' as integer)' if carries_leg(leg) else "'-'" }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
