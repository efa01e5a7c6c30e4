{{ config(
    meta={'replaces': 'refund_units'},
    indexes=[{'columns': ['document_key'], 'unique': true}, {'columns': ['unit_key']}]
) }}
-- Grain: one row per row of a feed that a leg of the reconciliation is made of, with its file and line.
-- A leg's row leads to it by its key.

with entitlements as (
    select unit_key, return_line_key, acceptance from {{ ref('fct_refund_entitlement') }}
    where {{ in_refund_units() }}
),

grants as (
    select distinct on (entitlements.return_line_key)
        entitlements.return_line_key, refund._file_id, refund._line_no
    from entitlements
    inner join {{ ref('fct_refund_tender') }} as tender
        on entitlements.return_line_key = tender.return_line_key and tender.is_returnless
    inner join {{ ref('stg_crm__refunds') }} as refund
        on tender.refund_id = refund.refund_id and tender.tender_no = refund.tender_no
    where entitlements.acceptance = 'grant'
    order by entitlements.return_line_key, refund.created_at, refund.refund_id, refund.tender_no
)

select
    entitlements.unit_key,
    'E:' || entitlements.return_line_key || '/' || entitlements.acceptance as document_key,
    coalesce(receipt._file_id, grants._file_id, sale._file_id) as file_id,
    coalesce(receipt._line_no, grants._line_no, sale._line_no) as line_no
from entitlements
left join {{ ref('stg_wms__return_receipts') }} as receipt
    on entitlements.acceptance = receipt.receipt_id
left join grants
    on entitlements.acceptance = 'grant' and entitlements.return_line_key = grants.return_line_key
left join {{ ref('bridge_return_exchange') }} as sent
    on entitlements.acceptance = 'SENT:' || sent.exchange_sales_line_key
left join {{ ref('stg_erp__sales_lines') }} as sale
    on sent.exchange_order_no = sale.order_no and sent.exchange_line_no = sale.line_no
union all
select
    memo.unit_key,
    'M:' || memo.memo_component_key as document_key,
    staged._file_id as file_id,
    staged._line_no as line_no
from {{ ref('fct_credit_memo_component') }} as memo
inner join {{ ref('stg_erp__credit_memos') }} as staged
    on memo.memo_no = staged.memo_no
    and memo.memo_line_no = staged.memo_line_no
    and memo.component = staged.component
where {{ in_refund_units('memo.unit_key') }}
union all
select
    tender.unit_key,
    'T:' || tender.refund_tender_key as document_key,
    staged._file_id as file_id,
    staged._line_no as line_no
from {{ ref('fct_refund_tender') }} as tender
inner join {{ ref('stg_crm__refunds') }} as staged
    on tender.refund_id = staged.refund_id and tender.tender_no = staged.tender_no
where {{ in_refund_units('tender.unit_key') }}
union all
select
    settlement.unit_key,
    'P:' || settlement.settlement_id as document_key,
    staged._file_id as file_id,
    staged._line_no as line_no
from {{ ref('fct_settlement') }} as settlement
inner join {{ ref('stg_erp__payment_settlements') }} as staged
    on settlement.settlement_id = staged.settlement_id
where {{ in_refund_units('settlement.unit_key') }}
union all
select
    entry.unit_key,
    'G:' || entry.gl_line_key as document_key,
    staged._file_id as file_id,
    staged._line_no as line_no
from {{ ref('fct_gl_line') }} as entry
inner join {{ ref('stg_erp__gl_entries') }} as staged
    on entry.journal_no = staged.journal_no and entry.line_no = staged.line_no
where {{ in_refund_units('entry.unit_key') }}
union all
select
    share.unit_key,
    'G:' || share.share_no as document_key,
    staged._file_id as file_id,
    staged._line_no as line_no
from {{ ref('bridge_posting_share') }} as share
inner join {{ ref('fct_gl_line') }} as entry on share.gl_line_key = entry.gl_line_key
inner join {{ ref('stg_erp__gl_entries') }} as staged
    on entry.journal_no = staged.journal_no and entry.line_no = staged.line_no
where share.document is not null and {{ in_refund_units('share.unit_key') }}
