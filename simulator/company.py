"""The simulated company: its size, its countries and sites, its items, its exchange rates.

All money is integer: cents, prices in 1/10,000 and exchange rates in 1/1,000,000. All times are whole
seconds since 1970 in UTC; `NEVER` stands for a time that has not come.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.habits import TYPICAL, Habits

NEVER = 2**61
DAY = 86_400
HOUR = 3_600
RATE_ONE = 1_000_000
PRICE_ONE = 100  # 1/10,000 in a cent

CURRENCIES = ("EUR", "GBP", "USD", "SEK")
CHANNELS = ("web", "store", "app", "marketplace")
SIZES = 4  # items of one style, one after the other
CATEGORIES = ("apparel", "footwear", "electronics", "home", "toys", "beauty")
ELECTRONICS = 2
COUNTRIES = ("DE", "FR", "GB", "US", "SE")
SITES = ("LEJ", "MAN", "ORD", "ARN")
ZONES = ("Europe/Berlin", "Europe/London", "America/Chicago", "Europe/Stockholm")

COUNTRY_SHARE = np.array([0.35, 0.15, 0.20, 0.20, 0.10])
COUNTRY_CURRENCY = np.array([0, 0, 1, 2, 3])
COUNTRY_SITE = np.array([0, 0, 1, 2, 3])
COUNTRY_TAX_PCT = np.array([19, 20, 20, 7, 25])
SITE_CURRENCY = np.array([0, 1, 2, 3])
CHANNEL_SHARE = np.array([0.50, 0.15, 0.20, 0.15])
CATEGORY_SHARE = np.array([0.34, 0.16, 0.18, 0.16, 0.10, 0.06])
# What one euro of list price is in the price list of a currency.
PRICE_FACTOR_PCT = np.array([100, 88, 110, 1150])
BASE_RATE = np.array([1_000_000, 1_180_000, 925_000, 88_000])

# Rates of the company's own sites: cents a unit received, an hour of inspection.
RECEIVING_CENTS = np.array([120, 110, 140, 1300])
INSPECTION_CENTS = np.array([2800, 2400, 3000, 31000])
STORAGE_CENTS = np.array([3, 3, 4, 35])  # a unit and day
CASE_CENTS = 450  # euro cents a case
SITE_COUNTRY = np.array([0, 2, 3, 4])

REASONS = (
    "DEFECTIVE", "DAMAGED_IN_TRANSIT", "NOT_AS_DESCRIBED", "WRONG_ITEM", "MISSING_PARTS",
    "SIZE_TOO_SMALL", "SIZE_TOO_LARGE", "STYLE_OR_COLOUR", "CHANGED_MIND", "ARRIVED_LATE",
    "UNDELIVERED", "WARRANTY", "RECALL", "OTHER", "UNMAPPED",
)  # fmt: skip
CRM_REASONS = (
    "defective", "damaged", "not_as_described", "wrong_item", "missing_parts", "too_small",
    "too_large", "style", "changed_mind", "late", "undelivered", "warranty", "recall", "other", "zz9",
)  # fmt: skip
ERP_REASONS = (*(f"D{number:02d}" for number in range(1, 15)), "zz9")
DEFECTIVE, SIZE_SMALL, CHANGED_MIND, WARRANTY, OTHER, UNMAPPED = 0, 5, 8, 11, 13, 14
CUSTOMER_FAULT = np.isin(np.arange(len(REASONS)), (5, 6, 7, 8))

RESOLUTIONS = ("refund", "exchange", "store_credit", "repair", "replacement")
REFUND, EXCHANGE, STORE_CREDIT, REPAIR, REPLACEMENT = range(5)

DISPOSITIONS = ("RS", "RF", "RP", "SS", "RV", "DN", "RC", "HZ", "LF", "RTC", "MS", "QU")
RS, RF, RP, SS, RV, DN, RC, HZ, LF, RTC, MS, QU = range(12)
IS_FINAL = ~np.isin(np.arange(12), (RF, RP, QU))
IS_DISPOSAL = np.isin(np.arange(12), (RC, HZ, LF))

VENDORS = 23
# Grade by functional (F1-F6) and cosmetic (C0-C9) grade, and what of the cost a unit of it keeps.
GRADE_NAMES = ("NEW", "LIKE_NEW", "GOOD", "REPAIRABLE", "SALVAGE", "SCRAP", "UNGRADED")
NEW, LIKE_NEW, GOOD, REPAIRABLE, SALVAGE, SCRAP, UNGRADED = range(7)
# Goods that nobody graded count as like new.
GRADE_FACTOR_PCT = np.array([100, 90, 70, 40, 15, 0, 90])

TRANSIT_DAYS = 14
DECISION_DAYS = 2  # that a request may wait, and what was approved for its way to the carrier
HAND_OVER_DAYS = 14
INSPECTION_DAYS = 3  # that goods may wait at the dock
REFUND_DAYS = 14  # in which a refund is due once the goods are here
CASE_DAYS = 14  # in which service answers
INVOICE_DAYS = 30  # after goods have left, in which carriers invoice and outlets sell
CUTOFF_DAYS = 7


@dataclass(frozen=True)
class Company:
    """What to simulate and where to put it.

    `order_lines` are the sales lines of the history; each night adds its natural share of a day, or
    `night_order_lines`. `only_nights` writes just these nights' files (0 is the history), so that an
    export can be dropped night by night. `dirt` scales the faults in the files; 0 is clean.
    `habits` say how often what happens; `defects` is how often each plan of money defects occurs at least,
    0 a company without any.
    """

    out: Path
    truth: Path
    order_lines: int = 20_000
    seed: int = 7
    start: dt.date = dt.date(2025, 1, 1)
    history_end: dt.date = dt.date(2026, 1, 31)
    nights: int = 1
    dirt: float = 1.0
    night_order_lines: int | None = None
    only_nights: tuple[int, ...] | None = None
    block_lines: int = 50_000
    defects: int | None = None
    habits: Habits = TYPICAL

    @property
    def dates(self) -> list[dt.date]:
        """Business dates of the exports; the first is the history's."""
        return [self.history_end + dt.timedelta(days=night) for night in range(self.nights + 1)]

    @property
    def cutoffs(self) -> np.ndarray:
        """First second after each business date."""
        return np.array([epoch(date) + DAY for date in self.dates])

    @property
    def written(self) -> tuple[int, ...]:
        """Nights whose files are to be written."""
        return tuple(range(self.nights + 1)) if self.only_nights is None else self.only_nights


