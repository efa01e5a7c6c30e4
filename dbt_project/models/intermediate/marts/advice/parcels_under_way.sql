-- Grain: one row per return line of which a parcel was handed to a carrier and has not come. Not published.
{{ config(materialized='table') }}

select
    lines.return_line_key,
    lines.rma_no,
    lines.order_no,
    lines.tracking_no,
    lines.sku,
    coalesce(lines.ship_from_site, 'UNATTRIBUTED') as site,
    {{ business_day('lines.first_scan_at') }} as handed_over_on,
    lines.reason,
    lines.open_quantity as units,
    lines.unit_cost,
    fx.rate
from {{ ref('fct_return_line') }} as lines
left join {{ ref('dim_exchange_rate') }} as fx
    on lines.cost_currency = fx.currency
    and {{ business_day('lines.first_scan_at') }} >= fx.valid_from
    and {{ business_day('lines.first_scan_at') }} < fx.valid_to
where lines.status = 'IN_TRANSIT' and lines.is_product and lines.open_quantity > 0
    and lines.first_scan_at is not null and lines.tracking_no is not null
