"""The simulated company through the real loader and the real build, against the simulator's truth.

The truth is computed from the company's own state, never from the files or the warehouse.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revlog.database.connections import connect
from revlog.night import stages
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.nights import build_night

HISTORY, NIGHT = dt.date(2026, 1, 31), dt.date(2026, 2, 1)
KPI_KEY = ["kpi", "basis", "period_date", "channel", "product_category", "site", "currency"]
CYCLE_KEY = ["request_month", "channel", "product_category"]
# Every slice has a table of its own; the truth has one, with ALL for what a slice is not cut by.
CYCLE_VALUES = ["units", "events", "censored", "competing", "p50_hours", "p90_hours"]
CYCLE_TIMES = " union all ".join(
    f"select {request_month}, {channel}, {category}, {', '.join(CYCLE_VALUES)} from marts.{table}"
    for table, request_month, channel, category in [
        ("return_cycle_time", "request_month", "channel", "product_category"),
        ("return_cycle_time_by_channel", "request_month", "channel", "'ALL'"),
        ("return_cycle_time_by_category", "request_month", "'ALL'", "product_category"),
        ("return_cycle_time_by_month", "request_month", "'ALL'", "'ALL'"),
        ("return_cycle_time_overall", "'ALL'", "'ALL'", "'ALL'"),
    ]
)


@pytest.fixture(scope="module")
def nights(database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[dt.date, dict[str, Any]]:
    """Run a dirty company's history and one more night; keep what was published after each."""
    truth = tmp_path_factory.mktemp("truth")
    simulate(
        Company(
            out=database, truth=truth, order_lines=2_000, seed=11, start=dt.date(2025, 1, 1),
            history_end=HISTORY, nights=1, dirt=1.0, habits=DENSE,
        )
    )  # fmt: skip
    found = {}
    for date in (HISTORY, NIGHT):
        _run(date)
        found[date] = {"truth": truth / date.isoformat(), "tables": _published()}
    return found


def _run(date: dt.date) -> None:
    for source in ("erp", "wms", "crm"):
        for feed in stages.feeds(source):
            stages.ingest(feed, date.isoformat())
    stages.publish(build_night(date))


def _published() -> dict[str, pd.DataFrame]:
    queries = {
        "kpi_daily": "select * from marts.kpi_daily",
        "return_cycle_time": CYCLE_TIMES,
        "reconciliation": (
            "select group_key, gap, class, amount, currency from finance.refund_exceptions where amount <> 0"
        ),
        "legs": (
            "select group_key, entitled_amount, credited_amount, paid_amount, currency"
            " from finance.refund_reconciliation"
        ),
        "quarantine": (
            "select f.name, q.line_no, q.reason from ops.quarantine as q"
            " inner join ops.file_ledger as f on f.file_id = q.file_id"
        ),
        "files": (
            "select name, status, rows_parsed, rows_loaded, rows_quarantined, rows_duplicate,"
            " rows_control from ops.file_ledger"
        ),
    }
    with connect("auditor") as connection:
        return {
            name: pd.DataFrame(
                (cursor := connection.execute(query)).fetchall(),
                columns=[c.name for c in cursor.description or ()],
                dtype=object,
            )
            for name, query in queries.items()
        }


def _truth(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def _cells(frame: pd.DataFrame, key: list[str], values: list[str]) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {
        tuple(_plain(row[k]) for k in key): tuple(_plain(row[v]) for v in values)
        for row in frame.to_dict("records")
    }


def _plain(value: Any) -> str:
    """One spelling for equal values, whatever they came from."""
    if value is None or value == "" or (isinstance(value, float) and pd.isna(value)):
        return ""
    text = str(value)
    if text.lower() in ("true", "false"):
        return text.lower()
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    return "0" if number == 0 else format(number.normalize(), "f")


def _assert_same(found: dict[Any, Any], true: dict[Any, Any]) -> None:
    missing = [(k, true[k]) for k in true.keys() - found.keys()]
    invented = [(k, found[k]) for k in found.keys() - true.keys()]
    wrong = [(k, found[k], true[k]) for k in true.keys() & found.keys() if found[k] != true[k]]
    assert not (missing or invented or wrong), (
        f"{len(missing)} missing, {len(invented)} invented, {len(wrong)} wrong of {len(true)};"
        f"\nmissing {sorted(missing)[:5]}\ninvented {sorted(invented)[:5]}"
        f"\nwrong (found, true) {sorted(wrong)[:8]}"
    )


BOTH = pytest.mark.parametrize("date", [HISTORY, NIGHT], ids=["history", "night"])


@BOTH
def test_every_kpi_cell_equals_the_truth(nights: dict[dt.date, dict[str, Any]], date: dt.date) -> None:
    values = ["numerator", "denominator", "is_mature"]
    truth = _truth(nights[date]["truth"], "kpi_daily")
    assert len(truth) > 1000
    _assert_same(_cells(nights[date]["tables"]["kpi_daily"], KPI_KEY, values), _cells(truth, KPI_KEY, values))


@BOTH
def test_every_cycle_time_quantile_equals_the_truth(
    nights: dict[dt.date, dict[str, Any]], date: dt.date
) -> None:
    truth = _truth(nights[date]["truth"], "return_cycle_time")
    assert len(truth) > 50
    found = nights[date]["tables"]["return_cycle_time"].set_axis([*CYCLE_KEY, *CYCLE_VALUES], axis=1)
    _assert_same(_cells(found, CYCLE_KEY, CYCLE_VALUES), _cells(truth, CYCLE_KEY, CYCLE_VALUES))


@BOTH
def test_every_reconciliation_class_equals_the_truth(
    nights: dict[dt.date, dict[str, Any]], date: dt.date
) -> None:
    truth = _truth(nights[date]["truth"], "reconciliation")
    truth = truth[truth["class"] != ""]
    assert len(truth) > 30
    key = ["group_key", "gap", "class"]
    _assert_same(
        _cells(nights[date]["tables"]["reconciliation"], key, ["amount", "currency"]),
        _cells(truth, key, ["amount", "currency"]),
    )


@BOTH
def test_every_quarantined_row_is_the_one_that_is_bad(
    nights: dict[dt.date, dict[str, Any]], date: dt.date
) -> None:
    truth = _truth(nights[date]["truth"], "quarantine")
    assert len(truth) > 5
    key = ["name", "line_no"]
    _assert_same(
        _cells(nights[date]["tables"]["quarantine"], key, ["reason"]),
        _cells(truth.rename(columns={"file": "name"}), key, ["reason"]),
    )


@BOTH
def test_every_file_ends_as_the_truth_says(nights: dict[dt.date, dict[str, Any]], date: dt.date) -> None:
    truth = _truth(nights[date]["truth"], "files")
    found = nights[date]["tables"]["files"].rename(columns=lambda c: c.removeprefix("rows_"))
    values = ["parsed", "loaded", "quarantined", "duplicate", "control"]
    _assert_same(_cells(found, ["name", "status"], values), _cells(truth, ["name", "status"], values))


def test_the_counts_of_the_company_are_what_a_summary_shows(
    nights: dict[dt.date, dict[str, Any]],
) -> None:
    counts = json.loads((nights[NIGHT]["truth"] / "counts.json").read_text())
    files = nights[NIGHT]["tables"]["files"]
    assert int(files["rows_quarantined"].sum()) == counts["feeds"]["all"]["quarantined"]
