-- Grain: one row per receipt that waits for its decision, and for the back-test one per disposition that was decided
-- since it began: what decides which way is open and what it should bring. Not published.
{{ config(materialized='table') }}

with waiting as (

    select
        'today' as learnt,
        receipts.receipt_id as candidate,
        receipts.sku,
        coalesce(receipts.product_category, 'UNKNOWN') as product_category,
        looks.grade,
        {{ age_band_of_stock(as_of_date() ~ ' - receipts.received_on') }} as age_band,
        products.vendor_id,
        lines.reason,
        lines.shipped_on,
        products.hazmat_class,
        products.weee_category,
        {{ as_of_date() }} as decided_on,
        cast(receipts.unit_cost * fx.rate as numeric(18, 6)) as unit_cost
    from {{ ref('fct_receipt') }} as receipts
    inner join {{ ref('fct_inspection') }} as looks
        on receipts.receipt_id = looks.receipt_id and looks.is_latest and looks.grade is not null
    left join {{ ref('fct_return_line') }} as lines on receipts.return_line_key = lines.return_line_key
    left join {{ ref('dim_product') }} as products on receipts.sku = products.sku and products.is_current
    left join {{ ref('dim_exchange_rate') }} as fx
        on receipts.cost_currency = fx.currency
        and receipts.received_on >= fx.valid_from and receipts.received_on < fx.valid_to
    where receipts.is_product and receipts.quantity > coalesce((
        select sum(gone.net_quantity) from {{ ref('fct_disposition') }} as gone
        where gone.receipt_id = receipts.receipt_id and gone.is_final
    ), 0)

)

select * from waiting
union all
select
    'backtest' as learnt,
    disposition_id as candidate,
    sku,
    product_category,
    grade,
    age_band,
    vendor_id,
    reason,
    shipped_on,
    hazmat_class,
    weee_category,
    decided_on,
    cast(original_cost / units as numeric(18, 6)) as unit_cost
from {{ ref('disposition_cases') }}
where decided_on >= {{ backtest_begins_on() }} and known_on <= {{ as_of_date() }}
