{{ config(indexes=[{'columns': ['return_line_key']}]) }}
-- Grain: one row per credit memo line and component of the touched units, matched to its return line
-- by the RMA line, else by the receipt, the refund, the order line, or the order's SKU, where only one return
-- line exists.

with candidates as (
    {{ working_set(ref('stg_erp__credit_memos'), [
        'order_no in ' ~ touched_units(),
        'rma_no in (select rma_no from ' ~ ref('int_rma_lines') ~ ')',
        'rma_no in (' ~ lone_units('RMA:') ~ ')',
        'refund_id in (select refund_id from ' ~ ref('int_refunds') ~ ')',
        'receipt_id in (select receipt_id from ' ~ ref('int_receipts') ~ ')',
        'memo_no in (' ~ lone_units('MEM:') ~ ')',
    ]) }}
),

memos as (
    select
        *,
        coalesce(
            order_no,
            (
                select min(rma.unit_key) from {{ ref('int_rma_units') }} as rma
                where rma.rma_no = candidates.rma_no
            ),
            -- a memo is one document: that of one receipt, or of none
            (
                select min(receipt.unit_key)
                from {{ ref('stg_erp__credit_memos') }} as line
                left join {{ ref('int_receipts') }} as receipt on line.receipt_id = receipt.receipt_id
                where line.memo_no = candidates.memo_no
                having min(line.receipt_id) = max(line.receipt_id)
            ),
            (
                select min(refund.unit_key) from {{ ref('int_refund_units') }} as refund
                where refund.refund_id = candidates.refund_id
            ),
            'MEM:' || memo_no
        ) as unit_key
    from candidates
),

rma_lines as (
    select
        rma.return_line_key,
        rma.unit_key,
        rma.rma_no,
        rma.rma_line_no,
        rma.sku,
        origins.order_line_no,
        count(*) over (partition by rma.unit_key, rma.rma_no) as lines_of_rma,
        count(*) over (partition by rma.unit_key, rma.rma_no, rma.sku) as lines_of_sku
    from {{ ref('int_rma_lines') }} as rma
    inner join {{ ref('int_return_line_origins') }} as origins
        on rma.return_line_key = origins.return_line_key
),

by_rma as (
    select
        memos.memo_no, memos.memo_line_no, memos.component,
        min(rma_lines.return_line_key) as return_line_key
    from memos
    inner join rma_lines
        on memos.unit_key = rma_lines.unit_key and memos.rma_no = rma_lines.rma_no
        and (
            memos.rma_line_no = rma_lines.rma_line_no
            or (
                memos.rma_line_no is null
                and (
                    rma_lines.lines_of_rma = 1
                    or memos.order_line_no = rma_lines.order_line_no
                    or (
                        memos.order_line_no is null
                        and memos.sku = rma_lines.sku
                        and rma_lines.lines_of_sku = 1
                    )
                )
            )
        )
    group by memos.memo_no, memos.memo_line_no, memos.component
),

by_sku as (
    select unit_key, order_no, sku, min(return_line_key) as return_line_key
    from {{ ref('int_return_lines') }}
    where order_no is not null and sku is not null
    group by unit_key, order_no, sku
    having count(*) = 1
),

refund_lines as (
    select unit_key, refund_id, min(return_line_key) as return_line_key
    from {{ ref('int_refunds') }}
    where return_line_key is not null
    group by unit_key, refund_id
)

select
    memos.unit_key,
    coalesce(
        by_rma.return_line_key, by_receipt.return_line_key, refund_lines.return_line_key,
        by_order.return_line_key, by_sku.return_line_key
    ) as return_line_key,
    case
        when by_rma.return_line_key is not null then 'rma'
        when by_receipt.return_line_key is not null then 'receipt'
        when refund_lines.return_line_key is not null then 'refund'
        when by_order.return_line_key is not null then 'order_line'
        when by_sku.return_line_key is not null then 'order_sku'
        else 'none'
    end as match_rule,
    memos.memo_no || '-' || memos.memo_line_no || '-' || memos.component as memo_component_key,
    memos.memo_no,
    memos.memo_line_no,
    memos.component,
    memos.rma_no,
    memos.rma_line_no,
    memos.order_no,
    memos.order_line_no,
    memos.receipt_id,
    memos.customer_id,
    memos.sku,
    memos.refund_id,
    memos.amount,
    memos.currency,
    memos.posted_on,
    memos.reverses_memo_no
from memos
left join by_rma
    on memos.memo_no = by_rma.memo_no
    and memos.memo_line_no = by_rma.memo_line_no
    and memos.component = by_rma.component
left join {{ ref('int_receipts') }} as by_receipt
    on memos.unit_key = by_receipt.unit_key and memos.receipt_id = by_receipt.receipt_id
left join refund_lines
    on memos.unit_key = refund_lines.unit_key and memos.refund_id = refund_lines.refund_id
left join {{ ref('int_order_line_returns') }} as by_order
    on memos.unit_key = by_order.unit_key
    and memos.order_no = by_order.order_no
    and memos.order_line_no = by_order.order_line_no
left join by_sku
    on memos.order_line_no is null
    and memos.unit_key = by_sku.unit_key
    and memos.order_no = by_sku.order_no
    and memos.sku = by_sku.sku
where {{ in_touched_units('memos.unit_key') }}
