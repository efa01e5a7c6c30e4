"""Master data files: items, customers and exchange rates, each whole per export or by night."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.claims import recovery_pct
from simulator.company import (
    CATEGORIES,
    COUNTRIES,
    CURRENCIES,
    DAY,
    ELECTRONICS,
    SIZES,
    VENDORS,
    Company,
    Items,
    Rates,
    epoch,
)
from simulator.orders import sku_texts
from simulator.render import UNIT, choice, csv_lines, fixed, flag, integer, number, stamp
from simulator.world import Rows

CUSTOMER_CHUNK = 200_000
NAMES = ("Müller", "Smith", "Nguyễn", "Åkesson", "O'Brien", "Lefèvre", "García", "=cmd|calc")
FIRST_NAMES = ("Anna", "Jürgen", "Zoë", "Olu", "Mary Ann", "René", "Ida", "Tom")
VENDOR_KINDS = ("Textil GmbH", "Trading Ltd", "& Söner AB")
SEGMENTS = ("consumer", "loyalty", "business")
DESCRIPTIONS = ("Basic", '"Slim, long"', '"7"" wide"', '"Two\nlines"', "Größe wählbar")


def item_rows(items: Items, date: dt.date) -> Rows:
    """The item master as it is on a date: CSV, some descriptions quoted, one with a line break."""
    month = int(np.searchsorted(items.months, epoch(date) // DAY, side="right")) - 1
    keep = np.flatnonzero((items.launched <= month) & (items.withdrawn > month))
    category = items.category[month, keep]
    electronic = category == ELECTRONICS
    columns = {
        "sku": choice(sku_texts(items), keep),
        "style": number("ST", keep // SIZES, 4),
        "size": choice(("S", "M", "L", "XL"), keep % SIZES),
        "colour": choice(("red", "navy", "off-white", "grün"), keep % 7 % 4),
        "description": choice(DESCRIPTIONS, keep % 97 % 5),
        "category": choice(CATEGORIES, category),
        "brand": choice(("Kestrel", "Nordhus", "Ålgård"), keep % 3),
        "unit_cost": fixed(items.unit_cost[month, keep], 4),
        "list_price": fixed(items.list_price[month, keep]),
        "currency": choice(CURRENCIES, np.zeros(len(keep), int)),
        "weight_g": integer(items.weight_g(month, keep)),
        "is_serialised": flag(electronic, "1", "0"),
        "warranty_months": integer(np.where(electronic, 24, 0)),
        "hazmat_class": choice(("9",), np.where(electronic & (keep % 5 == 0), 0, -1)),
        "weee_category": choice(("4", "5"), np.where(electronic, keep % 2, -1)),
        "vendor_id": number("V", keep % VENDORS, 3),
        "is_returnable": flag(items.returnable[keep], "1", "0"),
        "return_window_days": integer(items.window[month, keep]),
        "restocking_fee_pct": integer(items.fee_pct[month, keep]),
    }
    return Rows(csv_lines(columns), len(keep))


def customer_count(company: Company) -> int:
    """Number of customers that the company ever has."""
    return max(20, company.order_lines // 5)


def customer_rows(company: Company, date: dt.date) -> Iterator[Rows]:
    """The customer master on a date, in chunks: those created by then, merges as they are then."""
    count = customer_count(company)
    start, end = epoch(company.start) - 200 * DAY, epoch(company.history_end)
    for first in range(0, count, CUSTOMER_CHUNK):
        index = np.arange(first, min(first + CUSTOMER_CHUNK, count))
        created = start + (end - start) * index // count // 2 + index * 7919 % DAY
        yield _customers(index[created < epoch(date) + DAY], created, first, date)


def _customers(index: np.ndarray, created: np.ndarray, first: int, date: dt.date) -> Rows:
    # Every 50th customer turns out to be another one, some day of the year.
    merged_on = created[index - first] + (30 + index % 300) * DAY
    merged = (index % 50 == 7) & (index > 50) & (merged_on < epoch(date) + DAY)
    # One customer a day has opened the mail and said yes, or no: no two masters are alike.
    asked = index == epoch(date) // DAY % 20
    loyal = index % 4 + (index % 9 == 0) * (epoch(date) > created[index - first] + 180 * DAY)
    columns = {
        "customer_id": number("C", index, 9),
        "name": pc.binary_join_element_wise(
            choice(FIRST_NAMES, index % 8), choice(NAMES, index // 8 % 8), " "
        ),
        "email": pc.binary_join_element_wise("c", integer(index), "@example.org", ""),
        "phone": number("+49 30 ", index, 8),
        "country": choice(COUNTRIES, index % len(COUNTRIES)),
        "segment": choice(SEGMENTS, loyal.clip(0, 2)),
        "created_at": stamp(created[index - first], "%Y-%m-%d %H:%M:%S"),
        "merged_into": number("C", np.where(merged, index - 50, -1), 9),
        "marketing_consent": flag((index % 3 == 0) ^ asked, "yes", "no"),
    }
    return Rows(csv_lines(columns), len(index))


def vendor_rows(date: dt.date) -> Rows:
    """The vendor master on a date; now and then a vendor gives other terms from a month on."""
    vendor = np.arange(VENDORS)
    columns = {
        "vendor_id": number("V", vendor, 3),
        "name": pc.binary_join_element_wise(choice(NAMES, vendor % 8), choice(VENDOR_KINDS, vendor % 3), " "),
        "country": choice(("CN", "DE", "VN", "SE", "US"), vendor % 5),
        # Some take nothing back.
        "rtv_window_days": integer(30 + 30 * (vendor % 4), vendor % 9 != 8),
        "rtv_recovery_pct": fixed(recovery_pct(vendor, epoch(date) // DAY) * 100),
    }
    return Rows(csv_lines(columns, UNIT), VENDORS)


def fx_rows(company: Company, rates: Rates, night: int) -> Rows:
    """Rates published up to the end of history, or on a night's weekday; none at weekends."""
    day = rates.published["day"].to_numpy()
    last = epoch(company.dates[night]) // DAY
    part = rates.published[(day <= last) if night == 0 else (day == last)]
    columns = {
        "rate_date": stamp(part["day"] * DAY, "%Y-%m-%d"),
        "from_currency": choice(CURRENCIES, part["currency"]),
        "to_currency": pa.array(["EUR"] * len(part), pa.string()),
        "rate": fixed(part["rate"], 6),
    }
    return Rows(csv_lines(columns), len(part))
