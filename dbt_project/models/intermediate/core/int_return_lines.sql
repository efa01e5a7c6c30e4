{{ config(indexes=[
    {'columns': ['return_line_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['order_no', 'order_line_no']},
]) }}
-- Grain: one row per return line of the touched units: a request line, an RMA line without a request,
-- or a blind receipt; with the sale it comes from, named or inferred. Product as of the order date, or as
-- of today where the sale is not known.

with joined as (
    select * from {{ ref('int_return_line_sales') }}
)

select
    joined.unit_key,
    joined.return_line_key,
    joined.request_id,
    joined.request_line,
    joined.has_request,
    joined.rma_no,
    joined.rma_line_no,
    joined.tracking_no,
    joined.first_receipt_id,
    joined.is_blind,
    joined.sale_order_no as order_no,
    joined.order_line_no,
    joined.order_line_rule,
    sales.sales_line_key,
    sales.sales_line_key is not null as is_attributed,
    joined.is_inferred,
    joined.sale_rule,
    case when sales.sales_line_key is not null then joined.sale_confidence end as sale_confidence,
    joined.sale_candidates,
    coalesce(joined.customer_id, sales.customer_id) as customer_id,
    sales.customer_country,
    coalesce(sales.channel, 'UNATTRIBUTED') as channel,
    coalesce(sales.ship_from_site, 'UNATTRIBUTED') as ship_from_site,
    joined.site,
    joined.reason,
    reasons.fault_party,
    joined.resolution,
    -- product
    coalesce(sales.sku, joined.returned_sku) as sku,
    products.product_key,
    products.product_category,
    products.brand,
    products.style,
    products.size,
    products.vendor_id,
    products.weight_g,
    products.hazmat_class,
    products.weee_category,
    products.is_returnable,
    coalesce(
        sales.is_product,
        joined.returned_sku is null or {{ is_product('joined.returned_sku') }}
    ) as is_product,
    -- sale
    sales.ordered_on,
    sales.shipped_on,
    coalesce(sales.delivered_on, sales.shipped_on + {{ var('transit_days') }}) as delivered_by,
    sales.currency,
    sales.quantity as line_quantity,
    sales.net_amount as line_net_amount,
    sales.tax_amount as line_tax_amount,
    sales.shipping_amount as line_shipping_amount,
    sales.net_reporting as line_net_reporting,
    coalesce(sales.unit_cost, products.unit_cost) as unit_cost,
    case when sales.unit_cost is null then products.currency else sales.cost_currency end
        as cost_currency,
    sales.restocking_fee_pct,
    sales.return_window_days,
    case
        when not policies.is_window_waived
            then coalesce(policies.window_days, products.return_window_days)
    end as policy_window_days
from joined
left join {{ ref('int_sales_lines') }} as sales
    on (joined.unit_key = sales.unit_key or joined.is_inferred)
    and joined.sale_order_no = sales.order_no
    and joined.order_line_no = sales.line_no
left join {{ ref('dim_product') }} as today on joined.returned_sku = today.sku and today.is_current
left join {{ ref('dim_product') }} as products
    on products.product_key = coalesce(
        sales.product_key,
        today.product_key,
        case when joined.returned_sku is null then 'UNKNOWN' else 'LATE_ARRIVING' end
    )
left join {{ ref('reasons') }} as reasons on joined.reason = reasons.reason
left join {{ ref('dim_return_policy') }} as policies
    on sales.product_category = policies.product_category
    and joined.reason = policies.reason
    and sales.ordered_on >= policies.valid_from
    and sales.ordered_on < policies.valid_to
