-- Grain: one row per return line: where it is, for how long, and what comes next.
-- Additive: quantities and reporting amounts. Other amounts are in the row's currency, never summed across them.
-- A view, since days in a status pass every night for every line and nothing else changes.
{{ config(materialized='view') }}

-- Whether the feed that tells an amount has come: unknown is not zero
with told as (
    select
        not 'erp_credit_memos' = any(lacking) as tells_credited,
        not 'erp_payment_settlements' = any(lacking) as tells_settled,
        not 'crm_refunds' = any(lacking) as tells_refunded
    from (
        select string_to_array(coalesce(string_agg(lacking_feeds, ', '), ''), ', ') as lacking
        from {{ ref('kpi_completeness') }}
        where kpi in ('refund_ratio', 'refund_lead_time')
    ) as feeds
),

positions as (
    select
        positions.*,
        told.*,
        products.product_name,
        publication.business_date,
        publication.business_date - {{ business_day('positions.in_status_since') }} as days_in_status
    from {{ ref('return_positions') }} as positions
    left join {{ ref('dimension_product') }} as products on positions.sku = products.sku
    cross join {{ ref('publication') }} as publication
    cross join told
)

select
    return_line_key,
    status,
    in_status_since,
    days_in_status,
    next_step,
    {{ business_day('in_status_since') }} + limit_days as next_step_due_on,
    coalesce(days_in_status > limit_days, false) as is_overdue,
    is_open,

    request_id,
    request_line,
    rma_no,
    rma_line_no,
    order_no,
    order_line_no,
    tracking_no,
    customer_id,

    sku,
    product_name,
    product_category,
    brand,
    channel,
    ship_from_site,
    site,
    reason,
    fault_party,
    resolution,
    is_blind,
    is_inferred,
    is_returnless,
    has_illegal_transition,

    -- timing
    requested_at,
    approved_at,
    expires_at,
    first_scan_at,
    delivered_at,
    first_received_at,
    first_inspected_at,
    last_disposed_at,
    first_refunded_at,

    -- quantities
    requested_quantity,
    approved_quantity,
    received_quantity,
    inspected_quantity,
    disposed_quantity,
    cast(case when tells_refunded then refunded_quantity end as bigint) as refunded_quantity,
    open_quantity,

    -- amounts
    currency,
    cast(case when tells_credited then credited_amount end as numeric(18, 2)) as credited_amount,
    cast(case when tells_settled then settled_amount end as numeric(18, 2)) as settled_amount,
    cast(case when tells_refunded then refunded_amount end as numeric(18, 2)) as refunded_amount,
    cast(case when tells_credited then credited_reporting end as numeric(18, 2)) as credited_reporting,
    cast(case when tells_settled then settled_reporting end as numeric(18, 2)) as settled_reporting,
    cast(case when tells_refunded then refunded_reporting end as numeric(18, 2)) as refunded_reporting,

    business_date
from positions
