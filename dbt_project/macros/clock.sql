{#- The one clock: no model asks what time it is. -#}
{% macro as_of_date() -%}
    cast('{{ var("business_date") }}' as date)
{%- endmacro %}

{#- First instant after the business date, UTC. -#}
{% macro as_of_end() -%}
    cast(
        '{{ (modules.datetime.datetime.strptime(var("business_date") | string, "%Y-%m-%d")
            + modules.datetime.timedelta(days=1)).strftime("%Y-%m-%d") }} 00:00:00+00' as timestamptz
    )
{%- endmacro %}

{#- UTC date of an instant. -#}
{% macro utc_date(column) -%}
    cast({{ column }} at time zone 'UTC' as date)
{%- endmacro %}

{#- Whether everything is computed anew; unit tests override it. -#}
{% macro is_full_build() -%}
    {{ return(flags.FULL_REFRESH) }}
{%- endmacro %}
