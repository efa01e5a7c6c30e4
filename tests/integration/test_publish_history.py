"""The history of a published table: written with it, never without it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.builds.published import Published
from revlog.database.connections import connect
from revlog.publication.publish import publish
from tests.nights import finished_build

DATE = dt.date(2026, 1, 31)
SHELF = Published("shelf", "marts", ("id",))
HISTORY = Published("shelf__history", "marts", ("id", "from_publication"), is_view=True, history_of="shelf")
# Sorted by name, the first view reads the second, and that reads the third.
VIEWS = [Published(name, "marts", ("id",), is_view=True) for name in ("shelf_a", "shelf_b", "shelf_c")]


def _build(rows: dict[int, str], extra: str | None = None) -> None:
    """Build a shelf with these rows; `extra` is a column that it has gained."""
    with connect("transformer") as connection:
        connection.execute(
            "drop view if exists build.shelf__history, build.shelf_a, build.shelf_b, build.shelf_c"
        )
        connection.execute("drop table if exists build.shelf")
        connection.execute("create table build.shelf (id int primary key, what text)")
        if extra:
            connection.execute(f"alter table build.shelf add column {extra} text default 'x'")
        for row in rows.items():
            connection.execute("insert into build.shelf (id, what) values (%s, %s)", row)
        connection.execute(
            "create view build.shelf__history as select s.*, null::bigint as from_publication,"
            " null::bigint as to_publication from build.shelf as s where false"
        )


def _publish(*tables: Published) -> int:
    found = publish(finished_build(DATE), list(tables)).publication_id
    assert found is not None
    return found


def _versions() -> list[tuple[Any, ...]]:
    with connect("bi_reader") as connection:
        return connection.execute(
            "select id, what, from_publication, to_publication from marts.shelf__history order by 1, 3"
        ).fetchall()


def test_each_version_of_a_row_has_the_publications_between_which_it_was_seen(fresh_database: Path) -> None:
    _build({1: "a", 2: "b", 3: "c"})
    first = _publish(HISTORY, SHELF)
    _build({1: "a", 2: "B", 4: "d"})
    second = _publish(HISTORY, SHELF)
    _build({1: "a", 2: "b", 3: "c", 4: "d"})
    third = _publish(HISTORY, SHELF)
    assert first < second < third
    assert _versions() == [
        (1, "a", first, None),
        (2, "b", first, second), (2, "B", second, third), (2, "b", third, None),
        (3, "c", first, second), (3, "c", third, None),
        (4, "d", second, None),
    ]  # fmt: skip


def test_a_build_that_changes_nothing_adds_nothing(fresh_database: Path) -> None:
    _build({1: "a"})
    first = _publish(HISTORY, SHELF)
    _build({1: "a"})
    assert _publish(HISTORY, SHELF) > first
    assert _versions() == [(1, "a", first, None)]


def test_a_history_that_begins_later_begins_with_what_readers_see(fresh_database: Path) -> None:
    _build({1: "a", 2: "b"})
    first = _publish(SHELF)
    _build({1: "A", 2: "b"})
    second = _publish(HISTORY, SHELF)
    assert _versions() == [(1, "a", first, second), (1, "A", second, None), (2, "b", first, None)]


def test_a_column_that_the_table_gains_or_loses_leaves_what_was_written(fresh_database: Path) -> None:
    _build({1: "a"})
    first = _publish(HISTORY, SHELF)
    _build({1: "a"}, extra="note")
    second = _publish(HISTORY, SHELF)
    _build({1: "z"})
    third = _publish(HISTORY, SHELF)
    with connect("bi_reader") as connection:
        rows = connection.execute("select what, note, from_publication from marts.shelf__history order by 3")
        assert rows.fetchall() == [("a", None, first), ("a", "x", second), ("z", None, third)]


def test_a_publication_that_fails_leaves_no_version_behind(fresh_database: Path) -> None:
    _build({1: "a"})
    _publish(HISTORY, SHELF)
    before = _versions()
    _build({1: "b"})
    broken = Published("missing", "marts", ("id",), is_view=True)
    with pytest.raises((AssertionError, psycopg.Error)):
        publish(finished_build(DATE), [HISTORY, SHELF, broken])
    assert _versions() == before


def _build_views(what: str) -> None:
    with connect("transformer") as connection:
        connection.execute(f"create view build.shelf_c as select id, {what} as what from build.shelf")
        connection.execute("create view build.shelf_b as select id, what from build.shelf_c")
        connection.execute("create view build.shelf_a as select id, what from build.shelf_b")


def test_views_over_views_are_published_and_made_anew_together(fresh_database: Path) -> None:
    for what, seen in (("what", "a"), ("upper(what)", "A"), ("upper(what)", "A"), ("length(what)", 1)):
        _build({1: "a"})
        _build_views(what)
        _publish(*VIEWS, SHELF)
        with connect("bi_reader") as connection:
            assert connection.execute("select what from marts.shelf_a").fetchone() == (seen,)


def _kept() -> list[tuple[Any, ...]]:
    with connect("bi_reader") as connection:
        return connection.execute(
            "select history, from_publication, to_publication from marts.histories order by 2"
        ).fetchall()


def test_a_column_of_another_type_goes_on_in_the_same_history(fresh_database: Path) -> None:
    _build({1: "7", 2: "8"})
    first = _publish(HISTORY, SHELF)
    _build({1: "7", 2: "9"})
    _retype("what", "integer")
    second = _publish(HISTORY, SHELF)
    assert _versions() == [(1, 7, first, None), (2, 8, first, second), (2, 9, second, None)]
    assert _kept() == [("marts.shelf__history", first, None)]


def test_a_history_that_can_not_go_on_stays_readable_with_its_end(fresh_database: Path) -> None:
    _build({1: "a", 2: "b"})
    first = _publish(HISTORY, SHELF)
    _build({1: "c"})
    second = _publish(HISTORY, SHELF)
    _build({1: "7"})
    _retype("what", "integer")
    third = _publish(HISTORY, SHELF)
    assert _versions() == [(1, 7, third, None)]
    assert _kept() == [
        (f"marts.shelf__history__until_{second}", first, third),
        ("marts.shelf__history", third, None),
    ]
    with connect("bi_reader") as connection:
        old = connection.execute(
            "select id, what, from_publication, to_publication"
            f" from marts.shelf__history__until_{second} order by 1, 3"
        )
        assert old.fetchall() == [
            (1, "a", first, second), (1, "c", second, third), (2, "b", first, second),
        ]  # fmt: skip


def test_another_key_begins_another_history(fresh_database: Path) -> None:
    _build({1: "a", 2: "b"})
    first = _publish(HISTORY, SHELF)
    with connect("transformer") as connection:
        connection.execute("alter table build.shelf drop constraint shelf_pkey, add primary key (id, what)")
        connection.execute("insert into build.shelf values (1, 'b')")
    wider = Published("shelf", "marts", ("id", "what"))
    key = ("id", "what", "from_publication")
    second = _publish(wider, Published("shelf__history", "marts", key, is_view=True, history_of="shelf"))
    assert _versions() == [(1, "a", second, None), (1, "b", second, None), (2, "b", second, None)]
    assert _kept() == [
        (f"marts.shelf__history__until_{first}", first, second),
        ("marts.shelf__history", second, None),
    ]


def test_a_history_that_new_code_drops_ends_there_and_a_later_one_begins_anew(fresh_database: Path) -> None:
    _build({1: "a"})
    first = _publish(HISTORY, SHELF)
    _build({1: "b"})
    second = _publish(SHELF)
    assert _kept() == [(f"marts.shelf__history__until_{first}", first, second)]
    _build({1: "c"})
    third = _publish(HISTORY, SHELF)
    assert _versions() == [(1, "b", second, third), (1, "c", third, None)]
    assert _kept()[1:] == [("marts.shelf__history", second, None)]


def _retype(column: str, kind: str) -> None:
    with connect("transformer") as connection:
        connection.execute("drop view build.shelf__history")
        connection.execute(
            f"alter table build.shelf alter column {column} type {kind} using {column}::{kind}"
        )
        connection.execute(
            "create view build.shelf__history as select s.*, null::bigint as from_publication,"
            " null::bigint as to_publication from build.shelf as s where false"
        )


CELL = "kpi, basis, period_date, channel, product_category, site, currency, numerator, denominator, is_mature"
PUBLICATIONS = Published("publications", "marts", ("publication_id",), is_view=True)
DAILY = Published("kpi_daily_history", "marts", ("publication_id",), is_view=True)


def _cells(*key: str) -> list[Published]:
    """Cells with that key, and their history."""
    history = Published(
        "kpi_cells__history", "marts", (*key, "from_publication"), is_view=True, history_of="kpi_cells"
    )
    return [Published("kpi_cells", "marts", key), PUBLICATIONS, history, DAILY]


def _night(day: int, numerator: int, tables: list[Published]) -> int:
    """Publish one cell of this numerator as the night of a day of January."""
    date = dt.date(2026, 1, day)
    key = ", ".join(tables[0].key)
    with connect("transformer") as connection:
        for statement in (
            "drop view if exists build.kpi_daily_history, build.kpi_cells__history, build.publications",
            "drop table if exists build.kpi_cells",
            "create table build.kpi_cells (kpi text, basis text, period_date date, channel text,"
            " product_category text, site text, currency text, numerator numeric(20, 2),"
            f" denominator numeric(20, 2), is_mature boolean, primary key ({key}))",
            "insert into build.kpi_cells values"
            f" ('rate', 'SALE', '2026-01-01', 'WEB', 'x', 'LEJ', 'EUR', {numerator}, 100, true)",
            "create view build.publications as select publication_id, business_date from ops.publications",
            "create view build.kpi_cells__history as select c.*, null::bigint as from_publication,"
            " null::bigint as to_publication from build.kpi_cells as c where false",
            f"create view build.kpi_daily_history as select p.publication_id, {CELL}, p.business_date"
            " from build.publications as p inner join build.kpi_cells__history as c"
            " on c.from_publication <= p.publication_id"
            " and (c.to_publication is null or c.to_publication > p.publication_id)",
        ):
            connection.execute(statement)
    found = publish(finished_build(date), tables).publication_id
    assert found is not None
    return found


def _as_of(day: int) -> list[Any]:
    with connect("bi_reader") as connection:
        rows = connection.execute("select numerator from marts.kpi_daily_as_of(%s)", [dt.date(2026, 1, day)])
        return [numerator for (numerator,) in rows]


def test_a_night_that_is_not_kept_is_told_and_not_shown_as_empty(fresh_database: Path) -> None:
    without = _cells("kpi")[:2]
    _night(1, 10, without)
    second = _night(2, 20, without)
    _night(3, 30, _cells("kpi"))
    assert (_as_of(2), _as_of(3)) == ([20], [30])
    with pytest.raises(
        psycopg.errors.NoDataFound, match=f"2026-01-01 .* not kept before publication {second}"
    ):
        _as_of(1)
    fourth = _night(4, 40, _cells("kpi", "channel"))
    assert _as_of(4) == [40]
    with pytest.raises(
        psycopg.errors.NoDataFound, match=r"not kept here: its cells are in marts.kpi_cells__history__until_3"
    ):
        _as_of(3)
    fifth = _night(5, 50, _cells("kpi", "channel")[:2])
    assert fifth > fourth
    with pytest.raises(psycopg.errors.NoDataFound, match=f"not kept since publication {fifth}"):
        _as_of(5)


def test_before_the_first_publication_there_was_nothing_to_read(fresh_database: Path) -> None:
    _night(2, 20, _cells("kpi"))
    assert (_as_of(1), _as_of(2)) == ([], [20])
