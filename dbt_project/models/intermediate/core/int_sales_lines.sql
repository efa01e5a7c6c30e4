{{ config(indexes=[{'columns': ['order_no', 'line_no']}]) }}
-- Grain: one row per sales line of the touched units, with product and customer as of the order date.

with sales as (
    select * from {{ ref('stg_erp__sales_lines') }}
    where {{ in_touched_units('order_no') }}
),

-- what the policy in force leaves longest, whatever the reason: until then the line may come back
windows as (
    select
        product_category,
        valid_from, valid_to,
        max(window_days) as window_days,
        bool_or(window_days is null) as has_items_own
    from {{ ref('dim_return_policy') }}
    where not is_window_waived
    group by product_category, valid_from, valid_to
)

select
    sales.order_no as unit_key,
    sales.order_no || '-' || sales.line_no as sales_line_key,
    sales.order_no,
    sales.line_no,
    -- who and what
    sales.customer_id,
    coalesce(customers.survivor_customer_id, sales.customer_id, 'UNKNOWN') as survivor_customer_id,
    coalesce(
        customers.customer_key,
        case when sales.customer_id is null then 'UNKNOWN' else 'LATE_ARRIVING' end
    ) as customer_key,
    coalesce(customers.segment, 'UNKNOWN') as customer_segment,
    coalesce(customers.country, sales.customer_country) as customer_country,
    sales.channel,
    sales.sku,
    sales.product_description,
    coalesce(products.product_key, 'LATE_ARRIVING') as product_key,
    coalesce(products.product_category, 'UNKNOWN') as product_category,
    products.brand,
    products.style,
    products.size,
    products.vendor_id,
    products.weight_g,
    products.hazmat_class,
    products.weee_category,
    {{ is_product('sales.sku') }} as is_product,
    coalesce(products.is_returnable, true) as is_returnable,
    greatest(
        windows.window_days,
        case when coalesce(windows.has_items_own, true) then products.return_window_days end
    ) as return_window_days,
    products.restocking_fee_pct,
    sales.lot_no,
    sales.serial_nos,
    coalesce(sales.ship_from_site, 'UNATTRIBUTED') as ship_from_site,
    sales.replaces_rma_no,
    -- timing
    sales.ordered_at,
    sales.ordered_on,
    sales.shipped_at,
    sales.shipped_on,
    {{ business_day('sales.delivered_at') }} as delivered_on,
    sales.updated_at,
    -- amounts
    sales.quantity,
    case
        when sales.is_void or sales.shipped_at is null or not {{ is_product('sales.sku') }} then 0
        else sales.quantity
    end as shipped_quantity,
    sales.unit_price,
    sales.discount_amount,
    sales.net_amount,
    sales.tax_amount,
    sales.shipping_amount,
    sales.currency,
    {{ to_reporting('sales.net_amount', 'fx.rate') }} as net_reporting,
    {{ to_reporting('sales.tax_amount', 'fx.rate') }} as tax_reporting,
    {{ to_reporting('sales.shipping_amount', 'fx.rate') }} as shipping_reporting,
    -- what the customer paid, rounded once
    {{ to_reporting('(sales.net_amount + sales.tax_amount + sales.shipping_amount)', 'fx.rate') }}
        as captured_reporting,
    -- cost: what the sale says, else the item
    coalesce(sales.unit_cost, products.unit_cost) as unit_cost,
    case when sales.unit_cost is null then products.currency else sales.currency end as cost_currency,
    sales.is_void
from sales
left join {{ ref('dim_product') }} as products
    on sales.sku = products.sku
    and sales.ordered_on >= products.valid_from and sales.ordered_on < products.valid_to
left join windows
    on coalesce(products.product_category, 'UNKNOWN') = windows.product_category
    and sales.ordered_on >= windows.valid_from and sales.ordered_on < windows.valid_to
left join {{ ref('dim_customer') }} as customers
    on sales.customer_id = customers.customer_id
    and sales.ordered_on >= customers.valid_from and sales.ordered_on < customers.valid_to
left join {{ ref('int_fx') }} as fx
    on sales.currency = fx.currency
    and sales.ordered_on >= fx.valid_from and sales.ordered_on < fx.valid_to