@dataclass
class Ids:
    """Keeps numbers of different blocks apart: block * 10,000,000 + counter."""

    block: int
    counters: dict[str, int] = field(default_factory=dict)

    def take(self, kind: str, count: int) -> np.ndarray:
        """Return the next `count` numbers of a kind."""
        first = self.counters.get(kind, 0)
        self.counters[kind] = first + count
        return self.block * 10_000_000 + first + np.arange(count, dtype=np.int64)


def epoch(date: dt.date) -> int:
    """Seconds of a date's midnight UTC."""
    return (date - dt.date(1970, 1, 1)).days * DAY


def day_of(seconds: np.ndarray) -> np.ndarray:
    """UTC day number of seconds."""
    return np.asarray(seconds) // DAY


def rounded(numerator: np.ndarray, denominator: np.ndarray | int) -> np.ndarray:
    """Integer division, half away from zero."""
    numerator = np.asarray(numerator, dtype=np.int64)
    whole = (np.abs(numerator) * 2 + denominator) // (2 * np.asarray(denominator))
    return np.where(numerator < 0, -whole, whole)


def pick(rng: np.random.Generator, weights: np.ndarray, size: int) -> np.ndarray:
    """Draw `size` indexes with the given weights."""
    edges = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(edges, rng.random(size), side="right").clip(0, len(weights) - 1)


