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
