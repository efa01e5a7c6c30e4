{#- Whether a row of `rates` (seed handling_rates) prices an activity at a site on a day. -#}
{% macro rate_holds(activity, site, day) -%}
    rates.activity = '{{ activity }}' and rates.site = {{ site }}
        and {{ day }} >= rates.valid_from and {{ day }} < rates.valid_to
{%- endmacro %}
