"""What stands on a night, measured on companies of counts: with nothing planted, and with something of each
kind.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revlog.estimates.quality import alert_rows
from revlog.estimates.quality.nights import Night, Watch, night
from tests.unit.quality_company import DOCK, FIRST, PRODUCT, VENDOR_FAULT, Plant, Shop, counts

PLANTED = 378  # day on which it gets worse, a Monday
SHIPPED, RETURNED, JUDGED = (
    [*PRODUCT, "orders", "units"], [*PRODUCT, "outcome", "day", "orders"], [*DOCK, "orders", "units"],
)  # fmt: skip
BUSY = Shop(seed=1, orders_a_day=1000)
Rows = list[dict[str, Any]]


def _kinds(shop: Shop) -> list[alert_rows.Kind]:
    shipped, returned, judged = counts(shop)
    return [*alert_rows.of_products(shipped, returned), *alert_rows.of_receipts(judged)]


def _date(day: int) -> dt.date:
    return alert_rows.EPOCH + dt.timedelta(days=day)


def _alerts(shop: Shop) -> Rows:
    found = alert_rows.alerts(_kinds(shop), _date(shop.last))
    return list(found.astype(object).where(found.notna(), None).to_dict("records"))


# --- Nothing planted


def test_with_nothing_planted_at_most_one_night_in_twenty_raises_any() -> None:
    """Companies whose SKUs differ and drift little, as usual, and much; two nights of each, far apart."""
    found = []
    for seed in range(2000, 2018):
        spread, drift = ((0.2, 0.05), (0.5, 0.15), (0.8, 0.25))[seed % 3]
        shop = Shop(seed, spread=spread, drift=drift, orders_a_day=(200, 600)[seed % 2])
        watches = [Watch(kind.of.panel) for kind in _kinds(shop)]
        found += [night(watches, day) for day in (shop.last - 182, shop.last)]
    assert len(found) == 36
    assert sum(each.raises_any for each in found) <= 36 * 0.05


# --- Each kind planted


@cache
def _sold(by: str) -> pd.Series[Any]:
    """Orders of the shop of the tests by subject, after the day of planting."""
    shipped = counts(BUSY)[0]
    late = shipped[shipped["week"] >= (FIRST + PLANTED) // 7]
    found: pd.Series[Any] = late.groupby(by)["orders"].sum()
    return found


def _best_seller() -> str:
    return str(_sold("sku").idxmax())


def _best_size() -> str:
    """The SKU that sells much, among sizes of its style that sell as well."""
    sku = _sold("sku")
    style = sku.index.str[1:].astype(int) // 4
    return str((sku * (1 - sku / sku.groupby(style).transform("sum"))).idxmax())


def _size_of(sku: str) -> dict[str, Any]:
    number = int(sku[1:])
    return {"style": f"T{number // 4}", "size": str(number % 4)}


def _first_lot(sku: str) -> str:
    return f"L{int(sku[1:]) * 1000 + PLANTED // 42}"


CASES = {
    "SKU_REASON": lambda: ({"sku": _best_seller()}, ("NOT_AS_DESCRIBED",), 4.0, {"sku": _best_seller()}),
    "SKU_LOT": lambda: (
        {"lot_no": _first_lot(_best_seller())}, VENDOR_FAULT, 4.0, {"lot_no": _first_lot(_best_seller())},
    ),
    "SIZE_OF_STYLE": lambda: (
        {"sku": _best_size()}, ("SIZE_TOO_SMALL",), 6.0, _size_of(_best_size()),
    ),
    "VENDOR": lambda: ({"vendor_id": "V1"}, VENDOR_FAULT, 2.0, {"vendor_id": "V1"}),
    "CARRIER_DAMAGE": lambda: (
        {"carrier": "K2"}, ("DAMAGED_IN_TRANSIT BACK",), 4.0, {"carrier": "K2"},
    ),
    "SITE_GRADE": lambda: ({"site": "D1"}, ("SALVAGE",), 2.5, {"site": "D1"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_what_is_planted_is_found_with_its_size(kind: str) -> None:
    where, outcomes, ratio, subject = CASES[kind]()
    shop = replace(BUSY, plants=(Plant(where, outcomes, ratio, PLANTED),))
    found = [a for a in _alerts(shop) if a["kind"] == kind]
    [alert] = [a for a in found if all(a[name] == value for name, value in subject.items())]
    assert alert["effect_low_95"] <= ratio <= alert["effect_high_95"]
    assert alert["q_value"] <= 0.05
    assert _date(FIRST + PLANTED) < alert["first_seen_on"] <= _date(shop.last)
    # It began with the planting, as far as stretches of four weeks tell.
    assert abs((alert["window_from"] - _date(FIRST + PLANTED)).days) <= 35
    assert found == [alert]


def test_a_lot_of_three_times_the_defects_is_found_in_seven_weeks() -> None:
    """Median over five companies; of a lot that is shipped in six weeks and else would bring 25 defects."""
    waits = []
    for seed in range(3000, 3005):
        shop = replace(BUSY, seed=seed)
        shipped = counts(shop)[0]
        of_lots = shipped[shipped["lot_no"].str.endswith(f"{PLANTED // 42:03d}")]
        expected = of_lots.groupby("lot_no")["orders"].sum() * 0.025
        lot = str((expected - 25).abs().idxmin())
        found = _alerts(replace(shop, plants=(Plant({"lot_no": lot}, VENDOR_FAULT, 3.0),)))
        seen = [a["first_seen_on"] for a in found if (a["kind"], a["lot_no"]) == ("SKU_LOT", lot)]
        waits.append((min(seen, default=dt.date.max) - _date(FIRST + PLANTED)).days)
    assert np.median(waits) <= 49


# --- Maturity, and what comes later


def test_a_young_cohort_is_not_compared_with_a_ripe_one() -> None:
    """A sells only now, 300 a week, of which a tenth comes back after three weeks; B has done so for long.

    By all that was sold, A's rate is far below B's; and of C, which sold only long ago, far above.
    """
    last = (FIRST + 545) // 7
    cells = [
        ("A", week) for week in range(last - 8, last)] + [("B", week) for week in range(last - 50, last)] + [
        ("C", week) for week in range(last - 50, last - 30)
    ]  # fmt: skip
    shipped = pd.DataFrame([_product(sku, week, orders=300, units=300) for sku, week in cells])
    returned = pd.DataFrame(
        [_product(sku, week, orders=30, outcome="DEFECTIVE", day=4 + 7 * week + 21) for sku, week in cells]
    )
    faults = returned.assign(outcome="VENDOR_FAULT")
    kinds = [
        *alert_rows.of_products(shipped, pd.concat([returned, faults])),
        *alert_rows.of_receipts(_none(JUDGED)),
    ]
    assert alert_rows.alerts(kinds, _date(4 + 7 * last - 1)).empty


def _product(sku: str, week: int, **more: Any) -> dict[str, Any]:
    names = dict.fromkeys(PRODUCT, "")
    return {**names, "sku": sku, "product_category": "TOYS", "week": week, **more}


def test_what_comes_after_a_night_changes_nothing_of_it() -> None:
    shop = Shop(seed=5, plants=(Plant({"vendor_id": "V1"}, VENDOR_FAULT, 2.0, PLANTED),))
    day = FIRST + PLANTED + 100
    then, now = (_look(frames, day) for frames in (_until(counts(shop), day), counts(shop)))
    assert then.tests == now.tests
    for each, other in zip(then.evidence, now.evidence, strict=True):
        known = other[np.isfinite(other)]
        assert known == pytest.approx(each[np.isfinite(each)])


def _look(frames: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], day: int) -> Night:
    kinds = [*alert_rows.of_products(*frames[:2]), *alert_rows.of_receipts(frames[2])]
    return night([Watch(kind.of.panel) for kind in kinds], day)


def _until(frames: tuple[pd.DataFrame, ...], day: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What was known on a day; its running week is complete in none of the frames."""
    shipped, returned, judged = frames
    week = (day - 4) // 7
    return (
        shipped[shipped["week"] <= week],
        returned[(returned["week"] <= week) & (returned["day"] <= day)],
        judged[judged["day"] <= day],
    )


