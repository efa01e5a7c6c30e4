"""Estimates are made before the marts of each build: all or none, and what can't be made holds back marts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from revlog.builds import domains, judged
from revlog.database.connections import connect
from revlog.estimates import step
from revlog.estimates.estimate import Estimate
from revlog.transform import build
from tests.integration.gate_landing import sales
from tests.nights import begin

DAY = dt.date(2026, 1, 12)


def _customers(*rates: float | None) -> pd.DataFrame:
    rows = [(f"C{n}", 10, 1, 1.0, rate, 0.0, 1.0, 1.0, 1.0) for n, rate in enumerate(rates)]
    names = [
        "customer_id", "units", "returned_units", "expected_units", "propensity", "propensity_low_95",
        "propensity_high_95", "p_value", "q_value",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _estimate(*rates: float | None) -> Estimate:
    return Estimate("customer_propensity", lambda _connection, _as_of: _customers(*rates))


def _kept() -> list[Any]:
    with connect("auditor") as connection:
        rows = connection.execute(
            "select propensity from estimates.customer_propensity order by customer_id"
        ).fetchall()
    return [rate for (rate,) in rows]


def _broken(_connection: psycopg.Connection[Any], _as_of: dt.date) -> pd.DataFrame:
    raise ZeroDivisionError("no unit was sold")


def test_each_build_replaces_what_the_last_one_expected(fresh_database: Path) -> None:
    assert "2 rows" in step.write(DAY, (_estimate(0.1, 0.2),))
    assert _kept() == [0.1, 0.2]
    step.write(DAY, (_estimate(0.3),))
    assert _kept() == [0.3]
    step.write(DAY, (_estimate(),))
    assert _kept() == []


def test_one_that_fails_leaves_all_as_they_were(fresh_database: Path) -> None:
    step.write(DAY, (_estimate(0.1),))
    with pytest.raises(
        step.EstimateFailed, match=r"estimates\.gone can't be computed: ZeroDivisionError: no"
    ):
        step.write(DAY, (_estimate(0.9), Estimate("gone", _broken)))
    assert _kept() == [0.1]


def test_nothing_has_come_of_any_feed(fresh_database: Path) -> None:
    # What has landed is not loaded, so core is empty.
    sales(fresh_database, DAY)
    build_id = begin(DAY)
    for layer in ("staging", "core"):
        build.run_layer(build_id, layer)
    assert "0 rows" in step.write(DAY)


def test_marts_wait_for_what_cannot_be_expected_and_finance_goes_on(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales(fresh_database, DAY)
    build_id = begin(DAY)
    for layer in ("staging", "core"):
        build.run_layer(build_id, layer)
    monkeypatch.setattr(step, "ESTIMATES", (Estimate("customer_propensity", _broken),))
    told = build.run_layer(build_id, "marts")
    assert "marts is held back" in told and "no unit was sold" in told
    with connect("transformer") as connection:
        assert set(judged.held_back(connection, build_id)) == {"marts"} < set(domains.DOMAINS)
