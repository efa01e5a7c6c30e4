{{ config(
    indexes=[
        {'columns': ['sales_line_key'], 'unique': true},
        {'columns': ['unit_key']},
        {'columns': ['shipped_on']},
        {'columns': ['customer_id']},
        {'columns': ['sku']},
    ],
    post_hook="{{ partial_index(this, '(sku, ordered_at desc)', 'product_description is not null') }}",
) }}
-- Grain: one row per sales order line. Quantities add up; amounts add up within a currency, the
-- reporting amounts over all (captured_reporting is rounded once, its parts each for itself).
-- received_quantity counts units that came back and are known to be the line's own.

with sales as (
    select * from {{ ref('int_sales_lines') }}
),

received as (
    select
        lines.sales_line_key,
        sum(receipts.quantity) as received_quantity
    from {{ ref('int_receipts') }} as receipts
    inner join {{ ref('int_return_lines') }} as lines
        on receipts.return_line_key = lines.return_line_key
    where lines.sales_line_key is not null
    group by lines.sales_line_key
),

final as (
    select
        sales.unit_key,
        sales.sales_line_key,
        sales.order_no,
        sales.line_no,
        -- who and what
        sales.customer_id,
        sales.survivor_customer_id,
        sales.customer_key,
        sales.customer_segment,
        sales.customer_country,
        sales.channel,
        sales.sku,
        sales.product_description,
        sales.product_key,
        sales.product_category,
        sales.brand,
        sales.style,
        sales.size,
        sales.vendor_id,
        sales.weight_g,
        sales.hazmat_class,
        sales.weee_category,
        sales.is_product,
        sales.is_returnable,
        sales.return_window_days,
        sales.restocking_fee_pct,
        sales.lot_no,
        sales.serial_nos,
        sales.ship_from_site,
        sales.replaces_rma_no,
        sales.replaces_rma_no is not null as is_exchange_replacement,
        -- timing
        sales.ordered_at,
        sales.ordered_on,
        sales.shipped_at,
        sales.shipped_on,
        sales.delivered_on,
        sales.updated_at,
        -- quantities
        sales.quantity,
        sales.shipped_quantity,
        cast(coalesce(received.received_quantity, 0) as bigint) as received_quantity,
        -- amounts
        sales.unit_price,
        sales.discount_amount,
        sales.net_amount,
        sales.tax_amount,
        sales.shipping_amount,
        sales.currency,
        sales.net_reporting,
        sales.tax_reporting,
        sales.shipping_reporting,
        sales.captured_reporting,
        sales.unit_cost,
        sales.cost_currency,
        sales.is_void
    from sales
    left join received on sales.sales_line_key = received.sales_line_key
)

select * from final
