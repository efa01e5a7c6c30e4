{{ config(
    meta={'replaces': 'files', 'source': 'erp', 'feed': 'erp_sales_lines', 'keys': ['order_no', 'line_no']},
    indexes=[
        {'columns': ['order_no', 'line_no'], 'unique': true},
        {'columns': ['customer_id']},
        {'columns': ['sku', 'ordered_on']},
        {'columns': ['ordered_on']},
    ],
    post_hook=[
        "{{ partial_index(this, '(replaces_rma_no)', 'replaces_rma_no is not null') }}",
        "{{ partial_index(this, 'using gin (serial_nos)', 'serial_nos is not null') }}",
    ],
) }}
-- Grain: one row per sales order line, its newest version.

with winners as (
    {{ winners('erp', 'erp_sales_lines', ['order_no', 'line_no'], 'updated_at') }}
),

channels as (
    select * from {{ ref('channels') }}
)

select
    winners.order_no,
    winners.line_no,
    -- who and what
    winners.customer_id,
    winners.customer_country,
    winners.product_description,
    winners.channel as source_channel,
    coalesce(channels.channel, capitals.channel, 'UNMAPPED') as channel,
    winners.sku,
    winners.lot_no,
    winners.serial_nos,
    winners.ship_from_site,
    winners.replaces_rma_no,
    -- timing
    winners.ordered_at,
    {{ business_day('winners.ordered_at') }} as ordered_on,
    winners.shipped_at,
    {{ business_day('winners.shipped_at') }} as shipped_on,
    winners.delivered_at,
    winners.updated_at,
    -- amounts
    winners.quantity,
    winners.unit_price,
    coalesce(winners.discount_amount, 0) as discount_amount,
    winners.net_amount,
    coalesce(winners.tax_amount, 0) as tax_amount,
    coalesce(winners.shipping_amount, 0) as shipping_amount,
    winners.unit_cost,
    winners.currency,
    -- state
    winners.is_void,
    -- lineage
    winners._file_id,
    winners._line_no
from winners
left join channels
    on winners.channel = channels.source_code
    and {{ business_day('winners.ordered_at') }} >= channels.valid_from
    and {{ business_day('winners.ordered_at') }} < channels.valid_to
-- a code that no list has as it is spelled is looked for in capitals: web is WEB
left join channels as capitals
    on upper(winners.channel) = capitals.source_code
    and {{ business_day('winners.ordered_at') }} >= capitals.valid_from
    and {{ business_day('winners.ordered_at') }} < capitals.valid_to
