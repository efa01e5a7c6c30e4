"""Keys that stand more than once in a file: what stays does not depend on how the file was sent."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from revlog.contracts.contract import CONTRACTS, load_contract
from revlog.database.connections import connect
from revlog.ingestion import repeats
from revlog.ingestion.readers import csv
from revlog.ingestion.repeats import Keys
from tests.integration.ingestion_landing import FEED, load, put, query, sale, sales

CUSTOMERS = "crm_customers"
ROWS = f"select recovery_id, quantity, gross_proceeds, _ordinal from raw.{FEED} order by _record_no"
REFUSED = "select record_no, reason, raw_text from ops.quarantine order by record_no"
COUNTS = "select rows_loaded, rows_duplicate, rows_quarantined, amounts from ops.file_ledger"


@pytest.fixture(autouse=True)
def _many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even small files are sent in several chunks, so that repeats are far apart."""
    monkeypatch.setattr(csv, "BLOCK_BYTES", 1 << 10)


def _declare(monkeypatch: pytest.MonkeyPatch, folder: Path, **changed: str) -> None:
    """A company of its own, whose contract of recovery sales differs in `changed`."""
    contract = yaml.safe_load((CONTRACTS / f"{FEED}.yml").read_text())
    folder.mkdir()
    (folder / f"{FEED}.yml").write_text(yaml.safe_dump({"layouts": contract["layouts"]} | changed))
    monkeypatch.setenv("COMPANY", str(folder))


