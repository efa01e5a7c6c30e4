-- Grain: one row per row of a refund that the processor settled or failed, on the day of booking (basis
-- REFUND), and again on the day its sale was shipped (basis SALE); money of no known sale, or of a line that
-- never shipped, has no such day. A refund counts once, however many rows settle it: with the one that completed it.
-- Additive: every measure; amounts are in the reporting currency.
{{ config(meta={'replaces': 'units'}) }}

with lines as (

    select
        *,
        -- the clock of the law: goods on their way or here, else the request
        {{ business_day('coalesce(least(first_scan_at, first_received_at), basis_at)') }} as clock_starts_on,
        -- goods that are still to come start it anew
        first_scan_at is null and first_received_at is null and is_counted and not is_returnless as is_awaited
    from {{ ref('fct_return_line') }}
    where {{ in_touched_units('unit_key') }}

),

sales as (

    select * from {{ ref('fct_sales_line') }}
    where {{ in_touched_units('unit_key') }}

),

settlements as (

    select
        settlements.*,
        -settlements.reporting_gross_amount as refunded_amount,
        completions.settlement_id is not null and lines.return_line_key is not null as is_timed,
        greatest(settlements.booked_on - lines.clock_starts_on, 0) as days,
        sales.shipped_on,
        {{ mature_on_where('lines.is_awaited', return_due_on('lines')) }} as timed_on,
        {{ sale_mature_on('sales') }} as mature_on
    from {{ ref('fct_settlement') }} as settlements
    left join lines on settlements.return_line_key = lines.return_line_key
    left join sales on settlements.sales_line_key = sales.sales_line_key
    left join {{ ref('bridge_refund_completion') }} as completions
        on settlements.settlement_id = completions.settlement_id
    where
        settlements.status = 'succeeded'
        and settlements.type in ('refund', 'refund_failure')
        and coalesce(lines.is_product, sales.is_product, true)
        and {{ in_touched_units('settlements.unit_key') }}

)

select
    unit_key,
    settlement_id,
    booked_on as period_date,
    channel,
    product_category,
    ship_from_site as site,
    timed_on as mature_on,
    refunded_amount,
    cast(null as numeric(18, 2)) as refunded_of_sale_amount,
    case when is_timed then 1 end as refunds,
    case when is_timed then days end as lead_days,
    case when is_timed then case when days > {{ var('refund_days') }} then 1 else 0 end end as late_refunds
from settlements
union all
select
    unit_key,
    settlement_id,
    shipped_on as period_date,
    channel,
    product_category,
    ship_from_site as site,
    mature_on,
    null as refunded_amount,
    refunded_amount as refunded_of_sale_amount,
    null as refunds,
    null as lead_days,
    null as late_refunds
from settlements
where shipped_on is not null
