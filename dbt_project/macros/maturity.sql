{#- When a contribution to a KPI changes no more: a day, so that a sum can be kept per day and the
    clock alone decides. -#}
{% macro always_mature() -%} cast('1900-01-01' as date) {%- endmacro %}

{% macro never_mature() -%} cast('9999-12-31' as date) {%- endmacro %}

{#- That day where the condition holds, always elsewhere. -#}
{% macro mature_on_where(condition, day) -%}
    case when {{ condition }} then {{ day }} else {{ always_mature() }} end
{%- endmacro %}

{% macro mature_if(condition) -%}
    case when {{ condition }} then {{ always_mature() }} else {{ never_mature() }} end
{%- endmacro %}

{#- From this day on nothing comes back of a sales line that was asked for in time: its window begins when the
    customer has it, at the latest after the longest way there; on the last day of the window a return may be asked
    for, decided, handed over, and travel back, each as long as is stated at most. `line` is a row of fct_sales_line.
    Where nobody tells the window, a stated number of days counts. -#}
{% macro sale_mature_on(line='') -%}
    {%- set of = line ~ '.' if line else '' -%}
    coalesce({{ of }}delivered_on, {{ of }}shipped_on + {{ var('transit_days') }})
    + coalesce(cast({{ of }}return_window_days as integer), {{ var('unknown_window_days') }})
    + {{ var('decision_days') }} + {{ var('hand_over_days') }} + {{ var('transit_days') }}
{%- endmacro %}

{#- From this day on nothing comes any more of a return that keeps to what is stated: what its authorization allows on
    its last day may still travel. Where none tells a last day, the request is decided and the goods are handed over
    in the stated time. The same whatever has become of the return: a day on which only what came early is final has
    no no-shows. `line` is a row of fct_return_line. -#}
{% macro return_due_on(line) -%}
    coalesce(
        {{ business_day(line ~ '.expires_at') }},
        {{ line }}.basis_on + {{ var('decision_days') }} + {{ var('hand_over_days') }}
    ) + {{ var('transit_days') }}
{%- endmacro %}

{#- From this day on the cost of a return line changes no more: when all of it that came has left, what carriers
    invoice is here, and a missing rest can no longer come. -#}
{% macro costs_mature_on(line) -%}
    case
        when {{ line }}.disposed_quantity < {{ line }}.received_quantity then {{ never_mature() }}
        else greatest(
            {{ business_day(line ~ '.last_disposed_at') }} + {{ var('invoice_days') }},
            case when {{ line }}.received_quantity < {{ line }}.expected_quantity then {{ return_due_on(line) }} end
        )
    end
{%- endmacro %}

{#- Condition: the day has come, or was taken back, since the last build. -#}
{% macro has_come_due(day) -%}
    {{ day }} > (
        select least(min(business_date), {{ as_of_date() }}) from {{ source('ops', 'builds') }}
        where build_id >= {{ last_build('built') }}
    )
    and {{ day }} <= (
        select greatest(max(business_date), {{ as_of_date() }}) from {{ source('ops', 'builds') }}
        where build_id >= {{ last_build('built') }}
    )
{%- endmacro %}

{#- Cells of kpi_sums that the night changed: by what was posted, or because their day has come. -#}
{% macro changed_cells() -%}
    select kpi, basis, period_date, channel, product_category, site
    from {{ source('state_of_build', 'kpi_sums__changes') }}
    where build_id > {{ last_build('built') }}
    union
    select kpi, basis, period_date, channel, product_category, site
    from {{ source('state_of_build', 'kpi_sums') }}
    where {{ has_come_due('mature_on') }}
{%- endmacro %}

{#- Months of bases of which a cell changed. -#}
{% macro changed_kpi_months() -%}
    select basis, cast(date_trunc('month', period_date) as date)
    from ({{ changed_cells() }}) as changed
{%- endmacro %}

{#- Request months whose times changed, and ALL, which holds every month. -#}
{% macro changed_months() -%}
    select request_month from {{ source('state_of_build', 'return_hours__changes') }}
    where build_id > {{ last_build('built') }}
    union
    select 'ALL' as request_month
{%- endmacro %}

{#- Snapshots of returned stock that the night changed, or whose 30 days of outflow it changed. -#}
{% macro touched_stock_days() -%}
    select cast(entity_key as date) as snapshot_date
    from {{ source('state_of_intermediate', 'int_touched_keys') }}
    where entity = 'wms_returned_stock.snapshot_date'
    union
    select changes.disposed_on + days.day as snapshot_date
    from {{ source('state_of_build', 'returned_stock_outflow__changes') }} as changes
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
