"""What the additive columns of advice add up to, counted from core, not by the tables' own models."""

from __future__ import annotations

_NIGHT = "(select business_date from marts.publication)"
_RATE = (
    "(select x.rate from core.dim_exchange_rate as x where x.currency = {0} and {1} >= x.valid_from"
    " and {1} < x.valid_to)"
)
_COST_RATE = _RATE.format("r.cost_currency", "r.received_on")
_WAITING = (
    "select sum(open) from (select r.quantity - (select coalesce(sum(d.net_quantity), 0)"
    " from core.fct_disposition as d where d.receipt_id = r.receipt_id and d.is_final) as open"
    " from core.fct_receipt as r where r.is_product) as waiting where open > 0"
)

# Claims, each with its units, cost, share and last day: what the inspection found, else what was told; units
# that are not gone another way than to the vendor, and that no claim names.
_GONE = (
    "(select coalesce(sum(d.net_quantity), 0) from core.fct_disposition as d"
    " where d.receipt_id = r.receipt_id and d.is_final and {})"
)
_RECEIPTS = (
    "select r.receipt_id, r.quantity, r.received_on, r.unit_cost * " + _COST_RATE + " as unit_cost,"
    " r.quantity - " + _GONE.format("d.disposition <> 'RTV'") + " - (select coalesce(sum(c.quantity), 0)"
    " from core.fct_vendor_claim as c where c.receipt_id = r.receipt_id) as left_units,"
    + _GONE.format("d.disposition = 'RTV'") + " as sent,"
    " (select coalesce(sum(f.recovered_reporting), 0) from core.fct_recovery as f"
    "   where f.receipt_id = r.receipt_id) as recovered,"
    " l.shipped_on, s.delivered_on, p.vendor_id, p.warranty_months, v.rtv_window_days,"
    " coalesce(v.rtv_recovery_pct / 100, (select"
    "   sum(c.credited_reporting) / nullif(sum(c.claimed_reporting), 0)"
    "   from core.fct_vendor_claim as c where c.vendor_id = v.vendor_id and c.status <> 'open')) as share,"
    " (select q.fault_party from core.dim_reason as q where q.reason = coalesce((select"
    "   case when i.confirmed_reason not in ('UNKNOWN', 'UNMAPPED') then i.confirmed_reason end"
    "   from core.fct_inspection as i where i.receipt_id = r.receipt_id"
    "   and i.is_latest), l.reason, 'UNKNOWN')) as fault,"
    " coalesce((select"
    "   case when i.confirmed_reason not in ('UNKNOWN', 'UNMAPPED') then i.confirmed_reason end"
    "   from core.fct_inspection as i where i.receipt_id = r.receipt_id"
    "   and i.is_latest), l.reason) as reason"
    " from core.fct_receipt as r left join core.fct_return_line as l using (return_line_key)"
    " left join core.fct_sales_line as s on s.sales_line_key = l.sales_line_key"
    " left join core.dim_product as p on p.sku = r.sku and p.is_current"
    " left join core.dim_vendor as v on v.vendor_id = p.vendor_id and v.is_current where r.is_product"
)  # fmt: skip
_ENDS = "shipped_on + rtv_window_days"
_OF_VENDOR = "vendor_id is not null and left_units > 0 and (fault = 'vendor' or sent > 0)"
_TOLD = "(coalesce(delivered_on, received_on) + 30)"
_WARRANTY = "cast(shipped_on + make_interval(months => warranty_months) as date)"
_CLAIMABLE = "case when fault = 'vendor' then left_units else least(left_units, sent) end"
_CLAIMS = (
    f"from (with r as ({_RECEIPTS}) select {_CLAIMABLE} as units, round({_CLAIMABLE} * unit_cost, 2) as cost,"
    f" share, {_ENDS} as last_on from r"
    f" where {_OF_VENDOR} and {_ENDS} >= {_NIGHT} union all"
    f" select left_units, round(left_units * unit_cost, 2), share, {_WARRANTY} from r where {_OF_VENDOR}"
    " and fault = 'vendor'"
    f" and ({_ENDS} is null or {_ENDS} < {_NIGHT}) and {_WARRANTY} >= {_NIGHT} union all"
    " select quantity, greatest(round(quantity * unit_cost, 2) - recovered, 0), 1,"
    f" {_TOLD} from r where reason = 'DAMAGED_IN_TRANSIT' and {_TOLD} >= {_NIGHT}"
    " and coalesce(round(quantity * unit_cost, 2) > recovered, true)"
    " union all"
    " select open_quantity, round(open_quantity * unit_cost * "
    + _RATE.format("cost_currency", "first_scan_at::date")
    + ", 2), 1,"
    " first_scan_at::date + 44 from core.fct_return_line where status = 'IN_TRANSIT' and is_product"
    f" and tracking_no is not null and first_scan_at::date + 14 < {_NIGHT}"
    f" and first_scan_at::date + 44 >= {_NIGHT}) as claims"
)

