{{ config(indexes=[
    {'columns': ['return_line_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['order_no', 'order_line_no']},
]) }}
-- Grain: one row per return line of the touched units: a request line, an RMA line without a request,
-- or a blind receipt; with the sale it comes from. Product as of the order date, or as of today
-- where the sale is not known.

with requests as (
    select * from {{ ref('int_requests') }}
),

-- The RMA that stands for the line: the first that is not void
rmas as (
    select
        *,
        row_number() over (
            partition by return_line_key
            order by case when is_void then 1 else 0 end, authorized_at, rma_no, rma_line_no
        ) as rank_of_rma
    from {{ ref('int_rma_lines') }}
),

receipts as (
    select
        *,
        row_number() over (partition by return_line_key order by received_at, receipt_id)
            as rank_of_receipt
    from {{ ref('int_receipts') }}
),

keys as (
    select unit_key, return_line_key from requests
    union
    select unit_key, return_line_key from rmas
    union
    select unit_key, return_line_key from receipts
),

reasons as (
    select * from {{ ref('reasons') }}
),

joined as (
    select
        keys.unit_key,
        keys.return_line_key,
        coalesce(requests.request_id, rmas.request_id) as request_id,
        requests.request_line,
        requests.request_id is not null as has_request,
        rmas.rma_no,
        rmas.rma_line_no,
        rmas.tracking_no,
        receipts.receipt_id as first_receipt_id,
        coalesce(receipts.is_blind, false) as is_blind,
        coalesce(requests.order_no, rmas.order_no, receipts.order_no) as order_no,
        coalesce(requests.order_line_no, rmas.order_line_no, receipts.order_line_no)
            as order_line_no,
        requests.customer_id,
        coalesce(receipts.sku, rmas.sku) as returned_sku,
        coalesce(receipts.site, 'NOT_RECEIVED') as site,
        -- the ERP's word before the customer's; UNKNOWN only where neither gives one
        coalesce(nullif(rmas.reason, 'UNKNOWN'), requests.reason, 'UNKNOWN') as reason,
        coalesce(rmas.resolution, requests.desired_resolution, 'unknown') as resolution
    from keys
    left join requests on keys.return_line_key = requests.return_line_key
    left join rmas on keys.return_line_key = rmas.return_line_key and rmas.rank_of_rma = 1
    left join receipts
        on keys.return_line_key = receipts.return_line_key and receipts.rank_of_receipt = 1
),

sales as (
    select * from {{ ref('int_sales_lines') }}
),

products as (
    select * from {{ ref('dim_product') }}
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
    joined.order_no,
    joined.order_line_no,
    sales.sales_line_key,
    sales.sales_line_key is not null as is_attributed,
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
    sales.return_window_days
from joined
left join sales
    on joined.unit_key = sales.unit_key
    and joined.order_no = sales.order_no
    and joined.order_line_no = sales.line_no
left join products as today on joined.returned_sku = today.sku and today.is_current
left join products
    on products.product_key = coalesce(
        sales.product_key,
        today.product_key,
        case when joined.returned_sku is null then 'UNKNOWN' else 'LATE_ARRIVING' end
    )
left join reasons on joined.reason = reasons.reason
