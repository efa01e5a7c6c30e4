"""One self-contained page for the morning: KPIs by question, where returns are, the night's health.

Everyone may open it: what only finance may see is on a page of its own.
"""

from __future__ import annotations

from pathlib import Path

from ingestion.reasons import MEANINGS
from outputs.files import write_text
from reporting import tiles
from reporting.board import Board, read_board
from reporting.figures import step_times
from reporting.page import look, most, render
from semantic.definitions import BASES, LEVELS
from warehouse.settings import settings

PARTS = (
    ("operations", "Operations"),
    ("finance", "Finance"),
    ("service", "Customer service"),
    ("engineering", "Data engineering"),
)
QUARANTINE_SHOWN = UNCLAIMED_SHOWN = 12


def write_scorecard() -> Path:
    """Write `reports/scorecard.html` and return its path; raises NotWritten."""
    return write_text(settings().var / "reports" / "scorecard.html", page(read_board()))


def page(board: Board) -> str:
    """The page as HTML; every text from the data is escaped."""
    figures = board.figures
    nights, times = step_times(figures)
    return render(
        "scorecard.html", title="Scorecard", parts=PARTS, bases=BASES, levels=LEVELS, meanings=MEANINGS,
        night=figures.night, cycle=figures.cycle, state=_state(board), looks=_looks(board),
        audiences=tiles.audiences(board.definitions, board.months, figures.night),
        statuses=figures.statuses, overdue=board.overdue,
        steps=board.steps, waiting=board.steps, most_lines=most(board.steps, "lines"),
        files=board.files, checks=figures.checks, alerts=board.alerts,
        set_apart=figures.set_apart,
        unclaimed=figures.unclaimed[:UNCLAIMED_SHOWN],
        unclaimed_rest=len(figures.unclaimed[UNCLAIMED_SHOWN:]),
        quarantine=board.quarantine[:QUARANTINE_SHOWN],
        quarantine_rest=sum(r["rows"] for r in board.quarantine[QUARANTINE_SHOWN:]),
        most_quarantined=most(board.quarantine, "rows"), times=times if nights else [], times_nights=nights,
    )  # fmt: skip


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
    text = f"Published: readers see the night of {night['business_date']}"
    if behind := board.figures.behind:
        held = "; ".join(
            f"{row['domain']} stays at {row['business_date']} ({row['checks']})" for row in behind
        )
        return {"kind": "bad", "text": f"{text}, but {held}"}
    return {"kind": "good", "text": text}


def _looks(board: Board) -> list[dict[str, str]]:
    """What to look at first: figure, words, how bad it is, and the part of the page that has more."""
    overdue, lines = (sum(row[name] for row in board.steps) for name in ("overdue", "lines"))
    refused = sum(row["refused"] for row in board.files)
    meant = sum(1 for row in board.figures.unclaimed if row["feed"])
    held_back = sum(row["quarantined"] for row in board.files)
    failed = sum(1 for row in board.alerts if row["severity"] == "critical")
    warned = len(board.alerts) - failed
    return [
        look(overdue, f"returns overdue, of {lines:,} under way", _grade(0, overdue), "operations"),
        look(refused, "files refused last night", _grade(refused, 0), "engineering"),
        look(
            len(board.figures.unclaimed), "files that no layout takes",
            _grade(meant, len(board.figures.unclaimed)), "engineering",
        ),
        look(held_back, "rows quarantined last night", _grade(0, held_back), "engineering"),
        look(
            failed or warned, "checks failed" if failed else "checks warned", _grade(failed, warned),
            "engineering",
        ),
    ]  # fmt: skip


def _grade(worst: int, less: int) -> str:
    """How bad it is that there are so many of the worst, or of the less bad, kind."""
    return "bad" if worst else "warn" if less else "good"
