{#- Amount in the reporting currency: rounded to cents per row, half away from zero (numeric round). Null
    without a rate, and where amount and rate together are beyond what can be meant. -#}
{% macro to_reporting(amount, rate) -%}
    cast(
        case when abs({{ amount }} * {{ rate }}) < 1000000000000000 then round({{ amount }} * {{ rate }}, 2) end
        as numeric(18, 2)
    )
{%- endmacro %}

{#- Cumulative rounding: the part of `amount` that falls on a row, given its weight, the running sum
    of weights up to it and the total. The parts re-add to the whole, to the cent. A total of zero
    puts the whole on the first row. -#}
{% macro cumulative_share(amount, weight, running, total, row_no) -%}
    case
        when {{ total }} = 0 then case when {{ row_no }} = 1 then {{ amount }} else 0 end
        else round({{ amount }} * {{ running }} / {{ total }}, 2)
            - round({{ amount }} * ({{ running }} - {{ weight }}) / {{ total }}, 2)
    end
{%- endmacro %}

{#- What the first `quantity` of `total` units are worth, to the cent: differences of it re-add. Of no units nobody knows. -#}
{% macro share_upto(amount, quantity, total) -%}
    round({{ amount }} * {{ quantity }} / nullif({{ total }}, 0), 2)
{%- endmacro %}

{#- Columns of amounts in the reporting currency, to stand beside those of the row's own: `amounts` is a list of
    expression and column. -#}
{% macro beside_in_reporting(amounts, rate) -%}
    {%- for amount, column in amounts %}
    {{ to_reporting(amount, rate) }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
