{#- Values of a column as its index has them: from one to the next, so that it costs what there are of them
    and not what there are of rows. -#}
{% macro values_by_index(relation, column) -%}
    with recursive found as (
        (select {{ column }} as value from {{ relation }} order by {{ column }} limit 1)
        union all
        select (
            select later.{{ column }} from {{ relation }} as later
            where later.{{ column }} > found.value
            order by later.{{ column }} limit 1
        ) as value
        from found
        where found.value is not null
    )
    select value from found where value is not null
{%- endmacro %}

{#- Members of a dimension that the facts name: `columns` is a list of fact and column. -#}
{% macro members_of_facts(columns) -%}
    {%- for fact, column in columns %}
    select value from ({{ values_by_index(ref(fact), column) }}) as {{ fact }}_{{ column }}
    {{ 'union' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- Carrier of each return parcel that `relation` names. -#}
{% macro carriers_of(relation) -%}
    select tracking_no, min(carrier) as carrier
    from {{ ref('fct_shipment_event') }}
    where leg = 'return' and tracking_no in (select tracking_no from {{ relation }})
    group by tracking_no
{%- endmacro %}

{#- Whether units come back are known to belong to a sale at all, by the KPI that counts them at their sale. The
    incremental strategy asks, too. -#}
{% macro returns_are_known() -%}
    (
        select completeness <> 'lacking'
        from {{ source('state_of_build', 'kpi_completeness') }}
        where kpi = 'order_return_rate'
    )
{%- endmacro %}

{#- Shipping cohorts as the KPIs have them, by day, channel, category and site, and when nothing of one changes any
    more. `where` narrows them. -#}
{% macro sale_cohorts(where='true') -%}
    select period_date, channel, product_category, site, max(mature_on) as mature_on
    from {{ source('state_of_build', 'kpi_sums') }}
    where kpi = 'product_return_rate' and basis = 'SALE' and {{ where }}
    group by period_date, channel, product_category, site
{%- endmacro %}

{#- Sales lines to be written anew: of touched orders; those whose cohort has become mature since the last
    build, or becomes so on another day since another line came to it; and all of them when returns have become
    known. -#}
{% macro touched_sales_lines(relation) -%}
    select sales_line_key from {{ relation }}
    where unit_key in (select unit_key from {{ source('state_of_intermediate', 'int_touched_units') }})
    union
    select sales_line_key from {{ relation }} where {{ has_come_due('mature_on') }}
    union
    select lines.sales_line_key
    from (
        {{ sale_cohorts(
            "(period_date, channel, product_category, site) in ("
            "select period_date, channel, product_category, site from "
            ~ source('state_of_build', 'kpi_sums__changes') ~
            " where kpi = 'product_return_rate' and basis = 'SALE' and build_id > " ~ last_build('built') ~ ")"
        ) }}
    ) as cohorts
    inner join {{ relation }} as lines
        on cohorts.period_date = lines.shipped_on
        and cohorts.channel = lines.channel
        and cohorts.product_category = lines.product_category
        and cohorts.site = lines.ship_from_site
    where cohorts.mature_on <> lines.mature_on
    union
    select sales_line_key from {{ relation }}
    where {{ returns_are_known() }} = (
        select one_of_them.returned_quantity is null from {{ relation }} as one_of_them limit 1
    )
{%- endmacro %}

{#- Parcels to be written anew: a scan, a charge or the row itself is of a touched order. Several orders may
    share a parcel. -#}
{% macro touched_parcels(relation) -%}
    {%- for found in [
        relation, source('state_of_core', 'fct_shipment_event'), source('state_of_core', 'fct_cost_line'),
    ] %}
    select tracking_no from {{ found }}
    where tracking_no is not null
        and unit_key in (select unit_key from {{ source('state_of_intermediate', 'int_touched_units') }})
    {{ 'union' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
