-- received = disposed + in process, per return line: what the docks took in is disposed of for good or
-- still here, and nothing else is; of a company without dispositions their way has ended (macro
-- end_of_goods). More disposed of than received is named by disposed_not_above_received.
{{ config(meta={
    'holds': 'marts',
    'failure_means': 'Units of a return line are lost or doubled between receipts, dispositions and the '
    ~ 'snapshot of return lines.',
}) }}
with received as (
    select return_line_key, sum(quantity) as quantity
    from {{ ref('fct_receipt') }}
    where {{ touched_only() }}
    group by return_line_key
),

disposed as (
    select return_line_key, sum(net_quantity) as quantity
    from {{ ref('fct_disposition') }}
    where is_final and {{ touched_only() }}
    group by return_line_key
),

counted as (
    select
        lines.return_line_key,
        coalesce(received.quantity, 0) as received_at_docks,
        lines.received_quantity,
        coalesce(disposed.quantity, 0) as finally_disposed,
        lines.disposed_quantity,
        lines.ended_quantity,
        -- open units that are not still awaited
        lines.open_quantity - greatest(
            lines.expected_quantity - lines.expired_quantity - lines.received_quantity, 0
        ) as in_process
    from {{ ref('fct_return_line') }} as lines
    left join received on lines.return_line_key = received.return_line_key
    left join disposed on lines.return_line_key = disposed.return_line_key
    where not lines.is_void and not lines.is_returnless and {{ touched_only('lines.unit_key') }}
)

select *
from counted
where received_at_docks <> received_quantity
    or finally_disposed <> disposed_quantity
    or received_quantity <> ended_quantity + in_process
    and ended_quantity <= received_quantity
