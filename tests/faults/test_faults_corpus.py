"""Every case of the corpus through the real loader, and the page that shows them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from tests.faults.case import Case
from tests.faults.corpus import CASES
from tests.faults.formats import ENDINGS, FORMATS
from tests.faults.inputs import DTD, JSON, ORDER, TOTALS, TYPED
from tests.faults.matrix import COMPANY
from tests.faults.page import PAGE, page
from tests.faults.special import G as GL
from tests.faults.stories import STORIES

FIRST = dt.date(2025, 1, 1)
LAST = FIRST + dt.timedelta(days=len(CASES))


@pytest.fixture(scope="module")
def auditor(database: Path) -> Iterator[psycopg.Connection[Any]]:
    """The whole corpus has landed, one day a case, and was loaded: standard feeds and a company's."""
    for number, case in enumerate(CASES):
        _land(case, database, FIRST + dt.timedelta(days=number))
    for feed in sorted({case.feed for case in CASES if not case.format}):
        load_feed(feed, LAST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", str(COMPANY))
        for feed in sorted({case.feed for case in CASES if case.format}):
            load_feed(feed, LAST)
    with connect("auditor", autocommit=True) as connection:
        yield connection


def _land(case: Case, landing: Path, date: dt.date) -> None:
    """The company's files lie in a folder of their own, so that a feed of both has each apart."""
    name = f"{case.feed}{case.kind}_{date:%Y%m%d}{case.part}.{ENDINGS[case.file_format]}{case.suffix}"
    folder = landing / ("company" if case.format else case.feed.split("_")[0])
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(case.content)
    (folder / f"{name}.done").touch()


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{c.name}, {c.feed} {c.format}" for c in CASES])
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
    assert status == "loaded", reason
    bad = len(case.quarantined)
    parsed = case.loaded + bad + case.duplicate + case.control
    assert _quarantined(auditor, file_id) == list(case.quarantined)
    assert counts == [parsed, case.loaded, bad, case.duplicate, case.control]
    rows = _rows(auditor, case, file_id)
    assert len(rows) == case.loaded
    for column, values in case.values.items():
        assert [_plain(row[column]) for row in rows] == values, column
    if case.warns:
        assert str(reason).startswith("warning") and case.warns in str(reason)
    else:
        assert reason is None


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(CASES) >= 200
    assert max(Counter((case.name, case.format) for case in CASES).values()) == 1


def test_every_input_has_a_case_in_each_format_that_can_hold_it() -> None:
    formats: dict[str, set[str]] = {title: set() for title in ORDER}
    for case in CASES:
        formats[case.input].add(case.file_format)
    for story in STORIES:
        formats[story.input].update(FORMATS)  # each runs once a format
    assert {t: set(FORMATS) - found for t, found in formats.items() if found != set(FORMATS)} == {
        TOTALS: {"jsonl"},
        JSON: set(FORMATS) - {"jsonl"},
        DTD: set(FORMATS) - {"xml", "xlsx"},
        TYPED: set(FORMATS) - {"xlsx", "parquet"},
    }


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
        # Free text lies beside its row.
        beside = f"left join raw.{GL}_identity using (_file_id, _record_no)" if case.feed == GL else ""
        query = f"select * from raw.{case.feed} {beside} where _file_id = %s order by _record_no"
        return cursor.execute(query, [file_id]).fetchall()  # type: ignore[arg-type]
