{#- Steps of the process: number, when the line entered, when it finished, and the milestone that came
    although the step was never finished. -#}
{% macro return_steps(line) -%}
    values
    (
        1, {{ line }}.requested_at, {{ line }}.approved_at,
        least({{ line }}.first_received_at, {{ line }}.first_inspected_at, {{ line }}.first_disposed_at)
    ),
    (
        2, {{ line }}.approved_at, {{ line }}.first_received_at,
        least({{ line }}.first_inspected_at, {{ line }}.first_disposed_at)
    ),
    (3, {{ line }}.first_received_at, {{ line }}.first_inspected_at, {{ line }}.first_disposed_at),
    (4, {{ line }}.first_inspected_at, {{ line }}.first_disposed_at, null)
{%- endmacro %}

{#- Whole hours, so that sums are exact and anybody can repeat them; none below zero. -#}
{% macro whole_hours(from_at, to_at) -%}
    greatest(0, cast(floor(extract(epoch from {{ to_at }} - {{ from_at }}) / 3600) as bigint))
{%- endmacro %}

{#- Statuses in which units may be open: few rows, read by index. -#}
{% macro may_be_open(status) -%}
    {{ status }} in (
        'REQUESTED', 'APPROVED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED', 'RECEIVED', 'INSPECTED', 'IN_PROCESS'
    )
{%- endmacro %}

{#- A row's units where the condition holds, none where it doesn't. -#}
{% macro units_if(condition) -%}
    case when {{ condition }} then quantity else 0 end
{%- endmacro %}

{#- Status, the days that it may last before somebody should look, and what comes next. Nothing waits for a step
    of which no feed tells; where the goods are told of no further than their receipt or inspection, it waits for
    its money from there. -#}
{% macro limits_of_statuses() -%}
    select *
    from (
        values
        ('REQUESTED', {{ var('decision_days') }}, 'decide the request'),
        {% if not counts_goods() -%}
        ('APPROVED', {{ var('hand_over_days') + 24 }}, 'refund or close'), ('IN_TRANSIT', 24, 'refund or close'),
        {%- elif carries('wms_shipment_events') -%}
        ('APPROVED', {{ var('hand_over_days') }}, 'customer hands the parcel to the carrier'),
        ('IN_TRANSIT', 10, 'carrier delivers to the site'),
        {%- else -%}
        ('APPROVED', {{ var('hand_over_days') + 10 }}, 'customer sends the goods back'),
        {%- endif %}
        ('PARTIALLY_RECEIVED', 14, 'receive the missing units or close the line short'),
        {% if end_of_goods() == 'received' -%}
        {{ "('RECEIVED', 14, 'refund or close')," if tells_of_money() }}
        {%- elif end_of_goods() == 'inspected' -%}
        ('RECEIVED', {{ var('inspection_days') }}, 'inspect and grade'),
        {{ "('INSPECTED', 14, 'refund or close')," if tells_of_money() }}
        {%- elif carries('wms_inspections') -%}
        ('RECEIVED', {{ var('inspection_days') }}, 'inspect and grade'), ('INSPECTED', 5, 'decide the disposition'),
        {%- else -%}
        ('RECEIVED', {{ var('inspection_days') + 5 }}, 'decide the disposition'),
        {%- endif %}
        ('IN_PROCESS', 21, 'finish the work and decide the final disposition')
    ) as l (status, limit_days, next_step)
{%- endmacro %}
