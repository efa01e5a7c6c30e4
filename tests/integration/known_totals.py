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
_CREDITED = (
    "select sum(reporting_amount) from core.fct_credit_memo_component where is_product and sku is not null"
)
_OF_SALES = (
    "select sum(r.quantity) from core.fct_receipt as r inner join core.fct_sales_line as s"
    " on s.sales_line_key = r.sales_line_key and s.is_product and s.shipped_quantity > 0 where r.is_product"
)
_BLIND = f"select ({_RECEIVED}) - ({_OF_SALES})"
_RATES = {
    "shipped_quantity": _SHIPPED, "returned_quantity": _RECEIVED, "unattributed_quantity": _BLIND,
}  # fmt: skip
# Of no sale that is known and shipped, but under a customer's number.
_BESIDE_SALES = (
    "from core.fct_receipt as r inner join core.fct_return_line as l using (return_line_key)"
    " left join core.fct_sales_line as s on s.sales_line_key = r.sales_line_key"
    " where r.is_product and l.customer_id is not null and coalesce(s.shipped_quantity, 0) = 0"
)
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
# Cents of the legs by group, each at the rate of the group's first document.
_GROUPS = (
    "from finance.refund_reconciliation as g inner join lateral (select min(effective_on) as day"
    " from finance.refund_documents as d where d.group_key = g.group_key) as firsts on true"
    " inner join core.dim_exchange_rate as r on g.currency = r.currency"
    " and firsts.day >= r.valid_from and firsts.day < r.valid_to"
)


def _in_reporting(amount: str) -> str:
    return f"select sum(round({amount} * r.rate, 2)) {_GROUPS}"


def _leg(leg: str) -> str:
    """What the documents of a leg add up to by the last night, group by group."""
    return _in_reporting(
        "(select coalesce(sum(d.group_amount), 0) from finance.refund_documents as d where"
        f" d.group_key = g.group_key and d.leg = '{leg}'"
        " and d.effective_on <= (select business_date from finance.finance_publication))"
    )


_CREDITS = (
    "select sum(round(c.{} * r.rate, 2)) from finance.store_credits as c"
    " inner join core.dim_exchange_rate as r on c.currency = r.currency"
    " and c.issued_on >= r.valid_from and c.issued_on < r.valid_to"
)
_NIGHT = "(select business_date from finance.finance_publication)"
_OF_CREDITS = "(select refund_id from core.fct_refund_tender where is_credit_tender)"


def _at_month_ends(day: str, amount: str, source: str) -> str:
    """Cents by calendar month and currency, each at the rate of the month's last day, or of the night."""
    month = f"date_trunc('month', {day})"
    return (
        "select sum(round(m.amount * r.rate, 2)) from (select currency, sum(" + amount + ") as amount,"
        f" least(({month} + interval '1 month - 1 day')::date, {_NIGHT}) as last_day"
        f" from {source} and {day} <= {_NIGHT} group by currency, {month}) as m"
        " inner join core.dim_exchange_rate as r on m.currency = r.currency"
        " and m.last_day >= r.valid_from and m.last_day < r.valid_to"
    )


_ON_ACCOUNT = "core.fct_gl_line where account_role = 'gift_card_liability'"
_LEGS = {
    "entitled": "E", "credited": "M", "paid": "P", "posted": "G", "issued": "T", "posted_memo": "GM",
}  # fmt: skip
_GAPS = {
    "entitlement": "EM", "cash": "MP", "ledger": "PG", "issue": "MT", "memo_ledger": ("M", "GM"),
}  # fmt: skip
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
    "serial_trace": "serial_positions",
}

# Four times what came in the last seven days; days and weeks ahead have the same total.
_LAST_WEEK = f"select 4 * ({_RECEIVED} and received_on > (select business_date from marts.publication) - 7)"
_AHEAD = "select sum(X) from estimates.return_forecast where actual_units is null and days ="

