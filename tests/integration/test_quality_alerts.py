"""What got worse, in a simulated company of which one lot is bad: the alert, its evidence and its money."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from psycopg.rows import dict_row

from revlog.database.connections import connect
from revlog.estimates import quality
from revlog.night import stages
from simulator import orders
from simulator.company import Company
from simulator.run import simulate
from tests.nights import build_night

HISTORY = dt.date(2026, 1, 31)
BAD_ITEM, BAD_FROM = 4, 7  # the item, and the months since the start from which its lots are bad
Row = dict[str, Any]


@pytest.fixture(scope="module")
def built(database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A company whose item 4 ships one lot from the eighth month on, of which every second order fails."""
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


def test_the_bad_lot_is_found_and_nothing_else_is(alerts: list[Row]) -> None:
    for a in alerts:
        print(a)
    assert alerts
