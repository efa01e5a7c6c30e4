"""How often the inferred sale is the true one, for a simulated company that lost its orders."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from tests.integration.hidden_orders import END, hide_orders
from tests.nights import build_night

pytestmark = pytest.mark.long

CUSTOMERS = 60


@pytest.fixture(scope="module")
def judged(database: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A row a receipt: the true order, the inferred one, and the rule that found it."""
    truth = hide_orders(database, tmp_path_factory.mktemp("hidden"), CUSTOMERS)
    for feed in feeds():
        load_feed(feed, END)
    build_night(END)
    with connect("auditor") as connection:
        rows = connection.execute(
            "select first_receipt_id, order_no, order_line_no, sale_rule, sale_confidence"
            " from core.fct_return_line"
        ).fetchall()
    found = pd.DataFrame(rows, columns=["receipt_id", "found_order", "found_line", "rule", "confidence"])
    both = truth.merge(found, on="receipt_id", validate="one_to_one")
    assert len(both) == len(truth) == len(found)
    both["is_found"] = both["found_order"].notna()
    both["is_right"] = both["is_found"] & (both["found_order"] == both["order_no"])
    return both


def test_of_what_is_inferred_most_is_true(judged: pd.DataFrame) -> None:
    found = judged[judged["is_found"]]
    assert found["is_right"].mean() >= 0.92  # measured: 0.927


def test_of_what_has_a_sale_most_is_found(judged: pd.DataFrame) -> None:
    assert judged[judged["order_no"].notna()]["is_right"].mean() >= 0.92  # measured: 0.935


def test_each_rule_is_at_least_as_right_as_its_confidence(judged: pd.DataFrame) -> None:
    found = judged[judged["is_found"]]
    right = found.groupby("rule")["is_right"].mean()
    confidence = found.groupby("rule")["confidence"].first().astype(float)
    assert {rule: share for rule, share in right.items() if share < confidence[rule]} == {}


def test_a_return_of_nobody_known_stays_blind(judged: pd.DataFrame) -> None:
    nobody = judged[judged["order_no"].isna()]
    assert set(nobody["rule"]) == {"no_customer"}
    assert not nobody["is_found"].any()
