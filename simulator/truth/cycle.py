"""Kaplan-Meier figures of the cycle time from counted spans."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pandas as pd

from simulator.truth.cycle_spans import CENSORED, COMPETING, EVENT
from simulator.truth.kpis import CATEGORY_NAMES, CHANNEL_NAMES

COLUMNS = (
    "request_month", "channel", "product_category", "units", "events", "censored", "competing",
    "p50_hours", "p90_hours",
)  # fmt: skip


def cycle_table(spans: pd.DataFrame) -> pd.DataFrame:
    """One row per month x (channel or ALL) x (category or ALL), and one overall; columns COLUMNS."""
    rows = [("ALL", "ALL", "ALL", *figures(spans))] if len(spans) else []
    for by_channel, by_category in itertools.product((True, False), repeat=2):
        names = ["month", *["channel"] * by_channel, *["category"] * by_category]
        for key, part in spans.groupby(names):
            found = dict(zip(names, key, strict=True))
            rows.append((
                str(np.datetime64(int(found["month"]), "M")),
                CHANNEL_NAMES[int(found["channel"])] if by_channel else "ALL",
                CATEGORY_NAMES[int(found["category"])] if by_category else "ALL",
                *figures(part),
            ))  # fmt: skip
    return pd.DataFrame(sorted(rows, key=lambda row: row[:3]), columns=list(COLUMNS))


def figures(spans: pd.DataFrame) -> tuple[int | None, ...]:
    """Units, events, censored, competing, p50, p90 of one slice.

    `spans`: hours, kind, units. An event at an hour comes before units that leave at the same hour.
    """
    hours, place = np.unique(spans["hours"].to_numpy(dtype=np.int64), return_inverse=True)
    kind_of, units = spans["kind"].to_numpy(dtype=np.int64), spans["units"].to_numpy(dtype=np.int64)
    kinds = {}
    for kind in (EVENT, CENSORED, COMPETING):
        kinds[kind] = np.zeros(len(hours), dtype=np.int64)
        np.add.at(kinds[kind], place[kind_of == kind], units[kind_of == kind])
    leaving = kinds[EVENT] + kinds[CENSORED] + kinds[COMPETING]
    at_risk = leaving[::-1].cumsum()[::-1]
    return (
        int(leaving.sum()), *(int(kinds[kind].sum()) for kind in (EVENT, CENSORED, COMPETING)),
        _quantile(hours, kinds[EVENT], at_risk, 50), _quantile(hours, kinds[EVENT], at_risk, 90),
    )  # fmt: skip


def _quantile(hours: np.ndarray, events: np.ndarray, at_risk: np.ndarray, percent: int) -> int | None:
    """Smallest hour with S <= 1 - p; None where it is not reached. Exact at the edge."""
    target = Fraction(100 - percent, 100)
    survival = np.cumprod(1 - events / at_risk)
    near = np.flatnonzero(survival <= float(target) + 1e-9)
    for index in near[:1]:
        if abs(survival[index] - float(target)) > 1e-9:
            return int(hours[index])
        exact = Fraction(1)
        for happened, exposed in zip(events[: index + 1], at_risk[: index + 1], strict=True):
            exact *= 1 - Fraction(int(happened), int(exposed))
        if exact <= target:
            return int(hours[index])
        return int(hours[near[1]]) if len(near) > 1 else None
    return None
