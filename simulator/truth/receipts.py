"""KPIs of what came in: how fast, in what state, by the rules or not, and where it went."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.company import (
    COUNTRIES,
    DAY,
    DN,
    HOUR,
    HZ,
    INSPECTION_DAYS,
    LF,
    MS,
    RC,
    REASONS,
    RS,
    RTC,
    RV,
    SITE_COUNTRY,
    SS,
    TRANSIT_DAYS,
    UNMAPPED,
    rounded,
)
from simulator.truth.known import KnownReturns, total
from simulator.truth.kpis import KpiCells, Where, day_of

RETURN = "RETURN"
WAIVED = np.array([
    REASONS.index(name)
    for name in ("WARRANTY", "RECALL", "DEFECTIVE", "DAMAGED_IN_TRANSIT", "WRONG_ITEM",
                 "NOT_AS_DESCRIBED", "MISSING_PARTS")
])  # fmt: skip
DIVERTING = np.array([RS, SS, RV, DN, RC, RTC])
# Grams of CO2e a kilogram, by disposition; all others none.
DISPOSAL_GRAMS = np.zeros(12, dtype=np.int64)
DISPOSAL_GRAMS[[RV, DN, RC, HZ, LF]] = (50, 20, 21, 900, 450)
# Kilometres, and grams of CO2e a tonne and kilometre: at home, on the continent, by air.
KILOMETRES, TRANSPORT_GRAMS = np.array([300, 1000, 7000]), np.array([100, 100, 600])
OVERSEAS = COUNTRIES.index("US")


def add(cells: KpiCells, known: KnownReturns) -> None:
    """Add the KPIs that count receipts."""
    rows = _described(known)
    day, where = day_of(rows["received_at"]), known.where_received()
    _add_handling(cells, known, rows, day, where)
    _add_weights(cells, known, rows, day, where)
    _add_reasons(cells, known, rows, day, where)
    _add_rules(cells, known, rows, day, where)
    _add_serials(cells, known, rows, day, where)


def _described(known: KnownReturns) -> pd.DataFrame:
    """Known receipts with `disposed` units, `has_sale`, `unit_g` (weight of one unit)."""
    rows = known.receipts.copy()
    line = rows["line"].to_numpy()
    size = len(known.world.goods.receipts)
    rows["disposed"] = total(known.ended["receipt"], known.ended["quantity"], size)[rows.index]
    rows["is_open"] = rows["disposed"] < rows["quantity"]
    rows["has_sale"] = known.column("sale")[line] >= 0
    weights = known.world.items.weight_g(known.version, known.column("item"))
    rows["unit_g"] = weights[line]
    return rows


def _by_receipt(known: KnownReturns, rows: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    """Sums over the final dispositions by known receipt."""
    return total(known.ended["receipt"], values, len(known.world.goods.receipts))[rows.index.to_numpy()]


def _add_handling(
    cells: KpiCells, known: KnownReturns, rows: pd.DataFrame, day: np.ndarray, where: Where
) -> None:
    """Hours from the dock to the disposition, and how much goes back into stock."""
    ended, received_at = known.ended, known.world.goods.receipts["received_at"].to_numpy()
    units = ended["quantity"].to_numpy()
    hours = (ended["disposed_at"].to_numpy() - received_at[ended["receipt"].to_numpy()]) // HOUR
    waiting = (rows["quantity"] - rows["disposed"]).to_numpy()
    waited = (known.end - rows["received_at"].to_numpy()) // HOUR
    spent = _by_receipt(known, rows, units * hours) + waiting * waited
    disposed, is_open = rows["disposed"].to_numpy(), rows["is_open"].to_numpy()
    cells.put("dock_to_disposition_time", RETURN, day, where, spent, disposed, is_open)
    restocked = _by_receipt(known, rows, units * (ended["code"] == RS).to_numpy())
    cells.put("restock_rate", RETURN, day, where, restocked, disposed, is_open)


def _add_weights(
    cells: KpiCells, known: KnownReturns, rows: pd.DataFrame, day: np.ndarray, where: Where
) -> None:
    """Grams kept from landfill, and grams of CO2e (in hundredths) of the way and the end."""
    ended, code = known.ended, known.ended["code"].to_numpy()
    unit_g = np.zeros(len(known.world.goods.receipts), dtype=np.int64)
    unit_g[rows.index.to_numpy()] = rows["unit_g"]
    grams = ended["quantity"].to_numpy() * unit_g[ended["receipt"].to_numpy()]
    diverted = _by_receipt(known, rows, grams * np.isin(code, DIVERTING))
    weighed = _by_receipt(known, rows, grams * (code != MS))
    is_open = rows["is_open"].to_numpy()
    cells.put("landfill_diversion_rate", RETURN, day, where, diverted, weighed, is_open)
    end_of_life = _by_receipt(known, rows, rounded(grams * DISPOSAL_GRAMS[code], 10))
    units = rows["quantity"].to_numpy()
    co2e = _transport(known, rows, units * rows["unit_g"].to_numpy()) + end_of_life
    cells.put("co2e_per_return", RETURN, day, where, co2e, units, is_open)


def _transport(known: KnownReturns, rows: pd.DataFrame, grams: np.ndarray) -> np.ndarray:
    """Hundredths of a gram of CO2e from the customer to the site; unknown customers live nearby."""
    line = rows["line"].to_numpy()
    site = SITE_COUNTRY[rows["site"].to_numpy()]
    customer = np.where(rows["has_sale"], known.column("customer")[line] % len(COUNTRIES), site)
    band = np.where(customer == site, 0, np.where((customer != OVERSEAS) & (site != OVERSEAS), 1, 2))
    return rounded(grams * KILOMETRES[band] * TRANSPORT_GRAMS[band], 10_000)


def _add_reasons(
    cells: KpiCells, known: KnownReturns, rows: pd.DataFrame, day: np.ndarray, where: Where
) -> None:
    """Whether the inspector found the reason that the customer gave."""
    stated = known.reason[rows["line"].to_numpy()]
    confirmed = np.full(len(known.world.goods.receipts), -1)
    looks = known.latest_inspections()
    confirmed[looks.index.to_numpy()] = looks["confirmed_reason"]
    confirmed = confirmed[rows.index.to_numpy()]
    both = (stated >= 0) & (stated != UNMAPPED) & (confirmed >= 0) & (confirmed != UNMAPPED)
    units = rows["quantity"].to_numpy()
    right = np.where(confirmed == stated, units, 0)
    is_waiting = day + INSPECTION_DAYS > known.today
    cells.put(
        "reason_confirmation_rate", RETURN, day[both], where[both], right[both], units[both], is_waiting[both]
    )


def _add_rules(
    cells: KpiCells, known: KnownReturns, rows: pd.DataFrame, day: np.ndarray, where: Where
) -> None:
    """Whether the goods might come back, and were given back in time, by the rules at the sale.

    Nothing tells when a parcel came to the customer: the window begins when the longest way has passed.
    """
    line, sold = rows["line"].to_numpy(), rows["has_sale"].to_numpy()
    sale = known.column("sale")[line]
    window = known.world.sales["window"].to_numpy()[sale]
    asked_on, shipped_on = day_of(known.asked_at()[line]), known.column("shipped_at")[line] // DAY
    late = asked_on > shipped_on + TRANSIT_DAYS + window
    waived = np.isin(known.reason[line], WAIVED)
    forbidden = ~known.world.items.returnable[known.column("item")[line]]
    against, granted = forbidden | (late & ~waived), known.is_granted()[line]
    units = rows["quantity"].to_numpy()
    for kpi, counts in (("policy_violation_rate", ~granted), ("policy_exception_rate", granted)):
        counted = np.where(against & counts, units, 0)
        cells.put(kpi, RETURN, day[sold], where[sold], counted[sold], units[sold])


def _add_serials(
    cells: KpiCells, known: KnownReturns, rows: pd.DataFrame, day: np.ndarray, where: Where
) -> None:
    """Whether the serial number was shipped with the sale, and comes for the first time."""
    serial = rows["serial"].to_numpy()
    line = rows["line"].to_numpy()
    first = known.world.sales["serial"].to_numpy()[known.column("sale")[line]]
    is_own = (serial >= first) & (serial < first + known.column("sold")[line])
    ordered = rows[serial >= 0].sort_values(["received_at", "id"])
    again = np.isin(rows.index.to_numpy(), ordered.index[ordered.duplicated("serial")])
    read = (serial >= 0) & rows["has_sale"].to_numpy()
    units = rows["quantity"].to_numpy()
    wrong = np.where(~is_own | again, units, 0)
    cells.put("serial_mismatch_rate", RETURN, day[read], where[read], wrong[read], units[read])
