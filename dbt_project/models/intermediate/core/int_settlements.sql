{{ config(indexes=[{'columns': ['return_line_key']}]) }}
-- Grain: one row per processor movement of the touched units, matched to its return line by refund id.
-- Rows that name no refund, such as charges, fees and payouts, are units of their own.

with candidates as (
    {{ working_set(ref('stg_erp__payment_settlements'), [
        'refund_id in (select refund_id from ' ~ ref('int_refunds') ~ ')',
        'refund_id in (' ~ lone_units('RFD:') ~ ')',
        'settlement_id in (' ~ lone_units('STL:') ~ ')',
    ]) }}
),

settlements as (
    select
        *,
        coalesce(
            (
                select min(refund.unit_key) from {{ ref('int_refund_units') }} as refund
                where refund.refund_id = candidates.refund_id
            ),
            'STL:' || settlement_id
        ) as unit_key
    from candidates
),

refund_lines as (
    select
        unit_key,
        refund_id,
        min(return_line_key) as return_line_key,
        min(order_no) as order_no,
        -- of several, none
        case when min(order_line_no) = max(order_line_no) then min(order_line_no) end as order_line_no
    from {{ ref('int_refunds') }}
    group by unit_key, refund_id
)

select
    settlements.unit_key,
    refund_lines.return_line_key,
    case when refund_lines.return_line_key is null then 'none' else 'refund' end as match_rule,
    settlements.settlement_id,
    settlements.batch_no,
    settlements.type,
    settlements.refund_id,
    refund_lines.order_no,
    refund_lines.order_line_no,
    settlements.gross_amount,
    settlements.fee_amount,
    settlements.net_amount,
    settlements.currency,
    settlements.settled_amount,
    settlements.settled_currency,
    settlements.fx_rate,
    settlements.booked_at,
    settlements.booked_on,
    settlements.status
from settlements
left join refund_lines
    on settlements.unit_key = refund_lines.unit_key
    and settlements.refund_id = refund_lines.refund_id
where {{ in_touched_units('settlements.unit_key') }}
