"""What lies in the landing zone and no layout takes: each is named, with whose file it was meant to be."""

from __future__ import annotations

import pytest

from revlog.contracts.layout import Layout
from revlog.ingestion.unclaimed import Lying, Taker, unclaimed

SALES = Layout(file="sales_{date}*.csv", format="csv")
STRICT = Layout(file="{date:%Y-%m-%d}.xlsx", format="xlsx")
TAKERS = [
    Taker("erp_sales_lines", SALES, frozenset(["erp", ""])), Taker("wms_x", STRICT, frozenset(["wms/in"])),
]  # fmt: skip


def _found(*paths: str, loaded: tuple[str, ...] = (), folders: tuple[str, ...] = ()) -> dict[str, str]:
    items = [Lying(*_apart(path)) for path in paths] + [Lying(*_apart(f), is_folder=True) for f in folders]
    return {u.lying.path: f"{u.kind} {u.feed}" for u in unclaimed(items, TAKERS, set(loaded))}


def _apart(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("erp/sales_20260230.csv", "impossible_date erp_sales_lines"),
        ("erp/sales_20260199.csv.gz", "impossible_date erp_sales_lines"),
        ("sales_99991231.csv", "impossible_date erp_sales_lines"),
        ("erp/SALES_20260131.CSV", "other_case erp_sales_lines"),
        ("erp/sales_20260131.xlsx", "other_ending erp_sales_lines"),
        ("erp/sales_20260131.csv.txt", "other_ending erp_sales_lines"),
        ("erp/sales_20260131.csv.bz2", "other_ending erp_sales_lines"),
        ("wms/in/2026-01-31 (1).xlsx", "copy wms_x"),
        ("wms/in/2026-01-31 - Copy.xlsx", "copy wms_x"),
        ("wms/sales_20260131.csv", "other_folder erp_sales_lines"),
        ("old/sales_20260131.csv", "other_folder erp_sales_lines"),
        ("erp/2026-01-31.xlsx", "other_folder wms_x"),
        ("erp/sales_20260131.csv.done", "lonely_marker erp_sales_lines"),
        ("erp/readme.txt.done", "lonely_marker None"),
        ("erp/sales_20260131.csv.md5", "unknown None"),
        ("erp/sales_20260131.csv.tmp", "unknown None"),
        ("erp/Thumbs.db", "unknown None"),
        (".gitkeep", "unknown None"),
        ("wms/notes.md", "unknown None"),
    ],
)
def test_each_is_told_with_its_kind_and_the_feed_that_it_was_meant_for(path: str, told: str) -> None:
    assert _found(path) == {path: told}


def test_what_a_layout_takes_and_its_marker_are_nobodys_business() -> None:
    paths = ("erp/sales_20260131.csv", "erp/sales_20260131.csv.done", "sales_20260131_2.csv.zip",
             "wms/in/2026-01-31.xlsx")  # fmt: skip
    assert _found(*paths, folders=("erp", "wms", "wms/in")) == {}


def test_what_was_loaded_may_be_put_away_and_its_marker_be_left() -> None:
    paths = ("done/sales_20260131.csv", "erp/sales_20260131.csv.done")
    assert _found(*paths, loaded=("sales_20260131.csv",)) == {}


def test_a_folder_is_told_once_with_the_number_of_its_files() -> None:
    paths = ("old/2025/a.csv", "old/b.csv", "old/sales_20260131.csv")
    found = _found(*paths, folders=("old", "old/2025", "erp"))
    assert found == {"old": "folder None", "old/sales_20260131.csv": "other_folder erp_sales_lines"}
    [folder] = unclaimed([Lying("", "old", is_folder=True), Lying("old", "b")], TAKERS, set())
    assert folder.detail == "a folder that no layout looks in, with 1 files"


def test_a_folder_that_can_not_be_listed_is_told() -> None:
    [found] = unclaimed([Lying("", "erp", is_folder=True, error="Permission denied")], TAKERS, set())
    assert str(found) == "erp: a folder that can't be listed: Permission denied"
