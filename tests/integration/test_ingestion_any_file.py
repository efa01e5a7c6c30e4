"""Whatever a file does, it ends under its own name and its neighbours load; what counted goes on counting."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from revlog.contracts.contract import CONTRACTS
from revlog.database.connections import connect
from revlog.database.locks import Busy
from revlog.ingestion import landing, load, mapping
from revlog.ingestion.load import load_feed, reload
from revlog.ingestion.readers import csv
from tests.faults.files import dispositions
from tests.integration import ingestion_landing
from tests.integration.ingestion_landing import (
    DAY,
    FEED,
    HEADER,
    put,
    query,
    sale,
    sales,
    statuses,
    winners,
)

FIRST, SECOND = f"{FEED}_20260130.csv", f"{FEED}_20260131.csv"


def _two(landing: Path) -> None:
    sales(landing, "20260130", sale("BAD"))
    sales(landing, "20260131", sale("GOOD"))


def _ends() -> list[tuple[str, str, str]]:
    return [(f.name, f.status, str(f.reason)) for f in ingestion_landing.load().files]


def _fail_at(patch: pytest.MonkeyPatch, owner: Any, name: str, error: Callable[[], Exception]) -> None:
    """Let a function fail for the file whose rows hold BAD, and do its work for others."""
    real = getattr(owner, name)

    def failing(*arguments: Any, **named: Any) -> Any:
        if any("BAD" in str(getattr(a, "table", a)) for a in arguments):
            raise error()
        return real(*arguments, **named)

    patch.setattr(owner, name, failing)


@pytest.mark.parametrize(
    "error",
    [KeyError("Ada Secret"), TypeError("x"), RecursionError(), AssertionError(), ZeroDivisionError(),
     UnicodeEncodeError("utf-8", "Ada Secret", 0, 1, "x"), psycopg.DataError("Ada Secret"),
     psycopg.errors.ProgramLimitExceeded("index row size 4096 exceeds")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_nobody_thought_of_rejects_the_file_and_asks_to_be_reported(
    error: Exception, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two(fresh_database)
    _fail_at(monkeypatch, mapping.Mapping, "columns", lambda: error)
    [(first, status, reason), second] = _ends()
    assert (first, status, second) == (FIRST, "rejected", (SECOND, "loaded", "None"))
    assert reason.startswith("internal_error:") and type(error).__name__ in reason
    assert "please report" in reason and "convert.py:" in reason
    assert "Secret" not in reason, "an error's own words may hold values"
    assert winners() == {"GOOD": 1}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied"), "unreadable: the loader may not read it"),
        (FileNotFoundError(2, "No such file"), "unreadable: it went away before it was read"),
        (OSError(5, "Input/output error"), "unreadable: the storage says: Input/output error"),
        (MemoryError(), "unreadable: it needs more memory than there is"),
    ],
)
def test_a_file_that_can_not_be_read_is_rejected_under_its_name(
    error: Exception, told: str, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two(fresh_database)
    real = landing.opened

    def refuse(path: str, look: str) -> Any:
        if path.endswith(FIRST):
            raise error
        return real(path, look)

    monkeypatch.setattr(landing, "opened", refuse)
    [(first, status, reason), second] = _ends()
    assert (first, status, second) == (FIRST, "rejected", (SECOND, "loaded", "None"))
    assert reason.startswith(told)


def test_a_file_that_vanishes_between_look_and_load_is_told(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two(fresh_database)
    real = load.discover

    def look_then_vanish(*arguments: Any) -> Any:
        found = real(*arguments)
        (fresh_database / "erp" / FIRST).unlink()
        return found

    monkeypatch.setattr(load, "discover", look_then_vanish)
    assert [(name, status) for name, status, _ in _ends()] == [(FIRST, "rejected"), (SECOND, "loaded")]


@pytest.mark.parametrize(
    "error",
    [psycopg.OperationalError("gone"), psycopg.errors.DiskFull(), psycopg.errors.UndefinedTable(),
     psycopg.errors.InsufficientPrivilege(), psycopg.InterfaceError("closed"), Busy("someone else")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_is_wrong_with_the_run_is_no_fault_of_the_file(
    error: Exception, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two(fresh_database)
    _fail_at(monkeypatch, mapping.Mapping, "columns", lambda: error)
    with pytest.raises(type(error)):
        load_feed(FEED, DAY)
    assert statuses() == {}


def test_a_key_longer_than_an_index_can_hold_is_quarantined(fresh_database: Path) -> None:
    """Else the first index of the table fails, and with it each later load of the feed."""
    letters = random.Random(7)
    long = "".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(900))  # 2,700 bytes, not packable
    sales(fresh_database, "20260131", sale(long), sale("A"))
    assert [status for _, status, _ in _ends()] == ["loaded"]
    assert query("select reason, column_name, line_no from ops.quarantine") == [
        ("too_long", "recovery_id", 2)
    ]


# -- loaded again


def test_a_reload_that_fails_leaves_what_counted(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales(fresh_database, "20260131", sale("A"), sale("B"))
    ingestion_landing.load()
    before = query("select * from ops.file_ledger")
    layout = yaml.safe_load((CONTRACTS / f"{FEED}.yml").read_text(encoding="utf-8"))["layouts"]
    layout["standard"] |= {"columns": {"sku": "Article"}}
    (tmp_path / f"{FEED}.yml").write_text(yaml.safe_dump({"layouts": layout}))
    monkeypatch.setenv("COMPANY", str(tmp_path))
    [file] = reload(FEED, SECOND, DAY).files
    assert file.status == "rejected" and "sku ('Article' in the layout" in str(file.reason)
    assert "What it brought before still counts" in str(file.reason)
    assert query("select * from ops.file_ledger") == before
    assert winners() == {"A": 1, "B": 1}


def test_a_reload_of_a_file_that_is_gone_leaves_what_counted(fresh_database: Path) -> None:
    path = sales(fresh_database, "20260131", sale("A"))
    ingestion_landing.load()
    path.unlink()
    with pytest.raises(LookupError, match="in the landing zone; what it brought stays"):
        reload(FEED, SECOND, DAY)
    assert winners() == {"A": 1}


def test_a_layout_that_is_renamed_loads_no_file_again(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales(fresh_database, "20260131", sale("A"))
    ingestion_landing.load()
    layout = yaml.safe_load((CONTRACTS / f"{FEED}.yml").read_text(encoding="utf-8"))["layouts"]["standard"]
    (tmp_path / f"{FEED}.yml").write_text(yaml.safe_dump({"layouts": {"outlet": layout}}))
    monkeypatch.setenv("COMPANY", str(tmp_path))
    assert ingestion_landing.load().files == []
    assert query("select layout, status from ops.file_ledger") == [("outlet", "loaded")]
    sales(fresh_database, "20260131", sale("A", quantity=2), at=5)
    assert [f.status for f in ingestion_landing.load().files] == ["loaded"]
    assert winners() == {"A": 2}, "a correction replaces what the old layout loaded"


# -- what looks the same, and what is the same


def test_a_corrected_file_of_the_same_size_and_time_is_seen(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A", quantity=1))
    ingestion_landing.load()
    sales(fresh_database, "20260131", sale("A", quantity=3))
    assert [f.status for f in ingestion_landing.load().files] == ["loaded"]
    assert winners() == {"A": 3}
    sales(fresh_database, "20260131", sale("A", quantity=2))
    assert [f.status for f in ingestion_landing.load().files] == ["loaded"]
    assert winners() == {"A": 2}, "whatever their hashes: what the landing zone saw last"
    assert ingestion_landing.load().files == []


def test_a_ledger_that_knows_only_size_and_time_looks_once_and_loads_nothing_twice(
    fresh_database: Path,
) -> None:
    sales(fresh_database, "20260131", sale("A"))
    ingestion_landing.load()
    with connect("admin") as connection:
        connection.execute("update ops.file_ledger set seen_as = null")
    assert ingestion_landing.load().files == []
    assert query("select count(*) from ops.file_ledger where seen_as is not null") == [(1,)]


@pytest.mark.parametrize("is_packed_first", [True, False])
def test_the_same_content_packed_is_a_duplicate(is_packed_first: bool, fresh_database: Path) -> None:
    content = (HEADER + sale("A") + sale("B")).encode()
    files = [(SECOND, content), (f"{SECOND}.gz", gzip.compress(content))]
    for name, data in reversed(files) if is_packed_first else files:
        put(fresh_database, name, data)
        ingestion_landing.load()
    assert sorted(status for [status] in statuses().values()) == ["duplicate", "loaded"]
    assert query(f"select count(*) from raw.{FEED}") == [(2,)]
    assert ingestion_landing.load().files == []


def test_packed_files_of_an_earlier_version_are_known_by_their_bytes(fresh_database: Path) -> None:
    path = put(fresh_database, f"{SECOND}.gz", gzip.compress((HEADER + sale("A")).encode()))
    ingestion_landing.load()
    with connect("admin") as connection:
        packed = hashlib.sha256(path.read_bytes()).hexdigest()
        connection.execute("update ops.file_ledger set seen_as = null, content_sha256 = %s", [packed])
    assert ingestion_landing.load().files == []
    assert query(f"select count(*) from raw.{FEED}") == [(1,)]


def test_a_copy_by_its_name_is_told(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A"))
    sales(fresh_database, "20260131", sale("A"), part=" (1)")
    sales(fresh_database, "20260131", sale("A", quantity=2), part=" (2)")
    found = {name: reason for name, _, reason in _ends()}
    assert found[f"{FEED}_20260131 (1).csv"] == f"same content as {SECOND}"
    assert f"copy of '{SECOND}'" in found[f"{FEED}_20260131 (2).csv"]
    assert query("select findings from ops.file_ledger where findings <> '[]'")[0][0][0]["kind"] == "copy"


def test_one_name_in_two_folders_with_other_content_is_told_whichever_came_first(
    fresh_database: Path,
) -> None:
    path = sales(fresh_database, "20260131", sale("A"))
    other = fresh_database / path.name
    other.write_text(HEADER + sale("A", quantity=2))
    other.with_name(f"{other.name}.done").touch()
    assert [(status, reason.split(":")[0]) for _, status, reason in _ends()] == [
        ("rejected", "same_name")
    ] * 2
    assert winners() == {}
    other.unlink()
    assert [status for _, status, _ in _ends()] == ["loaded"]
    other.write_text(HEADER + sale("A", quantity=2))
    assert [(status, reason.split(":")[0]) for _, status, reason in _ends()] == [("rejected", "same_name")]
    assert winners() == {"A": 1}, "what was loaded stays"
    other.write_bytes(path.read_bytes())
    assert _ends() == [], "the same content is no matter"


# -- what changes while it is read

WHOLE = HEADER + "".join(sale(f"OLD{n}") for n in range(30_000))


def _while_reading(patch: pytest.MonkeyPatch, change: Callable[[], object], times: int = 1) -> None:
    """Let something happen to the file once its first block has been read."""
    real, left = csv._CsvFile._chunk, [times]

    def then(self: Any, block: Any) -> Any:
        if left[0] and self.records:
            left[0] -= 1
            change()
        return real(self, block)

    patch.setattr(csv._CsvFile, "_chunk", then)


def _replace(path: Path) -> None:
    new = path.with_name("new.tmp")
    new.write_text(HEADER + sale("NEW"))
    new.rename(path)


def _overwrite(path: Path) -> None:
    """In place, of one size and time."""
    before = path.stat()
    path.write_text(WHOLE.replace("OLD", "NEW"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [_replace, _overwrite])
def test_a_file_that_changes_while_it_is_read_is_read_anew(
    change: Callable[[Path], None], fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(fresh_database, SECOND, WHOLE)
    _while_reading(monkeypatch, lambda: change(path))
    assert [status for _, status, _ in _ends()] == ["loaded"]
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    assert query("select content_sha256 from ops.file_ledger") == [(content,)]
    assert query(f"select count(*) from raw.{FEED} where recovery_id not like 'NEW%%'") == [(0,)]


def test_a_file_that_goes_on_changing_is_left_to_the_next_run(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(fresh_database, SECOND, WHOLE)
    _while_reading(monkeypatch, lambda: _overwrite(path), times=2)
    assert [(status, reason[:10]) for _, status, reason in _ends()] == [("deferred", "it changed")]
    assert query(f"select count(*) from raw.{FEED}") == [(0,)]
    assert [status for _, status, _ in _ends()] == ["loaded"]


def test_a_file_moved_away_while_it_is_read_loads_whole(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(fresh_database, SECOND, WHOLE)
    _while_reading(monkeypatch, lambda: path.rename(fresh_database / "archived"))
    assert [status for _, status, _ in _ends()] == ["loaded"]
    assert query(f"select count(*) from raw.{FEED}") == [(30_000,)]


@pytest.mark.parametrize("name", [f"{FEED}_00010101.csv", f"{FEED}_99991231.csv"])
def test_times_that_no_calendar_of_the_books_has_harm_no_neighbour(name: str, fresh_database: Path) -> None:
    """A day or a change time in the year 1 could be written, and never be read again."""
    put(fresh_database, name, HEADER + sale("FAR"))
    path = sales(fresh_database, "20260131", sale("A"))
    for moment in (-(10**11), 10**15):
        os.utime(path, (moment, moment))
        ingestion_landing.load()
    assert winners() == {"A": 1}
    assert set(statuses()) == {SECOND}


def test_an_extract_time_in_the_year_1_rejects_the_file(fresh_database: Path) -> None:
    content = dispositions({}).replace(b"2025-03-02T01:00:00Z", b"0001-01-01T00:00:00+05:00")
    put(fresh_database, "wms_dispositions_20260131.xml", content)
    put(fresh_database, "wms_dispositions_20260130.xml", dispositions({"id": "X9"}))
    for _ in range(2):
        [*_, last] = load_feed("wms_dispositions", DAY).files
        assert (last.status, str(last.reason)[:9]) == ("rejected", "malformed")
