"""KPIs of what customers asked for: no-shows, labels, contacts with service, and what is still open."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.company import CASE_DAYS, DAY, NEVER, REFUND_DAYS, rounded
from simulator.returns import HAS_PARCEL
from simulator.truth.known import KnownReturns, total
from simulator.truth.kpis import AGES, KpiCells, day_of

REQUEST, SNAPSHOT = "REQUEST", "SNAPSHOT"
AGE_ENDS = np.array([7, 14, 30, 60])  # last day of each age but the oldest


def add(cells: KpiCells, known: KnownReturns) -> None:
    """Add the KPIs that count return lines by the day of the request, and the open ones by age."""
    _add_no_shows(cells, known)
    _add_labels(cells, known)
    _add_returnless(cells, known)
    _add_contacts(cells, known)
    _add_open(cells, known)


def _add_no_shows(cells: KpiCells, known: KnownReturns) -> None:
    approved = np.where(known.has_rma & known.is_counted, known.column("authorized"), 0)
    rows = np.flatnonzero((approved > 0) & ~known.is_returnless)
    cells.put(
        "no_show_rate", REQUEST, day_of(known.basis_at[rows]), known.where[rows], known.expired[rows],
        approved[rows], known.due_on()[rows] > known.today,
    )  # fmt: skip


def _add_labels(cells: KpiCells, known: KnownReturns) -> None:
    """One row per label: that of the first RMA line on it."""
    live = known.has_rma & ~known.cancelled & np.isin(known.column("path"), HAS_PARCEL)
    labels = pd.DataFrame({
        "line": np.arange(known.size), "tracking": known.column("tracking"),
        "rma_line": known.column("rma_line"), "authorized_at": known.column("authorized_at"),
        "expires_at": known.column("expires_at"),
    })[live].sort_values(["tracking", "rma_line"])  # fmt: skip
    together = labels.groupby("tracking")
    first = together.first()
    day = day_of(together["authorized_at"].min())
    line = first["line"].to_numpy()
    is_used = known.first_scan_at()[line] < NEVER
    has_expired = (together["expires_at"].max() < known.end).to_numpy()
    cells.put("label_use_rate", REQUEST, day, known.where[line], is_used.astype(int), 1, ~has_expired)


def _add_returnless(cells: KpiCells, known: KnownReturns) -> None:
    rows = np.flatnonzero(known.is_counted)
    kept = np.where(known.is_returnless & (known.received == 0), known.column("quantity"), 0)[rows]
    back = np.where(known.is_returnless, 0, known.received)[rows]
    day, where = day_of(known.basis_at[rows]), known.where[rows]
    is_due = known.due_on()[rows] > known.today
    cells.put("returnless_share", REQUEST, day, where, kept, kept + back, is_due)


def _add_contacts(cells: KpiCells, known: KnownReturns) -> None:
    """Cases about an RMA count at its first line that is not void."""
    cases = known.world.cases
    cases = cases[(cases["seen"] < known.end) & (cases["rma"] >= 0)]
    line = _line_of_rma(known).reindex(cases["rma"]).to_numpy()
    scored = ((cases["csat"] > 0) & (cases["closed_at"] < known.end)).to_numpy()
    counted = known.is_counted[line]
    asked = total(line, np.ones(len(cases), dtype=int), known.size)
    score = total(line[scored & counted], cases["csat"].to_numpy()[scored & counted], known.size)
    scores = total(line[scored & counted], np.ones(int((scored & counted).sum()), dtype=int), known.size)
    rows = np.flatnonzero(known.is_counted)
    day, where = day_of(known.basis_at[rows]), known.where[rows]
    asked_until = known.due_on()[rows] + REFUND_DAYS
    rated_until = asked_until + CASE_DAYS
    cells.put("contacts_per_return", REQUEST, day, where, asked[rows], 1, asked_until > known.today)
    cells.put("csat", REQUEST, day, where, score[rows], scores[rows], rated_until > known.today)


def _line_of_rma(known: KnownReturns) -> pd.Series:
    """Line of each RMA number that is out."""
    rows = pd.DataFrame({
        "rma": known.column("rma"), "line": np.arange(known.size), "void": known.cancelled,
        "rma_line": known.column("rma_line"),
    })[known.has_rma]  # fmt: skip
    first = rows.sort_values(["rma", "void", "rma_line"]).drop_duplicates("rma")
    return first.set_index("rma")["line"]


def _add_open(cells: KpiCells, known: KnownReturns) -> None:
    """Open units and their sales value by age on the business date."""
    rows = np.flatnonzero(known.open > 0)
    units = known.open[rows]
    value = rounded(known.net[rows] * units, np.maximum(known.column("sold")[rows], 1))
    age = np.searchsorted(AGE_ENDS, known.today - known.basis_at[rows] // DAY)
    where = known.where[rows]
    for place, name in enumerate(AGES):
        is_so_old = age == place
        for kpi, sums in (("open_return_units", units), ("open_return_value", value)):
            part = np.where(is_so_old, sums, 0)
            cells.put(f"{kpi}.{name}", SNAPSHOT, known.today, where, part, sums)
