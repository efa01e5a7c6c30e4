"""Files for the tests of the loader: recovery sales, whose contract is the plainest."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

from revlog.database.connections import connect
from revlog.ingestion.load import FeedResult, load_feed

FEED = "erp_recovery_sales"
DAY = dt.date(2026, 2, 1)
HEADER = (
    "recovery_id\tdisposition_id\tsku\tserial_no\tquantity\tchannel\tgross_proceeds\tfees"
    "\tcurrency\tsold_at\n"
)


def sale(key: str, quantity: int = 1, amount: str = "10.00") -> str:
    """One line of a file of recovery sales."""
    return f"{key}\tD{key}\tSKU\t\t{quantity}\toutlet\t{amount}\t1.00\tEUR\t2026-01-31 10:00:00\n"


def put(landing: Path, name: str, content: str | bytes, *, at: int = 0, done: bool = True) -> Path:
    """Land a file; `at` is its modification time in minutes after a fixed instant."""
    folder = landing / name.split("_")[0]
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    moment = dt.datetime(2026, 2, 1, 3, tzinfo=dt.UTC).timestamp() + at * 60
    os.utime(path, (moment, moment))
    if done:
        path.with_name(f"{name}.done").touch()
    return path


def sales(landing: Path, date: str, *rows: str, part: str = "", at: int = 0) -> Path:
    """Land a file of recovery sales."""
    return put(landing, f"{FEED}_{date}{part}.csv", HEADER + "".join(rows), at=at)


def load(feed: str = FEED, date: dt.date = DAY) -> FeedResult:
    return load_feed(feed, date)


def query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a query, as the auditor sees them."""
    with connect("auditor") as connection:
        return connection.execute(statement, parameters or None).fetchall()  # type: ignore[arg-type]


def everything(but: str = "") -> str:
    """All text of raw and ops, of every table but this one."""
    tables = query(
        "select format('%%I.%%I', schemaname, tablename) from pg_tables where schemaname in ('raw', 'ops')"
        " and format('%%I.%%I', schemaname, tablename) <> %s",
        but,
    )
    rows = [query(f"select cast(t as text) from {table} as t") for (table,) in tables]
    return "\n".join(text for group in rows for (text,) in group)


def statuses() -> dict[str, list[str]]:
    """Status of each file name, in the order of arrival."""
    found: dict[str, list[str]] = {}
    for name, status in query("select name, status from ops.file_ledger order by file_id"):
        found.setdefault(name, []).append(status)
    return found


def active_rows() -> list[tuple[Any, ...]]:
    """Rows that count, with their file's place in file order."""
    return query(
        "select r.recovery_id, r.quantity, f.extract_at, f.modified_at"
        f" from raw.{FEED} as r inner join ops.file_ledger as f on f.file_id = r._file_id"
        " where f.status = 'loaded' order by 1, 2, 3, 4"
    )


def winners() -> dict[str, int]:
    """Quantity of each sale by its newest file."""
    return dict(
        query(
            "select distinct on (r.recovery_id) r.recovery_id, r.quantity"
            f" from raw.{FEED} as r inner join ops.file_ledger as f on f.file_id = r._file_id"
            " where f.status = 'loaded' order by r.recovery_id, f.extract_at desc,"
            " f.modified_at desc, f.content_sha256 desc, r._line_no desc"
        )  # type: ignore[arg-type]
    )
