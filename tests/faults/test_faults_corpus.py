"""Every case of the corpus through the real loader, and the page that shows them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.load import load_feed
from tests.faults.case import Case
from tests.faults.corpus import CASES
from tests.faults.page import PAGE, page
from warehouse.connections import connect

FIRST = dt.date(2025, 1, 1)
LAST = FIRST + dt.timedelta(days=len(CASES))
ENDINGS = {
    "crm_refunds": "jsonl", "wms_return_receipts": "jsonl", "wms_dispositions": "xml",
    "erp_credit_memos": "xml",
}  # fmt: skip


@pytest.fixture(scope="module")
def auditor(database: Path) -> Iterator[psycopg.Connection[Any]]:
    """The whole corpus has landed, one day a case, and was loaded."""
    for number, case in enumerate(CASES):
        _land(case, database, FIRST + dt.timedelta(days=number))
    for feed in {case.feed for case in CASES}:
        load_feed(feed, LAST)
    with connect("auditor", autocommit=True) as connection:
        yield connection


def _land(case: Case, landing: Path, date: dt.date) -> None:
    ending = ENDINGS.get(case.feed, "csv") + case.suffix
    name = f"{case.feed}_{date:%Y%m%d}{case.part}.{ending}"
    folder = landing / case.feed.split("_")[0]
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(case.content)
    (folder / f"{name}.done").touch()


@pytest.mark.parametrize("number", range(len(CASES)), ids=[c.name for c in CASES])
def test_a_file_ends_as_the_corpus_says(number: int, auditor: psycopg.Connection[Any]) -> None:
    case = CASES[number]
    date = FIRST + dt.timedelta(days=number)
    [(file_id, status, reason, *counts)] = auditor.execute(
        "select file_id, status, reason, rows_parsed, rows_loaded, rows_quarantined,"
        " rows_duplicate, rows_control from ops.file_ledger where feed = %s and business_date = %s",
        [case.feed, date],
    )
    if case.rejected:
        assert (status, str(reason).split(":")[0]) == ("rejected", case.rejected)
        assert counts == [0, 0, 0, 0, 0]
        assert _rows(auditor, case, file_id) == _quarantined(auditor, file_id) == []
        return
    bad = len(case.quarantined)
    parsed = case.loaded + bad + case.duplicate + case.control
    assert counts == [parsed, case.loaded, bad, case.duplicate, case.control]
    assert status == "loaded"
    assert _quarantined(auditor, file_id) == list(case.quarantined)
    rows = _rows(auditor, case, file_id)
    assert len(rows) == case.loaded
    for column, values in case.values.items():
        assert [_plain(row[column]) for row in rows] == values, column
    if case.warns:
        assert str(reason).startswith("warning") and case.warns in str(reason)
    else:
        assert reason is None


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(CASES) >= 60
    assert max(Counter(case.name for case in CASES).values()) == 1


def test_the_page_shows_the_corpus() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.faults.page"


def _plain(value: object) -> object:
    return value if isinstance(value, dict) else str(value)


def _quarantined(auditor: psycopg.Connection[Any], file_id: int) -> list[tuple[Any, ...]]:
    return auditor.execute(
        "select line_no, reason, column_name from ops.quarantine where file_id = %s order by 1",
        [file_id],
    ).fetchall()


def _rows(auditor: psycopg.Connection[Any], case: Case, file_id: int) -> list[dict[str, Any]]:
    with auditor.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        query = f"select * from raw.{case.feed} where _file_id = %s order by _record_no"
        return cursor.execute(query, [file_id]).fetchall()  # type: ignore[arg-type]
