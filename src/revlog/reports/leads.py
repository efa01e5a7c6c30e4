"""The first screen: for each reader the first question of the morning, its figures, and the worst rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from revlog.reports.nights import Night
from revlog.reports.units import counted

# What each figure counts, in words, and where all of it is.
TERMS = {
    "overdue": (
        "Return lines whose status has lasted longer than it should (the day is next_step_due_on); "
        "marts.return_tracking, is_overdue."
    ),
    "worse_products": (
        "Products whose return rate rose by more than chance: units shipped in the 90 days up to the "
        "newest final cohort against the 365 days before, both only of lines whose return window and "
        "transit have passed. Fisher's exact test, one-sided, 5 % after Benjamini and Hochberg over all "
        "products with 10 units on both sides. Units of one order often come back together, so take it "
        "for a reason to look; marts.sales_lines."
    ),
    "worse_categories": ("Product categories, tested as products are."),
    "worse_kpis": (
        "KPIs that are a share of things counted (units, orders, refunds) and got worse by more than "
        "chance from the same days of the month before; the same test."
    ),
    "waits_for_customer": (
        "Approved return lines that the customer has not sent back yet; marts.return_tracking, next_step."
    ),
    "waits_for_us": (
        "Return lines whose next step is the company's: to decide, to receive the rest, to inspect, to "
        "decide what becomes of the goods, to finish work on them, or to refund; marts.return_tracking, "
        "next_step."
    ),
    "waits_for_carrier": (
        "Return lines whose parcel the carrier has and the site has not; marts.return_tracking, next_step."
    ),
    "issues": (
        "Hazardous and e-waste units whose final disposition their class forbids, or lacks the number of "
        "its certificate; marts.regulated_units, has_issue."
    ),
    "regulated_open": (
        "Hazardous and e-waste units that came back and have no final disposition yet; "
        "marts.regulated_units, disposition OPEN."
    ),
    "stale": (
        "Feeds whose newest file is older than the newest of any feed, by business date, without those "
        "whose contract says that files come now and then (cadence: occasional); ops.file_ledger."
    ),
    "duration": (
        "Seconds in which any stage of the night was at work: loading, dbt, gates, publishing; what runs "
        "at the same time counts once, waiting not at all. Usual is the median of the nights before, up "
        "to 30; ops.stage_runs."
    ),
    "refused": (
        "Files that were rejected or deferred as a whole in the last night; ops.file_ledger, with the reason."
    ),
    "quarantined": (
        "Rows of loaded files that were refused in the last night; ops.quarantine, with the row as it came."
    ),
    "checks": ("Checks of the last night that failed or warned; ops.validation_results."),
    "unclaimed": ("Files in the landing zone that no layout takes; ops.unclaimed_files."),
    "money_open": (
        "Cents between two legs of a refund that nobody has explained yet: status open, of the three gaps"
        " that lead from the entitlement to the ledger, each amount without its sign; "
        "finance.refund_exceptions."
    ),
    "items_open": (
        "Rows of finance.refund_exceptions with status open, of the gaps that lead from the entitlement "
        "to the ledger."
    ),
    "items_waiting": ("Items whose other leg is not yet due; finance.refund_exceptions, status waiting."),
    "groups_differ": (
        "Match groups that do not agree in every leg and whose difference has no known reason and waits for"
        " no leg that is not late yet; "
        "finance.refund_reconciliation."
    ),
}


@dataclass(frozen=True)
class Figure:
    """One figure: its value with its unit, what it says, how bad it is, and the table with its rows.

    `where` are values of that table's columns, by their heading, that leave just its rows. `part` says how
    many of them are worse still; `part_where` leaves just those. `since` is how it stood the night before.
    """

    name: str
    value: Decimal
    text: str
    kind: str = ""
    rows: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    is_money: bool = False
    since: str = ""
    part: str = ""
    part_where: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The value as people read it; an amount always with its cents."""
        return f"{self.size(self.value)} {self.unit}".strip()

    def size(self, value: Decimal) -> str:
        """Such a value without its unit."""
        return f"{value:,.2f}" if self.is_money else counted(value)

    @property
    def how(self) -> str:
        """What is counted."""
        return TERMS[self.name.split(":")[0]]


# A column of a grid for all that have none of their own.
OTHERS = "others"


@dataclass(frozen=True)
class Grid:
    """Counts by two columns of a table, each leading to its rows; `rows` and `columns` are their values.

    `others` are the values that the column OTHERS stands for.
    """

    table: str
    down: str
    along: str
    rows: list[str]
    columns: list[str]
    counts: Mapping[tuple[str, str], int]
    where: Mapping[str, str]
    others: list[str] = field(default_factory=list)

    def cell(self, row: str, column: str) -> int:
        """How many there are of both."""
        return self.counts.get((row, column), 0)

    def leads_to(self, row: str, column: str) -> dict[str, str | list[str]]:
        """What leaves just the rows of a cell: one value of a column, or any of several."""
        along = self.others if column == OTHERS else column
        return {**self.where, self.down: row, self.along: along}


class Worst(NamedTuple):
    """One of the worst rows: what it is called, what it is about, how bad; `where` leaves it in `rows`."""

    name: str
    text: str
    size: str
    rows: str
    where: Mapping[str, str]


@dataclass(frozen=True)
class Lead:
    """A reader's first question, with what answers it."""

    part: str
    reader: str
    question: str
    figures: list[Figure]
    worst: list[Worst] = field(default_factory=list)
    nothing: str = ""
    grid: Grid | None = None


def with_since(lead: Lead, night: Night) -> Lead:
    """The lead with how each of its figures stood the night before."""
    return replace(lead, figures=[since(figure, night) for figure in lead.figures])


def many(count: int, one: str, several: str = "") -> str:
    """A word in the number that it has to have."""
    return one if count == 1 else several or f"{one}s"


def graded(count: int, kind: str) -> str:
    """How bad it is that there are so many: good where there are none."""
    return kind if count else "good"


def since(figure: Figure, night: Night) -> Figure:
    """The figure with what it was the night before."""
    if night.date is None:
        return figure
    day = f"{night.date.day} {night.date:%b}"
    if (was := night.figures.get(figure.name)) is None:
        return _told(figure, f"not counted on {day}")
    change = figure.value - Decimal(was)
    if not change:
        return _told(figure, f"as on {day}")
    size = figure.size(abs(change))
    return _told(figure, f"{'▲' if change > 0 else '▼'} {size} since {day}")


def _told(figure: Figure, since_: str) -> Figure:
    return replace(figure, since=since_)
