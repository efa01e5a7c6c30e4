"""What got worse: SKU, lot, size, vendor, carrier and site, each against its own past and its peers.

How it is judged: evidence.py (a test), nights.py (all tests of a night). Here counts are read
and what stands is told. docs/decisions/0060-quality-alerts.md
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg

from revlog.estimates.estimate import Estimate, rows_of
from revlog.estimates.quality.evidence import Floats, Side, expected_before, ratios
from revlog.estimates.quality.kinds import Counted, counted
from revlog.estimates.quality.nights import Night, Watch, beginnings, nights
from revlog.estimates.quality.panel import FIRST_MONDAY, WEEK_DAYS, WEEKS_KEPT, weeks_on

if TYPE_CHECKING:
    import pandas as pd

# For so many nights back it is told since when an alert stands.
NIGHTS_BACK = 182
EPOCH = dt.date(1970, 1, 1)
VENDOR_FAULT, DAMAGE = "VENDOR_FAULT", "DAMAGED_IN_TRANSIT"
SIZE_REASONS = ("SIZE_TOO_LARGE", "SIZE_TOO_SMALL")
KEYS = ("sku", "lot_no", "style", "size", "carrier", "vendor_id", "site")
COLUMNS = (
    "alert_key", "kind", "outcome", *KEYS, "window_from", "window_to", "orders", "units", "returned_orders",
    "expected_orders", "rate", "expected_rate", "effect", "effect_low_95", "effect_high_95", "p_value",
    "q_value", "tests", "first_seen_on",
)  # fmt: skip
DIGITS = 6


@dataclass(frozen=True)
class Kind:
    """A question: its name, what was counted, and the rows that it was counted from."""

    name: str
    of: Counted
    tried: pd.DataFrame


def compute(connection: psycopg.Connection[Any], as_of: dt.date) -> pd.DataFrame:
    """One row per alert that stands on the night of a business date."""
    since = as_of - dt.timedelta(days=WEEK_DAYS * (WEEKS_KEPT + 1) + NIGHTS_BACK)
    asked = {"since": since, "as_of": as_of}
    shipped, returned, judged = (
        rows_of(connection, f"quality_{name}", asked) for name in ("shipped", "returned", "judged")
    )
    return alerts([*of_products(shipped, returned), *of_receipts(judged)], as_of)


def of_products(shipped: pd.DataFrame, returned: pd.DataFrame) -> list[Kind]:
    """What is asked of the goods; peers are of the same category, of a size those of the same style."""
    category = ["product_category"]
    reasons = returned[returned["outcome"] != VENDOR_FAULT]
    faults = returned[returned["outcome"] == VENDOR_FAULT]
    skus = counted(shipped, faults, ["sku"], category)
    in_lots = shipped[shipped["lot_no"] != ""]
    sized = shipped[(shipped["style"] != "") & (shipped["size"] != "")]
    of_vendors = shipped[shipped["vendor_id"] != ""]
    wrong_size = reasons[reasons["outcome"].isin(SIZE_REASONS)]
    return [
        Kind("SKU_REASON", counted(shipped, reasons, ["sku"], category), shipped),
        Kind("SKU_LOT", counted(in_lots, faults, ["sku", "lot_no"], category, skus), in_lots),
        Kind("SIZE_OF_STYLE", counted(sized, wrong_size, ["style", "size"], ["style"]), sized),
        Kind("VENDOR", counted(of_vendors, faults, ["vendor_id"], category), of_vendors),
    ]


def of_receipts(judged: pd.DataFrame) -> list[Kind]:
    """What is asked of goods at the dock: sites among sites by category, carriers among those of a site."""
    brought = judged[(judged["carrier"] != "") & judged["is_damaged"].notna()]
    damaged = brought[brought["is_damaged"].astype(bool)].assign(outcome=DAMAGE)
    graded = judged[judged["grade"] != ""].rename(columns={"grade": "outcome"})
    return [
        Kind("CARRIER_DAMAGE", counted(brought, damaged, ["carrier"], ["site"]), brought),
        Kind("SITE_GRADE", counted(judged, graded, ["site"], ["product_category"]), judged),
    ]


def alerts(kinds: list[Kind], as_of: dt.date) -> pd.DataFrame:
    """The alerts of these kinds that stand on a date, and since when, looking half a year back."""
    import pandas as pd

    tonight = (as_of - EPOCH).days
    # Of what never came back, or was never shipped, there is nothing to ask.
    kinds = [kind for kind in kinds if len(kind.of.panel.events)]
    if not kinds:
        return pd.DataFrame(columns=list(COLUMNS))
    panels = [kind.of.panel for kind in kinds]
    watches, seen = nights(panels, range(tonight - NIGHTS_BACK + 1, tonight + 1))
    rows = [
        {**row, "first_seen_on": _date(_since(seen, place, test)), "tests": seen[-1].tests}
        for place, (kind, watch) in enumerate(zip(kinds, watches, strict=True))
        for test, row in _told(kind, watch, seen[-1], place)
    ]
    found = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("alert_key", ignore_index=True)
    return found.round({name: DIGITS for name in COLUMNS if name not in ("p_value", "q_value")})


def _since(seen: list[Night], place: int, test: int) -> int:
    """First of the nights on which a test stood."""
    return next(night.day for night in seen if test in night.stands[place])


def _told(kind: Kind, watch: Watch, night: Night, place: int) -> list[tuple[int, dict[str, Any]]]:
    """What is told of each test of a kind that stands on a night, of the beginning that tells most."""
    if not len(night.stands[place]):
        return []
    found = beginnings(watch.tests, night.day)
    before = expected_before(found.before.in_rows, watch.habit(night.day)).reshape(found.before.against.shape)
    best = watch.by_beginning(night.day, found).argmax(axis=0)
    rows = []
    for test in night.stands[place]:
        since = found.since.at(best[test]).of(test)
        row = {
            **_counts(kind, watch, test, found.weeks[best[test]], night.day),
            **_effect(before[best[test], [test]], since),
            "returned_orders": int(since.own[0]),
            "p_value": _short(np.exp(-night.evidence[place][test])),
            "q_value": _short(night.q_values[place][test]),
        }
        rows.append((int(test), _with_rates(row)))
    return rows


def _effect(before: Floats, since: Side) -> dict[str, float]:
    """How many times as before: median and bounds."""
    [found] = ratios(before, since, (0.5, 0.025, 0.975)).tolist()
    return dict(zip(("effect", "effect_low_95", "effect_high_95"), found, strict=True))


def _counts(kind: Kind, watch: Watch, test: int, week: int | None, day: int) -> dict[str, Any]:
    """Of what a test is, and what was shipped of it from a week on (None: as long as weeks count)."""
    keys = kind.of.keys.iloc[watch.tests.subject[test]].to_dict()
    first, end = weeks_on(day)
    outcome = kind.of.outcomes[watch.tests.outcome[test]]
    return {
        "kind": kind.name,
        "outcome": outcome,
        **keys,
        **_window(kind.tried, keys, max(first, week or first), end),
    }


def _short(value: float) -> float:
    """A value with six digits that tell, so that it is the same on every machine."""
    return float(f"{value:.6g}")


def _window(tried: pd.DataFrame, keys: dict[str, Any], first: int, end: int) -> dict[str, Any]:
    """From the first to the last week in which there was anything of a subject, and what there was."""
    is_in = (tried["week"] >= first) & (tried["week"] < end)
    for name, value in keys.items():
        is_in &= tried[name] == value
    rows = tried[is_in]
    return {
        "window_from": _date(FIRST_MONDAY + WEEK_DAYS * int(rows["week"].min())),
        "window_to": _date(FIRST_MONDAY + WEEK_DAYS * (int(rows["week"].max()) + 1) - 1),
        "orders": int(rows["orders"].sum()),
        "units": int(rows["units"].sum()),
    }


def _with_rates(row: dict[str, Any]) -> dict[str, Any]:
    expected = row["returned_orders"] / row["effect"]
    named = [row["kind"], row["outcome"], *(_escaped(row[name]) for name in KEYS if name in row)]
    return {
        **row,
        "alert_key": "|".join(named),
        "expected_orders": expected,
        "rate": row["returned_orders"] / row["orders"],
        "expected_rate": expected / row["orders"],
    }


def _escaped(value: str) -> str:
    """A part of a key that no other parts look like, whatever a company writes into its codes."""
    return value.replace("%", "%25").replace("|", "%7C")


def _date(day: int) -> dt.date:
    return EPOCH + dt.timedelta(days=day)


ESTIMATE = Estimate("quality_alerts", compute)
