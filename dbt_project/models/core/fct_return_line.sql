{{ config(indexes=[
    {'columns': ['return_line_key'], 'unique': true},
    {'columns': ['unit_key']},
    {'columns': ['order_no', 'order_line_no']},
    {'columns': ['status']},
    {'columns': ['basis_on']},
    {'columns': ['first_received_on']},
    {'columns': ['ended_at']},
]) }}
-- Grain: one row per return line (a request line, an RMA line without a request, or a blind receipt),
-- an accumulating snapshot of its milestones. Quantities add up over lines; statuses and times don't.
-- Amounts are in the line's currency and never add up across currencies.

with lines as (
    select * from {{ ref('int_return_lines') }}
),

statuses as (
    select
        *,
        -- the first that is known of the customer's giving it back
        {{ business_day('least(requested_at, authorized_at, first_scan_at, first_received_at)') }} as asked_on
    from {{ ref('int_return_line_status') }}
),

final as (
    select
        lines.unit_key,
        lines.return_line_key,
        -- keys
        lines.request_id,
        lines.request_line,
        lines.rma_no,
        lines.rma_line_no,
        lines.first_receipt_id,
        lines.tracking_no,
        lines.order_no,
        lines.order_line_no,
        lines.order_line_rule,
        lines.sales_line_key,
        lines.customer_id,
        lines.customer_country,
        lines.sku,
        lines.product_key,
        lines.product_category,
        lines.brand,
        lines.style,
        lines.size,
        lines.vendor_id,
        lines.weight_g,
        lines.hazmat_class,
        lines.weee_category,
        lines.is_returnable,
        lines.channel,
        lines.ship_from_site,
        lines.site,
        -- what
        lines.reason,
        lines.fault_party,
        case when statuses.is_returnless then 'keep' else lines.resolution end as resolution,
        lines.is_blind,
        lines.is_attributed,
        lines.is_inferred,
        lines.sale_rule,
        lines.sale_confidence,
        lines.sale_candidates,
        lines.is_product,
        statuses.is_returnless,
        statuses.is_void,
        not statuses.is_void and lines.is_product as is_counted,
        statuses.status,
        statuses.has_live_rma,
        statuses.has_illegal_transition,
        -- timing
        statuses.basis_at,
        {{ business_day('statuses.basis_at') }} as basis_on,
        statuses.requested_at,
        statuses.decided_at,
        statuses.declined_at,
        statuses.cancelled_at,
        statuses.approved_at,
        statuses.authorized_at,
        statuses.expires_at,
        statuses.expired_at,
        statuses.first_scan_at,
        statuses.delivered_at,
        statuses.first_received_at,
        {{ business_day('statuses.first_received_at') }} as first_received_on,
        statuses.last_received_at,
        statuses.first_inspected_at,
        statuses.last_inspected_at,
        statuses.first_disposed_at,
        statuses.last_disposed_at,
        statuses.first_refunded_at,
        statuses.closed_at,
        statuses.ended_at,
        lines.ordered_on,
        lines.shipped_on,
        -- quantities
        cast(statuses.requested_quantity as bigint) as requested_quantity,
        cast(statuses.approved_quantity as bigint) as approved_quantity,
        cast(statuses.expected_quantity as bigint) as expected_quantity,
        cast(statuses.received_quantity as bigint) as received_quantity,
        cast(statuses.inspected_quantity as bigint) as inspected_quantity,
        cast(statuses.disposed_quantity as bigint) as disposed_quantity,
        cast(statuses.ended_quantity as bigint) as ended_quantity,
        cast(statuses.in_process_quantity as bigint) as in_process_quantity,
        cast(statuses.open_quantity as bigint) as open_quantity,
        cast(statuses.expired_quantity as bigint) as expired_quantity,
        -- units whose merchandise was credited, as far as the memo's amount tells
        cast(
            case
                when lines.line_net_amount > 0
                    then least(
                        statuses.expected_quantity,
                        round(
                            statuses.credited_merchandise_amount * lines.line_quantity
                            / lines.line_net_amount
                        )
                    )
                else 0
            end as bigint
        ) as refunded_quantity,
        -- amounts
        lines.currency,
        lines.line_quantity,
        lines.line_net_amount,
        lines.line_tax_amount,
        lines.line_shipping_amount,
        lines.line_net_reporting,
        lines.unit_cost,
        lines.cost_currency,
        lines.restocking_fee_pct,
        lines.return_window_days,
        -- policy
        statuses.asked_on,
        lines.delivered_by + lines.policy_window_days as window_ends_on,
        case
            when statuses.asked_on > lines.delivered_by + lines.policy_window_days then 'OUTSIDE_WINDOW'
            when lines.is_attributed and not lines.is_returnable then 'NOT_RETURNABLE'
        end as policy_breach,
        statuses.approved_at is not null as is_approved,
        cast(statuses.credited_amount as numeric(18, 2)) as credited_amount,
        cast(statuses.settled_amount as numeric(18, 2)) as settled_amount,
        cast(statuses.refunded_amount as numeric(18, 2)) as refunded_amount
    from lines
    inner join statuses on lines.return_line_key = statuses.return_line_key
)

select * from final
