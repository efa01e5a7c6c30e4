"""Finance's own page: the cents between the refund legs; it lies beside the workbooks, closed to others."""

from __future__ import annotations

from pathlib import Path

from outputs.files import FOR_OWNER, write_text
from reporting import tiles
from reporting.page import look, most, render
from reporting.reconciliation import Reconciliation, by_age, by_class, read_reconciliation
from reporting.snapshots import Row
from reporting.workbook import folder
from semantic.definitions import BASES, LEVELS

LIST = "reconciliation"
PARTS = ((LIST, "Reconciliation"), ("workbooks", "Workbooks"), ("kpis", "KPIs"))
GAPS = {"E-M": "Entitled − credited", "M-P": "Credited − paid", "P-G": "Paid − ledger"}


def write_finance_page() -> Path:
    """Write `finance/scorecard.html` and return its path; raises NotWritten."""
    place = folder()
    books = sorted((path.name for path in place.glob("refunds-*.xlsx")), reverse=True)
    return write_text(place / "scorecard.html", page(read_reconciliation(), books), FOR_OWNER)


def page(found: Reconciliation, workbooks: list[str]) -> str:
    """The page as HTML; `workbooks` are the names of files beside it."""
    ages = by_age(found.ages)
    return render(
        "finance.html", title="Finance scorecard", parts=PARTS, bases=BASES, levels=LEVELS, cycle=None,
        night=found.night, looks=_looks(found), workbooks=workbooks,
        audiences=tiles.audiences(found.definitions, found.months, found.night),
        patterns=found.patterns, agreed=found.agreed,
        explained=found.explained, lacks=found.lacks, refund_groups=found.groups,
        classes=by_class(found.exceptions), gaps=_gaps(found.exceptions), gap_titles=GAPS,
        ages=ages, most_aged=most(ages, "count"),
    )  # fmt: skip


def _looks(found: Reconciliation) -> list[dict[str, str]]:
    """What to look at first."""
    items = {
        status: sum(row["items"] for row in found.exceptions if row["status"] == status)
        for status in ("open", "waiting")
    }
    differ = found.groups - found.agreed - found.explained
    return [
        look(items["open"], "open items between refund legs", "warn" if items["open"] else "good", LIST),
        look(items["waiting"], "items that wait for the other leg", "", LIST),
        look(differ, f"refund groups to look at, of {found.groups:,}", "", LIST),
    ]


def _gaps(exceptions: list[Row]) -> list[str]:
    """Gaps that have cents, in the order of the legs."""
    found = {row["gap"] for row in exceptions}
    return [gap for gap in GAPS if gap in found] + sorted(found - GAPS.keys())
