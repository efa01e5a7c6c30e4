"""What is expected and advised of companies that lack something, or have far too much of it.

A small company is built once; each case changes core, makes estimates and advice anew, and is taken back.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.database.connections import connect
from revlog.estimates import step
from revlog.night import stages
from revlog.transform import project
from simulator.company import Company
from simulator.run import simulate
from tests.nights import build_night

HISTORY = dt.date(2026, 1, 31)
FACTS = (
    "fct_sales_line", "fct_return_line", "fct_receipt", "fct_inspection", "fct_disposition", "fct_recovery",
    "fct_vendor_claim", "fct_cost_line", "fct_work_order", "fct_shipment_event",
)  # fmt: skip
DIMENSIONS = ("dim_vendor", "dim_product", "dim_exchange_rate", "dim_customer")
MOST = 1_000_000  # units that the contracts let a line have
Ask = Callable[[str], list[Any]]


@pytest.fixture(scope="module")
def built(rendered_by_dbt: None, database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A year of a company, built."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=1_200, seed=3,
            start=dt.date(2025, 3, 1), history_end=HISTORY, nights=0, dirt=0,
        )
    )  # fmt: skip
    for source in ("erp", "wms", "crm"):
        for feed in stages.feeds(source):
            stages.ingest(feed, HISTORY.isoformat())
    build_night(HISTORY)


@pytest.fixture()
def core(built: None) -> Iterator[psycopg.Connection[Any]]:
    """Core to be changed; what was there comes back."""
    with connect("admin") as connection:
        yield connection
        connection.rollback()


def _models() -> list[tuple[str, str]]:
    """Tables of advice, and of what customers bought, with their SQL, each behind those that it reads."""
    nodes = json.loads((project.target() / "manifest.json").read_text())["nodes"]
    steps = "models/intermediate/marts/"
    folders = (f"{steps}advice/", f"{steps}customer/", "models/marts/advice/")
    left = {
        name: node
        for name, node in nodes.items()
        if node["resource_type"] == "model" and node["original_file_path"].startswith(folders)
    }
    found = []
    while left:
        ready = [name for name, node in left.items() if not left.keys() & set(node["depends_on"]["nodes"])]
        for name in ready:
            node = left.pop(name)
            if node["config"]["materialized"] == "view":
                continue
            sql = project.target() / "compiled" / node["package_name"] / node["original_file_path"]
            found.append((node["name"], sql.read_text()))
    return found


def _made(core: psycopg.Connection[Any]) -> Ask:
    """Estimates and advice of core as it is now; answers queries over schema `build`."""
    for estimate in step.ESTIMATES:
        step._replace(core, estimate.table, estimate.compute(core, HISTORY))
    for name, sql in _models():
        core.execute(f"truncate build.{name}".encode())
        core.execute(f"insert into build.{name} {sql}".encode())
        # As dbt does, so that the planner knows what is there.
        core.execute(f"analyze build.{name}".encode())

    def ask(query: str) -> list[Any]:
        return [row if len(row) > 1 else row[0] for row in core.execute(query.encode()).fetchall()]

    return ask


def _delete(core: psycopg.Connection[Any], *tables: str) -> None:
    for table in tables:
        core.execute(f"delete from core.{table}".encode())


def test_of_a_company_without_anything_there_is_nothing_to_say(core: psycopg.Connection[Any]) -> None:
    _delete(core, *FACTS, *DIMENSIONS)
    ask = _made(core)
    # Whose customers are those of marts.customer_overview, which is not made anew here.
    tables = [name for name, _ in _models() if name != "customer_outlook"]
    assert {name: ask(f"select count(*) from build.{name}") for name in tables} == {
        name: [0] for name in tables
    }
    assert ask("select count(return_propensity) from build.customer_outlook") == [0]


@pytest.mark.parametrize("lacking", [*FACTS, *DIMENSIONS])
def test_what_one_table_lacks_stops_no_advice(core: psycopg.Connection[Any], lacking: str) -> None:
    _delete(core, lacking)
    ask = _made(core)
    bounds = "low_95 <= low_80 and low_80 <= high_80 and high_80 <= high_95"
    assert ask(f"select count(*) from build.return_forecast_weeks where not ({bounds})") == [0]
    assert ask("select count(*) from build.claims_to_file where units <= 0 or expected_amount < 0") == [0]


def test_without_receipts_nobody_knows_what_comes_or_waits(core: psycopg.Connection[Any]) -> None:
    _delete(core, "fct_receipt")
    ask = _made(core)
    assert ask("select distinct method from build.return_forecast_weeks") == ["none"]
    assert ask("select count(expected_units) from build.return_forecast_weeks") == [0]
    assert ask("select count(*) from build.disposition_advice") == [0]
    assert set(ask("select distinct kind from build.claims_to_file")) <= {"LOST_PARCEL"}


def test_without_rates_no_amount_is_told_as_nothing(core: psycopg.Connection[Any]) -> None:
    _delete(core, "dim_exchange_rate")
    ask = _made(core)
    assert ask(
        "select count(*) > 0, count(cost_of_goods), count(expected_amount) from build.claims_to_file"
    ) == [(True, 0, 0)]
    assert ask("select count(*) > 0, count(best_disposition) from build.disposition_advice") == [(True, 0)]
    assert ask("select count(*) > 0, count(advice) from build.returnless_advice") == [(True, 0)]


def test_of_one_site_the_forecast_is_of_that_site(core: psycopg.Connection[Any]) -> None:
    for table, column in (
        ("fct_sales_line", "ship_from_site"), ("fct_return_line", "ship_from_site"), ("fct_receipt", "site"),
        ("fct_inspection", "site"),
    ):  # fmt: skip
        core.execute(f"update core.{table} set {column} = 'ONLY'".encode())
    ask = _made(core)
    assert ask("select site, count(*) from build.return_forecast_weeks group by site") == [("ONLY", 4)]
    assert ask("select count(*) from build.quality_alerts where kind = 'SITE_GRADE'") == [0]


def test_of_ten_orders_nothing_is_claimed_to_be_known(core: psycopg.Connection[Any]) -> None:
    core.execute(
        "create temporary table kept on commit drop as"
        " select order_no from core.fct_sales_line where is_product"
        " order by shipped_on desc, order_no limit 10"
    )
    core.execute("delete from core.fct_sales_line where order_no not in (select order_no from kept)")
    core.execute("delete from core.fct_return_line where order_no is null or order_no not in (table kept)")
    core.execute(
        "delete from core.fct_receipt"
        " where return_line_key not in (select return_line_key from core.fct_return_line)"
    )
    ask = _made(core)
    assert set(ask("select distinct method from build.return_forecast_weeks")) <= {"naive", "none"}
    assert ask("select count(*) from build.quality_alerts") == [0]
    assert ask("select count(*) from build.customer_outlook where is_above_peers") == [0]


def test_orders_of_a_million_units_break_nothing(core: psycopg.Connection[Any]) -> None:
    """A customer who sent half of three million units back, an announced million, and one at the dock."""
    core.execute(
        "update core.fct_sales_line set shipped_quantity = %(most)s, received_quantity = %(most)s / 2"
        " where sales_line_key in (select sales_line_key from core.fct_sales_line"
        "   where is_product and shipped_on < '2025-06-01' order by sales_line_key limit 3)",
        {"most": MOST},
    )
    core.execute(
        "update core.fct_receipt set quantity = %s where receipt_id in"
        " (select receipt_id from core.fct_receipt order by received_on desc, receipt_id limit 1)",
        [MOST],
    )
    core.execute(
        "update core.fct_return_line set approved_quantity = %s where return_line_key in"
        " (select return_line_key from core.fct_return_line where status = 'IN_TRANSIT'"
        "   order by return_line_key limit 1)",
        [MOST],
    )
    ask = _made(core)
    assert ask(f"select max(judged_units) >= {MOST} from build.customer_outlook") == [True]
    assert ask("select bool_and(low_95 <= high_95) from build.return_forecast_weeks") == [True]
