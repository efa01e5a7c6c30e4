-- Grain: one row per day, last step made, channel, product category and site: units of returns that were open at the
-- end of the day, kept for the last days and each month's last. The site is where the units are, or the one that
-- shipped them while they are away. Additive over everything but days; return_backlog has those of now, by age.
{{ config(materialized='table', indexes=[{'columns': ['snapshot_date']}]) }}

select
    snapshots.snapshot_date,
    snapshots.last_step,
    snapshots.channel,
    snapshots.product_category,
    case when snapshots.site = 'NOT_RECEIVED' then snapshots.ship_from_site else snapshots.site end as site,
    count(*) as return_lines,
    cast(sum(snapshots.open_quantity) as bigint) as open_units,
    cast(sum(snapshots.in_house_quantity) as bigint) as in_house_units,
    cast(sum(snapshots.open_value_reporting) as numeric(18, 2)) as open_value,
    cast('{{ var("reporting_currency") }}' as text) as currency
from {{ ref('snap_open_returns') }} as snapshots
inner join {{ ref('fct_return_line') }} as lines
    on snapshots.return_line_key = lines.return_line_key
where lines.is_counted
group by
    snapshots.snapshot_date, snapshots.last_step, snapshots.channel, snapshots.product_category,
    case when snapshots.site = 'NOT_RECEIVED' then snapshots.ship_from_site else snapshots.site end