# Return lines: those that ended, and those that were left with the customer.
_KEPT = "is_returnless and received_quantity = 0 and expected_quantity > 0"
_LINES = "from core.fct_return_line as l where is_counted and is_product"
_ENDED = f"{_LINES} and sku is not null and received_quantity > 0 and disposed_quantity >= received_quantity"
_LEFT = f"{_LINES} and sku is not null and {_KEPT}"
_LET_KEEP = f"{_LINES} and customer_id is not null and is_returnless and received_quantity = 0"
_REFUNDED = "refunded_amount * " + _RATE.format("l.currency", "l.basis_on")
_REFUNDED_NET = (
    "refunded_amount * coalesce(line_net_amount / nullif(line_net_amount + line_tax_amount, 0), 1) * "
    + _RATE.format("l.currency", "l.basis_on")
)
_NOT_PAID_BACK = (
    "select sum(round(net_reporting * l.received_quantity / s.quantity, 2)) from core.fct_return_line as l"
    " inner join core.fct_sales_line as s on s.sales_line_key = l.sales_line_key where l.is_counted"
    " and l.received_quantity > 0 and l.refunded_amount = 0 and l.resolution in ('repair', 'replacement')"
    " and s.survivor_customer_id <> 'UNKNOWN'"
)
_COSTS = (
    "select sum(reporting_amount) from core.fct_cost_line where return_line_key in"
    " (select return_line_key {})"
)
_RECOVERED = (
    "select sum(recovered_reporting) from core.fct_recovery where return_line_key in"
    " (select return_line_key {})"
)
_OF_CUSTOMERS = "from core.fct_return_line where customer_id is not null"
_SURVIVOR = (
    "coalesce((select c.survivor_customer_id from core.dim_customer as c"
    " where c.customer_id = l.customer_id and c.is_current), l.customer_id)"
)
_AFTER = (
    f"from (select {_SURVIVOR} as customer, l.*, min(basis_on) filter (where is_returnless"
    f" and received_quantity = 0) over (partition by {_SURVIVOR}) as first_on"
    " from core.fct_return_line as l where is_counted and is_product and customer_id is not null) as found"
)
_SOLD = (
    "from core.fct_sales_line as s where is_product and not is_void and shipped_quantity > 0"
    " and survivor_customer_id <> 'UNKNOWN'"
)
_RIPE = (
    f"{_SOLD} and not is_exchange_replacement and coalesce(delivered_on, shipped_on + 14)"
    f" + coalesce(return_window_days, 30) + 2 + 14 + 14 <= {_NIGHT}"
)
_KNOWN_COST = (
    "survivor_customer_id not in (select survivor_customer_id from core.fct_sales_line"
    " where unit_cost is null and is_product and not is_void and shipped_quantity > 0)"
)
_KEPT_COST = (
    "round((shipped_quantity - least(received_quantity, shipped_quantity)) * unit_cost * "
    + _RATE.format("s.cost_currency", "s.shipped_on")
    + ", 2)"
)

ADVICE: dict[str, dict[str, str]] = {
    "disposition_advice": {"open_units": _WAITING},
    "claims_to_file": {
        "units": f"select sum(units) {_CLAIMS}",
        "cost_of_goods": f"select sum(cost) {_CLAIMS}",
        "expected_amount": f"select sum(round(cost * share, 2)) {_CLAIMS}",
        "lost_a_day": f"select sum(round(cost * share / (last_on - {_NIGHT} + 1), 2)) {_CLAIMS}",
    },
    "returnless_advice": {
        "units_taken_back": f"select sum(received_quantity) {_ENDED}",
        "cost_of_taking_back": f"{_COSTS.format(_ENDED)} and component <> 'payment_fee'",
        "recovered_value": _RECOVERED.format(_ENDED),
        "units_kept": f"select sum(expected_quantity) {_LEFT}",
        # Rounded for each SKU.
        "refunded_kept": "select sum(round(amount, 2)) from (select sku, product_category,"
        f" sum({_REFUNDED}) as amount {_LEFT} group by sku, product_category) as by_sku",
        "cost_of_kept": f"{_COSTS.format(_LEFT)} and component <> 'payment_fee'",
    },
    "returnless_customers": {
        "kept_lines": f"select count(*) {_LET_KEEP}",
        "kept_units": f"select sum(expected_quantity) {_LET_KEEP}",
        "kept_refunded": f"select sum(round({_REFUNDED}, 2)) {_LET_KEEP}",
        "kept_refunded_net": f"select sum(round({_REFUNDED_NET}, 2)) {_LET_KEEP}",
        "return_lines": f"select count(*) {_AFTER} where first_on is not null",
        "return_lines_after": f"select count(*) {_AFTER} where basis_on > first_on",
        "kept_lines_after": f"select count(*) {_AFTER} where basis_on > first_on and is_returnless"
        " and received_quantity = 0",
    },
    "customer_outlook": {
        "kept_refunded": f"select sum(round({_REFUNDED_NET}, 2)) {_LET_KEEP}",
        "not_paid_back": _NOT_PAID_BACK,
        "return_costs": _COSTS.format(_OF_CUSTOMERS),
        "recovered_value": _RECOVERED.format(_OF_CUSTOMERS),
        "cost_of_kept": f"select sum({_KEPT_COST}) {_SOLD} and {_KNOWN_COST}",
        "cost_of_returned": "select sum(asset_cost_reporting) from core.fct_disposition where is_final"
        f" and net_quantity > 0 and return_line_key in (select return_line_key {_OF_CUSTOMERS})",
        "lifetime_value": "select sum(purchased_value - returned_value + not_paid_back - kept_refunded"
        " - return_costs"
        " + recovered_value - cost_of_returned - cost_of_kept) from marts.customer_outlook",
        "judged_units": f"select sum(shipped_quantity) {_RIPE}",
        "judged_returned_units": f"select sum(least(received_quantity, shipped_quantity)) {_RIPE}",
    },
}  # fmt: skip
for _column in ("orders", "purchased_units", "purchased_value", "returned_value"):
    ADVICE["customer_outlook"][_column] = f"select sum({_column}) from marts.customer_overview"
