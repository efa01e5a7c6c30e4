"""Tables of the reconciliation's truth: groups with their classes, and the same by fiscal period."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.company import CURRENCIES
from simulator.reconcile import COLUMNS, GAPS, LEGS, PERIOD_COLUMNS, Reconciliation
from simulator.truth.known import KnownReturns

# Documents of the legs that a gap lies between.
SIDES = {
    "E-M": ("e", "m"), "M-P": ("m", "p"), "P-G": ("p", "g"), "M-T": ("m", "t"), "M-G": ("m", "gm"),
}  # fmt: skip


def reconciliation_rows(truth: Reconciliation) -> pd.DataFrame:
    """One row per group, gap and class, and one row for a group without any gap; columns COLUMNS.

    Raises ValueError where the classes of a gap don't re-add to it: the truth itself would be wrong.
    """
    there = np.flatnonzero(is_there(truth))
    last = _last_months(truth)
    parts, has_gap = [], np.zeros(truth.size, dtype=bool)
    for (gap, name), cents in truth.found.items():
        index = there[cents[there] != 0]
        has_gap[index] = True
        parts.append(_frame(truth, index, gap, name, cents[index], last[gap][index]))
    for gap in GAPS:
        if (wrong := there[truth.rest(gap)[there] != 0]).size:
            raise ValueError(f"{gap} has cents without a class in {group_keys(truth)[wrong][:5]}")
    even = there[~has_gap[there]]
    none = np.zeros(len(even), dtype=np.int64)
    parts.append(_frame(truth, even, "", "", none, none - 1))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def is_there(truth: Reconciliation) -> np.ndarray:
    """Groups that are or were entitled to anything or have any document of money."""
    frames = (truth.books.memos, truth.books.paid, truth.books.postings, truth.counted)
    documents = pd.concat([frame["case"] for frame in frames]).unique()
    found = np.zeros(truth.size, dtype=bool)
    found[truth.group[documents.astype(int)]] = True
    entitled = truth.books.accepted
    found[truth.group[entitled["case"].to_numpy(dtype=int)[entitled["amount"].to_numpy() != 0]]] = True
    return found


def patterns(truth: Reconciliation) -> np.ndarray:
    """Which legs are there, as four bits EMPG."""
    masks = (truth.has_e, truth.has_m, truth.has_p, truth.has_g)
    return np.array(["".join("01"[int(bit)] for bit in bits) for bits in zip(*masks, strict=True)])


def group_legs(truth: Reconciliation) -> pd.DataFrame:
    """One row per group with any leg: group_key, line (its first, or -1), currency, legs, has_p, p_at."""
    there = np.flatnonzero(is_there(truth))
    line = np.where(there < truth.books.known.size, _first_lines(truth)[there], -1)
    return pd.DataFrame({
        "group_key": group_keys(truth)[there], "line": line, "currency": truth.books.currency[there],
        **{leg: truth.legs[leg][there] for leg in LEGS}, "has_p": truth.has_p[there],
        "p_at": truth.groups_latest(truth.books.paid, "booked_at")[there],
    })  # fmt: skip


def period_rows(truth: Reconciliation) -> pd.DataFrame:
    """One row per group, gap, class and month; columns PERIOD_COLUMNS.

    A class stands in the month of the last document on either side of its gap; what the months differ
    by beside that is CUTOFF, and adds up to nothing over the months.
    """
    there, last = is_there(truth), _last_months(truth)
    rows = []
    for gap in GAPS:
        left, right = (_by_month(truth, side) for side in SIDES[gap])
        months = left.sub(right, fill_value=0)
        for (own, name), cents in truth.found.items():
            index = np.flatnonzero((cents != 0) & there)
            if own == gap and len(index):
                keys = pd.MultiIndex.from_arrays([index, last[gap][index]], names=["group", "month"])
                classed = pd.Series(cents[index], index=keys)
                months = months.sub(classed, fill_value=0)
                rows.append(classed.reset_index(name="cents").assign(gap=gap, name=name))
        rows.append(months.reset_index(name="cents").assign(gap=gap, name="CUTOFF"))
    frame = pd.concat(rows).groupby(["group", "gap", "name", "month"], as_index=False)["cents"].sum()
    frame["cents"] = frame["cents"].astype(np.int64)
    frame = frame[(frame["cents"] != 0) & there[frame["group"].to_numpy(dtype=int)]]
    group = frame["group"].to_numpy(dtype=int)
    return pd.DataFrame({
        "group_key": group_keys(truth)[group], "currency": _currencies(truth, group),
        "gap": frame["gap"].to_numpy(), "class": frame["name"].to_numpy(),
        "period": _month_texts(frame["month"].to_numpy(dtype=int)), "amount": frame["cents"].to_numpy(),
    })[list(PERIOD_COLUMNS)]  # fmt: skip


# -- months ----------------------------------------------------------------------------------------


def _documents(truth: Reconciliation, side: str) -> pd.DataFrame:
    """Documents of a leg: group, month, cents."""
    b = truth.books
    frame, cents, at = {
        "e": (b.accepted, "amount", "at"), "m": (b.memos, "amount", "posted_at"),
        "p": (b.paid, "cents", "booked_at"), "t": (truth.counted, "amount", "created_at"),
        "g": (truth.cash_posts, "cents", "period"), "gm": (truth.memo_posts, "cents", "period"),
    }[side]  # fmt: skip
    sign = -1 if side == "gm" else 1
    month = frame[at] if at == "period" else _months(frame[at].to_numpy(dtype=np.int64))
    return pd.DataFrame({
        "group": truth.group[frame["case"].to_numpy(dtype=int)], "month": np.asarray(month),
        "cents": sign * frame[cents].to_numpy(dtype=np.int64),
    })  # fmt: skip


def _months(seconds: np.ndarray) -> np.ndarray:
    return seconds.astype("datetime64[s]").astype("datetime64[M]").astype(int)


def _by_month(truth: Reconciliation, side: str) -> pd.Series:
    return _documents(truth, side).groupby(["group", "month"])["cents"].sum()


def _last_months(truth: Reconciliation) -> dict[str, np.ndarray]:
    """Month of the last document on either side of each gap, by group."""
    found = {}
    for gap, sides in SIDES.items():
        last = np.full(truth.size, -1, dtype=np.int64)
        for side in sides:
            rows = _documents(truth, side)
            np.maximum.at(last, rows["group"].to_numpy(), rows["month"].to_numpy(dtype=np.int64))
        found[gap] = last
    return found


def _month_texts(months: np.ndarray) -> list[str]:
    return ["" if month < 0 else f"{1970 + month // 12}-{month % 12 + 1:02d}" for month in months]


# -- keys ------------------------------------------------------------------------------------------


def group_keys(truth: Reconciliation) -> np.ndarray:
    """Key of each group: its first return line, else refund, memo, settlement or journal."""
    b, known = truth.books, truth.books.known
    keys = np.full(truth.size, "", dtype=object)
    keys[: known.size] = line_keys(known)[_first_lines(truth)[: known.size]]
    everything = known.world.money
    own = np.arange(truth.size) >= known.size
    names = (
        (everything.tenders["case"], everything.tenders["refund"], "REF:RF"),
        (b.case_of_memo, b.case_of_memo.index, "MEM:CM"),
        (everything.settlements["case"], everything.settlements["id"], "SET:ST"),
        (everything.ledger["case"], everything.ledger["journal"], "JRN:J"),
    )
    for cases, numbers, prefix in names:
        for case, number in zip(cases, numbers, strict=True):
            if case >= known.size and own[case] and not keys[case]:
                keys[case] = f"{prefix}{number:013d}"
    return keys


def _first_lines(truth: Reconciliation) -> np.ndarray:
    """By group, the line with the smallest key of those that belong to it."""
    known = truth.books.known
    lines, keys = np.arange(truth.size), line_keys(known)
    for case in np.flatnonzero(truth.group[: known.size] != lines[: known.size]):
        first = truth.group[case]
        if keys[case] < keys[lines[first]]:
            lines[first] = case
    return lines


def line_keys(known: KnownReturns) -> np.ndarray:
    """Key of every return line."""
    receipt = np.zeros(known.size, dtype=np.int64)
    everything = known.world.goods.receipts
    receipt[everything["line"].to_numpy()] = everything["id"].to_numpy()
    columns = (known.column(n) for n in ("request", "request_line", "rma", "rma_line"))
    return np.array([
        f"REQ:RQ{request:013d}-{request_line}" if request >= 0
        else f"RMA:RM{rma:013d}-{rma_line}" if rma >= 0
        else f"RCV:RC{own:013d}"
        for request, request_line, rma, rma_line, own in zip(*columns, receipt, strict=True)
    ], dtype=object)  # fmt: skip


def _currencies(truth: Reconciliation, group: np.ndarray) -> np.ndarray:
    return np.array(CURRENCIES)[truth.books.currency[group]]


def _frame(
    truth: Reconciliation, index: np.ndarray, gap: str, name: str, cents: np.ndarray, month: np.ndarray
) -> pd.DataFrame:
    return pd.DataFrame({
        "group_key": group_keys(truth)[index], "currency": _currencies(truth, index),
        **{leg: truth.legs[leg][index] for leg in LEGS}, "pattern": patterns(truth)[index],
        "gap": gap, "class": name, "amount": cents, "period": _month_texts(month),
    })  # fmt: skip
