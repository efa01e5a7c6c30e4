{#- How long goods have lain before they were decided about: what that costs shows in what they bring. -#}
{% macro age_band_of_stock(days) -%}
    case when {{ days }} <= 30 then '0-30' when {{ days }} <= 90 then '31-90' else '90+' end
{%- endmacro %}

{#- First day whose decisions the back-test judges, by what was known before: a quarter of a year, from the
    first of a month on, so that nights of one month judge by one experience. -#}
{% macro backtest_begins_on() -%}
    cast(date_trunc('month', {{ as_of_date() }}) - interval '3 months' as date)
{%- endmacro %}

{#- Means of a group of units drawn towards those of a wider one, the more the fewer units it has: `own` has sums,
    `wider` has means. -#}
{% macro drawn_towards(own, wider) -%}
    {%- set k = var('shrink_units', 10) -%}
    {%- set weight = 'coalesce(' ~ own ~ '.units, 0) / (coalesce(' ~ own ~ '.units, 0) + ' ~ k ~ ')' -%}
    select
        {%- for name, mean in {
            'share': own ~ '.recovered / ' ~ own ~ '.original_cost', 'cost': own ~ '.cost / ' ~ own ~ '.units',
            'days': own ~ '.unit_days / ' ~ own ~ '.units',
        }.items() %}
        {{ weight }} * coalesce({{ mean }}, 0) + (1 - {{ weight }}) * {{ wider }}.{{ name }} as {{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{#- Standard error of the mean net of a unit of a group; null where fewer than two units tell nothing of it. -#}
{% macro error_of_mean(own) -%}
    case when {{ own }}.units > 1 then sqrt(
        greatest(
            {{ own }}.squared_net / {{ own }}.units - power(({{ own }}.recovered - {{ own }}.cost) / {{ own }}.units, 2), 0
        ) / ({{ own }}.units - 1)
    ) end
{%- endmacro %}
