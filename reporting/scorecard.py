"""One self-contained page for the morning: KPIs by question, refunds, returns, the night's health."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ingestion.reasons import MEANINGS
from reporting import tiles
from reporting.board import LEVELS, Board, read_board
from reporting.figures import Row, step_times
from reporting.page import render
from semantic.definitions import BASES
from warehouse.settings import settings

PARTS = (
    ("operations", "Operations"),
    ("finance", "Finance"),
    ("service", "Customer service"),
    ("engineering", "Data engineering"),
)
GAPS = {"E-M": "Entitled − credited", "M-P": "Credited − paid", "P-G": "Paid − ledger"}
STATUS_ORDER = ("open", "waiting", "explained")
QUARANTINE_SHOWN = 12


def write_scorecard() -> Path:
    """Write `reports/scorecard.html` and return its path."""
    path = settings().var / "reports" / "scorecard.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(read_board()), encoding="utf-8")
    return path


def page(board: Board) -> str:
    """The page as HTML; every text from the data is escaped."""
    figures = board.figures
    nights, times = step_times(figures)
    return render(
        "scorecard.html", parts=PARTS, bases=BASES, levels=LEVELS, meanings=MEANINGS,
        night=figures.night, cycle=figures.cycle, state=_state(board), looks=_looks(board),
        audiences=_audiences(board), statuses=figures.statuses, overdue=board.overdue,
        steps=board.steps, waiting=board.steps, most_lines=_most(board.steps, "lines"),
        patterns=figures.patterns, agreed=sum(r["reconciled"] for r in figures.patterns),
        refund_groups=sum(r["groups"] for r in figures.patterns), classes=_classes(board.exceptions),
        gaps=_gaps(board.exceptions),
        gap_titles=GAPS, ages=_ages(board.ages), most_aged=_most(_ages(board.ages), "count"),
        files=board.files, checks=figures.checks, alerts=board.alerts,
        quarantine=board.quarantine[:QUARANTINE_SHOWN],
        quarantine_rest=sum(r["rows"] for r in board.quarantine[QUARANTINE_SHOWN:]),
        most_quarantined=_most(board.quarantine, "rows"), times=times if nights else [], times_nights=nights,
    )  # fmt: skip


def _audiences(board: Board) -> dict[str, list[tiles.Group]]:
    night, delivered = board.figures.night, {row["feed"] for row in board.delivered}
    if night is None:
        return {}
    return dict(tiles.groups(board.definitions, board.months, night["business_date"], delivered))


def _state(board: Board) -> dict[str, str]:
    """Whether readers see the last night, in words."""
    night = board.figures.night
    came = max((row["night"] for row in board.files if row["night"]), default=None)
    failed = sum(row["failed"] for row in board.figures.checks)
    if night is None:
        return {"kind": "warn", "text": "No night has been published"}
    if came and came > night["business_date"]:
        why = f"{failed} critical checks failed" if failed else "it is not finished"
        return {
            "kind": "bad",
            "text": f"The night of {came} is not published ({why}); readers see {night['business_date']}",
        }
    return {"kind": "good", "text": f"Published: readers see the night of {night['business_date']}"}


def _looks(board: Board) -> list[dict[str, str]]:
    """What to look at first: figure, words, how bad it is, and the part of the page that has more."""
    overdue, lines = (sum(row[name] for row in board.steps) for name in ("overdue", "lines"))
    groups, agreed = (sum(row[name] for row in board.figures.patterns) for name in ("groups", "reconciled"))
    open_items = sum(row["items"] for row in board.exceptions if row["status"] == "open")
    refused = sum(row["refused"] for row in board.files)
    held_back = sum(row["quarantined"] for row in board.files)
    failed = sum(1 for row in board.alerts if row["severity"] == "critical")
    warned = len(board.alerts) - failed
    return [
        _look(overdue, f"returns overdue, of {lines:,} under way", _grade(0, overdue), "operations"),
        _look(open_items, "open items between refund legs", _grade(0, open_items), "finance"),
        _look(groups - agreed, f"refund groups that differ, of {groups:,}", "", "finance"),
        _look(refused, "files refused last night", _grade(refused, 0), "engineering"),
        _look(held_back, "rows quarantined last night", _grade(0, held_back), "engineering"),
        _look(
            failed or warned, "checks failed" if failed else "checks warned", _grade(failed, warned),
            "engineering",
        ),
    ]  # fmt: skip


def _grade(worst: int, less: int) -> str:
    """How bad it is that there are so many of the worst, or of the less bad, kind."""
    return "bad" if worst else "warn" if less else "good"


def _look(figure: int, text: str, kind: str, part: str) -> dict[str, str]:
    return {"figure": f"{figure:,}", "text": text, "kind": kind, "part": part}


def _classes(exceptions: list[Row]) -> list[dict[str, Any]]:
    """One entry a class with its amounts by gap and currency; what is open comes first."""
    found: dict[str, dict[str, Any]] = {}
    for row in exceptions:
        entry = found.setdefault(
            row["class"],
            {"name": row["class"], "count": 0, "amounts": {}}
            | {name: row[name] for name in ("status", "next_action")},
        )
        entry["count"] += row["items"]
        entry["amounts"].setdefault(row["gap"], []).append((row["currency"], row["amount"]))
    return sorted(found.values(), key=lambda c: (_place(c["status"]), -c["count"], c["name"]))


def _gaps(exceptions: list[Row]) -> list[str]:
    """Gaps that have cents, in the order of the legs."""
    found = {row["gap"] for row in exceptions}
    return [gap for gap in GAPS if gap in found] + sorted(found - GAPS.keys())


def _place(status: str) -> int:
    return STATUS_ORDER.index(status) if status in STATUS_ORDER else len(STATUS_ORDER)


def _ages(rows: list[Row]) -> list[dict[str, Any]]:
    """One entry a bucket, from the youngest on: items, and those of them that are open."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        entry = found.setdefault(row["age_bucket"], {"bucket": row["age_bucket"], "count": 0, "open": 0})
        entry["count"] += row["items"]
        entry["open"] += row["items"] if row["status"] == "open" else 0
    return list(found.values())


def _most(rows: Iterable[Row], name: str) -> int:
    """Greatest of a column, to scale bars by; 1 where there are none."""
    return max((int(row[name]) for row in rows), default=1) or 1
