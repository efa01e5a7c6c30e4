{#- The one clock: no model asks what time it is. -#}
{% macro as_of_date() -%}
    cast({{ build_parameter("business_date", "'1900-01-01'") }} as date)
{%- endmacro %}

{#- A parameter of the open build as a literal, from the newest row of ops.builds. Where a variable of that name
    is given, as unit tests do, it holds. A night gives none: dbt parses the whole project anew whenever
    the value of a variable has changed. The comment says where the next build has another literal
    (src/revlog/transform/plan.py). -#}
{% macro build_parameter(name, at_parse) -%}
    {%- if var(name, none) is not none -%}
        {{ return("'" ~ var(name) ~ "'") }}
    {%- elif execute -%}
        {%- set newest = run_query(
            'select ' ~ name ~ ' from ' ~ source('ops', 'builds') ~ ' order by build_id desc limit 1') -%}
        {{ return("'" ~ newest.rows[0][0] ~ "' /*build: " ~ name ~ "*/" if newest.rows else at_parse) }}
    {%- endif -%}
    {{ return(at_parse) }}
{%- endmacro %}

{#- Days are those of the company's time zone, by which it closes its books; instants are UTC. -#}
{% macro business_day(instant) -%}
    cast({{ instant }} at time zone '{{ var("time_zone") }}' as date)
{%- endmacro %}

{#- First instant of a day. -#}
{% macro start_of(day) -%}
    (cast({{ day }} as timestamp) at time zone '{{ var("time_zone") }}')
{%- endmacro %}

{#- First instant after a day. -#}
{% macro end_of(day) -%} {{ start_of(day ~ ' + 1') }} {%- endmacro %}

{#- First instant after the business date. -#}
{% macro as_of_end() -%} {{ end_of(as_of_date()) }} {%- endmacro %}

{#- Whether a day is its month's last. -#}
{% macro is_month_end(day) -%}
    extract(day from {{ day }} + 1) = 1
{%- endmacro %}

{#- Whether everything is computed anew; unit tests override it, linters have no flags. While dbt parses
    it never is: what it finds then, all nights and full builds go by. -#}
{% macro is_full_build() -%}
    {{ return(flags.FULL_REFRESH and execute if flags is defined else true) }}
{%- endmacro %}
