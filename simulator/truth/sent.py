"""Which units that came back were replaced by goods sent in exchange, and what that leaves due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd

from simulator.balances import NO_BALANCE_CENTS
from simulator.codes import MERCHANDISE, TAX
from simulator.company import EXCHANGE, REPLACEMENT, SIZES, rounded
from simulator.policy import entitled
from simulator.truth.known import KnownReturns

COLUMNS = ("case", "units", "before", "at", "amount")
Key = tuple[int, int]


def goes_by_goods(known: KnownReturns) -> np.ndarray:
    """Lines whose exchange is made good by goods that are sent: they name its RMA. All others are owed."""
    return (known.column("resolution") == EXCHANGE) & known.has_rma


def replaced(known: KnownReturns) -> pd.DataFrame:
    """One row per sales line shipped in exchange for goods that came: columns COLUMNS.

    `amount` is what it takes away of the entitlement, below 0: the worth of the units that it replaces, less
    what it is cheaper by, or with what it is dearer by. The first unit accepted goes with the first sent.
    """
    sent = _sent_by_line(known)
    rows = []
    for line, parts in _accepted(known, sorted(sent)).items():
        rows += [(line, 0, 0, *row) for row in _replace(parts, sorted(sent[line]))]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(np.int64)


def _sent_by_line(known: KnownReturns) -> dict[int, list[tuple[int, ...]]]:
    """By return line: shipped at, order, line, units and cents of what was shipped for it."""
    sales = known.world.sales
    new = sales[(sales["replaces"] >= 0) & (sales["ordered_at"] < known.end)].assign(
        style=sales["item"] // SIZES, cents=sales["net"] + sales["tax"]
    )
    authorized, first = _authorized(known)
    found: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    taken: dict[Key, int] = defaultdict(int)
    names = ["replaces", "style", "order", "line_no", "quantity", "shipped_at", "cents"]
    for rma, style, order, line_no, units, shipped, cents in new.sort_values(names[2:4])[names].to_numpy():
        unit, taken[rma, style] = taken[rma, style], taken[rma, style] + units
        line = _line_of_unit(authorized.get((rma, style), []), unit, first.get(rma, -1))
        if shipped < known.end and line >= 0 and goes_by_goods(known)[line]:
            found[line].append((shipped, order, line_no, units, cents))
    return found


def _authorized(known: KnownReturns) -> tuple[dict[Key, list[tuple[int, int]]], dict[int, int]]:
    """By RMA and style its lines to be replaced and their units, exchanges first; by RMA the first."""
    lines = known.lines
    fits = known.has_rma & ~known.cancelled & np.isin(lines["resolution"], (EXCHANGE, REPLACEMENT))
    part = lines[fits].assign(line=np.flatnonzero(fits), style=lines["item"] // SIZES)
    part = part.sort_values(["resolution", "rma_line"])
    found: dict[Key, list[tuple[int, int]]] = defaultdict(list)
    first: dict[int, int] = {}
    for rma, style, line, units in part[["rma", "style", "line", "authorized"]].to_numpy():
        found[rma, style].append((line, units))
        first.setdefault(rma, line)
    return found, first


def _line_of_unit(lines: list[tuple[int, int]], unit: int, otherwise: int) -> int:
    for line, units in lines:
        if unit < units:
            return line
        unit -= units
    return lines[-1][0] if lines else otherwise


def _accepted(known: KnownReturns, wanted: list[int]) -> dict[int, list[tuple[int, ...]]]:
    """By line its receipts in order: when, units, worth in cents, and that of goods and tax alone."""
    rows = known.receipts.sort_values(["received_at", "id"])
    rows = rows[rows["line"].isin(wanted)]
    rows = rows[known.column("sale")[rows["line"].to_numpy()] >= 0]
    before = (rows.groupby("line")["quantity"].cumsum() - rows["quantity"]).to_numpy()
    line, units = rows["line"].to_numpy(), rows["quantity"].to_numpy()
    worth = entitled(known.lines, known.world.sales, line, units, before, in_money=False)
    sold = np.maximum(known.column("sold")[line], 1)
    counted = np.minimum(before + units, sold) - np.minimum(before, sold)
    goods = worth[:, [MERCHANDISE, TAX]].sum(axis=1)
    found: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for number, *row in zip(line, rows["received_at"], counted, worth.sum(axis=1), goods, strict=True):
        if row[1] > 0:
            found[int(number)].append(tuple(int(value) for value in row))
    return found


def _replace(parts: list[tuple[int, ...]], sent: list[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """When each line sent counts, and the cents that it takes away."""
    start = 0
    for shipped, _, _, units, cents in sent:
        covered, place = [], 0
        for at, size, worth, goods in parts:
            low, high = (int(np.clip(edge - place, 0, size)) for edge in (start, start + units))
            place += size
            if high > low:
                covered.append((at, *(_share(whole, low, high, size) for whole in (worth, goods))))
        start += units
        balance = sum(row[2] for row in covered) - cents
        balance = balance if abs(balance) > NO_BALANCE_CENTS else 0
        at = max(shipped, *(row[0] for row in covered or parts))
        yield at, balance - sum(row[1] for row in covered)


def _share(whole: int, low: int, high: int, size: int) -> int:
    """Of an amount the part of the units after `low` up to `high`, so that the parts re-add."""
    upto = rounded(np.array([whole * high, whole * low]), size)
    return int(upto[0] - upto[1])
