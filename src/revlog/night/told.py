"""What a stage tells, in one piece: a text for people, and facts for programs.

The terminal prints the text. In Airflow it is the task's note and its log, the facts are the metadata of the
asset's event (`airflow_plugins/notes_of_nights.py`, `dags/assets.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from revlog.outputs.words import how_many

if TYPE_CHECKING:
    from revlog.night.lineage import Step

# Refused files and reasons of quarantine that are named; the rest is counted.
NAMED = 3
LANDED = """
select feed, name, status, reason, rows_loaded as loaded, rows_quarantined as quarantined,
    rows_duplicate as duplicate
from ops.file_ledger where run_date = %(date)s and feed = any(%(feeds)s) order by feed, file_id
"""
REASONS = """
select q.reason, count(*) as rows
from ops.quarantine as q inner join ops.file_ledger as l using (file_id)
where l.run_date = %(date)s and l.feed = any(%(feeds)s) group by q.reason order by rows desc, q.reason
"""


class Told(str):
    """A stage's text, with its `facts` (names and values that JSON holds) and the `steps` of its lineage."""

    facts: dict[str, Any]
    steps: Callable[[], Iterable[Step]]

    def __new__(cls, text: str, steps: Callable[[], Iterable[Step]] = list, **facts: Any) -> Told:
        """Make a text with facts; `steps` are asked for only where somebody listens."""
        told = super().__new__(cls, text)
        told.facts, told.steps = facts, steps
        return told


@dataclass
class Landed:
    """What a night took of some feeds: files and rows, by the ledger, however often it was tried."""

    business_date: dt.date
    files: int = 0
    rows: int = 0
    quarantined: int = 0
    duplicate: int = 0
    files_twice: int = 0
    refused: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        rows = f"{how_many(self.rows, 'row')} loaded, {self.quarantined:,} quarantined"
        rows += f", {self.duplicate:,} duplicate"
        reasons = [f"{count:,} {reason}" for reason, count in self.reasons.items()]
        return "\n".join(
            [
                f"{how_many(self.files, 'file')}, {rows}",
                *([f"quarantined: {', '.join(_some(reasons, 'reason'))}"] if reasons else []),
                *([f"files that came twice: {self.files_twice:,}"] if self.files_twice else []),
                *(f"refused: {file}" for file in _some(self.refused, "file")),
            ]
        )

    def facts(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "business_date": str(self.business_date), "files": self.files, "rows": self.rows,
            "quarantined": self.quarantined, "duplicate": self.duplicate, "files_twice": self.files_twice,
            "refused": self.refused, "quarantined_by_reason": self.reasons,
        }  # fmt: skip


def landed(feeds: list[str], date: dt.date) -> Landed:
    """What the night of `date` took of these feeds, read as loader."""
    from psycopg.rows import dict_row

    from revlog.database.connections import connect

    found = Landed(date)
    with connect("loader", row_factory=dict_row) as reader:
        for row in reader.execute(LANDED, {"date": date, "feeds": feeds}):
            _add(found, row)
        for row in reader.execute(REASONS, {"date": date, "feeds": feeds}):
            found.reasons[row["reason"]] = row["rows"]
    return found


def _add(found: Landed, row: dict[str, Any]) -> None:
    if row["status"] in ("loaded", "superseded"):
        found.files += 1
        for name in ("quarantined", "duplicate"):
            setattr(found, name, getattr(found, name) + row[name])
        found.rows += row["loaded"]
    elif row["status"] == "duplicate":
        found.files_twice += 1
    elif row["status"] == "rejected":
        found.refused.append(f"{row['name']} ({row['feed']}): {row['reason']}")


def _some(named: list[str], what: str) -> list[str]:
    more = len(named) - NAMED
    return named[:NAMED] + ([f"and {how_many(more, f'more {what}')}"] if more > 0 else [])
