{#- The one clock: no model asks what time it is. -#}
{% macro as_of_date() -%}
    cast('{{ var("business_date") }}' as date)
{%- endmacro %}

{#- First instant after the business date, UTC. -#}
{% macro as_of_end() -%}
    (cast({{ as_of_date() }} + 1 as timestamp) at time zone 'UTC')
{%- endmacro %}

{#- UTC date of an instant. -#}
{% macro utc_date(column) -%}
    cast({{ column }} at time zone 'UTC' as date)
{%- endmacro %}

{#- First instant after a day, UTC. -#}
{% macro end_of(day) -%}
    (cast({{ day }} + 1 as timestamp) at time zone 'UTC')
{%- endmacro %}

{#- Whether a day is its month's last. -#}
{% macro is_month_end(day) -%}
    extract(day from {{ day }} + 1) = 1
{%- endmacro %}

{#- Whether everything is computed anew; unit tests override it, linters have no flags. -#}
{% macro is_full_build() -%}
    {{ return(flags.FULL_REFRESH if flags is defined else true) }}
{%- endmacro %}
