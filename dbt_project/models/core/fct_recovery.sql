{{ config(indexes=[
    {'columns': ['recovery_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['recovered_on']},
]) }}
-- Grain: one row per recovery: a sale of returned goods (proceeds less fees), units put back into stock
-- (unit cost times the grade's restock factor; goods nobody graded count as LIKE_NEW), or a vendor's
-- credit. Amounts add up within a currency, reporting amounts over all; quantities within a kind.

with dispositions as (
    select * from {{ ref('fct_disposition') }}
    where {{ in_touched_units('unit_key') }}
),

grades as (
    select * from {{ ref('dim_grade') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

fx as (
    select * from {{ ref('int_fx') }}
),

recoveries as (
    select
        unit_key, 'sale:' || recovery_id as recovery_key, return_line_key, disposition_id,
        receipt_id, 'sale' as kind, recovery_channel, quantity,
        gross_proceeds as gross_amount, fees as fee_amount, gross_proceeds - fees as recovered_amount,
        currency, sold_on as recovered_on
    from {{ ref('int_recovery_sales') }}
    union all
    select
        dispositions.unit_key,
        'restock:' || dispositions.disposition_id as recovery_key,
        dispositions.return_line_key,
        dispositions.disposition_id,
        dispositions.receipt_id,
        'restock' as kind,
        'STOCK' as recovery_channel,
        dispositions.net_quantity as quantity,
        round(dispositions.net_quantity * dispositions.unit_cost * grades.restock_factor, 2)
            as gross_amount,
        0 as fee_amount,
        round(dispositions.net_quantity * dispositions.unit_cost * grades.restock_factor, 2)
            as recovered_amount,
        dispositions.cost_currency as currency,
        dispositions.disposed_on as recovered_on
    from dispositions
    inner join grades on dispositions.grade = grades.grade
    where dispositions.disposition = 'RESTOCK'
        and dispositions.net_quantity > 0
        and dispositions.unit_cost is not null
    union all
    select
        unit_key, 'vendor_credit:' || claim_key as recovery_key, return_line_key,
        null as disposition_id, receipt_id, 'vendor_credit' as kind, 'VENDOR' as recovery_channel,
        quantity, credited_amount as gross_amount, 0 as fee_amount,
        credited_amount as recovered_amount, currency, credited_on as recovered_on
    from {{ ref('fct_vendor_claim') }}
    where {{ in_touched_units('unit_key') }} and credited_amount > 0
)

select
    recoveries.unit_key,
    recoveries.recovery_key,
    recoveries.return_line_key,
    recoveries.disposition_id,
    recoveries.receipt_id,
    recoveries.kind,
    recoveries.recovery_channel,
    recoveries.quantity,
    coalesce(lines.site, 'UNATTRIBUTED') as site,
    coalesce(lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(lines.product_category, 'UNKNOWN') as product_category,
    -- timing
    recoveries.recovered_on,
    -- amounts
    cast(recoveries.gross_amount as numeric(18, 2)) as gross_amount,
    cast(recoveries.fee_amount as numeric(18, 2)) as fee_amount,
    cast(recoveries.recovered_amount as numeric(18, 2)) as recovered_amount,
    recoveries.currency,
    {{ to_reporting('recoveries.recovered_amount', 'fx.rate') }} as recovered_reporting
from recoveries
left join lines on recoveries.return_line_key = lines.return_line_key
left join fx
    on recoveries.currency = fx.currency
    and recoveries.recovered_on >= fx.valid_from
    and recoveries.recovered_on < fx.valid_to
