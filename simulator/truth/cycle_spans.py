"""How long units of returns are under way: counted spans, with those that have not ended."""

from __future__ import annotations

import numpy as np

from simulator.cells import Cells
from simulator.company import HOUR
from simulator.returns import CANCELLED_LATE
from simulator.truth.known import KnownReturns
from simulator.truth.kpis import KpiCells, Where, day_of

EVENT, CENSORED, COMPETING = range(3)


def make_spans() -> Cells:
    """Units by month of the request, channel, category, hours and how they ended."""
    return Cells({"month": 12, "channel": 3, "category": 3, "hours": 24, "kind": 2}, ("units",))


def add(cells: KpiCells, spans: Cells, known: KnownReturns) -> None:
    """Add spans of one block, and the KPI return_cycle_time."""
    counted = known.is_counted & ~known.is_returnless
    ended = known.ended[counted[known.ended["line"].to_numpy()]]
    line = ended["line"].to_numpy()
    parts = [(line, ended["disposed_at"].to_numpy(), ended["quantity"].to_numpy(), EVENT)]
    lapsed = np.flatnonzero(counted & (known.expired > 0))
    parts.append((lapsed, known.column("expires_at")[lapsed], known.expired[lapsed], COMPETING))
    rest = known.expected - known.expired - known.disposed
    waiting = np.flatnonzero(counted & (rest > 0))
    parts.append((waiting, np.full(len(waiting), known.end), rest[waiting], CENSORED))
    for line, until, units, kind in parts:
        hours = _add_span(spans, known, line, until, units, kind)
        where = Where(known.channel, known.category, known.site)[line]
        disposed = units if kind == EVENT else 0
        day = day_of(known.basis_at[line])
        cells.put("return_cycle_time", "REQUEST", day, where, units * hours, disposed, kind == CENSORED)
    _add_refused(spans, known)


def _add_refused(spans: Cells, known: KnownReturns) -> None:
    """Units of lines that were declined or cancelled: they are in no KPI."""
    ended_otherwise = (known.refused | known.cancelled) & known.is_there
    line = np.flatnonzero(ended_otherwise & ~known.is_returnless)
    late = known.column("path")[line] == CANCELLED_LATE
    until = np.where(late, known.column("cancelled_at")[line], known.column("decided_at")[line])
    _add_span(spans, known, line, until, known.column("quantity")[line], COMPETING)


def _add_span(
    spans: Cells, known: KnownReturns, line: np.ndarray, until: np.ndarray, units: np.ndarray, kind: int
) -> np.ndarray:
    """Add units that left the process, or have not, after whole hours; returns the hours."""
    start = known.basis_at[line]
    hours = np.maximum((until - start) // HOUR, 0)
    month = start.astype("datetime64[s]").astype("datetime64[M]").astype(int)
    spans.add({
        "month": month, "channel": known.channel[line], "category": known.category[line],
        "hours": hours, "kind": kind, "units": units,
    })  # fmt: skip
    return hours
