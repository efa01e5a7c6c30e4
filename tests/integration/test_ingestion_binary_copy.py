"""What is sent in PostgreSQL's binary format arrives as it was."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from revlog.contracts.contract import SQL_TYPES
from revlog.database.connections import connect
from revlog.ingestion import binary_copy

KINDS = {
    "word": ("text", pa.string()),
    "many": ("text[]", pa.list_(pa.string())),
    "count": ("bigint", pa.int64()),
    "small": ("integer", pa.int32()),
    "money": (SQL_TYPES["money"], pa.decimal128(18, 2)),
    "price": (SQL_TYPES["price"], pa.decimal128(18, 4)),
    "rate": (SQL_TYPES["rate"], pa.decimal128(20, 8)),
    "truth": ("boolean", pa.bool_()),
    "day": ("date", pa.date32()),
    "moment": ("timestamptz", pa.timestamp("us", "UTC")),
    "extra": ("jsonb", pa.json_()),
}
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
MOMENTS = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 12, 31), timezones=st.just(dt.UTC))


def _decimals(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    limit = 10**digits - 1
    return st.integers(-limit, limit).map(lambda n: Decimal(n).scaleb(-places))


ROWS = st.fixed_dictionaries(
    {
        "word": st.none() | TEXTS,
        "many": st.none() | st.lists(st.none() | TEXTS, max_size=3),
        "count": st.none() | st.integers(-(2**63), 2**63 - 1),
        "small": st.none() | st.integers(-(2**31), 2**31 - 1),
        "money": st.none() | _decimals(18, 2),
        "price": st.none() | _decimals(18, 4),
        "rate": st.none() | _decimals(20, 8),
        "truth": st.none() | st.booleans(),
        "day": st.none() | st.dates(dt.date(1990, 1, 1), dt.date(2100, 12, 31)),
        "moment": st.none() | MOMENTS,
        "extra": st.none() | st.dictionaries(TEXTS, TEXTS, max_size=2),
    }
)


@pytest.fixture(scope="module")
def target(database: Path) -> psycopg.Connection[Any]:
    """A connection with a temporary table of all column types."""
    connection = connect("loader", autocommit=True)
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in KINDS.items())
    connection.execute(f"create temporary table target ({columns})")
    return connection


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    shown = [row | {"extra": None if row["extra"] is None else json.dumps(row["extra"])} for row in rows]
    columns = {
        name: pa.array([row[name] for row in shown], pa.string()).cast(kind)
        if name == "extra"
        else pa.array([row[name] for row in shown], kind)
        for name, (_, kind) in KINDS.items()
    }
    return pa.table(columns)


def _arrived(connection: psycopg.Connection[Any], table: pa.Table) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute("truncate target")
        for packet in binary_copy.packets(table):
            binary_copy.send(cursor, "pg_temp", "target", packet)
        cursor.execute(f"select {', '.join(KINDS)} from target")
        return [dict(zip(KINDS, row, strict=True)) for row in cursor.fetchall()]


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROWS, min_size=1, max_size=12))
def test_every_type_and_null_arrives_as_it_was(
    target: psycopg.Connection[Any], rows: list[dict[str, Any]]
) -> None:
    assert _arrived(target, _table(rows)) == rows


@hypothesis_settings(max_examples=20)
@given(st.lists(ROWS, min_size=3, max_size=8), st.integers(1, 2))
def test_a_slice_of_a_table_arrives_as_its_rows(
    target: psycopg.Connection[Any], rows: list[dict[str, Any]], first: int
) -> None:
    assert _arrived(target, _table(rows).slice(first)) == rows[first:]


def test_numbers_print_as_the_column_declares(target: psycopg.Connection[Any]) -> None:
    """Written by hand: trailing zeros are kept, and zero has no sign."""
    row = dict.fromkeys(KINDS) | {
        "money": Decimal("-10000.50"), "price": Decimal("0.0001"), "rate": Decimal("0.00000000"),
    }  # fmt: skip
    _arrived(target, _table([row]))
    [shown] = target.execute("select money::text, price::text, rate::text from target").fetchall()
    assert shown == ("-10000.50", "0.0001", "0.00000000")


def test_large_tables_go_in_halves(target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary_copy, "MAX_TABLE_BYTES", 300)
    rows = [dict.fromkeys(KINDS) | {"word": "x" * 40, "count": n} for n in range(20)]
    table = _table(rows)
    assert len(binary_copy.packets(table)) > 2
    assert _arrived(target, table) == rows


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(TypeError, match="no binary form of double is known"):
        binary_copy.packets(pa.table({"x": [1.5]}))