def quota(rng: np.random.Generator, weights: np.ndarray, size: int, least: int = 2) -> np.ndarray:
    """Like `pick`, but every index occurs at least `least` times where there is room for it."""
    counts = np.maximum(np.round(np.asarray(weights) / np.sum(weights) * size), least).astype(int)
    kinds = np.repeat(np.arange(len(counts)), counts)
    if len(kinds) > size:  # the most frequent kind gives way
        surplus = len(kinds) - size
        kinds = np.delete(kinds, np.flatnonzero(kinds == counts.argmax())[:surplus])[:size]
    kinds = np.concatenate([kinds, np.full(size - len(kinds), counts.argmax())])
    return rng.permutation(kinds)


def _grades() -> np.ndarray:
    table = np.full((6, 10), GOOD)
    table[0, 0], table[0, 1:3] = NEW, LIKE_NEW
    table[2:4], table[:4, 5:7] = REPAIRABLE, REPAIRABLE
    table[4], table[:, 7:9] = SALVAGE, SALVAGE
    table[5], table[:, 9] = SCRAP, SCRAP
    return table


GRADES = _grades()


# -- exchange rates --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rates:
    """Rates to EUR: `published` by day (weekdays only) and `table[day - first, currency]` filled."""

    first: int
    published: pd.DataFrame
    table: np.ndarray

    def to_eur(self, cents: np.ndarray, currency: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """Convert cents at each row's own UTC day, rounded to cents half away from zero."""
        return rounded(np.asarray(cents, dtype=np.int64) * self.of(currency, seconds), RATE_ONE)

    def of(self, currency: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """Rate of each row's currency at its UTC day, the last earlier one where none is out."""
        days = (day_of(seconds) - self.first).clip(0, len(self.table) - 1)
        return self.table[days, np.asarray(currency, dtype=int)]


def make_rates(company: Company) -> Rates:
    """Random walks from 14 days before the start to the last night, weekdays only."""
    rng = np.random.default_rng([company.seed, 1])
    first = epoch(company.start) // DAY - 14
    last = epoch(company.history_end) // DAY + 366
    days = np.arange(first, last + 1)
    steps = rng.normal(0, 0.003, (len(days), 3)).cumsum(axis=0)
    walk = np.concatenate([np.zeros((len(days), 1)), np.clip(steps, -0.2, 0.2)], axis=1)
    table = np.round(BASE_RATE * (1 + walk)).astype(np.int64)
    weekday = (days + 3) % 7 < 5
    source = np.maximum.accumulate(np.where(weekday, np.arange(len(days)), 0))
    source[: source.argmax() + 1] = np.maximum(source[: source.argmax() + 1], weekday.argmax())
    table = table[source]
    rows = np.flatnonzero(weekday)
    published = pd.DataFrame(
        {
            "day": np.repeat(days[rows], 3),
            "currency": np.tile([1, 2, 3], len(rows)),
            "rate": table[rows][:, 1:].reshape(-1),
        }
    )
    return Rates(int(first), published, table)


# -- items -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Items:
    """The item master by month: column arrays of shape (months, items).

    `months` holds the day number from which each version is shown; `launched` the month index of the
    first file that shows the item; items from `sold` on are never sold by the history.
    """

    months: np.ndarray
    launched: np.ndarray
    withdrawn: np.ndarray
    category: np.ndarray
    unit_cost: np.ndarray
    list_price: np.ndarray
    window: np.ndarray
    fee_pct: np.ndarray
    returnable: np.ndarray
    weight: np.ndarray
    sold: int

    def version(self, seconds: np.ndarray) -> np.ndarray:
        """Month index of the item file in force at a time."""
        found = np.searchsorted(self.months, day_of(seconds), side="right") - 1
        return found.clip(0, len(self.months) - 1)

    def weight_g(self, version: np.ndarray | int, item: np.ndarray) -> np.ndarray:
        """Grams of one unit; one item is weighed anew for each file, so that no two files are alike."""
        return self.weight[item] + (item == self.months[version] % self.sold)

    def other_size(self, item: np.ndarray) -> np.ndarray:
        """Another size of an item's style; the item itself where no other is sold."""
        other = np.asarray(item) ^ 1
        return np.where(other < self.sold, other, item)


def make_items(company: Company) -> Items:
    """Make items whose cost, window or category changes on some first of a month."""
    rng = np.random.default_rng([company.seed, 2])
    sold = int(np.clip(company.order_lines // 40, 60, 4000))
    count = sold + 12
    months = _months(company)
    style = np.arange(count) // SIZES
    kinds = quota(rng, CATEGORY_SHARE, int(style[-1]) + 1, least=1)[style]
    kinds[:6] = np.arange(6)
    category = np.repeat(kinds[None], len(months), axis=0)
    prices = rng.integers(15, 250, int(style[-1]) + 1)[style] * 100 - 5
    price = np.repeat(prices[None], len(months), axis=0)
    cost = price * rng.integers(35, 62, count)[None] + rng.integers(0, 100, count)[None]
    window = np.repeat(rng.choice([14, 30, 30, 30, 60], count)[None], len(months), axis=0)
    window[:, :3] = 14  # some items of the first categories mature early
    fee = np.repeat(rng.choice([0, 0, 0, 10, 15], count)[None], len(months), axis=0)
    _change(rng, company, months, [(cost, 0.08), (window, 0.04), (category, 0.02)])
    launched, withdrawn = _never_sold(company, months, sold, count)
    return Items(
        months, launched, withdrawn, category, cost, price, window, fee,
        rng.random(count) > 0.03, rng.integers(80, 4000, count), sold,
    )  # fmt: skip


def _months(company: Company) -> np.ndarray:
    """Day numbers of the item files of history: the firsts of months, then each business date."""
    firsts = pd.date_range(company.start, company.history_end, freq="MS").date
    days = [epoch(date) // DAY for date in [*firsts, *company.dates]]
    return np.array(sorted(set(days)), dtype=np.int64)


def _change(
    rng: np.random.Generator,
    company: Company,
    months: np.ndarray,
    columns: list[tuple[np.ndarray, float]],
) -> None:
    """Let a share of the items change from some month of history on."""
    history = np.flatnonzero(months < epoch(company.history_end) // DAY)
    for values, share in columns:
        for item in np.flatnonzero(rng.random(values.shape[1]) < share):
            month = int(rng.integers(1, max(2, len(history))))
            values[month:, item] = _changed(rng, values, int(item))


def _changed(rng: np.random.Generator, values: np.ndarray, item: int) -> int:
    old = int(values[0, item])
    if old < len(CATEGORIES):
        return (old + 1) % len(CATEGORIES)
    return old + 16 if old < 100 else old + int(rng.integers(-old // 8, old // 8 + 1))


def _never_sold(company: Company, months: np.ndarray, sold: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The last items are new on a night, or vanish from the master; nothing of them is sold."""
    launched = np.zeros(count, dtype=int)
    withdrawn = np.full(count, len(months))
    end = epoch(company.history_end) // DAY
    launched[sold : sold + 6] = np.searchsorted(months, end + 1)
    withdrawn[sold + 6 :] = max(1, np.searchsorted(months, end) // 2)
    return launched, withdrawn


# -- the calendar of orders ------------------------------------------------------------------------


def day_weights(company: Company) -> np.ndarray:
    """Relative number of orders of each day of history: growth, season, weekday."""
    days = np.arange((company.history_end - company.start).days + 1)
    dates = pd.to_datetime(company.start) + pd.to_timedelta(days, unit="D")
    season = np.ones(len(days))
    season[np.isin(dates.month, (11, 12))] = 1.9
    season[dates.month == 1] = 0.8
    season[(dates.month == 11) & (dates.day >= 24) & (dates.day <= 30)] = 3.5
    weekend = np.where(dates.dayofweek.to_numpy() >= 5, 0.7, 1.0)
    return season * weekend * (1 + 0.5 * days / 365)