TOTALS: dict[str, dict[str, str]] = {
    "return_forecast": {"naive_units": _LAST_WEEK, "X": f"{_AHEAD} 7"},
    "return_forecast_weeks": {"naive_units": _LAST_WEEK, "X": f"{_AHEAD} 1"},
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
        "returned_units": f"select (select coalesce(sum(r.quantity), 0) {_BESIDE_SALES})"
        f" + sum(received_quantity) from {_SOLD} and survivor_customer_id <> 'UNKNOWN'",
        "returned_value": "select (select coalesce(sum(k.returned_amount), 0) from build.kpi_of_receipts as k"
        f" where k.receipt_id in (select r.receipt_id {_BESIDE_SALES}))"
        " + sum(round(net_reporting * received_quantity / quantity, 2))"
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
        **{f"{name}_reporting": _leg(leg) for name, leg in _LEGS.items()},
        **{f"{name}_gap_reporting": f"select ({_leg(a)}) - ({_leg(b)})" for name, (a, b) in _GAPS.items()},
        "exchange_balance_reporting": _in_reporting(
            "(select sum(e.balance_amount) from core.fct_refund_entitlement as e"
            " inner join core.bridge_refund_document as b on b.document_no = e.return_line_key"
            " where b.document_type = 'return_line' and b.group_key = g.group_key)"
        ),
        "chain_unexplained_reporting": _in_reporting(
            "(select sum(amount) from finance.refund_exceptions as x"
            " where x.group_key = g.group_key and x.class = 'UNEXPLAINED' and x.is_chain)"
        ),
    },
    "refund_exceptions": {
        # Of a group and class each amount once, and of cash and refunds issued the larger.
        "gross_reporting": "select sum(once.reporting) from ("
        "select distinct group_key, class, abs(open_amount) as amount,"
        " abs(open_reporting) as reporting from ("
        "select distinct on (group_key, class, case when gap in ('M-P', 'M-T') then 'cash' else gap end) *"
        " from finance.refund_exceptions"
        " order by group_key, class, case when gap in ('M-P', 'M-T') then 'cash' else gap end,"
        " abs(open_amount) desc) as larger) as once",
    },
    "refund_exception_items": {
        # As in refund_exceptions: of a group and class each amount once.
        "gross_reporting": "select sum(once.reporting) from ("
        "select distinct group_key, class, abs(open_amount) as amount,"
        " abs(open_reporting) as reporting from ("
        "select distinct on (group_key, class, case when gap in ('M-P', 'M-T') then 'cash' else gap end) *"
        " from finance.refund_exceptions"
        " order by group_key, class, case when gap in ('M-P', 'M-T') then 'cash' else gap end,"
        " abs(open_amount) desc) as larger) as once",
    },
    "store_credits": {
        "issued_reporting": "select sum(reporting_amount) from core.fct_refund_tender"
        " where is_credit_tender and status not in ('failed', 'canceled')",
        "posted_reporting": _CREDITS.format("posted_amount"),
        "spent_reporting": _CREDITS.format("spent_amount"),
    },
    "store_credit_rollforward": {
        "issued_reporting": _at_month_ends(
            "created_on",
            "amount",
            "core.fct_refund_tender where is_credit_tender and status not in ('failed', 'canceled')",
        ),
        "spent_reporting": _at_month_ends(
            "posted_on", "amount", f"{_ON_ACCOUNT} and amount > 0 and document_ref in {_OF_CREDITS}"
        ),
        "adjusted_reporting": _at_month_ends(
            "posted_on", "amount", f"{_ON_ACCOUNT} and coalesce(document_ref, '') not in {_OF_CREDITS}"
        ),
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
        "credited_reporting": _CREDITED,
    },
    "product_returns": {
        "shipped_quantity": _SHIPPED,
        "returned_quantity": _RECEIVED,
        "X": _CREDITED,
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
    "serial_positions": {"times_received": "select count(*) from core.bridge_serial"},
    "sales_lines": {
        "shipped_quantity": _SHIPPED,
        "returned_quantity": f"select sum(received_quantity) from {_SOLD}",
        "net_reporting": f"select sum(net_reporting) from {_SOLD}",
        "returned_reporting": "select sum(round(net_reporting * received_quantity / quantity, 2))"
        f" from {_SOLD}",
    },
    "return_lines": {
        "X": "select sum(X) from core.fct_return_line where is_counted",
        # The value of a sale is shared over its units, however many lines they come back on.
        "returned_reporting": "select sum(round(value * units / quantity, 2)) from ("
        " select line_net_reporting as value, line_quantity as quantity, sum(received_quantity) as units"
        " from core.fct_return_line where is_counted and line_quantity > 0"
        " group by sales_line_key, line_net_reporting, line_quantity) as sales",
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
