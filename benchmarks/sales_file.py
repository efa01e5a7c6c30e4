"""A sales file of any size, as the ERP writes it: the 20 columns of erp_sales_lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np

HEADER = (
    "order_no;line_no;ordered_at;shipped_at;customer_id;channel;sku;quantity;unit_price;"
    "discount_amount;net_amount;tax_amount;shipping_amount;currency;unit_cost;lot_no;serial_nos;"
    "ship_from_site;is_void;updated_at"
)
CHUNK = 50_000


def write(folder: Path, date: dt.date, rows: int, seed: int = 7) -> Path:
    """Write `rows` lines under the name that the contract expects; streamed, so any size."""
    path = folder / "erp" / f"erp_sales_lines_{date:%Y%m%d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    with path.open("w", encoding="latin-1", newline="") as file:
        file.write(HEADER + "\n")
        for first in range(0, rows, CHUNK):
            file.writelines(_lines(rng, date, first, min(CHUNK, rows - first)))
    path.with_name(f"{path.name}.done").touch()
    return path


def _lines(rng: np.random.Generator, date: dt.date, first: int, count: int) -> Iterator[str]:
    seconds = np.sort(rng.integers(6 * 3600, 22 * 3600, count))
    cents = rng.integers(500, 30_000, count)
    quantity = rng.integers(1, 4, count)
    channel = np.array(["web", "store", "app", "marketplace"])[rng.integers(0, 4, count)]
    sku, customer = rng.integers(0, 5_000, count), rng.integers(0, 200_000, count)
    day = f"{date:%d.%m.%Y}"
    for i in range(count):
        second = int(seconds[i])
        at = f"{day} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        price, net = int(cents[i]), int(cents[i]) * int(quantity[i])
        yield (
            f"{first + i:013d};10;{at};{at};{customer[i]:012d};{channel[i]};S{sku[i]:07d};"
            f"{quantity[i]};{_money(price)};0,00;{_money(net)};{_money(net * 19 // 100)};4,90;EUR;"
            f"{_money(price // 2)};L{sku[i] % 997:05d};;LEJ;;{at}\n"
        )


def _money(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"
