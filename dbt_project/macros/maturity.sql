{#- When a contribution to a KPI changes no more: a day, so that a sum can be kept per day and the
    clock alone decides. -#}
{% macro always_mature() -%} cast('1900-01-01' as date) {%- endmacro %}

{% macro never_mature() -%} cast('9999-12-31' as date) {%- endmacro %}

{% macro mature_if(condition) -%}
    case when {{ condition }} then {{ always_mature() }} else {{ never_mature() }} end
{%- endmacro %}

{#- A shipping cohort changes until its window, and the transit, have passed; where nobody tells the window,
    until a stated number of days. -#}
{% macro sale_mature_on(shipped_on, window_days) -%}
    coalesce(
        {{ shipped_on }} + coalesce(cast({{ window_days }} as integer), {{ var('unknown_window_days') }})
        + {{ var('transit_days') }},
        {{ always_mature() }}
    )
{%- endmacro %}

{#- Condition: the day has come, or was taken back, since the last build. -#}
{% macro has_come_due(day) -%}
    {{ day }} > (
        select least(min(business_date), {{ as_of_date() }}) from ops.builds
        where build_id >= {{ last_build('built') }}
    )
    and {{ day }} <= (
        select greatest(max(business_date), {{ as_of_date() }}) from ops.builds
        where build_id >= {{ last_build('built') }}
    )
{%- endmacro %}

{#- Cells of kpi_sums that the night changed: by what was posted, or because their day has come. -#}
{% macro changed_cells() -%}
    select kpi, basis, period_date, channel, product_category, site
    from build.kpi_sums__changes
    where build_id > {{ last_build('built') }}
    union
    select kpi, basis, period_date, channel, product_category, site
    from build.kpi_sums
    where {{ has_come_due('mature_on') }}
{%- endmacro %}

{#- Request months whose times changed, and ALL, which holds every month. -#}
{% macro changed_months() -%}
    select request_month from build.return_hours__changes
    where build_id > {{ last_build('built') }}
    union
    select 'ALL' as request_month
{%- endmacro %}

{#- Snapshots of returned stock that the night changed, or whose 30 days of outflow it changed. -#}
{% macro touched_stock_days() -%}
    select cast(entity_key as date) as snapshot_date
    from intermediate.int_touched_keys
    where entity = 'stock_day'
    union
    select changes.disposed_on + days.day as snapshot_date
    from build.returned_stock_outflow__changes as changes
    cross join generate_series(0, 29) as days (day)
    where changes.build_id > {{ last_build('built') }}
{%- endmacro %}

{#- Keeps a test to the slices in which the night changed a cell; in a full build to all. -#}
{% macro in_changed_slices() -%}
    {%- if is_full_build() -%} true
    {%- else -%}
    (period_date, channel, product_category, site) in (
        select changed.period_date, changed.channel, changed.product_category, changed.site
        from ({{ changed_cells() }}) as changed
    )
    {%- endif -%}
{%- endmacro %}
