"""Withdrawing the newest publication: readers see exactly what they saw before it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.builds.judged import BuildRefused
from revlog.builds.published import Published
from revlog.database.connections import connect
from revlog.publication.publish import publish
from revlog.publication.unpublish import Refused, unpublish
from revlog.transform import build
from tests.integration.ingestion_landing import sales
from tests.nights import finished_build, newest

FIRST, SECOND = dt.date(2026, 1, 31), dt.date(2026, 2, 1)
SHELF = Published("shelf", "marts", ("id",), logs_changes=True)
PRICES = Published("prices", "finance", ("sku", "day"))
HISTORY = Published("shelf__history", "marts", ("id", "from_publication"), is_view=True, history_of="shelf")
TABLES = [SHELF, PRICES, HISTORY]
Rows = list[tuple[Any, ...]]
# By hand: the second night changes row 2, loses row 3 and gains row 4, and leaves row 1 and the prices alone
# but one.
FIRST_SHELF: Rows = [(1, "a"), (2, "b"), (3, None)]
SECOND_SHELF: Rows = [(1, "a"), (2, "B"), (4, "d")]
FIRST_PRICES: Rows = [("x", dt.date(2026, 1, 1), 1), ("x", dt.date(2026, 1, 2), 2)]
SECOND_PRICES: Rows = [("x", dt.date(2026, 1, 1), 1), ("x", dt.date(2026, 1, 2), 3)]


def _build(date: dt.date, shelf: Rows, prices: Rows, what: str = "text") -> int:
    build_id = finished_build(date)
    with connect("transformer") as connection, connection.cursor() as cursor:
        for statement in (
            "drop view if exists build.shelf__history",
            "drop table if exists build.shelf, build.prices",
            f"create table build.shelf (id integer primary key, what {what})",
            "create table build.prices (sku text, day date, price numeric(12, 2), primary key (sku, day))",
            "create table if not exists build.shelf__changes (id integer, build_id bigint)",
            "create view build.shelf__history as select s.*, null::bigint as from_publication,"
            " null::bigint as to_publication from build.shelf as s where false",
        ):
            cursor.execute(statement)
        cursor.executemany("insert into build.shelf values (%s, %s)", shelf)
        cursor.executemany("insert into build.prices values (%s, %s, %s)", prices)
        cursor.execute(
            "insert into build.shelf__changes select id, %s from unnest(%s::int[]) as id",
            [build_id, [2, 3, 4]],
        )
    return build_id


@pytest.fixture()
def two_nights(fresh_database: Path) -> tuple[int, int]:
    """Two published nights; returns the numbers of their publications."""
    _build(FIRST, FIRST_SHELF, FIRST_PRICES)
    first = publish(newest(), TABLES).publication_id
    _build(SECOND, SECOND_SHELF, SECOND_PRICES)
    second = publish(newest(), TABLES).publication_id
    assert first is not None and second is not None
    assert _seen() == (SECOND_SHELF, SECOND_PRICES)
    return first, second


def _seen() -> tuple[Rows, Rows]:
    return (
        _rows("select id, what from marts.shelf order by 1"),
        _rows("select sku, day, price from finance.prices order by 1, 2"),
    )


def _rows(query: str) -> Rows:
    with connect("auditor") as connection:
        return connection.execute(query).fetchall()


def test_who_loses_the_night_while_withdrawing_withdraws_nothing(
    two_nights: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(connection: psycopg.Connection[Any]) -> None:
        with connect("admin") as admin:
            admin.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where application_name like 'withdrawing a publication%'"
            )

    monkeypatch.setattr("revlog.publication.unpublish.forget_logs", cut_off)
    with pytest.raises(psycopg.OperationalError):
        unpublish("A. Name", "wrong price file", TABLES)
    assert _seen() == (SECOND_SHELF, SECOND_PRICES)
    assert _rows("select count(*) from ops.publications") == [(2,)]


def test_readers_see_again_what_they_saw_before(two_nights: tuple[int, int]) -> None:
    first, second = two_nights
    done = unpublish("A. Controller", "wrong price file", TABLES)
    assert _seen() == (FIRST_SHELF, FIRST_PRICES)
    assert (done.withdrawn, done.restored, done.business_date) == (second, first, FIRST)
    assert done.rows == 4 + 2, "two rows went and two came back on the shelf, one and one in the prices"


def test_who_withdrew_and_why_stays_on_record(two_nights: tuple[int, int]) -> None:
    first, second = two_nights
    done = unpublish(" A. Controller ", "wrong price file", TABLES)
    assert _rows(
        "select publication_id, business_date, build_id, withdraws, approver, note from ops.publications"
        " order by 1"
    ) == [
        (first, FIRST, 1, None, None, None),
        (second, SECOND, 2, None, None, None),
        (done.publication_id, FIRST, 1, second, "A. Controller", "wrong price file"),
    ]


def test_history_says_what_was_seen_when(two_nights: tuple[int, int]) -> None:
    first, second = two_nights
    third = unpublish("A. Controller", "why", TABLES).publication_id
    assert _rows(
        "select id, what, from_publication, to_publication from marts.shelf__history order by 1, 3"
    ) == [
        (1, "a", first, None),
        (2, "b", first, second), (2, "B", second, third), (2, "b", third, None),
        (3, None, first, second), (3, None, third, None),
        (4, "d", second, third),
    ]  # fmt: skip


def test_a_build_that_was_withdrawn_is_not_published_again(two_nights: tuple[int, int]) -> None:
    unpublish("A. Controller", "why", TABLES)
    with pytest.raises(BuildRefused, match=r"A. Controller withdrew .* mend the cause"):
        publish(newest(), TABLES)
    assert _seen() == (FIRST_SHELF, FIRST_PRICES)


def test_the_next_night_publishes_whatever_differs_by_then(two_nights: tuple[int, int]) -> None:
    """The log of changed keys knows nothing of what was withdrawn: everything is compared."""
    unpublish("A. Controller", "why", TABLES)
    with connect("transformer") as connection:
        connection.execute("truncate build.shelf__changes")
    _build(SECOND, SECOND_SHELF, FIRST_PRICES)
    with connect("transformer") as connection:
        connection.execute("truncate build.shelf__changes")
    publish(newest(), TABLES)
    assert _seen() == (SECOND_SHELF, FIRST_PRICES)


def test_the_clock_goes_back_with_the_publication(two_nights: tuple[int, int], tmp_path: Path) -> None:
    sales(tmp_path / "landing", "20260201")
    assert build.begin(FIRST).business_date == SECOND
    unpublish("A. Controller", "a mistyped date", TABLES)
    assert build.begin(FIRST).business_date == FIRST


def test_only_one_publication_is_kept(two_nights: tuple[int, int]) -> None:
    unpublish("A. Controller", "why", TABLES)
    with pytest.raises(Refused, match="has withdrawn publication 2 already, and one is kept"):
        unpublish("A. Controller", "why", TABLES)
    assert _seen() == (FIRST_SHELF, FIRST_PRICES)


def test_a_publication_that_brought_nothing_is_withdrawn_like_another(two_nights: tuple[int, int]) -> None:
    _build(SECOND, SECOND_SHELF, SECOND_PRICES)
    publish(newest(), TABLES)
    assert unpublish("A. Controller", "why", TABLES).rows == 0
    assert _seen() == (SECOND_SHELF, SECOND_PRICES)


def test_asking_to_publish_again_leaves_the_log_alone(two_nights: tuple[int, int]) -> None:
    assert not publish(newest(), TABLES).is_new
    unpublish("A. Controller", "why", TABLES)
    assert _seen() == (FIRST_SHELF, FIRST_PRICES)


def test_the_first_publication_stays(fresh_database: Path) -> None:
    _build(FIRST, FIRST_SHELF, FIRST_PRICES)
    publish(newest(), TABLES)
    with pytest.raises(Refused, match="no publication before the newest one"):
        unpublish("A. Controller", "why", TABLES)


def test_another_shape_is_not_written_back(two_nights: tuple[int, int]) -> None:
    _build(SECOND, [(1, 5)], SECOND_PRICES, what="integer")
    publish(newest(), TABLES)
    with pytest.raises(Refused, match=r"changed the shape of marts\.shelf"):
        unpublish("A. Controller", "why", TABLES)


def test_a_log_that_a_crash_emptied_is_not_believed(two_nights: tuple[int, int]) -> None:
    with connect("publisher") as connection:
        connection.execute("truncate undo.prices")
    with pytest.raises(Refused, match=r"log of what was replaced in finance.prices is not whole"):
        unpublish("A. Controller", "why", TABLES)
    assert _seen() == (SECOND_SHELF, SECOND_PRICES), "all of it or nothing"


def test_what_a_period_was_closed_on_stays_until_it_is_reopened(two_nights: tuple[int, int]) -> None:
    act = (
        "insert into ops.period_acts (act, period, approver, actor, publication_id, business_date,"
        " code_version, frozen_rows, frozen_amounts)"
        " values (%s, '2026-01', 'A. Controller', 'system:test', %s, '2026-02-01', '', 0, '{}')"
    )
    with connect("publisher") as connection:
        connection.execute(act, ["close", two_nights[1]])
    with pytest.raises(Refused, match="2026-01 was closed on publication 2: reopen it first"):
        unpublish("A. Controller", "why", TABLES)
    with connect("publisher") as connection:
        connection.execute(act, ["reopen", two_nights[1]])
    unpublish("A. Controller", "why", TABLES)
    assert _seen() == (FIRST_SHELF, FIRST_PRICES)


@pytest.mark.parametrize("words", [("", "why"), ("A. Controller", "  ")])
def test_nobody_withdraws_without_a_name_and_a_reason(words: tuple[str, str]) -> None:
    with pytest.raises(Refused, match="say who answers for it, and why"):
        unpublish(*words)


def test_readers_know_nothing_of_the_log(two_nights: tuple[int, int]) -> None:
    for role in ("bi_reader", "finance_reader", "loader", "transformer"):
        with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from undo.prices")
