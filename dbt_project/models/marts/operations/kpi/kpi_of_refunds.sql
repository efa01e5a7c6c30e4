-- Grain: one row per component of a credit memo line, on the day of posting; one per settled refund, on
-- the day of booking (both basis REFUND); and that refund again on the day its sale was shipped
-- (basis SALE). Additive: reporting amounts; credited_amount within a currency.
{{ config(meta={'replaces': 'units'}) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where {{ in_touched_units('unit_key') }}

),

memos as (

    select
        memos.*,
        coalesce(lines.ship_from_site, 'UNATTRIBUTED') as ship_from_site,
        coalesce(lines.is_product, true) as is_counted,
        coalesce(lines.resolution in ('exchange', 'store_credit', 'replacement', 'repair'), false)
            as is_retained
    from {{ ref('fct_credit_memo_component') }} as memos
    left join lines on memos.return_line_key = lines.return_line_key
    where {{ in_touched_units('memos.unit_key') }}

),

settlements as (

    select
        settlements.*,
        -settlements.reporting_gross_amount as refunded_amount,
        coalesce(lines.ship_from_site, 'UNATTRIBUTED') as ship_from_site,
        lines.sales_line_key,
        lines.shipped_on,
        lines.return_window_days,
        -- the clock of the consumer: goods on their way or here, else the request
        greatest(
            settlements.booked_on
            - {{ utc_date('coalesce(least(lines.first_scan_at, lines.first_received_at), lines.basis_at)') }},
            0
        ) as lead_days
    from {{ ref('fct_settlement') }} as settlements
    left join lines on settlements.return_line_key = lines.return_line_key
    where
        settlements.status = 'succeeded'
        and settlements.type in ('refund', 'refund_failure')
        and coalesce(lines.is_product, true)
        and {{ in_touched_units('settlements.unit_key') }}

),

final as (

    select
        unit_key,
        posted_on as period_date,
        channel,
        product_category,
        ship_from_site as site,
        {{ always_mature() }} as mature_on,
        case when is_counted then reporting_amount end as memo_amount,
        case when is_counted then case when is_retained then reporting_amount else 0 end end
            as retained_amount,
        cast(null as numeric(18, 2)) as refunded_amount,
        cast(null as numeric(18, 2)) as refunded_of_sale_amount,
        cast(null as integer) as refunds,
        cast(null as integer) as lead_days,
        cast(null as integer) as late_refunds,
        case when {{ is_product('sku') }} then sku end as credited_sku,
        currency,
        amount as credited_amount
    from memos
    union all
    select
        unit_key,
        booked_on as period_date,
        channel,
        product_category,
        ship_from_site as site,
        {{ always_mature() }} as mature_on,
        null as memo_amount,
        null as retained_amount,
        refunded_amount,
        null as refunded_of_sale_amount,
        case when type = 'refund' and return_line_key is not null then 1 end as refunds,
        case when type = 'refund' and return_line_key is not null then lead_days end as lead_days,
        case
            when type = 'refund' and return_line_key is not null
                then case when lead_days > 14 then 1 else 0 end
        end as late_refunds,
        null as credited_sku,
        currency,
        null as credited_amount
    from settlements
    union all
    select
        unit_key,
        coalesce(shipped_on, booked_on) as period_date,
        case when sales_line_key is null then 'UNATTRIBUTED' else channel end as channel,
        product_category,
        case when sales_line_key is null then 'UNATTRIBUTED' else ship_from_site end as site,
        {{ sale_mature_on('shipped_on', 'return_window_days') }} as mature_on,
        null as memo_amount,
        null as retained_amount,
        null as refunded_amount,
        refunded_amount as refunded_of_sale_amount,
        null as refunds,
        null as lead_days,
        null as late_refunds,
        null as credited_sku,
        currency,
        null as credited_amount
    from settlements

)

select * from final
