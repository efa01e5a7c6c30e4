-- Grain: one row per receipt of goods that no claim against the vendor names and that have not gone another way, or
-- that came damaged: those units, the reason that the inspection found, else the one that was told, and whose fault
-- that is. Not published.
{{ config(materialized='table') }}

with claimed as (

    select receipt_id, sum(quantity) as units
    from {{ ref('fct_vendor_claim') }}
    where receipt_id is not null
    group by receipt_id

),

gone as (

    select
        receipt_id,
        sum(net_quantity) filter (where disposition <> 'RTV') as kept_from_vendor,
        sum(net_quantity) filter (where disposition = 'RTV') as sent_to_vendor
    from {{ ref('fct_disposition') }}
    where is_final
    group by receipt_id

),

recoveries as (

    select receipt_id, sum(recovered_reporting) as amount
    from {{ ref('fct_recovery') }}
    where receipt_id is not null
    group by receipt_id

),

received as (

    select
        {% for column in [
            'receipt_id', 'return_line_key', 'rma_no', 'order_no', 'tracking_no', 'sku', 'received_on', 'quantity',
            'unit_cost',
        ] -%}
        receipts.{{ column }},
        {% endfor -%}
        coalesce(receipts.site, 'UNATTRIBUTED') as site,
        lines.shipped_on,
        sales.delivered_on,
        coalesce(
            case when looks.confirmed_reason not in ('UNKNOWN', 'UNMAPPED') then looks.confirmed_reason end,
            lines.reason, 'UNKNOWN'
        ) as reason,
        products.vendor_id,
        products.warranty_months,
        fx.rate,
        -- what still lies here or went to the vendor, and no claim speaks of
        receipts.quantity - greatest(coalesce(gone.kept_from_vendor, 0), 0) - coalesce(claimed.units, 0) as units,
        coalesce(gone.sent_to_vendor, 0) as sent_units,
        coalesce(recoveries.amount, 0) as recovered
    from {{ ref('fct_receipt') }} as receipts
    left join {{ ref('fct_return_line') }} as lines on receipts.return_line_key = lines.return_line_key
    left join {{ ref('fct_sales_line') }} as sales on lines.sales_line_key = sales.sales_line_key
    left join {{ ref('fct_inspection') }} as looks
        on receipts.receipt_id = looks.receipt_id and looks.is_latest
    left join {{ ref('dim_product') }} as products on receipts.sku = products.sku and products.is_current
    left join gone on receipts.receipt_id = gone.receipt_id
    left join claimed on receipts.receipt_id = claimed.receipt_id
    left join recoveries on receipts.receipt_id = recoveries.receipt_id
    left join {{ ref('dim_exchange_rate') }} as fx
        on receipts.cost_currency = fx.currency
        and receipts.received_on >= fx.valid_from and receipts.received_on < fx.valid_to
    where receipts.is_product

),

-- What of their claims vendors have credited, where the contract names no share
answers as (

    select vendor_id, sum(credited_reporting) / nullif(sum(claimed_reporting), 0) as share
    from {{ ref('fct_vendor_claim') }}
    where status <> 'open'
    group by vendor_id

)

select
    received.*,
    reasons.fault_party,
    received.shipped_on + vendors.rtv_window_days as window_ends_on,
    case when vendors.vendor_id is not null then
        cast(received.shipped_on + make_interval(months => received.warranty_months) as date)
    end as warranty_ends_on,
    cast(coalesce(vendors.rtv_recovery_pct / 100, answers.share) as numeric(12, 6)) as share
from received
inner join {{ ref('dim_reason') }} as reasons on received.reason = reasons.reason
left join {{ ref('dim_vendor') }} as vendors on received.vendor_id = vendors.vendor_id and vendors.is_current
left join answers on received.vendor_id = answers.vendor_id
where received.units > 0 or received.reason = 'DAMAGED_IN_TRANSIT'
