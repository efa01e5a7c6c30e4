{{ config(
    meta={'replaces': 'snapshots'},
    indexes=[
        {'columns': ['snapshot_date', 'return_line_key'], 'unique': true},
        {'columns': ['unit_key']},
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
    where not exists (
        select 1 from {{ this }} as kept where kept.snapshot_date = days.snapshot_date
    )
),
{%- endif %}

spans as (
    select lines.*, days.snapshot_date, days.day_end
    from {{ ref('fct_return_line') }} as lines
    inner join days on lines.basis_at < days.day_end
        and (lines.ended_at is null or lines.ended_at >= days.day_end)
    where not lines.is_returnless and {{ in_touched_units('lines.unit_key') }}
    {% if is_incremental() -%}
    union all
    select lines.*, new_days.snapshot_date, new_days.day_end
    from {{ ref('fct_return_line') }} as lines
    inner join new_days on lines.basis_at < new_days.day_end
        and (lines.ended_at is null or lines.ended_at >= new_days.day_end)
    where not lines.is_returnless and not {{ in_touched_units('lines.unit_key') }}
    {%- endif %}
),

received as (
    select spans.return_line_key, spans.snapshot_date, sum(receipts.quantity) as quantity
    from spans
    inner join {{ ref('fct_receipt') }} as receipts
        on spans.return_line_key = receipts.return_line_key
        and receipts.received_at < spans.day_end
    group by spans.return_line_key, spans.snapshot_date
),

disposed as (
    select spans.return_line_key, spans.snapshot_date, sum(dispositions.final_change) as quantity
    from spans
    inner join {{ ref('fct_disposition') }} as dispositions
        on spans.return_line_key = dispositions.return_line_key
        and dispositions.disposed_at < spans.day_end
    group by spans.return_line_key, spans.snapshot_date
),

counted as (
    select
        spans.*,
        -- a lapsed authorization leaves what came; late goods count from the day on which they come
        greatest(
            case
                when spans.expires_at < spans.day_end then coalesce(received.quantity, 0)
                else spans.expected_quantity
            end - coalesce(disposed.quantity, 0), 0
        ) as open_on_day,
        greatest(coalesce(received.quantity, 0) - coalesce(disposed.quantity, 0), 0)
            as in_house_on_day
    from spans
    left join received
        on spans.return_line_key = received.return_line_key
        and spans.snapshot_date = received.snapshot_date
    left join disposed
        on spans.return_line_key = disposed.return_line_key
        and spans.snapshot_date = disposed.snapshot_date
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
    cast(
        coalesce(round(line_net_reporting * open_on_day / nullif(line_quantity, 0), 2), 0)
        as numeric(18, 2)
    ) as open_value_reporting
from counted
where open_on_day > 0
