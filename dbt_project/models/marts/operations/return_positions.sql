-- Grain: one row per return line: where it is and since when. What return_tracking shows, without what
-- the clock adds, so that only lines that the night touched are written anew.
-- Additive: quantities. Amounts are in the row's currency and never summed across currencies.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'units'},
    indexes=[{'columns': ['unit_key']}, {'columns': ['status', 'in_status_since']},
             {'columns': ['order_no']}, {'columns': ['customer_id']}, {'columns': ['rma_no']}]
) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where {{ in_touched_units('unit_key') }}

),

-- What a step takes at most before somebody should look; days.
limits as (

    select *
    from (
        values
        ('REQUESTED', 2, 'decide the request'),
        ('APPROVED', 14, 'customer hands the parcel to the carrier'),
        ('IN_TRANSIT', 10, 'carrier delivers to the site'),
        ('PARTIALLY_RECEIVED', 14, 'receive the missing units or close the line short'),
        ('RECEIVED', 3, 'inspect and grade'),
        ('INSPECTED', 5, 'decide the disposition'),
        ('IN_PROCESS', 21, 'finish the work and decide the final disposition')
    ) as l (status, limit_days, next_step)

),

dated as (

    select
        lines.*,
        coalesce(
            case lines.status
                when 'REQUESTED' then lines.requested_at
                when 'APPROVED' then lines.approved_at
                when 'IN_TRANSIT' then lines.first_scan_at
                when 'PARTIALLY_RECEIVED' then lines.last_received_at
                when 'RECEIVED' then lines.last_received_at
                when 'INSPECTED' then lines.last_inspected_at
                when 'IN_PROCESS' then lines.last_inspected_at
                when 'DISPOSED' then lines.last_disposed_at
                when 'CLOSED' then lines.closed_at
                when 'DECLINED' then lines.declined_at
                when 'CANCELLED' then lines.cancelled_at
                when 'EXPIRED' then lines.expired_at
            end,
            lines.basis_at
        ) as in_status_since
    from lines

),

final as (

    select
        dated.unit_key,
        dated.return_line_key,
        dated.status,
        dated.in_status_since,
        limits.next_step,
        limits.limit_days,
        {{ utc_date('dated.in_status_since') }} + limits.limit_days as next_step_due_on,
        dated.open_quantity > 0 as is_open,

        dated.request_id,
        dated.request_line,
        dated.rma_no,
        dated.rma_line_no,
        dated.order_no,
        dated.order_line_no,
        dated.tracking_no,
        dated.customer_id,

        dated.sku,
        dated.product_category,
        dated.brand,
        dated.channel,
        dated.ship_from_site,
        dated.site,
        dated.reason,
        dated.fault_party,
        dated.resolution,
        dated.is_blind,
        dated.is_returnless,
        dated.has_illegal_transition,

        -- timing
        dated.requested_at,
        dated.approved_at,
        dated.expires_at,
        dated.first_scan_at,
        dated.delivered_at,
        dated.first_received_at,
        dated.first_inspected_at,
        dated.last_disposed_at,
        dated.first_refunded_at,

        -- quantities
        dated.requested_quantity,
        dated.approved_quantity,
        dated.received_quantity,
        dated.inspected_quantity,
        dated.disposed_quantity,
        dated.refunded_quantity,
        dated.open_quantity,

        -- amounts
        dated.currency,
        dated.credited_amount,
        dated.settled_amount,
        dated.refunded_amount
    from dated
    left join limits
        on limits.status = dated.status

)

select * from final
