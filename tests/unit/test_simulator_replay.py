"""Rearranged exports hold the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator import Company, simulate
from simulator.habits import DENSE
from simulator.replay import Drop, again, drops, shuffled, split, wrong_first


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Drop]:
    """An export of 200 lines."""
    folder = tmp_path_factory.mktemp("replay")
    return drops(simulate(Company(folder / "landing", folder / "truth", order_lines=200, habits=DENSE)).files)


def test_a_shuffle_keeps_every_file(files: list[Drop]) -> None:
    other = shuffled(files, seed=3)
    assert other != files
    assert sorted(other, key=lambda d: d.name) == sorted(files, key=lambda d: d.name)


def test_parts_hold_the_rows_of_the_whole(files: list[Drop]) -> None:
    for drop in files:
        parts = split(drop, 3)
        head = drop.content.splitlines(keepends=True)[0] if drop.name.endswith(".csv") else b""
        rows = b"".join(part.content[len(head) :] for part in parts)
        assert head + rows == drop.content, drop.name


def test_files_with_totals_stay_whole(files: list[Drop]) -> None:
    settled = next(d for d in files if d.name.startswith("erp_payment_settlements"))
    assert split(settled, 3) == [settled] == wrong_first(settled)


def test_a_wrong_first_version_is_older_and_has_fewer_rows(files: list[Drop]) -> None:
    sales = next(d for d in files if d.name.startswith("erp_sales_lines"))
    first, second = wrong_first(sales)
    assert first.name == second.name
    assert first.modified_at < second.modified_at
    assert 0 < first.content.count(b"\n") < second.content.count(b"\n")


def test_a_file_comes_again_under_another_name(files: list[Drop]) -> None:
    copy = again(files[0])
    assert copy.name != files[0].name
    assert copy.content == files[0].content


def test_a_drop_leaves_file_and_marker(files: list[Drop], tmp_path: Path) -> None:
    path = files[0].put(tmp_path)
    assert path.read_bytes() == files[0].content
    assert path.with_name(path.name + ".done").stat().st_mtime == files[0].modified_at
