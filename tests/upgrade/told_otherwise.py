"""What newer code says otherwise than 0.1.0, on purpose: which rows, and by which line of CHANGELOG.md.

Every other row of the kept warehouse must be as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Change:
    """A change of what is published. A row may differ where it has one of the values in each named column."""

    # Words of its line in CHANGELOG.md, within one line of the file.
    changelog: str
    rows: dict[str, dict[str, set[Any]]] = field(default_factory=dict)
    # Columns that are not compared, by table.
    columns: dict[str, set[str]] = field(default_factory=dict)

    def excuses(self, table: str, row: dict[str, Any]) -> bool:
        """True where the row may differ."""
        wanted = self.rows.get(table)
        return wanted is not None and all(row.get(column) in values for column, values in wanted.items())


# Receipt 25 of 4 APP-00000 (APPAREL) names order 110 and no line of it; one of them has that SKU, shipped
# from ORD on 2025-11-27. So its return has a customer, a channel and a price (211.83 USD, 189.58 EUR) by now,
# and is owed what no memo credits.
_GROUP = {"group_key": {"RCV:RC0000000000025"}}
_LINE = {"return_line_key": {"RCV:RC0000000000025"}}
_CELLS = {"product_category": {"APPAREL"}, "period_date": {"2025-11-27", "2025-12-22"}}
_PROOF = {"period": {"2025-12"}, "entity": {"ORD"}, "currency": {"USD"}}
BY_SKU = Change(
    "that names its order and SKU belongs to the order line that holds the SKU",
    rows={
        "finance.period_postings": _GROUP,
        "finance.reconciliation_rollforward": {
            "gap": {"E-M"},
            "currency": {"USD"},
            "class": {"CUTOFF", "UNEXPLAINED"},
        },
        "finance.refund_documents": _GROUP,
        "finance.refund_documents__history": _GROUP,
        "finance.refund_exceptions": _GROUP,
        "finance.refund_gap_periods": _GROUP,
        "finance.refund_gap_periods__history": _GROUP,
        "finance.refund_liability": {"product_category": {"APPAREL"}, "currency": {"EUR"}},
        "finance.refund_liability_cohorts": {"product_category": {"APPAREL"}, "currency": {"EUR"}},
        "finance.refund_proof": _PROOF,
        "finance.refund_proof_as_restated": _PROOF,
        "finance.refund_reconciliation": _GROUP,
        "marts.customer_overview": {"customer_id": {"64a466b2a22cd2b32cecb18c7252f319"}},
        # One peer more.
        "marts.customer_signals": {"segment": {"business"}, "signal": {"RETURN_VALUE_ABOVE_PEERS"}},
        "marts.disposition_outcomes": {"sku": {"APP-00000"}, "month": {"2025-12-01"}, "site": {"ORD"}},
        "marts.kpi_cells": _CELLS,
        "marts.kpi_cells__history": _CELLS,
        "marts.kpi_daily": _CELLS,
        "marts.lot_trace": {"sku": {"APP-00000"}, "lot_no": {"L-0-1"}},
        "marts.return_cycle_time": {
            "request_month": {"2025-12"},
            "product_category": {"ALL", "APPAREL"},
            "channel": {"APP", "UNATTRIBUTED"},
        },
        "marts.return_positions": _LINE,
        "marts.return_signals": _LINE,
        "marts.return_tracking": _LINE,
    },
)
VERSION_OF_CODE = Change(
    "`ops.publications.code_version`, and wherever it is shown: the version, then the commit",
    columns={"marts.publications": {"code_version"}},
)
END_OF_GOODS = Change(
    "`marts.return_cycle_time` and the KPI take that as the end",
    rows={"marts.kpi_definitions": {"kpi": {"return_cycle_time"}}},
)
# Documents that have not come are MISSING_LEG and no longer UNEXPLAINED.
_RENAMED = {"class": {"UNEXPLAINED", "MISSING_LEG"}}
NAMED_LEGS = Change(
    "Refund reconciliation: new classes `MISSING_LEG`",
    rows={
        "finance.period_postings": _RENAMED,
        "finance.reconciliation_rollforward": _RENAMED,
        "finance.refund_classes": {
            "class": {"MISSING_LEG", "PAYMENT_AMOUNT", "OVERPAYMENT", "ISSUED_AMOUNT"},
        },
        "finance.refund_exceptions": _RENAMED,
        "finance.refund_gap_periods": _RENAMED,
        "finance.refund_gap_periods__history": _RENAMED,
        "finance.refund_proof": _RENAMED,
        "finance.refund_proof_as_restated": _RENAMED,
        "finance.restatements": _RENAMED,
    },
    columns={
        "finance.refund_exceptions": {"next_action"},
        "finance.refund_reconciliation": {
            "entitlement_classes", "cash_classes", "ledger_classes", "issue_classes", "memo_ledger_classes",
        },
    },
)  # fmt: skip
ADJUSTMENTS = Change(
    "New class `ADJUSTMENT` of each gap",
    rows={"finance.refund_classes": {"class": {"ADJUSTMENT"}}},
    # Checks stand below one class more.
    columns={f"finance.refund_proof{of}": {"position"} for of in ("", "_as_reported", "_as_restated")},
)
CHAIN_ONLY = Change(
    "`finance.refund_reconciliation.chain_unexplained_amount` (was `unexplained_amount`",
    columns={"finance.refund_reconciliation": {"unexplained_amount"}},
)
ISSUED_ONLY = Change(
    "A refund that was issued and nothing else is a group (pattern `0000`",
    rows={
        "finance.refund_patterns": {"pattern": {"0000"}},
        # Days on which a refund had been issued and its memo was still to come.
        "finance.reconciliation_rollforward": {"gap": {"M-T"}, "class": {"CUTOFF"}},
        # Issued on 17 November and paid on the 18th: open since it was issued.
        "finance.refund_reconciliation": {"group_key": {"REF:RF0000000000045"}},
    },
)
_POLICY = {"kpi": {"policy_violation_rate", "policy_exception_rate"}}
IN_TIME = Change(
    "`policy_violation_rate` and the signal `OUTSIDE_WINDOW` count from delivery",
    rows={
        "marts.kpi_cells": _POLICY,
        "marts.kpi_cells__history": _POLICY,
        "marts.kpi_daily": _POLICY,
        "marts.kpi_definitions": _POLICY,
        "marts.return_signals": {"signal": {"OUTSIDE_WINDOW"}},
        # Who has a flagged return fewer.
        "marts.customer_signals": {"customer_id": {"3f137bb5ba2234590198bd8a8dbd4dc6"}},
    },
)
# Rows of other levels are in tables of their own; what is left are SKUs, of one population.
RATES_BY_SKU = Change(
    "`product_return_rates` is one row a SKU; lots, categories, reasons and reasons of a SKU",
    rows={"marts.product_return_rates": {}},
    columns={"marts.product_return_rates": {"level", "member", "lot_no", "reason"}},
)
# Rows that summed up others.
ONE_SHAPE = [
    Change(
        "`return_cycle_time`, `return_cycle_steps` and `dock_to_disposition` have no rows",
        rows={table: {of: {"ALL"}}},
    )
    for table, columns in {
        "marts.return_cycle_time": ("request_month", "channel", "product_category"),
        "marts.return_cycle_steps": ("request_month",),
        "marts.dock_to_disposition": ("received_month", "site"),
    }.items()
    for of in columns
]
_BY_ORDER = {"kpi": {"order_return_rate", "bracketing_rate"}}
FIRST_PARCEL = Change(
    "An order stands under channel, category and site of the first line of its first parcel",
    rows={
        "marts.kpi_definitions": {"kpi": {"order_return_rate"}},
        "marts.kpi_cells": _BY_ORDER,
        "marts.kpi_cells__history": _BY_ORDER,
        "marts.kpi_daily": _BY_ORDER,
    },
)


def _of_kpis(*kpis: str) -> dict[str, dict[str, set[Any]]]:
    tables = ("kpi_cells", "kpi_cells__history", "kpi_daily", "kpi_definitions")
    return {f"marts.{table}": {"kpi": set(kpis)} for table in tables}


AS_ISSUED = Change(
    "`retained_revenue_ratio` and `refund_ratio` go by what was issued",
    rows=_of_kpis("retained_revenue_ratio", "refund_ratio"),
)
COUNTED_ONCE = Change(
    "`refund_lead_time` and `refund_late_share` count refunds, each once",
    rows=_of_kpis("refund_lead_time", "refund_late_share"),
)
# No line of the kept warehouse came back without having shipped: the words of two KPIs, and no figure.
COHORTS = Change(
    "of a line that never shipped is in no cohort of basis SALE",
    rows={"marts.kpi_definitions": {"kpi": {"product_return_rate", "refund_rate"}}},
)
_GOES_BY_SALE = {"kpi": {"order_return_rate", "return_value_rate", "bracketing_rate"}}
BLIND = Change(
    "need no authorizations: receipts whose sale is known or inferred are enough",
    rows={"marts.kpi_definitions": _GOES_BY_SALE},
)
# A refund of shipping, 5.27, of an order line that was shipped from ORD and stayed sold.
_GOODWILL = {
    "kpi": {"refund_rate"},
    "site": {"UNATTRIBUTED", "ORD"},
    "product_category": {"UNKNOWN", "ELECTRONICS"},
}
NAMED_SALE = Change(
    "count for its sale (were UNATTRIBUTED",
    rows={f"marts.{table}": _GOODWILL for table in ("kpi_cells", "kpi_cells__history", "kpi_daily")},
)
_NO_COHORT = {
    "kpi": {"product_return_rate", "refund_rate"}, "basis": {"SALE"}, "channel": {"UNATTRIBUTED"},
}  # fmt: skip
NO_SALE = Change(
    "Nor is what has no known sale in a cohort of basis SALE",
    rows={f"marts.{table}": _NO_COHORT for table in ("kpi_cells", "kpi_cells__history", "kpi_daily")},
)
FINAL_LATER = Change(
    "A cohort of basis SALE is final later",
    rows={
        "marts.kpi_definitions": {"kpi": {"product_return_rate"}},
        # A cell that is final on another day has one more version; what it says is held by kpi_cells.
        "marts.kpi_cells__history": {"basis": {"SALE"}},
    },
    columns={f"marts.{table}": {"is_mature"} for table in ("kpi_cells", "kpi_cells__history", "kpi_daily")},
)
_FINAL_LATER = {
    "kpi": {
        "no_show_rate", "returnless_share", "label_use_rate", "contacts_per_return", "csat",
        "cost_per_return", "value_recovery_rate", "asset_recovery_rate", "reason_confirmation_rate",
        "refund_rate", "refund_lead_time", "refund_late_share", "over_refund_amount",
        "retained_revenue_ratio", "refund_ratio", "return_value_rate",
        *(f"cost_per_return.{part}" for part in (
            "freight", "receiving", "inspection", "handling", "disposal", "payment_fee", "repair", "repack",
            "storage", "case_handling",
        )),
    }
}  # fmt: skip
FINAL_BY_THE_CLOCK = Change(
    "are final later: when what the process allows can no longer change them",
    rows={"marts.kpi_definitions": _FINAL_LATER, "marts.kpi_cells__history": _FINAL_LATER},
    columns={f"marts.{table}": {"is_mature"} for table in ("kpi_cells", "kpi_cells__history", "kpi_daily")},
)
_NEVER_CAME = {"kpi": {"return_cost_in_process"}, "site": {"NOT_RECEIVED"}}
ALL_COSTS = Change(
    "has all that was spent on goods that never came",
    rows={f"marts.{table}": _NEVER_CAME for table in ("kpi_cells", "kpi_cells__history", "kpi_daily")}
    | {"marts.kpi_definitions": {"kpi": {"return_cost_in_process"}}},
)
OF_CUSTOMERS = Change(
    "counts what came back under a customer's number",
    columns={
        "marts.customer_overview": {
            "returned_units", "returned_value", "unit_return_rate", "refunded_value", "pending_refund_value",
        }
    },
)  # fmt: skip
# What was credited for goods that were sold in another currency joins the row of their units.
_SOLD_ABROAD = {
    "month": {"2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01"},
    "sku": {
        "APP-00000", "APP-00008", "APP-00014", "APP-00015", "APP-00017", "APP-00018", "APP-00020",
        "APP-00021", "APP-00022", "APP-00042", "FOO-00032", "FOO-00035", "HOM-00046",
    },
}  # fmt: skip
ONE_ROW = Change("has one row a month and SKU", rows={"marts.product_returns": _SOLD_ABROAD})
# Five exchanges, all of which were sent: due in money from the receipt to the day of shipping, which for the
# last is in the month after.
_SENT = {
    "group_key": {
        "RMA:RM0000000000012-1", "REQ:RQ0000000000015-2", "REQ:RQ0000000000019-1",
        "REQ:RQ0000000000025-1", "REQ:RQ0000000000041-1",
    }
}  # fmt: skip
_OF_SENT = {"period": {"2025-11", "2025-12", "2026-01"}, "entity": {"LEJ", "MAN"}}
_CATEGORIES = {"product_category": {"TOYS", "APPAREL", "FOOTWEAR"}}
SENT = Change(
    "An exchange is judged by the units that were sent",
    rows={
        **{
            f"finance.{table}": _SENT
            for table in (
                "period_postings", "refund_documents", "refund_documents__history", "refund_exceptions",
                "refund_gap_periods", "refund_gap_periods__history", "refund_reconciliation", "restatements",
            )
        },
        "finance.reconciliation_rollforward": {
            "gap": {"E-M", "M-P", "M-T"}, "class": {"CUTOFF", "STORE_CREDIT_OR_EXCHANGE"},
            "currency": {"EUR", "GBP"},
        },
        "finance.refund_proof": _OF_SENT,
        "finance.refund_proof_as_restated": _OF_SENT,
        "finance.refund_liability": _CATEGORIES,
        "finance.refund_liability_cohorts": _CATEGORIES,
    },
)  # fmt: skip
NO_MEAN = Change(
    "`restricted_mean_hours` is gone from",
    columns={
        f"marts.{table}": {"restricted_mean_hours"}
        for table in ("return_cycle_time", "return_cycle_steps", "dock_to_disposition")
    },
)
POSTED_AS_OF_THE_MEMO = Change(
    "of the memo, which is their `rate_on`",
    rows={"finance.refund_documents__history": {"leg": {"GM"}}},
    columns={"finance.refund_documents": {"rate_on"}},
)
CHANGES = (
    BY_SKU, VERSION_OF_CODE, END_OF_GOODS, NAMED_LEGS, ADJUSTMENTS, CHAIN_ONLY, ISSUED_ONLY, IN_TIME,
    FIRST_PARCEL, RATES_BY_SKU, *ONE_SHAPE, AS_ISSUED, COUNTED_ONCE, COHORTS, BLIND,
    NAMED_SALE, NO_SALE, FINAL_LATER, FINAL_BY_THE_CLOCK, ALL_COSTS, OF_CUSTOMERS, ONE_ROW,
    SENT, NO_MEAN, POSTED_AS_OF_THE_MEMO,
)  # fmt: skip
