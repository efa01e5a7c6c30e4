{{ config(indexes=[
    {'columns': ['claim_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['receipt_id']}, {'columns': ['opened_on']},
]) }}
-- Grain: one row per vendor claim line. Quantities add up; amounts add up within a currency, reporting
-- amounts over all. Both reporting amounts are at the rate of the claim's day, so that their ratio
-- holds no exchange difference; what came in at its own day's rate is in fct_recovery.

with claims as (
    {{ working_set(ref('stg_erp__vendor_claims'), [
        'receipt_id in (select receipt_id from ' ~ ref('int_receipts') ~ ')',
        'receipt_id in (' ~ lone_units('RCV:') ~ ')',
        'claim_no in (' ~ lone_units('CLM:') ~ ')',
    ]) }}
),

placed as (
    select
        claims.*,
        coalesce(
            receipts.unit_key, 'RCV:' || claims.receipt_id, 'CLM:' || claims.claim_no
        ) as unit_key,
        receipts.return_line_key,
        receipts.site
    from claims
    left join {{ ref('int_receipts') }} as receipts on claims.receipt_id = receipts.receipt_id
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

products as (
    select * from {{ ref('dim_product') }} where is_current
),

vendors as (
    select * from {{ ref('dim_vendor') }}
),

fx as (
    select * from {{ ref('int_fx') }}
)

select
    placed.unit_key,
    placed.return_line_key,
    placed.claim_no || '-' || placed.line_no as claim_key,
    placed.claim_no,
    placed.line_no,
    placed.receipt_id,
    -- who and what
    placed.vendor_id,
    coalesce(vendors.vendor_key, 'LATE_ARRIVING') as vendor_key,
    placed.sku,
    placed.lot_no,
    placed.serial_no,
    placed.quantity,
    placed.status,
    coalesce(placed.site, 'UNATTRIBUTED') as site,
    coalesce(lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(lines.product_category, products.product_category, 'UNKNOWN') as product_category,
    -- timing
    placed.opened_on,
    placed.credited_on,
    placed.updated_at,
    -- amounts
    placed.claimed_amount,
    placed.credited_amount,
    placed.currency,
    {{ to_reporting('placed.claimed_amount', 'fx.rate') }} as claimed_reporting,
    {{ to_reporting('placed.credited_amount', 'fx.rate') }} as credited_reporting
from placed
left join lines on placed.return_line_key = lines.return_line_key
left join products on placed.sku = products.sku
left join vendors
    on placed.vendor_id = vendors.vendor_id
    and placed.opened_on >= vendors.valid_from
    and placed.opened_on < vendors.valid_to
left join fx
    on placed.currency = fx.currency
    and placed.opened_on >= fx.valid_from
    and placed.opened_on < fx.valid_to
where {{ in_touched_units('placed.unit_key') }}
