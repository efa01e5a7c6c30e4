"""The test of two shares, against values counted by hand."""

from __future__ import annotations

import pytest

from revlog.reports.significance import among_many, chance_of_rise


def test_the_chance_is_that_of_all_tables_at_least_as_far_off() -> None:
    """3 of 4 against 1 of 4: (C(4,3)·C(4,1) + C(4,4)·C(4,0)) / C(8,4) = (16 + 1) / 70."""
    assert chance_of_rise(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_a_fall_is_no_rise() -> None:
    """1 of 4 against 3 of 4: all tables but the one with none of the hits, 1 - C(4,0)·C(4,4) / C(8,4)."""
    assert chance_of_rise(1, 4, 3, 4) == pytest.approx(69 / 70)


@pytest.mark.parametrize("counts", [(0, 0, 1, 4), (1, 4, 0, 0)])
def test_where_there_is_nothing_nothing_rose(counts: tuple[int, int, int, int]) -> None:
    assert chance_of_rise(*counts) == 1


def test_who_looks_at_many_finds_some() -> None:
    """Benjamini and Hochberg: the least of p·m/rank over this and all later ranks."""
    assert among_many([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert among_many([]) == []
