"""Small landing files for the tests of the gates."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

SALES = (
    "order_no;line_no;ordered_at;shipped_at;customer_id;channel;sku;quantity;unit_price;"
    "discount_amount;net_amount;tax_amount;shipping_amount;currency;unit_cost;lot_no;serial_nos;"
    "ship_from_site;is_void;updated_at"
)


def put(landing: Path, name: str, content: str, encoding: str = "utf-8") -> Path:
    """Write a complete file (with its `.done` marker) under its source's folder."""
    path = landing / name.split("_", 1)[0] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding=encoding, newline="")
    path.with_name(f"{name}.done").touch()
    return path


def sales_row(day: dt.date, number: int, **changes: str) -> str:
    """One line of a sales file."""
    at = f"{day:%d.%m.%Y} {8 + number % 10:02d}:00:00"
    row = {
        "order_no": f"SO{day:%Y%m%d}{number:04d}", "line_no": "1", "ordered_at": at,
        "shipped_at": at, "customer_id": f"C{number:05d}",
        "channel": ("web", "store", "app", "marketplace")[number % 4], "sku": f"SKU{number % 7}",
        "quantity": "2", "unit_price": "10,00", "discount_amount": "0,00", "net_amount": "20,00",
        "tax_amount": "3,80", "shipping_amount": "0,00", "currency": "EUR", "unit_cost": "5,00",
        "lot_no": "L1", "serial_nos": "", "ship_from_site": "LEJ", "is_void": "", "updated_at": at,
    } | changes  # fmt: skip
    return ";".join(row.values())


def sales(landing: Path, day: dt.date, rows: int = 100, **changes: str) -> Path:
    """A night's sales file of `rows` rows; `changes` replace columns of every row."""
    lines = [SALES] + [sales_row(day, number, **changes) for number in range(rows)]
    return put(landing, f"erp_sales_lines_{day:%Y%m%d}.csv", "\r\n".join(lines) + "\r\n", "latin-1")


def requests(landing: Path, day: dt.date, rows: int = 10) -> Path:
    """A night's return requests."""
    at = f"{day:%Y-%m-%d}T10:00:00+00:00"
    lines = [
        json.dumps(
            {
                "request_id": f"RR{day:%Y%m%d}{number:04d}", "request_line": 1,
                "order_no": f"SO{day:%Y%m%d}{number:04d}", "order_line_no": 1,
                "customer_id": f"C{number:05d}", "quantity": 1, "reason_code": "defective",
                "comment": None, "desired_resolution": "refund", "status": "approved",
                "requested_at": at, "decided_at": at, "decline_code": None, "updated_at": at,
            }
        )
        for number in range(rows)
    ]  # fmt: skip
    return put(landing, f"crm_return_requests_{day:%Y%m%d}.jsonl", "\n".join(lines) + "\n")