# --- Small and odd companies


def _none(columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=columns)


ODD = {
    "nothing at all": (_none(SHIPPED), _none(RETURNED), _none(JUDGED)),
    "sales without returns": (
        pd.DataFrame([_product("A", 2900, orders=5, units=6)]), _none(RETURNED), _none(JUDGED),
    ),
    "returns of sales that are not known": (
        _none(SHIPPED), pd.DataFrame([_product("A", 2900, orders=5, outcome="UNKNOWN", day=20310)]),
        _none(JUDGED),
    ),
    "one SKU, without lot, vendor, size and reason, of which everything comes back": (
        pd.DataFrame([_product("A", 2890, orders=50, units=50)]),
        pd.DataFrame([_product("A", 2890, orders=50, outcome="UNKNOWN", day=20310)]),
        _none(JUDGED),
    ),
    "one site that nobody brought anything to, and that grades all alike": (
        _none(SHIPPED), _none(RETURNED),
        pd.DataFrame([dict(zip(JUDGED, ["LEJ", "", "UNKNOWN", 2890, 20240, "SCRAP", None, 50, 50],
        strict=True))]),
    ),
}  # fmt: skip


def test_no_two_subjects_share_a_key_whatever_their_codes() -> None:
    """A SKU of another kind of code, and a lot of it, look alike when they are only put side by side."""
    keys = {
        alert_rows._with_rates(
            {
                "kind": "K",
                "outcome": "O",
                "sku": sku,
                "lot_no": lot,
                "returned_orders": 4,
                "effect": 2,
                "orders": 8,
            }
        )["alert_key"]
        for sku, lot in [("A|B", "C"), ("A", "B|C"), ("A%7CB", "C")]
    }
    assert len(keys) == 3


@pytest.mark.parametrize("company", ODD)
@pytest.mark.filterwarnings("error")
def test_who_has_no_peers_and_no_past_has_no_alerts(company: str) -> None:
    shipped, returned, judged = ODD[company]
    found = alert_rows.alerts(
        [*alert_rows.of_products(shipped, returned), *alert_rows.of_receipts(judged)], dt.date(2026, 1, 31)
    )
    assert list(found.columns) == list(alert_rows.COLUMNS)
    assert found.empty
