-- Grain: one row per alert and return line that it counts: what came back of the alert's subject and window, for what
-- it is about. A line may stand under several alerts, so units and amounts add up within one alert only.
{{ config(materialized='table', indexes=[{'columns': ['return_line_key']}]) }}

with alerts as (

    select * from {{ source('estimates', 'quality_alerts') }}

),

carriers as (

    {{ carriers_of(ref('fct_return_line')) }}

),

-- of goods by the week of their sale
returned as (

    select
        alerts.alert_key,
        lines.return_line_key,
        greatest(lines.received_quantity, lines.expected_quantity) as units,
        lines.basis_on as happened_on
    from alerts
    inner join {{ ref('fct_sales_line') }} as sales
        on sales.shipped_on between alerts.window_from and alerts.window_to
        and (alerts.sku is null or alerts.sku = sales.sku)
        and (alerts.lot_no is null or alerts.lot_no = sales.lot_no)
        and (alerts.style is null or alerts.style = sales.style)
        and (alerts.size is null or alerts.size = sales.size)
        and (alerts.vendor_id is null or alerts.vendor_id = sales.vendor_id)
    inner join {{ ref('fct_return_line') }} as lines on sales.sales_line_key = lines.sales_line_key
    where alerts.kind in ('SKU_REASON', 'SKU_LOT', 'SIZE_OF_STYLE', 'VENDOR')
        and sales.is_product and sales.shipped_quantity > 0
        and lines.is_counted and lines.basis_on <= {{ as_of_date() }}
        and (
            lines.reason = alerts.outcome
            or (alerts.outcome = 'VENDOR_FAULT' and lines.fault_party = 'vendor')
        )

),

-- of goods by the week of their inspection; a line may come in several receipts
judged as (

    select
        alerts.alert_key,
        lines.return_line_key,
        sum(receipts.quantity) as units,
        min(inspections.inspected_on) as happened_on
    from alerts
    inner join {{ ref('fct_inspection') }} as inspections
        on inspections.inspected_on between alerts.window_from and alerts.window_to
        and (alerts.site is null or alerts.site = inspections.site)
    inner join {{ ref('fct_receipt') }} as receipts on inspections.receipt_id = receipts.receipt_id
    inner join {{ ref('fct_return_line') }} as lines on receipts.return_line_key = lines.return_line_key
    left join carriers on lines.tracking_no = carriers.tracking_no
    where alerts.kind in ('CARRIER_DAMAGE', 'SITE_GRADE')
        and inspections.is_latest and receipts.is_product
        and (
            (alerts.kind = 'SITE_GRADE' and inspections.grade = alerts.outcome)
            or (
                alerts.kind = 'CARRIER_DAMAGE'
                and carriers.carrier = alerts.carrier
                and inspections.confirmed_reason = alerts.outcome
                and lines.reason is distinct from alerts.outcome
            )
        )
    group by alerts.alert_key, lines.return_line_key

),

rows_of_alerts as (

    select alert_key, return_line_key, units, happened_on from returned
    union all
    select alert_key, return_line_key, units, happened_on from judged

)

select
    rows_of_alerts.alert_key,
    rows_of_alerts.return_line_key,
    lines.order_no, lines.rma_no, lines.sku,
    {{ product_name('lines.sku') }} as product_name,
    lines.reason,
    lines.shipped_on,
    rows_of_alerts.happened_on,
    cast(rows_of_alerts.units as bigint) as units,
    cast(
        {{ share_upto('lines.line_net_reporting', 'rows_of_alerts.units', 'lines.line_quantity') }}
        as numeric(18, 2)
    ) as amount,
    cast('{{ var("reporting_currency") }}' as text) as currency
from rows_of_alerts
inner join {{ ref('fct_return_line') }} as lines
    on rows_of_alerts.return_line_key = lines.return_line_key