def test_a_file_with_repeats_and_one_without_give_the_same_rows(fresh_database: Path) -> None:
    once = [sale(f"K{n}", quantity=1 + n % 5, amount=f"{n}.50") for n in range(200)]
    sales(fresh_database, "20260130", *once)
    load()
    plain, counts = query(ROWS), query(COUNTS)
    with connect("admin") as connection:
        connection.execute(f"truncate raw.{FEED}, ops.file_ledger cascade")
    twice = [row for n, row in enumerate(once) for row in ([row, once[n // 2]] if n % 3 else [row])]
    sales(fresh_database, "20260130", *twice, *once[:50], at=5)
    load()
    assert query(ROWS) == plain
    [(loaded, _, _, amounts)] = counts
    assert query(COUNTS) == [(loaded, len(twice) + 50 - 200, 0, amounts)]


def test_of_versions_in_one_file_the_newest_stays(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _declare(monkeypatch, tmp_path / "company", version="quantity")
    filler = [sale(f"F{n}") for n in range(40)]
    sales(fresh_database, "20260131", sale("A", 2), *filler, sale("A", 3), sale("A", 1), sale("B"))
    load()
    assert query(f"select quantity from raw.{FEED} where recovery_id = 'A'") == [(3,)]
    assert query(COUNTS)[0][:3] == (42, 2, 0)


def test_without_a_newest_version_all_contents_are_refused_with_their_text(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _declare(monkeypatch, tmp_path / "company", version="quantity")
    one, other = sale("A", 2, "1.00"), sale("A", 2, "2.00")
    filler = [sale(f"F{n}") for n in range(40)]
    sales(fresh_database, "20260131", one, *filler, other, one, sale("B"))
    load()
    assert query(REFUSED) == [
        (1, "conflicting_duplicate", one.rstrip("\n")),
        (42, "conflicting_duplicate", other.rstrip("\n")),
    ]
    assert query(COUNTS) == [(41, 1, 2, {"EUR": "410.00"})]


def test_true_repeats_all_stay_and_are_numbered(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _declare(monkeypatch, tmp_path / "company", duplicates="keep_all")
    filler = [sale(f"F{n}") for n in range(40)]
    sales(fresh_database, "20260131", sale("A"), *filler, sale("A"), sale("B"), sale("A", 7))
    load()
    found = query(f"select quantity, _ordinal from raw.{FEED} where recovery_id = 'A' order by _record_no")
    assert found == [(1, 1), (1, 2), (7, 3)]
    assert query(f"select distinct _ordinal from raw.{FEED} where recovery_id <> 'A'") == [(1,)]
    assert query(COUNTS)[0][:3] == (44, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_any_mixture_is_judged_as_the_page_of_faults_says(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int
) -> None:
    _declare(monkeypatch, tmp_path / "company", version="quantity")
    chosen = random.Random(seed)
    rows = [
        (f"K{chosen.randrange(60)}", chosen.randrange(1, 4), f"{chosen.randrange(2)}.00") for _ in range(200)
    ]
    sales(fresh_database, "20260131", *(sale(*row) for row in rows))
    load()
    kept, refused = _by_hand(rows)
    assert {row[:3] for row in query(ROWS)} == kept
    assert [record for record, *_ in query(REFUSED)] == refused
    assert query(COUNTS)[0][:3] == (len(kept), 200 - len(kept) - len(refused), len(refused))


def _by_hand(rows: list[tuple[str, int, str]]) -> tuple[set[tuple[Any, ...]], list[int]]:
    """Equal rows once; of several contents the only one with the greatest version, else none."""
    of_key: dict[str, dict[tuple[str, int, str], int]] = defaultdict(dict)
    for record, row in enumerate(rows, start=1):
        of_key[row[0]].setdefault(row, record)
    kept, refused = set(), []
    for contents in of_key.values():
        newest = [row for row in contents if row[1] == max(version for _, version, _ in contents)]
        if len(newest) == 1:
            kept.add(newest[0])
        else:
            refused += contents.values()
    return {(key, version, Decimal(amount)) for key, version, amount in kept}, sorted(refused)


def test_identifiers_of_a_repeated_customer_are_stored_once(fresh_database: Path) -> None:
    head = "customer_id,name,email,phone,country,segment,created_at,merged_into,marketing_consent\n"
    row = "C1,Ada Byron,ada@example.org,+44 20 7946 0000,GB,retail,2025-01-01 00:00:00,,yes\n"
    put(fresh_database, f"{CUSTOMERS}_20260131.csv", "\ufeff" + head + row + row)
    load(CUSTOMERS)
    assert query(f"select count(*) from raw.{CUSTOMERS}") == [(1,)]
    assert query(f"select name from raw.{CUSTOMERS}_identity") == [("Ada Byron",)]


def test_what_is_committed_can_not_be_taken_back(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A"), sale("B"))
    load()
    before = query(f"select * from raw.{FEED} order by _record_no")
    [(file_id,)] = query("select file_id from ops.file_ledger")
    with connect("loader") as connection:
        connection.execute("update ops.file_ledger set reason = reason")
        connection.execute("select ops.take_back(%s, %s, '{1,2}')", [FEED, file_id])
        connection.execute("select ops.number_repeats(%s, %s, '{1,2}', '{5,6}')", [FEED, file_id])
    assert query(f"select * from raw.{FEED} order by _record_no") == before


@pytest.mark.parametrize("held", [10, 1_000])
def test_a_key_is_found_again_wherever_the_first_was_put(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    monkeypatch.setattr(repeats, "HELD", held)
    contract = load_contract(FEED)

    def keys(*numbers: int) -> Keys:
        found = Keys(contract)
        for start in range(0, len(numbers), 7):
            part = numbers[start : start + 7]
            found.look(pa.table({"recovery_id": pa.array([f"K{n}" for n in part])}))
        return found

    assert not keys(*range(500)).may_repeat()
    assert keys(*range(500), 0).may_repeat()
    assert keys(*range(250), 249, *range(250, 500)).may_repeat()
    assert not keys().may_repeat()


def test_a_table_is_indexed_once_it_has_rows(fresh_database: Path) -> None:
    of_table = "select indexname from pg_indexes where schemaname = 'raw' and tablename = %s order by 1"
    sales(fresh_database, "20260131")
    load()
    assert query(of_table, FEED) == []
    sales(fresh_database, "20260201", sale("A"))
    load()
    assert query(of_table, FEED) == [(f"{FEED}_file",), (f"{FEED}_key",)]
