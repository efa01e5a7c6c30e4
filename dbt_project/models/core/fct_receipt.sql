{{ config(indexes=[
    {'columns': ['receipt_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['received_on']},
]) }}
-- Grain: one row per receipt of one SKU at a returns dock. A blind receipt counts by product and time,
-- and stands UNATTRIBUTED wherever the sale is needed and not known. Quantities and grams of CO2e add
-- up; the way back is from the customer's country at the sale, the site's own where that is not known.

with receipts as (
    select * from {{ ref('int_receipts') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

sites as (
    select * from {{ ref('sites') }}
),

bands as (
    select * from {{ ref('distance_bands') }}
),

factors as (
    select * from {{ ref('co2e_factors') }} where kind = 'transport'
)

select
    receipts.unit_key,
    receipts.return_line_key,
    receipts.receipt_id,
    receipts.rma_no,
    receipts.rma_line_no,
    coalesce(receipts.order_no, case when lines.is_inferred then lines.order_no end) as order_no,
    lines.order_line_no,
    lines.sales_line_key,
    case
        when lines.is_inferred then 'inferred'
        when receipts.match_rule <> 'none' then receipts.match_rule
        when lines.sales_line_key is not null then 'order_line'
        when receipts.order_no is not null then 'order'
        else 'none'
    end as attribution,
    receipts.is_blind,
    receipts.tracking_no,
    -- what
    receipts.sku,
    {{ is_product('receipts.sku') }} as is_product,
    lines.product_category,
    lines.channel,
    receipts.quantity,
    receipts.lot_no,
    receipts.serial_no,
    receipts.site,
    receipts.weight_g,
    -- timing
    receipts.received_at,
    receipts.received_on,
    -- cost of one unit
    lines.unit_cost,
    lines.cost_currency,
    -- way back
    coalesce(near.band, far.band) as distance_band,
    coalesce(near.km, far.km) as transport_km,
    cast(
        round(
            receipts.quantity * coalesce(lines.weight_g, 0) * coalesce(near.km, far.km)
            * factors.factor / 1000000, 2
        ) as numeric(18, 2)
    ) as transport_co2e_g,
    factors.version as co2e_factor_version
from receipts
inner join lines on receipts.return_line_key = lines.return_line_key
left join sites on receipts.site = sites.site
left join bands as near
    on near.customer_country = coalesce(lines.customer_country, sites.country, '?')
    and near.site_country = coalesce(sites.country, lines.customer_country, '?')
left join bands as far on far.customer_country = '*'
left join factors
    on factors.code = coalesce(near.transport, far.transport)
    and receipts.received_on >= factors.valid_from and receipts.received_on < factors.valid_to
