"""Marts and finance are published each for itself: what a check holds back stays whole as it was."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from revlog.builds import domains, judged
from revlog.builds.judged import BuildRefused
from revlog.builds.published import Published
from revlog.database.connections import connect
from revlog.publication.publish import PublicationResult, publish
from revlog.publication.unpublish import unpublish
from revlog.transform import build
from tests.integration.ingestion_landing import sales
from tests.machinery.worker import killed_while_waiting_for
from tests.nights import finished_build

FIRST = dt.date(2026, 1, 31)
SHELF = Published("shelf", "marts", ("id",), logs_changes=True)
PRICES = Published("prices", "finance", ("id",), logs_changes=True)
HISTORIES = [
    Published(f"{t.name}__history", t.schema, ("id", "from_publication"), is_view=True, history_of=t.name)
    for t in (SHELF, PRICES)
]
TABLES = [SHELF, PRICES, *HISTORIES]
# By hand: night n changes row n of three, and both tables show the night on it.
NIGHTS = {1: [1, 1, 1], 2: [1, 2, 1], 3: [1, 2, 3]}
CHECK = "CRITICAL batches_net_to_their_payout: 1 row"


@pytest.fixture(autouse=True)
def _warehouse(fresh_database: Path) -> None:
    with connect("transformer") as connection:
        for name in ("shelf", "prices"):
            for statement in (
                f"create table build.{name} (id integer primary key, night integer)",
                f"create table build.{name}__changes (id integer, build_id bigint)",
                f"create view build.{name}__history as select s.*, null::bigint as from_publication,"
                f" null::bigint as to_publication from build.{name} as s where false",
            ):
                connection.execute(statement)


def _build(night: int, *held: str, step: str = "gate core") -> int:
    """A finished build of which a step holds back domains; only the row that it changed is in its log."""
    build_id = finished_build(FIRST + dt.timedelta(days=night - 1))
    with connect("transformer") as connection:
        for name in ("shelf", "prices"):
            connection.execute(f"delete from build.{name}")
            connection.execute(
                f"insert into build.{name} select * from unnest(array[1, 2, 3], %s::int[])", [NIGHTS[night]]
            )
            connection.execute(f"insert into build.{name}__changes values (%s, %s)", [night, build_id])
    _say(build_id, *held, step=step)
    return build_id


def _say(build_id: int, *held: str, step: str = "gate core") -> None:
    with connect("admin") as connection:
        connection.execute(
            "update ops.build_steps set held = %s where build_id = %s and step = %s",
            [json.dumps(dict.fromkeys(held, CHECK)), build_id, step],
        )
        connection.execute("update ops.builds set held = %s where build_id = %s", [list(held), build_id])


def _rows(query: str, role: Any = "auditor") -> list[tuple[Any, ...]]:
    with connect(role) as connection:
        return connection.execute(query).fetchall()


def _seen() -> tuple[list[int], list[int]]:
    """The night on each row, as readers of marts and of finance see it."""
    marts = _rows("select night from marts.shelf order by id", "bi_reader")
    finance = _rows("select night from finance.prices order by id", "finance_reader")
    return [night for (night,) in marts], [night for (night,) in finance]


def _standing() -> dict[str, int]:
    rows = _rows("select domain, business_date from ops.standing", "finance_reader")
    return {domain: (date - FIRST).days + 1 for domain, date in rows}


def _published(night: int, *held: str) -> PublicationResult:
    return publish(_build(night, *held), TABLES)


@pytest.mark.parametrize(("held", "other"), [("finance", "marts"), ("marts", "finance")])
def test_what_a_check_holds_back_stays_and_the_other_is_published(held: str, other: str) -> None:
    _published(1)
    result = _published(2, held)
    assert (result.domains, result.held) == ((other,), (held,))
    seen = dict(zip(domains.DOMAINS, _seen(), strict=True))
    assert seen == {other: NIGHTS[2], held: NIGHTS[1]}
    assert _standing() == {other: 2, held: 1}
    assert _rows("select domains from ops.publications order by publication_id") == [
        (["marts", "finance"],), ([other],),
    ]  # fmt: skip


def test_a_domain_that_was_held_for_two_nights_catches_up_exactly() -> None:
    _published(1)
    _published(2, "finance")
    result = _published(3)
    assert _seen() == (NIGHTS[3], NIGHTS[3])
    # Of marts only what the third night changed is written, of finance what the second did, too.
    assert {name: counts["inserted"] for name, counts in result.tables.items()} == {
        "marts.shelf": 1, "finance.prices": 2,
    }  # fmt: skip
    assert _standing() == {"marts": 3, "finance": 3}


def test_history_has_no_version_of_a_night_that_was_held() -> None:
    _published(1)
    _published(2, "finance")
    _published(3)
    versions = "select id, night, from_publication, to_publication from {} order by id, from_publication"
    assert _rows(versions.format("marts.shelf__history")) == [
        (1, 1, 1, None), (2, 1, 1, 2), (2, 2, 2, None), (3, 1, 1, 3), (3, 3, 3, None),
    ]  # fmt: skip
    assert _rows(versions.format("finance.prices__history")) == [
        (1, 1, 1, None), (2, 1, 1, 3), (2, 2, 3, None), (3, 1, 1, 3), (3, 3, 3, None),
    ]  # fmt: skip


def test_what_is_let_pass_later_is_published_from_the_same_build() -> None:
    _published(1)
    night = _build(2, "finance")
    publish(night, TABLES)
    assert not publish(night, TABLES).is_new
    _say(night)
    result = publish(night, TABLES)
    assert (result.domains, list(_seen())) == (("finance",), [NIGHTS[2], NIGHTS[2]])
    assert _standing() == {"marts": 2, "finance": 2}


def test_where_every_domain_is_held_nothing_is_published_and_the_checks_are_told() -> None:
    _published(1)
    build_id = _build(2, "finance")
    _say(build_id, "marts", step="gate publish")
    with pytest.raises(
        BuildRefused, match=r"marts is held back by gate publish; finance .* by gate core"
    ) as said:
        publish(build_id, TABLES)
    assert CHECK in str(said.value)
    assert _seen() == (NIGHTS[1], NIGHTS[1])


def test_withdrawing_takes_back_what_the_newest_publication_brought_and_no_more() -> None:
    _published(1)
    night = _build(2, "finance")
    publish(night, TABLES)
    _say(night)
    publish(night, TABLES)
    said = str(unpublish("A. Name", "wrong rate", TABLES))
    assert (
        "publication 3 of 2026-02-01 (finance) is withdrawn" in said and "publication 1 of 2026-01-31" in said
    )
    assert _seen() == (NIGHTS[2], NIGHTS[1])
    assert _standing() == {"marts": 2, "finance": 1}
    _published(3)
    assert _seen() == (NIGHTS[3], NIGHTS[3])


def test_a_domain_that_is_held_since_the_first_night_is_not_there_and_comes_whole() -> None:
    _published(1, "finance")
    assert _rows("select to_regclass('finance.prices')") == [(None,)]
    assert _standing() == {"marts": 1}
    _published(2)
    assert _seen() == (NIGHTS[2], NIGHTS[2])


def test_finance_alone_may_come_first_with_the_days_that_its_views_read() -> None:
    with connect("transformer") as connection:
        for statement in (
            "create table build.calendar as select date '2026-01-31' as date_day",
            "create view build.days as select date_day from build.calendar",
        ):
            connection.execute(statement)
    calendar = Published("calendar", "marts", ("date_day",))
    tables = [*TABLES, calendar, Published("days", "finance", ("date_day",), is_view=True)]
    result = publish(_build(1, "marts"), tables)
    assert (result.domains, _standing()) == (("finance",), {"finance": 1})
    assert _rows("select date_day from finance.days", "finance_reader") == [(FIRST,)]
    assert _rows("select to_regclass('marts.shelf'), to_regclass('marts.calendar')::text") == [
        (None, "marts.calendar"),
    ]  # fmt: skip
    assert publish(_build(2), tables).domains == ("marts", "finance")
    assert (_seen(), _standing()) == ((NIGHTS[2], NIGHTS[2]), {"marts": 2, "finance": 2})


def _publish_elsewhere(build_id: int) -> str:
    """What another process runs to publish a build of the tables here."""
    return f"from tests.integration import test_domains as t; t.publish({build_id}, t.TABLES)"


def test_killed_between_the_publications_of_a_night_each_domain_is_whole_and_the_next_one_heals() -> None:
    _published(1)
    night = _build(2, "finance")
    publish(night, TABLES)
    _say(night)
    killed_while_waiting_for("finance.prices", _publish_elsewhere(night))
    assert _seen() == (NIGHTS[2], NIGHTS[1])
    assert _standing() == {"marts": 2, "finance": 1}
    _published(3)
    assert _seen() == (NIGHTS[3], NIGHTS[3])
    assert _standing() == {"marts": 3, "finance": 3}


def test_killed_while_both_domains_come_at_once_neither_has_come() -> None:
    _published(1)
    night = _build(2)
    killed_while_waiting_for("finance.prices", _publish_elsewhere(night))
    assert _seen() == (NIGHTS[1], NIGHTS[1])
    publish(night, TABLES)
    assert _seen() == (NIGHTS[2], NIGHTS[2])


def test_publications_of_before_domains_brought_both() -> None:
    _published(1)
    with connect("admin") as connection:
        connection.execute("update ops.publications set marts_from = null, finance_from = null")
    assert _standing() == {"marts": 1, "finance": 1}
    _published(2, "marts")
    assert _standing() == {"marts": 1, "finance": 2}


def test_the_operator_is_told_check_night_and_remedy_and_a_whole_night_tells_nothing() -> None:
    _published(1)
    whole = _build(2)
    publish(whole, TABLES)
    assert judged.held_words(whole) == ""
    held = _build(3, "finance")
    publish(held, TABLES)
    said = judged.held_words(held)
    assert "finance (stays at 2026-02-01)" in said and CHECK in said and "gate core" in said
    assert "revlog night 2026-02-02" in said


def test_what_was_held_is_judged_again_by_the_next_night(fresh_database: Path) -> None:
    sales(fresh_database, "20260131")
    good = build.begin(FIRST)
    with connect("admin") as connection:
        connection.execute(
            "update ops.builds set status = 'built', to_seq = 5 where build_id = %s", [good.build_id]
        )
        for to_seq, held in ((7, ["finance"]), (9, ["finance"])):
            connection.execute(
                "insert into ops.builds (run_date, business_date, from_seq, to_seq, status, is_full_refresh,"
                " definitions, held) select run_date, business_date, 5, %s, 'built', false, definitions, %s"
                " from ops.builds where build_id = %s",
                [to_seq, held, good.build_id],
            )
    assert build.begin(FIRST).from_seq == 5
    with connect("admin") as connection:
        connection.execute("update ops.builds set status = 'built', is_full_refresh = true, held = '{marts}'")
    assert build.begin(FIRST).is_full_refresh


TEST = {"depends_on": {"nodes": ["core", "step", "table"]}, "config": {"meta": {}}}
NODES: dict[str, dict[str, Any]] = {
    "core": {"fqn": ["p", "core", "fct_settlement"], "config": {"meta": {}}},
    "step": {"fqn": ["p", "intermediate", "marts", "finance", "refund_groups"], "config": {}},
    "table": {"fqn": ["p", "marts", "operations", "x"], "config": {"meta": {"publish_to": "marts"}}},
}


@pytest.mark.parametrize(
    ("test", "holds"),
    [
        (TEST, ("marts", "finance")),
        ({**TEST, "attached_node": "table"}, ("marts",)),
        ({**TEST, "attached_node": "step"}, ("finance",)),
        ({**TEST, "attached_node": "core"}, ("marts", "finance")),
        ({**TEST, "attached_node": "core", "config": {"meta": {"holds": "finance"}}}, ("finance",)),
    ],
)
def test_a_check_holds_its_tables_domain_and_all_where_it_is_of_none(
    test: dict[str, Any], holds: tuple[str, ...]
) -> None:
    assert domains.of_test(test, NODES) == holds


@pytest.mark.parametrize(
    ("feeds", "holds"),
    [
        (["erp_gl_entries"], ("finance",)),
        (["crm_cases", "wms_work_orders"], ("marts",)),
        (["erp_gl_entries", "crm_cases"], ("marts", "finance")),
        (["erp_sales_lines"], ("marts", "finance")),
        ([], ("marts", "finance")),
    ],
)
def test_a_check_of_feeds_holds_what_they_lead_to(feeds: list[str], holds: tuple[str, ...]) -> None:
    assert domains.of_feeds(feeds) == holds
