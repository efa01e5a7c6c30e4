{{ config(
    meta={'replaces': 'snapshots'},
    indexes=[
        {'columns': ['snapshot_date', 'return_line_key'], 'unique': true}, {'columns': ['unit_key']},
    ],
) }}
-- Grain: one row per day and return line with open units at its end; kept for each month's last day and
-- the last days up to the business date. Derived from when things happened, whenever it became known,
-- so a rebuild gives the same. Quantities and values add up over everything but days.

with days as (
    select cast(day as date) as snapshot_date, {{ end_of('cast(day as date)') }} as day_end
    from generate_series(
        (select min(basis_on) from {{ ref('fct_return_line') }}), {{ as_of_date() }}, interval '1 day'
    ) as series (day)
    where cast(day as date) > {{ as_of_date() }} - {{ var('snapshot_days') }}
        or {{ is_month_end('cast(day as date)') }}
),

{% if is_incremental() -%}
-- Days that no build has seen: what did not change tonight is open on them too
new_days as (
    select * from days
    where not exists (select 1 from {{ this }} as k where k.snapshot_date = days.snapshot_date)
),
{%- endif %}

spans as (
    {%- for which, untouched in [('days', ''), ('new_days', 'not ')][:2 if is_incremental() else 1] %}
    select lines.*, {{ which }}.snapshot_date, {{ which }}.day_end
    from {{ ref('fct_return_line') }} as lines
    inner join {{ which }} on lines.basis_at < {{ which }}.day_end
        and (lines.ended_at is null or lines.ended_at >= {{ which }}.day_end)
    where not lines.is_returnless and {{ untouched }}{{ in_touched_units('lines.unit_key') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

moved as (
    select return_line_key, received_at as moved_at, quantity as received, 0 as ended
    from {{ ref('fct_receipt') }}
    union all
    select return_line_key, ended_at as moved_at, 0 as received, quantity as ended
    from ({{ ends_of_goods('final_change') }}) as ends
),

moved_by_day as (
    select
        spans.return_line_key, spans.snapshot_date,
        sum(moved.received) as received, sum(moved.ended) as ended
    from spans
    inner join moved
        on spans.return_line_key = moved.return_line_key and spans.day_end > moved.moved_at
    group by spans.return_line_key, spans.snapshot_date
),

counted as (
    select
        spans.*,
        greatest(coalesce(moved_by_day.received - moved_by_day.ended, 0), 0) as in_house_on_day,
        -- a lapsed authorization leaves what came; late goods count from the day on which they come
        greatest(
            case
                when spans.expires_at < spans.day_end then coalesce(moved_by_day.received, 0)
                else spans.expected_quantity
            end - coalesce(moved_by_day.ended, 0), 0
        ) as open_on_day
    from spans
    left join moved_by_day
        on spans.snapshot_date = moved_by_day.snapshot_date
        and spans.return_line_key = moved_by_day.return_line_key
)

select
    unit_key,
    snapshot_date,
    return_line_key,
    -- what
    channel,
    product_category,
    ship_from_site,
    site,
    sku,
    case
        when first_inspected_at < day_end then 'INSPECTED'
        when first_received_at < day_end then 'RECEIVED'
        when first_scan_at < day_end then 'IN_TRANSIT'
        when approved_at < day_end then 'APPROVED'
        else 'REQUESTED'
    end as last_step,
    snapshot_date - basis_on as age_days,
    -- quantities
    cast(open_on_day as bigint) as open_quantity,
    cast(least(in_house_on_day, open_on_day) as bigint) as in_house_quantity,
    -- amounts
    cast(coalesce(round(line_net_reporting * open_on_day / nullif(line_quantity, 0), 2), 0)
        as numeric(18, 2)) as open_value_reporting
from counted
where open_on_day > 0
