"""What each additive column of a published table adds up to, counted from core, not by the table's own model.

By table and column: a query of one number. `X` stands for every column of the table that has no line of its
own. A table that counts the same as another (`SAME_AS`) has its totals.
"""

from __future__ import annotations

_DISPOSED = "core.fct_disposition where is_final and net_quantity > 0"
_SOLD = "core.fct_sales_line where is_product and not is_void and shipped_quantity > 0"
_SHIPPED = "select sum(shipped_quantity) from core.fct_sales_line where is_product"
# Whether its sale is known and was shipped or not.
_RECEIVED = "select sum(quantity) from core.fct_receipt where is_product"
_OF_SALES = (
    "select sum(r.quantity) from core.fct_receipt as r inner join core.fct_sales_line as s"
    " on s.sales_line_key = r.sales_line_key and s.is_product and s.shipped_quantity > 0 where r.is_product"
)
_BLIND = f"select ({_RECEIVED}) - ({_OF_SALES})"
_RATES = {
    "shipped_quantity": _SHIPPED, "returned_quantity": _OF_SALES, "unattributed_quantity": _BLIND,
}  # fmt: skip
_CUSTOMERS = "from core.fct_return_line where is_counted and customer_id is not null"
_OPEN_OF_CUSTOMERS = (
    "from core.fct_return_line where is_product and customer_id is not null and open_quantity > 0"
)
# Units by what became of them: disposed of, ended otherwise, or open.
_VOID = "select sum(greatest(requested_quantity, approved_quantity)) from core.fct_return_line where is_void"
_CYCLE = "from core.fct_return_line where is_counted and not is_returnless"
_DONE = (
    "select sum(d.net_quantity) from core.fct_disposition as d inner join core.fct_return_line as l"
    " using (return_line_key)"
    " where d.is_final and d.net_quantity > 0 and l.is_counted and not l.is_returnless"
)
_ENDED = f"select coalesce(sum(expired_quantity), 0) + coalesce(({_VOID} and not is_returnless), 0) {_CYCLE}"
_OPEN = f"select sum(open_quantity) {_CYCLE}"
_CYCLE_TIME = {
    "units": f"select ({_DONE}) + ({_ENDED}) + ({_OPEN})", "events": _DONE, "censored": _OPEN,
    "competing": _ENDED,
}  # fmt: skip
_AT_THE_DOCK = (
    "select sum(d.net_quantity) from core.fct_disposition as d"
    " inner join core.fct_receipt as r using (receipt_id)"
    " where d.is_final and d.net_quantity > 0 and r.is_product"
)
_DOCK = {
    "received_units": _RECEIVED, "disposed_units": _AT_THE_DOCK,
    "open_units": f"select ({_RECEIVED}) - ({_AT_THE_DOCK})",
}  # fmt: skip
_CLAIMS = "from core.fct_vendor_claim"
_LOTS = "from core.fct_sales_line where is_product and shipped_quantity > 0 and lot_no is not null"
_STOCK = (
    "from core.snap_returned_stock where is_product and snapshot_date ="
    " (select max(snapshot_date) from core.snap_returned_stock where is_product)"
)
_REGULATED = (
    "from core.fct_receipt as r inner join core.fct_return_line as l using (return_line_key)"
    " where r.is_product and (l.hazmat_class is not null or l.weee_category is not null)"
)
# Groups of which no leg is there are not shown.
_IN_GROUPS = (
    "select count(*) from core.bridge_refund_document"
    " where group_key in (select group_key from finance.refund_reconciliation)"
)
# Of a lot that the sale names, or the goods where no sale is known.
_GONE = (
    "select coalesce(sum(d.net_quantity), 0) from core.fct_disposition as d"
    " inner join core.fct_receipt as r using (receipt_id)"
    " left join core.fct_sales_line as s on s.sales_line_key = r.sales_line_key"
    " where r.is_product and d.is_final and coalesce(s.lot_no, r.lot_no) is not null"
)
_CAME = (
    "select sum(r.quantity) from core.fct_receipt as r"
    " left join core.fct_sales_line as s on s.sales_line_key = r.sales_line_key"
    " where r.is_product and coalesce(s.lot_no, r.lot_no) is not null"
)
_OF_GOODS = "where return_line_key in (select return_line_key from core.fct_return_line where is_product)"
_LAST_MONTH = "from finance.refund_liability where month = (select max(month) from finance.refund_liability)"

