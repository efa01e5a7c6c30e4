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
        "finance.refund_classes": {"class": {"MISSING_LEG", "PAYMENT_AMOUNT"}},
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
CHANGES = (
    BY_SKU, VERSION_OF_CODE, END_OF_GOODS, NAMED_LEGS, CHAIN_ONLY, ISSUED_ONLY, IN_TIME, FIRST_PARCEL,
    RATES_BY_SKU, *ONE_SHAPE, AS_ISSUED, COUNTED_ONCE, COHORTS, BLIND,
    NAMED_SALE,
)  # fmt: skip
