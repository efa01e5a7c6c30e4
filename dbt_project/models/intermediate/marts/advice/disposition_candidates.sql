-- Grain: one row per receipt that waits for its decision, and for the back-test one per disposition that was decided
-- since it began, of each category the newest: what decides which way is open and what it should bring. Not published.
{{ config(materialized='table') }}

select
    'today' as learnt,
    waiting.receipt_id as candidate,
    waiting.sku,
    waiting.product_category,
    waiting.grade,
    {{ age_band_of_stock(as_of_date() ~ ' - waiting.received_on') }} as age_band,
    products.vendor_id,
    waiting.reason,
    waiting.shipped_on,
    products.hazmat_class,
    products.weee_category,
    waiting.was_worked_on,
    {{ as_of_date() }} as decided_on,
    waiting.unit_cost
from {{ ref('disposition_waiting') }} as waiting
left join {{ ref('dim_product') }} as products on waiting.sku = products.sku and products.is_current
where waiting.grade is not null and not waiting.is_worked_on
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
    false as was_worked_on,
    decided_on,
    cast(original_cost / units as numeric(38, 6)) as unit_cost
from (
    select
        *,
        row_number() over (
            partition by product_category order by decided_on desc, disposition_id asc
        ) as newest_rank
    from {{ ref('disposition_cases') }}
    where decided_on >= {{ backtest_begins_on() }} and known_on <= {{ as_of_date() }}
) as decided
where newest_rank <= {{ var('backtest_decisions', 1000) }}