_COUNTED = "where return_line_key in (select return_line_key from core.fct_return_line where is_counted)"
_PARCELS = "from core.fct_shipment_event where leg = 'return'"
_CHARGES = f"from core.fct_cost_line where tracking_no in (select tracking_no {_PARCELS})"
# From the first scan in the carrier's hands to the delivery.
_HANDED_OVER = "event_code in ('dropped_off', 'in_transit', 'out_for_delivery', 'delivered')"
_WAYS = (
    f"select min(event_at) filter (where {_HANDED_OVER}) as begun,"
    f" min(event_at) filter (where event_code = 'delivered') as ended {_PARCELS} group by tracking_no"
)

SAME_AS = {
    "return_cycle_time_by_channel": "return_cycle_time",
    "return_cycle_time_by_category": "return_cycle_time",
    "return_cycle_time_by_month": "return_cycle_time",
    "return_cycle_time_overall": "return_cycle_time",
    "dock_to_disposition_by_month": "dock_to_disposition",
    "dock_to_disposition_by_site": "dock_to_disposition",
    "dock_to_disposition_overall": "dock_to_disposition",
    "lot_return_rates": "product_return_rates",
    "category_return_rates": "product_return_rates",
    "reason_return_rates": "product_return_rates",
    "product_reason_rates": "product_return_rates",
    "return_tracking": "return_positions",
    "product_returns": "product_months",
}

