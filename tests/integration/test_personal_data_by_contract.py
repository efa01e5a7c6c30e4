"""A second feed with names goes through everything that the first does, by its contract's marks alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from revlog.catalog import feeds_page as dictionary
from revlog.catalog.feed_tables import feed_tables
from revlog.contracts import contract as contracts
from revlog.database.connections import connect
from revlog.ingestion.erasure import erase
from revlog.night import upkeep
from revlog.transform import sources
from tests.integration.ingestion_landing import everything, load, put, query
from tests.integration.second_feed import FEED, parcel, second_feed

EVE = {"customer_id": "C7", "name": "Eve Rosen", "address": "Ring 5, 12345 Ulm", "born_on": "1990-02-03"}
GUEST = {"name": "Eve Rosen", "address": "Elsewhere 1", "note": "Eve Rosen, ring twice"}
IDENTITY = f"raw.{FEED}_identity"


@pytest.fixture(autouse=True)
def landing(fresh_database: Path, tmp_path: Path) -> Iterator[Path]:
    """A company with the feed, and a landing zone."""
    with second_feed(tmp_path / "contracts"):
        yield fresh_database


def _put(landing: Path, *parcels: str, date: str = "20260131", at: int = 0) -> None:
    put(landing, f"{FEED}_{date}.jsonl", "".join(parcels), at=at)


def test_names_are_in_its_identity_table_only(landing: Path) -> None:
    _put(landing, parcel("T1", **EVE, note="Leave it with Eve"), parcel("T2"))
    load(FEED)
    assert query(
        f"select source_customer_id, name, address, born_on::text, note, _line_no from {IDENTITY}"
    ) == [("C7", "Eve Rosen", "Ring 5, 12345 Ulm", "1990-02-03", "Leave it with Eve", 1)]
    assert query(f"select tracking_no, country from raw.{FEED} order by 1") == [("T1", "DE"), ("T2", "DE")]
    for word in ("Eve", "Ring 5", "1990-02-03", '"C7"'):
        assert word not in everything(but=IDENTITY)


def test_two_rows_that_differ_in_a_name_only_are_no_repetition(landing: Path) -> None:
    _put(landing, parcel("T1", **EVE), parcel("T1", **EVE | {"name": "Ada Rosen"}), parcel("T2", **EVE))
    load(FEED)
    assert (
        query("select reason, raw_text from ops.quarantine")
        == [("conflicting_duplicate", "[withheld: personal data; see file and line]")] * 2
    )


def test_its_refused_rows_show_how_a_value_is_written_and_no_value(landing: Path) -> None:
    _put(landing, parcel("T1", **EVE, updated_at="Ada 31.1."), parcel("T2", **EVE | {"born_on": "soon"}))
    load(FEED)
    assert query("select reason, column_name, detail from ops.quarantine order by line_no") == [
        ("bad_timestamp", "updated_at", "aaa 99.9."),
        ("bad_date", "born_on", "[withheld]"),
    ]
    assert "Ada" not in everything()


def test_an_erasure_reaches_it_and_holds(landing: Path) -> None:
    other = EVE | {"customer_id": "C8"}
    parcels = [
        parcel("T1", **EVE),
        parcel("T2", **GUEST),
        parcel("T3", **other),
        parcel("T4", note="Eve Rosen?"),
    ]
    _put(landing, *parcels)
    load(FEED)
    (done,) = erase(["C7"], "asked by letter")
    assert done.erased[f"{FEED}_identity"] == 1
    assert done.kept[FEED] == 1
    left = [(None, "Elsewhere 1", None), ("Eve Rosen", "Ring 5, 12345 Ulm", None)]
    found = (
        f"select name, address, note from {IDENTITY} where num_nonnulls(name, address, note) > 0 order by 2"
    )
    assert query(found) == left, "another customer of the same name stays"
    with connect("admin") as connection:
        connection.execute(f"truncate raw.{FEED}, {IDENTITY}")
        connection.execute("truncate ops.file_ledger cascade")
    _put(landing, *reversed(parcels), date="20260201")
    load(FEED)
    assert query(found) == [left[0]] * 2 + [left[1]] * 2, "both files were read"
    assert query(f"select count(*), count(customer_id) from raw.{FEED}") == [(8, 4)]


@pytest.mark.parametrize("has_contract", [True, False])
def test_retention_reaches_it_also_when_its_contract_has_gone(landing: Path, has_contract: bool) -> None:
    _put(landing, parcel("T1", **EVE))
    load(FEED)
    _put(landing, parcel("T1", **EVE | {"name": "Eva Rosen"}), at=10)
    load(FEED)
    with connect("admin") as connection:
        connection.execute("update ops.file_ledger set finished_at = finished_at - interval '31 days'")
        connection.execute(
            "insert into ops.builds (business_date, from_seq, to_seq, status, is_full_refresh, definitions)"
            " select '2026-01-30', 0, max(changed_seq), 'built', true, '' from ops.file_ledger"
        )
    if not has_contract:
        (contracts.CONTRACTS / f"{FEED}.yml").unlink()
    assert upkeep.remove_old(keep_days=30) == (
        "1 superseded rows, 1 of their identities and 0 quarantined rows removed"
    )
    assert query(f"select name from {IDENTITY}") == [("Eva Rosen",)]


def test_the_dictionary_shows_its_marks() -> None:
    section = dictionary.page().partition(f"## {FEED}")[2].partition("\n## ")[0]
    for line in (
        "| `customer_id` | id | keyed hash |",
        "| `name` | text | names a person: identity table only |",
        "| `note` | text | free text, may name a person: identity table only |",
    ):
        assert line in section
    facts = dict(next(table for table in feed_tables() if table.name == FEED).facts)
    assert facts["Restricted"] == (
        f"`name`, `address`, `born_on`, `note`: in `{IDENTITY}`, which only the auditor reads"
    )


def test_what_builds_read_of_it_has_no_column_of_names() -> None:
    (text,) = [text for path, text in sources.source_files().items() if "crm" in path.name]
    (table,) = [t for t in yaml.safe_load(text)["sources"][0]["tables"] if t["name"] == FEED]
    assert [c["name"] for c in table["columns"] if not c["name"].startswith("_")] == [
        "tracking_no", "customer_id", "country", "updated_at", "updated_at_local",
    ]  # fmt: skip
    assert table["config"]["meta"]["restricted"] == ["name", "address", "born_on", "note"]
