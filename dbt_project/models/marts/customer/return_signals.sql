-- Grain: one row per return line and signal, with its evidence in words. A signal is something to look at,
-- never a verdict: goods get lost, labels get swapped. Not additive.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'units', 'logs_changes': true},
    indexes=[
        {'columns': ['return_line_key', 'signal'], 'unique': true},
        {'columns': ['unit_key']}, {'columns': ['customer_id']}, {'columns': ['signal']},
    ]
) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where is_counted and {{ in_touched_units('unit_key') }}

),

receipts as (

    select * from {{ ref('fct_receipt') }}
    where {{ in_touched_units('unit_key') }}

),

serials as (

    select
        return_line_key,
        string_agg(
            'serial ' || serial_no || ' (receipt ' || receipt_id || ') was '
            || case when is_never_shipped then 'never shipped' else 'shipped with another order' end,
            '; ' order by receipt_id
        ) filter (where is_sale_known and not is_shipped_on_line and not is_shipped_to_order) as foreign_serials,
        string_agg(
            'serial ' || serial_no || ' (receipt ' || receipt_id || ') came back before with receipt '
            || previous_receipt_id,
            '; ' order by receipt_id
        ) filter (where is_received_before) as repeated_serials
    from {{ ref('bridge_serial') }}
    where {{ in_touched_units('unit_key') }}
    group by return_line_key

),

-- A box much lighter than its contents: an item weighs some percent less than the master says, not half
light as (

    select
        receipts.return_line_key,
        string_agg(
            'receipt ' || receipts.receipt_id || ' weighs '
            || coalesce(inspections.weight_g, receipts.weight_g) || ' g, '
            || receipts.quantity * lines.weight_g || ' g expected',
            '; ' order by receipts.receipt_id
        ) as evidence
    from receipts
    inner join lines on receipts.return_line_key = lines.return_line_key
    left join {{ ref('fct_inspection') }} as inspections
        on receipts.receipt_id = inspections.receipt_id and inspections.is_latest
    where lines.weight_g > 0
        and coalesce(inspections.weight_g, receipts.weight_g)
        < {{ var('light_parcel_share', 0.5) }} * receipts.quantity * lines.weight_g
    group by receipts.return_line_key

),

swapped as (

    select
        receipts.return_line_key,
        string_agg(
            'receipt ' || receipts.receipt_id || ': '
            || coalesce(inspections.sku_found, receipts.sku) || ' instead of ' || lines.sku,
            '; ' order by receipts.receipt_id
        ) as evidence
    from receipts
    inner join lines on receipts.return_line_key = lines.return_line_key
    left join {{ ref('fct_inspection') }} as inspections
        on receipts.receipt_id = inspections.receipt_id and inspections.is_latest
    where lines.is_attributed and coalesce(inspections.sku_found, receipts.sku) <> lines.sku
    group by receipts.return_line_key

),

found as (

    select return_line_key, 'SERIAL_NOT_SHIPPED' as signal, foreign_serials as evidence
    from serials
    where foreign_serials is not null
    union all
    select return_line_key, 'SERIAL_RETURNED_TWICE' as signal, repeated_serials as evidence
    from serials
    where repeated_serials is not null
    union all
    select return_line_key, 'WEIGHT_BELOW_EXPECTED' as signal, evidence from light
    union all
    select return_line_key, 'OTHER_SKU' as signal, evidence from swapped
    union all
    select
        return_line_key, 'OUTSIDE_WINDOW' as signal,
        'asked for ' || asked_on || ', window ended ' || window_ends_on || ', not approved' as evidence
    from lines
    where policy_breach = 'OUTSIDE_WINDOW' and not is_approved
    union all
    select
        return_line_key, 'REFUND_BEFORE_FIRST_SCAN' as signal,
        'refunded ' || {{ business_day('first_refunded_at') }} || ', '
        || coalesce('first scan ' || {{ business_day('first_scan_at') }}, 'never scanned') as evidence
    from lines
    where first_refunded_at is not null and not is_returnless and not is_blind
        and (first_scan_at is null or first_refunded_at < first_scan_at)
        and (first_received_at is null or first_refunded_at < first_received_at)

)

select
    lines.unit_key,
    found.return_line_key,
    found.signal,
    found.evidence,
    lines.customer_id,
    lines.order_no,
    lines.rma_no,
    lines.sku,
    lines.status,
    lines.basis_on as returned_on
from found
inner join lines on found.return_line_key = lines.return_line_key
