"""Single rows of raw that go, come and change, each in an order of its own, whatever its format."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg

from revlog.contracts.contract import Contract, load_contract
from revlog.database.connections import connect

Row = dict[str, Any]
# Columns by which documents hang together. What many orders share (goods, customers, sites) is none.
TIES = (
    "order_no", "rma_no", "request_id", "receipt_id", "refund_id", "memo_no", "settlement_id",
    "disposition_id", "recovery_id", "inspection_id", "work_order_no", "claim_no", "case_id", "journal_no",
    "document_ref", "tracking_no", "replaces_rma_no", "reverses_memo_no", "reverses_disposition_id",
    "idempotency_key", "serial_no", "serial_nos", "serial_found",
)  # fmt: skip


class Orders:
    """Which documents hang together: rows of one order, with whatever names each other."""

    def __init__(self, rows: dict[str, list[Row]]) -> None:
        self._parent: dict[str, str] = {}
        for found in rows.values():
            for row in found:
                names = list(ties(row))
                for other in names[1:]:
                    self._parent[self.of_name(other)] = self.of_name(names[0])

    def of_name(self, name: str) -> str:
        """The order, or whatever stands for it, of a document's number."""
        while self._parent.setdefault(name, name) != name:
            name = self._parent[name]
        return name

    def of(self, row: Row) -> str | None:
        """The order of a row; None where the row names no document."""
        return next((self.of_name(name) for name in ties(row)), None)


def ties(row: Row) -> Iterator[str]:
    """Numbers of documents that a row names."""
    for column in TIES:
        value = row.get(column)
        yield from value if isinstance(value, list) else [value] if value else []


def newest_rows(feed: str) -> list[Row]:
    """Rows of the files that count, one for each key, in a stable order."""
    contract = load_contract(feed)
    keys = ", ".join(contract.key)
    newest = f"{contract.version} desc nulls last, " if contract.version else ""
    with connect("auditor") as connection:
        connection.row_factory = psycopg.rows.dict_row  # type: ignore[assignment]
        return connection.execute(
            f"select distinct on ({keys}) r.* from raw.{feed} as r"
            " inner join ops.file_ledger as f on r._file_id = f.file_id and f.status = 'loaded'"
            f" order by {keys}, {newest} f.extract_at desc, r._line_no desc"
        ).fetchall()  # type: ignore[return-value]


def other_value(contract: Contract, column: str, row: Row, other: Row) -> Any:
    """Another value of a column: that of another row, or one more, or a day later."""
    value = row[column]
    if column == contract.version or value == other[column]:
        if isinstance(value, (dt.date, dt.datetime)):
            return value + dt.timedelta(days=1)
        return value
    if contract.columns[column].type in ("money", "price", "rate"):
        return value * 2 if value is not None else None
    return other[column]


def isolate(feed: str, row: Row, status: str) -> int:
    """Put a row into a file of its own, which counts or not; returns the file."""
    file_id = _file(feed, status)
    with connect("admin") as connection:
        moved = connection.execute(
            f"update raw.{feed} set _file_id = %s where _file_id = %s and _record_no = %s",
            [file_id, row["_file_id"], row["_record_no"]],
        ).rowcount
    assert moved == 1
    return file_id


def let_count(file_id: int, status: str) -> None:
    """Let a file count from now on, or no longer."""
    with connect("admin") as connection:
        connection.execute(
            "update ops.file_ledger set status = %s, changed_seq = nextval('ops.ledger_seq')"
            " where file_id = %s",
            [status, file_id],
        )


def send(feed: str, row: Row) -> None:
    """A new file with this row."""
    file_id = _file(feed, "loaded")
    columns = list(load_contract(feed).raw_columns)
    with connect("admin") as connection:
        connection.execute(
            f"insert into raw.{feed} ({', '.join(columns)}, _file_id, _line_no, _record_no, _row_hash)"
            f" values ({', '.join(['%s'] * len(columns))}, %s, 2, 1, 0)",
            [*(row[name] for name in columns), file_id],
        )


def _file(feed: str, status: str) -> int:
    with connect("admin") as connection:
        row = connection.execute(
            "insert into ops.file_ledger (feed, layout, name, content_sha256, size_bytes, business_date,"
            " extract_at, modified_at, status, changed_seq, run_date, started_at)"
            " select %(feed)s, 'standard', %(feed)s || '_' || gen_random_uuid(),"
            "   md5(gen_random_uuid()::text), 1, date '2026-01-31', timestamptz '2026-01-31 23:00Z', now(),"
            "   %(status)s, nextval('ops.ledger_seq'), date '2026-01-31', now() returning file_id",
            {"feed": feed, "status": status},
        ).fetchone()
    assert row is not None
    return int(row[0])
