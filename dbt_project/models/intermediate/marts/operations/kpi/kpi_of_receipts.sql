-- Grain: one row per receipt of a product, on the day it came (basis RETURN): what it was worth, and
-- whether reason, policy and serial number hold. Without a known sale it was worth what the memo that names it
-- credited, which may come while a refund is due. Additive: every measure; amounts in the reporting currency.
{{ config(meta={'replaces': 'units'}) }}

with receipts as (

    select
        *,
        sum(quantity) over (
            partition by sales_line_key order by received_at, receipt_id rows unbounded preceding
        ) as upto_quantity
    from {{ ref('fct_receipt') }}
    where is_product and {{ in_touched_units('unit_key') }}

),

lines as (

    select return_line_key, reason, policy_breach, is_approved from {{ ref('fct_return_line') }}
    where {{ in_touched_units('unit_key') }}

),

sales as (

    select * from {{ ref('fct_sales_line') }} where {{ in_touched_units('unit_key') }}

),

credits as (

    select return_line_key, sum(reporting_amount) as amount from {{ ref('fct_credit_memo_component') }}
    where component = 'merchandise' and match_rule = 'receipt' and {{ in_touched_units('unit_key') }}
    group by return_line_key

),

inspections as (

    select receipt_id, confirmed_reason from {{ ref('fct_inspection') }}
    where is_latest and {{ in_touched_units('unit_key') }}

),

serials as (

    select receipt_id, is_mismatch from {{ ref('bridge_serial') }}
    where is_sale_known and {{ in_touched_units('unit_key') }}

),

judged as (

    select
        receipts.*,
        lines.reason = inspections.confirmed_reason as is_confirmed,
        lines.reason not in ('UNKNOWN', 'UNMAPPED')
        and coalesce(inspections.confirmed_reason, 'UNKNOWN') not in ('UNKNOWN', 'UNMAPPED')
            as is_judged,
        sales.shipped_quantity > 0 as is_sold,
        -- as rates count it: under what was sold, whatever was in the parcel
        coalesce(case when sales.shipped_quantity > 0 then sales.sku end, receipts.sku) as counted_sku,
        lines.policy_breach is not null and not lines.is_approved as is_violation,
        lines.policy_breach is not null and lines.is_approved as is_exception,
        serials.is_mismatch,
        case
            when receipts.sales_line_key is null and receipts.is_blind then credits.amount
            else {{ share_upto('sales.net_reporting', 'receipts.upto_quantity', 'sales.quantity') }}
                - {{ share_upto(
                    'sales.net_reporting', '(receipts.upto_quantity - receipts.quantity)', 'sales.quantity'
                ) }}
        end as returned_amount
    from receipts
    inner join lines on receipts.return_line_key = lines.return_line_key
    left join sales on receipts.sales_line_key = sales.sales_line_key
    left join credits on receipts.return_line_key = credits.return_line_key
    left join inspections on receipts.receipt_id = inspections.receipt_id
    left join serials on receipts.receipt_id = serials.receipt_id

)

select
    unit_key,
    receipt_id,
    received_on as period_date,
    channel,
    product_category,
    site,
    {{ mature_on_where('sales_line_key is null and is_blind', 'received_on + ' ~ var('refund_days')) }} as mature_on,
    counted_sku as sku,
    quantity as received_units,
    returned_amount,
    case when is_judged then quantity end as judged_units,
    case when is_judged then {{ units_if('is_confirmed') }} end as confirmed_units,
    case when is_sold then quantity end as sold_units,
    case when is_sold then {{ units_if('is_violation') }} end as violating_units,
    case when is_sold then {{ units_if('is_exception') }} end as excepted_units,
    case when is_mismatch is not null then quantity end as serial_units,
    case when is_mismatch is not null then {{ units_if('is_mismatch') }} end as mismatched_units
from judged
