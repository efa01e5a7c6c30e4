"""Files again, corrected, late, in any order, unfinished, and refused."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

import psycopg
import pytest

from revlog.database.connections import connect, dsn
from revlog.ingestion import landing
from revlog.ingestion.load import load_feed, reload
from tests.integration.ingestion_landing import (
    DAY,
    FEED,
    HEADER,
    active_rows,
    load,
    put,
    query,
    sale,
    sales,
    statuses,
    winners,
)


def test_a_second_run_does_nothing(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A"), sale("B"))
    assert [f.status for f in load().files] == ["loaded"]
    before = query("select * from ops.file_ledger")
    assert load().files == []
    assert query("select * from ops.file_ledger") == before


def test_the_same_content_under_another_name_has_no_effect(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A"))
    sales(fresh_database, "20260131", sale("A"), part="_copy", at=5)
    load()
    assert statuses() == {
        f"{FEED}_20260131.csv": ["loaded"], f"{FEED}_20260131_copy.csv": ["duplicate"],
    }  # fmt: skip
    assert query(f"select count(*) from raw.{FEED}") == [(1,)]
    assert load().files == []


def test_a_touched_file_is_not_loaded_again(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A"))
    load()
    sales(fresh_database, "20260131", sale("A"), at=60)
    assert load().files == []
    assert statuses() == {f"{FEED}_20260131.csv": ["loaded"]}


def test_a_corrected_file_replaces_what_the_file_brought_vanished_rows_included(
    fresh_database: Path,
) -> None:
    sales(fresh_database, "20260131", sale("A"), sale("B"))
    load()
    sales(fresh_database, "20260131", sale("A", quantity=3), at=60)
    load()
    assert winners() == {"A": 3}
    assert statuses() == {f"{FEED}_20260131.csv": ["superseded", "loaded"]}
    assert query(f"select count(*) from raw.{FEED}") == [(3,)], "raw keeps what came"


def test_a_content_that_comes_back_was_read_when_it_came_back(fresh_database: Path) -> None:
    """Nobody who looks at the times of the ledger takes the night between for a part of its reading."""
    for quantity, at in ((1, 0), (2, 60), (1, 120)):
        sales(fresh_database, "20260131", sale("A", quantity=quantity), at=at)
        load()
    assert winners() == {"A": 1}
    assert query(
        "select status, started_at > lag(finished_at) over (order by finished_at) from ops.file_ledger"
        " order by finished_at"
    ) == [("superseded", None), ("loaded", True)]


def test_changes_are_numbered_so_that_a_build_sees_both_files_of_a_correction(
    fresh_database: Path,
) -> None:
    sales(fresh_database, "20260131", sale("A"))
    load()
    [(first,)] = query("select max(changed_seq) from ops.file_ledger")
    sales(fresh_database, "20260131", sale("B"), at=60)
    load()
    changed = query("select count(*) from ops.file_ledger where changed_seq > %s", first)
    assert changed == [(2,)]


def test_an_older_content_that_comes_late_does_not_win(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A", quantity=3), at=60)
    load()
    sales(fresh_database, "20260131", sale("A"), at=0)
    assert [f.status for f in load().files] == ["superseded"]
    assert winners() == {"A": 3}


def test_a_late_file_is_swept_in_and_does_not_overwrite_a_newer(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A", quantity=2))
    load()
    sales(fresh_database, "20260130", sale("A"), sale("B"), at=60)
    load()
    assert winners() == {"A": 2, "B": 1}


def test_files_of_later_days_wait_for_their_night(fresh_database: Path) -> None:
    sales(fresh_database, "20260202", sale("A"))
    assert load().files == []


# Contents and names chosen so that a content stands under several names, is corrected under one of
# them, and comes back: (date, part, minute, rows).
STORY = [
    ("20260129", "", 0, [sale("A"), sale("B")]),
    ("20260129", "", 9, [sale("A", quantity=2)]),
    ("20260130", "", 5, [sale("A"), sale("B")]),
    ("20260131", "_x", 1, [sale("A", quantity=4), sale("C")]),
    ("20260130", "", 7, [sale("B", quantity=5)]),
]


def test_any_order_of_arrival_ends_in_the_same_rows(
    fresh_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ends = []
    for number, order in enumerate(itertools.islice(itertools.permutations(STORY), 0, None, 23)):
        database = f"{os.environ['REVLOG_DATABASE']}_{number}"
        with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
            connection.execute(f"create database {database} template template_warehouse")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REVLOG_DATABASE", database)
            zone = tmp_path_factory.mktemp("order")
            patch.setenv("LANDING_URL", str(zone))
            for date, part, minute, rows in order:
                sales(zone, date, *rows, part=part, at=minute)
                load()
            ends.append((active_rows(), winners()))
    assert len(ends) == 6
    # By hand: of 29 January the second content counts, of 30 January the second, of 31 the only.
    assert {tuple(sorted(w.items())) for _, w in ends} == {(("A", 4), ("B", 5), ("C", 1))}
    assert all(rows == ends[0][0] for rows, _ in ends)


def test_a_content_that_one_name_gave_up_still_counts_under_the_other(
    fresh_database: Path,
) -> None:
    sales(fresh_database, "20260129", sale("A"))
    load()
    sales(fresh_database, "20260130", sale("A"))
    load()
    sales(fresh_database, "20260129", sale("B"), at=9)
    load()
    assert winners() == {"A": 1, "B": 1}
    assert statuses() == {
        f"{FEED}_20260129.csv": ["loaded", "loaded"], f"{FEED}_20260130.csv": ["duplicate"],
    }  # fmt: skip


def test_a_full_table_that_returns_to_an_earlier_state_counts_anew(fresh_database: Path) -> None:
    head = "sku,style,size,colour,description,category,brand,unit_cost,list_price,currency,weight_g"
    head += ",is_serialised,warranty_months,hazmat_class,weee_category,vendor_id,is_returnable"
    head += ",return_window_days,restocking_fee_pct\n"
    row = "S1,,,,{},toys,,1,2,EUR,5,0,,,,,1,30,\n"
    for date, text in (("20260129", "old"), ("20260130", "new"), ("20260131", "old")):
        put(fresh_database, f"erp_items_{date}.csv", head + row.format(text))
    put(fresh_database, "erp_items_20260131_again.csv", head + row.format("old"))
    load("erp_items")
    assert list(itertools.chain(*statuses().values())) == ["loaded"] * 3 + ["duplicate"]


def test_an_upload_in_progress_is_deferred_and_taken_when_it_is_done(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{FEED}_20260131.csv"
    path = put(fresh_database, name, HEADER + sale("A"), done=False)

    def upload(seconds: float) -> None:
        with path.open("a") as file:
            file.write(sale("B"))

    with monkeypatch.context() as patch:
        patch.setattr(landing.time, "sleep", upload)  # between the two looks
        assert [f.status for f in load().files] == ["deferred"]
    assert [f.status for f in load().files] == ["loaded"], "stable across two looks"
    assert statuses() == {name: ["loaded"]}
    assert winners() == {"A": 1, "B": 1}


def test_a_file_that_is_loaded_is_not_waited_for_again(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(landing.time, "sleep", waited.append)
    put(fresh_database, f"{FEED}_20260131.csv", HEADER + sale("A"), done=False)
    load()
    assert len(waited) == 1
    assert load().files == []
    assert len(waited) == 1


def test_a_rejected_file_is_named_and_replaced_by_a_sound_one(fresh_database: Path) -> None:
    path = put(fresh_database, f"{FEED}_20260131.csv", b"")
    [file] = load().rejected
    assert file.name == path.name and "ask for the file again" in str(file.reason)
    assert [f.status for f in load().files] == ["rejected"], "told again while it lies there"
    sales(fresh_database, "20260131", sale("A"), at=5)
    assert [f.status for f in load().files] == ["loaded"]
    assert winners() == {"A": 1}


def test_a_file_is_loaded_anew_after_its_contract_was_corrected(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A"), sale("B"))
    sales(fresh_database, "20260130", sale("A"), sale("B"))
    load()
    other = f"{FEED}_20260130.csv"
    assert [(f.name, f.status) for f in reload(FEED, other, DAY).files] == [(other, "loaded")]
    assert statuses()[other] == ["superseded", "loaded"]
    assert winners() == {"A": 1, "B": 1}
    assert load().files == []
    with pytest.raises(LookupError, match="brought no rows"):
        reload(FEED, f"{FEED}_20260131.csv", DAY)  # a duplicate


def test_a_link_is_refused(fresh_database: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(HEADER + sale("A"))
    (fresh_database / "erp").mkdir()
    link = fresh_database / "erp" / f"{FEED}_20260131.csv"
    link.symlink_to(tmp_path / "secret")
    link.with_name(f"{link.name}.done").touch()
    [file] = load().files
    assert (file.status, str(file.reason).split(":")[0]) == ("rejected", "unsafe_name")


def test_two_loads_at_once_bring_a_file_once(fresh_database: Path) -> None:
    for number in range(4):
        sales(fresh_database, f"2026012{number}", sale(f"A{number}"))
    told: list[str] = []
    results = []

    def run() -> None:
        from revlog.ingestion.load import load_feed

        results.append(load_feed(FEED, DAY, told.append))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(r.files) for r in results) == [0, 4]
    assert any("waiting" in line for line in told)
    assert query(f"select count(*) from raw.{FEED}") == [(4,)]


def test_counts_and_amounts_of_a_file_are_in_the_ledger(fresh_database: Path) -> None:
    rows = [sale("A"), sale("A"), sale("B", amount="0.05"), sale("C", amount="x")]
    sales(fresh_database, "20260131", *rows)
    load()
    [(parsed, loaded, bad, twice, amounts)] = query(
        "select rows_parsed, rows_loaded, rows_quarantined, rows_duplicate, amounts from ops.file_ledger"
    )
    assert (parsed, loaded, bad, twice, amounts) == (4, 2, 1, 1, {"EUR": "10.05"})


def test_a_load_tells_why_rows_were_set_apart_with_examples(fresh_database: Path) -> None:
    rows = [sale("A"), sale("B", amount="x"), sale("C", amount="y"), sale("D").replace("EUR", "EURO")]
    sales(fresh_database, "20260131", *rows)
    told: list[str] = []
    load_feed(FEED, DAY, told.append)
    assert [line.partition("quarantined: ")[2].partition(". ")[0] for line in told[1:]] == [
        "2 not_a_number in gross_proceeds (line 3: 'x'; line 4: 'y')",
        "1 unknown_currency in currency (line 5: 'EURO')",
    ]


def test_the_ledger_refuses_counts_that_do_not_add_up(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A"))
    load()
    with (
        connect("loader") as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="file_ledger_rows_balance"),
    ):
        connection.execute("update ops.file_ledger set rows_loaded = rows_loaded + 1")
