"""What got worse, in a simulated company of which one lot is bad: the alert, its evidence, its money, its
history.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from psycopg.rows import dict_row

from revlog.database.connections import connect
from revlog.estimates import step
from revlog.estimates.quality import alert_rows
from revlog.night import stages
from simulator import orders
from simulator.company import Company
from simulator.habits import TYPICAL
from simulator.run import simulate
from tests.nights import build_night

HISTORY = dt.date(2026, 1, 31)
# Sold most, and of the largest category; from the eighth month on all that is sold of it is of one lot, and
# bad.
BAD_ITEM, BAD_FROM = 0, 7
Row = dict[str, Any]


@pytest.fixture(scope="module")
def built(database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The history of the company, built. Every second order of the bad lot comes back as defective."""
    add_columns = orders._add_item_columns

    def with_bad_lot(*given: Any) -> None:
        add_columns(*given)
        sales: pd.DataFrame = given[-1]
        is_bad = (sales["item"] == BAD_ITEM) & (sales["lot_month"] >= BAD_FROM)
        sales["lot_month"] = np.where(is_bad, BAD_FROM, sales["lot_month"])
        sales["is_bad_lot"] = is_bad

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orders, "_add_item_columns", with_bad_lot)
        simulate(
            Company(
                out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=4_000, seed=3,
                start=dt.date(2025, 3, 1), history_end=HISTORY, nights=0, dirt=0,
                habits=replace(TYPICAL, bad_lot_share=0.5),
            )
        )  # fmt: skip
    for source in ("erp", "wms", "crm"):
        for feed in stages.feeds(source):
            stages.ingest(feed, HISTORY.isoformat())
    build_night(HISTORY)


def _rows(query: str) -> list[Row]:
    with connect("auditor", row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def alerts(built: None) -> list[Row]:
    return _rows("select * from build.quality_alerts order by alert_key")


@pytest.fixture(scope="module")
def bad_sku(built: None) -> str:
    """The SKU that has by far the largest lot."""
    [found] = _rows(
        "select sku from core.fct_sales_line where lot_no is not null group by sku, lot_no"
        " order by count(*) desc limit 1"
    )
    return str(found["sku"])


def test_what_is_bad_is_found_and_nothing_else_is(alerts: list[Row], bad_sku: str) -> None:
    """The SKU, its lot or its vendor; nothing that is not of them."""
    [product] = _rows(f"select vendor_id from core.dim_product where sku = '{bad_sku}' and is_current")
    assert {a["sku"] or a["vendor_id"] for a in alerts} <= {bad_sku, product["vendor_id"]}
    assert ("SKU_REASON", "DEFECTIVE") in {(a["kind"], a["outcome"]) for a in alerts}
    assert all(a["action"] == "VENDOR_CLAIM" and a["effect_low"] > 1 for a in alerts)


def test_an_alert_counts_what_core_has_of_its_subject(alerts: list[Row]) -> None:
    [alert] = [a for a in alerts if (a["kind"], a["outcome"]) == ("SKU_REASON", "DEFECTIVE")]
    window = f"shipped_on between '{alert['window_from']}' and '{alert['window_to']}'"
    of_sku = (
        f"core.fct_sales_line as s where s.sku = '{alert['sku']}' and s.shipped_quantity > 0 and s.{window}"
    )
    [sold] = _rows(f"select count(distinct order_no) as orders, sum(shipped_quantity) as units from {of_sku}")
    [came] = _rows(
        "select count(distinct l.order_no) as orders, count(*) as lines from core.fct_return_line as l"
        " inner join core.fct_sales_line as s using (sales_line_key) where l.reason = 'DEFECTIVE'"
        f" and l.is_counted and s.sku = '{alert['sku']}' and s.{window}"
    )
    assert (alert["orders"], alert["shipped_units"]) == (sold["orders"], sold["units"])
    assert (alert["returned_orders"], alert["return_lines"]) == (came["orders"], came["lines"])
    assert float(alert["rate"]) == pytest.approx(came["orders"] / sold["orders"], abs=1e-6)


def test_the_money_is_that_of_the_evidence(alerts: list[Row]) -> None:
    for alert in alerts:
        [sum_] = _rows(
            "select sum(amount) as amount, sum(units) as units, count(*) as lines"
            f" from build.quality_alert_evidence where alert_key = '{alert['alert_key']}'"
        )
        assert (alert["returned_amount"], alert["returned_units"]) == (sum_["amount"], sum_["units"])
        assert 0 < alert["amount_at_stake"] < alert["returned_amount"]


def test_computed_again_it_is_the_same(alerts: list[Row]) -> None:
    before = _rows("select * from estimates.quality_alerts order by alert_key")
    step.write(HISTORY, (alert_rows.ESTIMATE,))
    assert _rows("select * from estimates.quality_alerts order by alert_key") == before


def test_on_the_day_before_it_was_first_seen_it_did_not_stand(alerts: list[Row]) -> None:
    """What is told of the past is what would have been told then, of the same rows."""
    first = min(a["first_seen_on"] for a in alerts)
    assert first < HISTORY
    with connect("transformer") as connection:
        on_it = alert_rows.compute(connection, first)
        before = alert_rows.compute(connection, first - dt.timedelta(days=1))
    assert set(before["alert_key"]) == set()
    assert set(on_it["alert_key"]) <= {a["alert_key"] for a in alerts} and len(on_it)
    assert set(on_it["first_seen_on"]) == {first}


def test_before_anything_was_shipped_there_is_nothing(built: None) -> None:
    with connect("transformer") as connection:
        assert alert_rows.compute(connection, dt.date(2024, 1, 1)).empty