TOTALS: dict[str, dict[str, str]] = {
    "regulated_units": {
        "quantity": f"select sum(r.quantity) {_REGULATED}",
        "weight_g": f"select sum(r.quantity * l.weight_g) {_REGULATED}",
    },
    "waste_by_month": {
        "units": f"select sum(net_quantity) from {_DISPOSED}",
        "weight_kg": f"select sum(net_quantity * weight_g) / 1000.0 from {_DISPOSED}",
        "units_without_certificate": f"select sum(net_quantity) from {_DISPOSED} and is_certificate_missing",
        "units_not_allowed": f"select sum(net_quantity) from {_DISPOSED} and not is_allowed_for_class",
    },
    "emissions_by_month": {
        "co2e_g": "select (select sum(transport_co2e_g) from core.fct_receipt where is_product)"
        f" + (select sum(disposal_co2e_g) from {_DISPOSED})",
    },
    "customer_overview": {
        "orders": f"select count(distinct order_no) from {_SOLD} and survivor_customer_id <> 'UNKNOWN'",
        "purchased_units": f"select sum(shipped_quantity) from {_SOLD} and survivor_customer_id <> 'UNKNOWN'",
        "purchased_value": f"select sum(net_reporting) from {_SOLD} and survivor_customer_id <> 'UNKNOWN'",
        "returned_units": f"select sum(received_quantity) from {_SOLD} and survivor_customer_id <> 'UNKNOWN'",
        "returned_value": "select sum(round(net_reporting * received_quantity / quantity, 2))"
        f" from {_SOLD} and survivor_customer_id <> 'UNKNOWN'",
        "return_lines": f"select count(*) {_CUSTOMERS}",
        "returnless_lines": f"select count(*) {_CUSTOMERS} and is_returnless",
        "open_returns": f"select count(*) {_OPEN_OF_CUSTOMERS}",
        "open_units": f"select sum(open_quantity) {_OPEN_OF_CUSTOMERS}",
        "refunded_value": "select sum(reporting_amount) from core.fct_refund_tender"
        " where status = 'succeeded' and customer_id is not null",
        "pending_refund_value": "select sum(reporting_amount) from core.fct_refund_tender"
        " where status in ('pending', 'requires_action') and customer_id is not null",
        "contacts": "select count(*) from core.fct_case where customer_id is not null",
        "open_contacts": "select count(*) from core.fct_case where customer_id is not null and is_open",
        "csat_sum": "select sum(csat) from core.fct_case where customer_id is not null",
        "csat_answers": "select count(csat) from core.fct_case where customer_id is not null",
    },
    "refund_reconciliation": {
        "return_lines": f"{_IN_GROUPS} and document_type = 'return_line'",
        "refunds": f"{_IN_GROUPS} and document_type = 'refund'",
        "memos": f"{_IN_GROUPS} and document_type = 'memo'",
        "settlements": f"{_IN_GROUPS} and document_type = 'settlement'",
        "journal_lines": f"{_IN_GROUPS} and document_type in ('journal_line', 'journal_share')",
    },
    "refund_liability": {
        "accrued_value": "select sum(returned_value + expected_value) from finance.refund_liability_cohorts"
        " where cohort_age = 0",
        "shipped_value": "select sum(shipped_value) from finance.refund_liability_cohorts"
        " where cohort_age = 0",
        "revenue": "select sum(shipped_value - returned_value - expected_value)"
        " from finance.refund_liability_cohorts where cohort_age = 0",
        "used_value": "select sum(returned_value) from finance.refund_liability_cohorts"
        " where month = (select max(month) from finance.refund_liability_cohorts)",
        # What is left of the roll-forward, which begins with nothing.
        "re_estimated_value": "select sum(used_value - accrued_value)"
        f" + (select sum(refund_liability) {_LAST_MONTH}) from finance.refund_liability",
    },
    "refund_liability_now": {"X": f"select sum(X) {_LAST_MONTH}"},
    "return_backlog": {
        "return_lines": "select count(*) from core.fct_return_line where is_counted and open_quantity > 0",
        "open_units": "select sum(open_quantity) from core.fct_return_line where is_counted",
        "open_value": "select sum(round(line_net_reporting * open_quantity / line_quantity, 2))"
        " from core.fct_return_line where is_counted and line_quantity > 0",
    },
    "returned_stock_now": {
        "quantity": f"select sum(quantity) {_STOCK}",
        "quarantined_quantity": f"select sum(quantity) {_STOCK} and location = 'quarantine'",
        "stock_value": f"select sum(value_reporting) {_STOCK}",
    },
    "disposition_outcomes": {
        "units": f"select sum(net_quantity) from {_DISPOSED}",
        "original_cost": f"select sum(asset_cost_reporting) from {_DISPOSED}",
        "handling_cost": "select sum(c.reporting_amount) from core.fct_cost_line as c"
        " where c.component in ('handling', 'disposal') and c.source_key in"
        f" (select 'disposition:' || disposition_id from {_DISPOSED})",
        "recovered_value": "select sum(r.recovered_reporting) from core.fct_recovery as r"
        f" where r.disposition_id in (select disposition_id from {_DISPOSED}) or r.kind = 'vendor_credit'"
        f" and r.receipt_id in (select receipt_id from {_DISPOSED} and disposition = 'RTV')",
    },
    "vendor_recovery": {
        "claim_lines": f"select count(*) {_CLAIMS}",
        "open_claim_lines": f"select count(*) {_CLAIMS} where status = 'open'",
        "rejected_claim_lines": f"select count(*) {_CLAIMS} where status = 'rejected'",
        "units": f"select sum(quantity) {_CLAIMS}",
        "claimed": f"select sum(claimed_reporting) {_CLAIMS}",
        "credited": f"select sum(credited_reporting) {_CLAIMS}",
        "outstanding": f"select sum(claimed_reporting) {_CLAIMS} where status = 'open'",
        "open_claim_days": "select sum((select business_date from marts.publication) - opened_on)"
        f" {_CLAIMS} where status = 'open'",
    },
    "return_positions": {
        "X": "select sum(X) from core.fct_return_line where is_product",
        "credited_reporting": f"select sum(reporting_amount) from core.fct_credit_memo_component {_OF_GOODS}",
        "settled_reporting": f"select -sum(reporting_gross_amount) from core.fct_settlement {_OF_GOODS}"
        " and status = 'succeeded' and type in ('refund', 'refund_failure')",
        "refunded_reporting": f"select sum(reporting_amount) from core.fct_refund_tender {_OF_GOODS}"
        " and status = 'succeeded'",
    },
    "return_cycle_time": _CYCLE_TIME,
    "dock_to_disposition": _DOCK,
    "product_return_rates": _RATES,
    "product_months": {
        "shipped_quantity": _SHIPPED,
        "returned_quantity": _RECEIVED,
        "credited_reporting": "select sum(reporting_amount) from core.fct_credit_memo_component"
        " where is_product and sku is not null",
    },
    "credits_by_kind": {
        "reporting_amount": "select sum(reporting_amount) from core.fct_credit_memo_component",
    },
    "reason_truthfulness": {
        "units": "select sum(r.quantity) from core.fct_receipt as r where r.is_product"
        " and r.receipt_id in (select receipt_id from core.fct_inspection where is_latest)",
    },
    "lot_trace": {
        "shipped_quantity": f"select sum(shipped_quantity) {_LOTS}",
        "returned_quantity": f"select sum(received_quantity) {_LOTS}",
        "unaccounted_quantity": f"select sum(shipped_quantity - received_quantity) {_LOTS}",
        "unattributed_quantity": "select sum(quantity) from core.fct_receipt"
        " where is_product and sales_line_key is null and lot_no is not null",
        "in_process_quantity": f"select ({_CAME}) - ({_GONE})",
        "restocked_quantity": f"{_GONE} and d.disposition = 'RESTOCK'",
        "sent_back_quantity": f"{_GONE} and d.disposition = 'RETURN_TO_CUSTOMER'",
        "disposed_quantity": f"{_GONE} and d.disposition not in ('RESTOCK', 'RETURN_TO_CUSTOMER')",
    },
    "serial_trace": {"times_received": "select count(*) from core.bridge_serial"},
    "sales_lines": {
        "shipped_quantity": _SHIPPED,
        "returned_quantity": f"select sum(received_quantity) from {_SOLD}",
        "net_reporting": f"select sum(net_reporting) from {_SOLD}",
        "returned_reporting": "select sum(round(net_reporting * received_quantity / quantity, 2))"
        f" from {_SOLD}",
    },
    "return_lines": {
        "X": "select sum(X) from core.fct_return_line where is_counted",
        "returned_reporting": "select sum(round(line_net_reporting * received_quantity / line_quantity, 2))"
        " from core.fct_return_line where is_counted and line_quantity > 0",
        "credited_reporting": f"select sum(reporting_amount) from core.fct_credit_memo_component {_COUNTED}",
        "cost_reporting": f"select sum(reporting_amount) from core.fct_cost_line {_COUNTED}",
    },
    "return_costs": {"reporting_amount": "select sum(reporting_amount) from core.fct_cost_line"},
    "return_parcels": {
        "parcels": f"select count(distinct tracking_no) {_PARCELS}",
        "parcels_handed_over": f"select count(distinct tracking_no) {_PARCELS} and {_HANDED_OVER}",
        "parcels_delivered": f"select count(distinct tracking_no) {_PARCELS} and event_code = 'delivered'",
        "parcels_charged": f"select count(distinct tracking_no) {_CHARGES}",
        "charged_reporting": f"select sum(reporting_amount) {_CHARGES}",
        "lead_hours": "select sum(round(extract(epoch from ended - begun) / 3600, 1))"
        f" from ({_WAYS}) as ways",
    },
}
