-- Grain: one row per receipt of a product, on the day it came (basis RETURN); and one per final
-- disposition of it, on the day it left, for the outflow of returned stock.
-- Additive: every measure; amounts are in the reporting currency, weights in grams.
{{ config(
    post_hook="{{ partial_index(this, '(receipt_id)', 'open_units > 0') }}",
    meta={'replaces': 'units'}
) }}

with receipts as (

    select
        *,
        sum(quantity) over (
            partition by sales_line_key order by received_at, receipt_id
            rows between unbounded preceding and current row
        ) as upto_quantity
    from {{ ref('fct_receipt') }}
    where is_product and {{ in_touched_units('unit_key') }}

),

lines as (

    select return_line_key, reason from {{ ref('fct_return_line') }}
    where {{ in_touched_units('unit_key') }}

),

sales as (

    select * from {{ ref('fct_sales_line') }}
    where {{ in_touched_units('unit_key') }}

),

inspections as (

    select receipt_id, confirmed_reason from {{ ref('fct_inspection') }}
    where is_latest and {{ in_touched_units('unit_key') }}

),

serials as (

    select receipt_id, is_mismatch from {{ ref('bridge_serial') }}
    where is_sale_known and {{ in_touched_units('unit_key') }}

),

dispositions as (

    select
        disposed.*,
        receipts.product_category as receipt_category,
        receipts.sku as receipt_sku,
        receipts.site as receipt_site,
        {{ whole_hours('receipts.received_at', 'disposed.disposed_at') }} as hours,
        disposed.net_quantity * coalesce(disposed.weight_g, 0) as grams
    from {{ ref('fct_disposition') }} as disposed
    inner join receipts on disposed.receipt_id = receipts.receipt_id
    where disposed.is_final and disposed.net_quantity > 0

),

disposed as (

    select
        receipt_id,
        sum(net_quantity) as units,
        sum(net_quantity * hours) as hours,
        sum(net_quantity) filter (where disposition = 'RESTOCK') as restocked_units,
        sum(grams) filter (where is_landfill_diverting) as diverted_g,
        sum(grams) filter (where disposition <> 'MISSING') as disposed_g,
        sum(disposal_co2e_g) as co2e_g
    from dispositions
    group by receipt_id

),

judged as (

    select
        receipts.*,
        lines.reason,
        inspections.confirmed_reason,
        lines.reason not in ('UNKNOWN', 'UNMAPPED')
        and coalesce(inspections.confirmed_reason, 'UNKNOWN') not in ('UNKNOWN', 'UNMAPPED')
            as is_judged,
        sales.shipped_quantity > 0 as is_sold,
        not sales.is_returnable
        or (
            receipts.received_on - sales.shipped_on > coalesce(sales.return_window_days, 99999)
            and not {{ is_window_waived('lines.reason') }}
        ) as is_violation,
        round(sales.net_reporting * receipts.upto_quantity / sales.quantity, 2)
        - round(
            sales.net_reporting * (receipts.upto_quantity - receipts.quantity) / sales.quantity, 2
        ) as returned_amount
    from receipts
    inner join lines on receipts.return_line_key = lines.return_line_key
    left join sales on receipts.sales_line_key = sales.sales_line_key
    left join inspections on receipts.receipt_id = inspections.receipt_id

),

final as (

    select
        judged.unit_key,
        judged.receipt_id,
        judged.received_at,
        judged.received_on as period_date,
        judged.channel,
        judged.product_category,
        judged.site,
        judged.sku,
        judged.quantity as received_units,
        judged.returned_amount,
        coalesce(disposed.units, 0) as disposed_units,
        greatest(judged.quantity - coalesce(disposed.units, 0), 0) as open_units,
        coalesce(disposed.hours, 0) as disposed_hours,
        coalesce(disposed.restocked_units, 0) as restocked_units,
        coalesce(disposed.diverted_g, 0) as diverted_g,
        coalesce(disposed.disposed_g, 0) as disposed_g,
        coalesce(judged.transport_co2e_g, 0) + coalesce(disposed.co2e_g, 0) as co2e_g,
        case when judged.is_judged then judged.quantity end as judged_units,
        case
            when judged.is_judged
                then case when judged.confirmed_reason = judged.reason then judged.quantity else 0 end
        end as confirmed_units,
        case when judged.is_sold then judged.quantity end as sold_units,
        case when judged.is_sold then case when judged.is_violation then judged.quantity else 0 end end
            as violating_units,
        case when serials.receipt_id is not null then judged.quantity end as serial_units,
        case
            when serials.receipt_id is not null
                then case when serials.is_mismatch then judged.quantity else 0 end
        end as mismatched_units,
        cast(null as bigint) as outflow_units
    from judged
    left join disposed on judged.receipt_id = disposed.receipt_id
    left join serials on judged.receipt_id = serials.receipt_id
    union all
    select
        unit_key,
        receipt_id,
        null as received_at,
        disposed_on as period_date,
        'UNATTRIBUTED' as channel,
        receipt_category as product_category,
        receipt_site as site,
        receipt_sku as sku,
        null as received_units,
        null as returned_amount,
        null as disposed_units,
        null as open_units,
        null as disposed_hours,
        null as restocked_units,
        null as diverted_g,
        null as disposed_g,
        null as co2e_g,
        null as judged_units,
        null as confirmed_units,
        null as sold_units,
        null as violating_units,
        null as serial_units,
        null as mismatched_units,
        net_quantity as outflow_units
    from dispositions

)

select * from final
