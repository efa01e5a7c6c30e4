"""Published tables in the shape of their models, without a build, and a few rows for them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from psycopg import sql

from revlog.config.settings import ROOT
from revlog.database.connections import connect

MARTS = ROOT / "dbt_project" / "models" / "marts"
TABLES = {
    "return_tracking": "marts", "vendor_recovery": "marts", "refund_documents": "finance",
}  # fmt: skip


@cache
def columns(model: str) -> dict[str, str]:
    """Types of a model's columns, as its contract says them."""
    for file in sorted(MARTS.rglob("*.yml")):
        for found in yaml.safe_load(Path(file).read_text()).get("models") or ():
            if found["name"] == model:
                return {column["name"]: column["data_type"] for column in found["columns"]}
    raise AssertionError(f"no model is called {model}")


def create() -> None:
    """Make the tables, as the publisher does."""
    with connect("publisher") as connection:
        for table, schema in TABLES.items():
            named = ", ".join(f"{name} {kind}" for name, kind in columns(table).items())
            connection.execute(f"create table {schema}.{table} ({named})")


def publish(day: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Let the tables that are named hold these rows and no others, as of that night."""
    with connect("publisher") as connection:
        for table, found in rows.items():
            schema = TABLES[table]
            connection.execute(f"delete from {schema}.{table}")
            for row in found:
                connection.execute(
                    sql.SQL("insert into {} ({}) values ({})").format(
                        sql.Identifier(schema, table),
                        sql.SQL(", ").join(map(sql.Identifier, row)),
                        sql.SQL(", ").join(map(sql.Placeholder, row)),
                    ),
                    row,
                )
        connection.execute(
            "insert into ops.publications (business_date, code_version, from_seq, to_seq, files, tables)"
            " values (%s, 'test', 0, 0, '[]', '{}')",
            [day],
        )


def line(key: str = "RMA:1", **said: Any) -> dict[str, Any]:
    """A return line that waits for its goods; `said` is what it is otherwise."""
    return {
        "return_line_key": key, "status": "APPROVED", "in_status_since": "2026-02-01 08:00+00",
        "next_step": "customer hands the parcel to the carrier", "next_step_due_on": "2026-02-15",
        "is_overdue": False, "is_open": True, "rma_no": key.removeprefix("RMA:"), "order_no": "O1",
        "customer_id": "9e3b3007b1884fc849a503b4be017ac3", "sku": "L1", "product_name": "Lamp",
        "site": "NOT_RECEIVED", "received_quantity": 0, "inspected_quantity": 0, "refunded_quantity": 0,
        "open_quantity": 1, "currency": "EUR", "refunded_amount": "0.00", "business_date": "2026-02-01",
    } | said  # fmt: skip


def received(key: str = "RMA:1", **said: Any) -> dict[str, Any]:
    """A return line whose goods came in on the first of February."""
    return line(
        key, status="RECEIVED", next_step="inspect and grade", site="LEJ", received_quantity=1,
        first_received_at="2026-02-01 09:30:15.25+00",
    ) | said  # fmt: skip


def refund(number: str = "R1", amount: str = "20.00", **said: Any) -> dict[str, Any]:
    """A refund that customer service issued on the first of February."""
    return {
        "document_key": f"T:{number}", "leg": "T", "item": f"REF:{number}", "document_type": "refund",
        "document_no": number, "component": "card", "return_line_key": "RMA:1", "amount": amount,
        "currency": "EUR", "effective_on": "2026-02-01",
    } | said  # fmt: skip


def claims(vendor: str = "V1", month: str = "2026-01-01", **said: Any) -> dict[str, Any]:
    """A vendor's claims of a month."""
    return {
        "vendor_id": vendor, "month": month, "vendor_name": "Lamps & Co", "claim_lines": 2,
        "open_claim_lines": 1, "rejected_claim_lines": 0, "units": 5, "claimed": "100.00",
        "credited": "40.00", "outstanding": "60.00", "open_claim_days": 12, "oldest_open_days": 12,
        "currency": "EUR",
    } | said  # fmt: skip
