"""Files that something has happened to, loaded in one night: each has its entry, and the books add up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from revlog.ingestion.load import load_feed
from tests.integration.ingestion_landing import DAY, put, query
from tests.unit.broken_files import FEEDS, PERSON, SOUND, broken
from tests.unit.test_any_bytes import company

# Others, and more of them: FUZZ_FROM=1000000 FUZZ_FILES=5000
FIRST = int(os.environ.get("FUZZ_FROM", "50000000"))
FILES = int(os.environ.get("FUZZ_FILES", "200"))
FATES = ("rows_parsed", "rows_loaded", "rows_quarantined", "rows_duplicate", "rows_control")


@pytest.fixture(scope="module")
def night(database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Status of each file; sound ones lie among them, first, last and in between."""
    folder = tmp_path_factory.mktemp("company")
    with pytest.MonkeyPatch.context() as patch:
        contracts = company(folder)
        patch.setenv("COMPANY", str(folder))
        for number in range(FILES):
            file = broken(FIRST + number, contracts)
            put(database, file.name, file.content)
        for feed in FEEDS:
            for at in (0, 150, 999):
                put(database, f"{feed}_csv_{at}_20260131.csv", _sound(feed, at))
        results = [load_feed(feed, DAY) for feed in FEEDS]
    return {file.name: file.status for result in results for file in result.files}


def _sound(feed: str, at: int) -> str:
    row = {name: text.replace("{n}", f"{at}9") for name, text in SOUND[feed].items()}
    return ",".join(row) + "\n" + ",".join(row.values()) + "\n"


def test_each_file_has_its_entry_with_a_status_and_its_reason(night: dict[str, str]) -> None:
    books = query("select name, status, reason from ops.file_ledger")
    assert len(night) == FILES + 6
    assert {name: status for name, status, _ in books} == night
    assert {status for _, status, _ in books} <= {"loaded", "superseded", "duplicate", "rejected"}
    assert all(reason for _, status, reason in books if status == "rejected")
    assert not [reason for *_, reason in books if str(reason).startswith("internal_error")]


def test_what_is_sound_loads_whatever_lies_beside_it(night: dict[str, str]) -> None:
    assert {night[f"{feed}_csv_{at}_20260131.csv"] for feed in FEEDS for at in (0, 150, 999)} <= {
        "loaded",
        "superseded",
    }


def test_each_row_that_was_read_has_one_fate(night: dict[str, str]) -> None:
    rows = query(
        f"select name, {', '.join(FATES)} from ops.file_ledger where status in ('loaded', 'superseded')"
    )
    assert len(rows) > FILES / 6
    assert not [row for row in rows if row[1] != sum(row[2:])]
    for feed in FEEDS:
        counted = query(
            "select f.name, f.rows_loaded,"
            f" (select count(*) from raw.{feed} as r where r._file_id = f.file_id),"
            " f.rows_quarantined, (select count(*) from ops.quarantine as q where q.file_id = f.file_id)"
            " from ops.file_ledger as f where f.feed = %s",
            feed,
        )
        assert not [row for row in counted if (row[1] or 0) != row[2] or (row[3] or 0) != row[4]]


def test_no_book_names_a_person(night: dict[str, str]) -> None:
    told = query(
        "select concat_ws(' ', reason, findings::text) from ops.file_ledger where feed = 'crm_customers'"
        " union all select concat_ws(' ', raw_text, detail) from ops.quarantine where feed = 'crm_customers'"
    )
    assert len(told) > FILES / 6 and not [text for (text,) in told if PERSON in text]
