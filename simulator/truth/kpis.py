"""The KPIs by name, and their cells: numerators and denominators added up over blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from simulator.cells import Cells
from simulator.company import CATEGORIES, CHANNELS, DAY, SITES
from simulator.render import Text, choice, fixed, flag, integer, stamp

CHANNEL_NAMES = (*(name.upper() for name in CHANNELS), "UNATTRIBUTED")
CATEGORY_NAMES = (*(name.upper() for name in CATEGORIES), "UNKNOWN")
SITE_NAMES = (*SITES, "UNATTRIBUTED", "NOT_RECEIVED")
NO_CHANNEL, NO_CATEGORY = len(CHANNELS), len(CATEGORIES)
NO_SITE, NOT_RECEIVED = len(SITES), len(SITES) + 1

COMPONENTS = (
    "freight", "receiving", "inspection", "handling", "disposal", "payment_fee", "repair", "repack",
    "storage", "case_handling",
)  # fmt: skip
AGES = ("0_7", "8_14", "15_30", "31_60", "60_plus")

# KPI, basis, and which of its numerator and denominator have cents: money, and grams of CO2e.
N, D = "n", "d"
KPIS: tuple[tuple[str, str, str], ...] = (
    ("product_return_rate", "SALE", ""),
    ("product_return_rate", "RETURN", ""),
    ("return_value_rate", "SALE", N + D),
    ("return_value_rate", "RETURN", N + D),
    ("order_return_rate", "SALE", ""),
    ("bracketing_rate", "SALE", ""),
    ("cost_per_return", "RETURN", N),
    *((f"cost_per_return.{name}", "RETURN", N) for name in COMPONENTS),
    ("return_cost_in_process", "RETURN", N),
    ("value_recovery_rate", "RETURN", N + D),
    ("asset_recovery_rate", "RETURN", N + D),
    ("return_cycle_time", "REQUEST", ""),
    ("dock_to_disposition_time", "RETURN", ""),
    ("restock_rate", "RETURN", ""),
    ("reason_confirmation_rate", "RETURN", ""),
    ("policy_violation_rate", "RETURN", ""),
    ("policy_exception_rate", "RETURN", ""),
    ("serial_mismatch_rate", "RETURN", ""),
    ("landfill_diversion_rate", "RETURN", ""),
    ("co2e_per_return", "RETURN", N),
    ("refund_rate", "REFUND", N + D),
    ("refund_rate", "SALE", N + D),
    ("retained_revenue_ratio", "REFUND", N + D),
    ("refund_ratio", "REFUND", N + D),
    ("refund_lead_time", "REFUND", ""),
    ("refund_late_share", "REFUND", ""),
    ("over_refund_amount", "REFUND", N + D),
    ("no_show_rate", "REQUEST", ""),
    ("label_use_rate", "REQUEST", ""),
    ("returnless_share", "REQUEST", ""),
    ("contacts_per_return", "REQUEST", ""),
    ("csat", "REQUEST", ""),
    ("vendor_recovery_rate", "CLAIM", N + D),
    ("vendor_days_outstanding", "CLAIM", ""),
    ("returned_stock_value", "STOCK", N),
    ("returned_stock_days", "STOCK", ""),
    *((f"open_return_units.{age}", "SNAPSHOT", "") for age in AGES),
    *((f"open_return_value.{age}", "SNAPSHOT", N + D) for age in AGES),
)
PLACE = {(kpi, basis): place for place, (kpi, basis, _) in enumerate(KPIS)}
HAS_CENTS = {side: np.array([side in sides for _, _, sides in KPIS]) for side in (N, D)}
CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class Where:
    """Channel, product category and site of rows."""

    channel: np.ndarray
    category: np.ndarray
    site: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Where:
        return Where(self.channel[rows], self.category[rows], self.site[rows])


class KpiCells:
    """Cells of all KPIs of one business date."""

    def __init__(self) -> None:
        self.cells = Cells(
            {"kpi": 7, "day": 16, "channel": 3, "category": 3, "site": 3},
            ("numerator", "denominator", "immature"),
        )

    def put(
        self,
        kpi: str,
        basis: str,
        day: np.ndarray | int,
        where: Where,
        numerator: np.ndarray | int,
        denominator: np.ndarray | int,
        immature: np.ndarray | bool = False,
    ) -> None:
        """Add rows to a KPI; `day` is the UTC day number of the period."""
        self.cells.add({
            "kpi": PLACE[kpi, basis], "day": day, "channel": where.channel, "category": where.category,
            "site": where.site, "numerator": numerator, "denominator": denominator, "immature": immature,
        })  # fmt: skip

    def totals(self) -> dict[str, dict[str, str]]:
        """Numerator and denominator of each KPI over all cells, by `kpi/basis`."""
        found = {}
        for index, part in self.cells.table().groupby("kpi"):
            kpi, basis, sides = KPIS[int(index)]
            above, below = int(part["numerator"].sum()), int(part["denominator"].sum())
            found[f"{kpi}/{basis}"] = {
                "numerator": money(above) if N in sides else str(above),
                "denominator": money(below) if D in sides else str(below),
            }
        return found

    def published(self) -> Iterator[pa.Table]:
        """The cells as published, all as text, in chunks; none where both numbers are 0."""
        cells = self.cells.table()
        cells = cells[(cells["numerator"] != 0) | (cells["denominator"] != 0)]
        for start in range(0, max(len(cells), 1), CHUNK_ROWS):
            yield self._texts(cells[start : start + CHUNK_ROWS])

    def _texts(self, cells: pd.DataFrame) -> pa.Table:
        kpi = cells["kpi"].to_numpy()
        return pa.table({
            "kpi": choice([name for name, _, _ in KPIS], kpi),
            "basis": choice([basis for _, basis, _ in KPIS], kpi),
            "period_date": stamp(cells["day"].to_numpy() * DAY, "%Y-%m-%d"),
            "channel": choice(CHANNEL_NAMES, cells["channel"]),
            "product_category": choice(CATEGORY_NAMES, cells["category"]),
            "site": choice(SITE_NAMES, cells["site"]),
            "currency": choice(("EUR",), np.zeros(len(cells), dtype=int)),
            "numerator": _numbers(cells["numerator"], HAS_CENTS[N][kpi]),
            "denominator": _numbers(cells["denominator"], HAS_CENTS[D][kpi]),
            "is_mature": flag(cells["immature"] == 0, "true", "false"),
        })  # fmt: skip


def day_of(seconds: np.ndarray | pd.Series) -> np.ndarray:
    """UTC day number of times."""
    return np.asarray(seconds, dtype=np.int64) // DAY


def _numbers(values: pd.Series, has_cents: np.ndarray) -> Text:
    return pc.if_else(pa.array(has_cents), fixed(values), integer(values))


def money(cents: int) -> str:
    """Cents as text with two decimals."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
