"""Foreign keys of published tables: declared, checked at the end of a publication, never in its way."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.builds.published import Published
from revlog.database import foreign_keys
from revlog.database.connections import connect
from revlog.database.foreign_keys import ForeignKey
from revlog.database.relations import Relation
from revlog.publication.publish import publish
from revlog.publication.unpublish import unpublish
from tests.nights import finished_build

DATE = dt.date(2026, 1, 31)
KEY = ForeignKey(Relation("marts", "sold"), "sku", Relation("marts", "product"))
SOLD = Published("sold", "marts", ("id",), foreign_keys=(KEY,))
PRODUCT = Published("product", "marts", ("sku",))
TABLES = [SOLD, PRODUCT]
Rows = list[tuple[Any, ...]]
FIRST_SOLD, FIRST_PRODUCTS = [(1, "x"), (2, "y")], [("x", "Cup"), ("y", "Lamp")]


def _night(sold: Rows, products: Rows, kind: str = "text", tables: list[Published] = TABLES) -> bool:
    """Build facts and products, `kind` being the type of a product's name, and publish them."""
    with connect("transformer") as connection, connection.cursor() as cursor:
        for statement in (
            "drop table if exists build.sold, build.product",
            "create table build.sold (id integer primary key, sku text)",
            f"create table build.product (sku text primary key, name {kind})",
        ):
            cursor.execute(statement)
        cursor.executemany("insert into build.sold values (%s, %s)", sold)
        cursor.executemany("insert into build.product values (%s, %s)", products)
    return publish(finished_build(DATE), tables).is_new


def _keys() -> Rows:
    with connect("auditor") as connection:
        return connection.execute(
            "select conname::text, conrelid::regclass::text, confrelid::regclass::text, convalidated,"
            " condeferrable from pg_constraint where contype = 'f' and connamespace = 'marts'::regnamespace"
        ).fetchall()


DECLARED = [("sold_sku_leads_to_product", "marts.sold", "marts.product", True, True)]


@pytest.fixture()
def published(fresh_database: Path) -> None:
    _night(FIRST_SOLD, FIRST_PRODUCTS)


def test_a_first_publication_declares_and_checks_them(published: None) -> None:
    assert _keys() == DECLARED


def test_facts_and_dimensions_change_together_in_any_order(published: None) -> None:
    """A product is renamed, one goes with what was sold of it, one comes with what is."""
    assert _night([(1, "x"), (3, "z")], [("x", "Mug"), ("z", "Bowl")])
    assert _keys() == DECLARED


def test_a_fact_that_leads_nowhere_is_not_published(published: None) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="sold_sku_leads_to_product"):
        _night([(1, "x"), (2, "nowhere")], FIRST_PRODUCTS)
    with connect("bi_reader") as connection:
        assert connection.execute("select * from marts.sold order by id").fetchall() == FIRST_SOLD


def test_a_key_survives_another_shape_of_the_table_that_it_leads_to(published: None) -> None:
    assert _night([(1, "x"), (2, "w")], [("x", "Cup"), ("w", "Vase")], kind="varchar(20)")
    assert _keys() == DECLARED


def test_a_key_survives_another_shape_of_its_own_table(published: None) -> None:
    with connect("transformer") as connection:
        connection.execute("alter table build.sold alter column id type bigint")
    assert publish(finished_build(DATE), TABLES).reshaped == ["marts.sold"]
    assert _keys() == DECLARED


def test_a_withdrawn_publication_leaves_them(published: None) -> None:
    _night([(3, "z")], [("z", "Bowl")])
    unpublish("A. Name", "a test", TABLES)
    assert _keys() == DECLARED
    with connect("bi_reader") as connection:
        assert connection.execute("select * from marts.product order by sku").fetchall() == FIRST_PRODUCTS


def test_a_key_that_nobody_wants_any_more_goes(published: None) -> None:
    _night(FIRST_SOLD, FIRST_PRODUCTS, tables=[Published("sold", "marts", ("id",)), PRODUCT])
    assert _keys() == []


def test_a_fact_that_is_no_longer_published_holds_no_dimension_back(published: None) -> None:
    assert _night(FIRST_SOLD, [("z", "Bowl")], tables=[PRODUCT])
    assert _keys() == []


def test_publishing_other_tables_leaves_it(published: None) -> None:
    with connect("transformer") as connection:
        connection.execute("create table build.other as select 1 as id")
    assert publish(finished_build(DATE), [Published("other", "marts", ("id",))]).is_new
    assert _keys() == DECLARED


def test_a_large_fact_is_not_read_through_for_its_old_rows(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_keys, "MOST_ROWS_TO_CHECK", 1)
    _night(FIRST_SOLD, FIRST_PRODUCTS)
    assert [(name, is_checked) for name, _, _, is_checked, _ in _keys()] == [
        ("sold_sku_leads_to_product", False)
    ]


def test_rows_that_lead_nowhere_already_are_told_and_block_nothing(
    fresh_database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert _night([(1, "x"), (2, "nowhere")], FIRST_PRODUCTS)
    assert _keys() == []
    assert "sold_sku_leads_to_product is not declared" in caplog.text
