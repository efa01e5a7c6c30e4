"""Every case of the corpus through the real loader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.load import load_feed
from tests.faults.case import Case
from tests.faults.corpus import CASES
from warehouse.connections import connect

FIRST = dt.date(2025, 1, 1)
SUFFIXES = {"csv": "csv", "crm_refunds": "jsonl", "wms_return_receipts": "jsonl",
            "wms_dispositions": "xml", "erp_credit_memos": "xml"}  # fmt: skip


@pytest.fixture(scope="module")
def auditor(database: Path) -> Iterator[psycopg.Connection[Any]]:
    with connect("auditor", autocommit=True) as connection:
        yield connection


def _land(case: Case, landing: Path, date: dt.date) -> str:
    kind = SUFFIXES.get(case.feed, "csv")
    name = f"{case.feed}_{date:%Y%m%d}{case.part}.{kind}{case.suffix}"
    folder = landing / case.feed.split("_")[0]
    folder.mkdir(exist_ok=True)
    # A content is known under any name: a blank line makes equal ones of two cases differ.
    (folder / name).write_bytes(case.content)
    (folder / f"{name}.done").touch()
    return name


@pytest.mark.parametrize("number", range(len(CASES)), ids=[c.name for c in CASES])
def test_case(number: int, database: Path, auditor: psycopg.Connection[Any]) -> None:
    case = CASES[number]
    date = FIRST + dt.timedelta(days=number)
    name = _land(case, database, date)
    try:
        [done] = load_feed(case.feed, date).files
    finally:
        for path in (database / case.feed.split("_")[0]).iterdir():
            path.unlink()
    file = auditor.execute(
        "select file_id, status, reason, rows_parsed, rows_loaded, rows_quarantined,"
        " rows_duplicate, rows_control from ops.file_ledger where feed = %s and business_date = %s",
        [case.feed, date],
    ).fetchall()
    assert len(file) == 1
    file_id, status, reason, *counts = file[0]
    assert done.status == status
    if case.rejected:
        assert (status, str(reason).split(":")[0]) == ("rejected", case.rejected)
        assert counts == [0, 0, 0, 0, 0]
        assert _rows(auditor, case, file_id) == []
        assert _quarantined(auditor, file_id) == []
        return
    bad = len(case.quarantined)
    parsed = case.loaded + bad + case.duplicate + case.control
    assert (status, counts) == (
        "loaded", [parsed, case.loaded, bad, case.duplicate, case.control],
    )  # fmt: skip
    assert _quarantined(auditor, file_id) == list(case.quarantined)
    rows = _rows(auditor, case, file_id)
    assert len(rows) == case.loaded
    for column, values in case.values.items():
        found = [r[column] if isinstance(r[column], dict) else str(r[column]) for r in rows]
        assert found == values, column
    assert (reason or "").startswith("warning" if case.warns else "")
    assert (case.warns or "") in (reason or "")
    assert case.warns or reason is None
    assert name.startswith(case.feed)


def _quarantined(auditor: psycopg.Connection[Any], file_id: int) -> list[tuple[Any, ...]]:
    return auditor.execute(
        "select line_no, reason, column_name from ops.quarantine where file_id = %s order by 1",
        [file_id],
    ).fetchall()


def _rows(auditor: psycopg.Connection[Any], case: Case, file_id: int) -> list[dict[str, Any]]:
    with auditor.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        query = f"select * from raw.{case.feed} where _file_id = %s order by _record_no"
        return cursor.execute(query, [file_id]).fetchall()
