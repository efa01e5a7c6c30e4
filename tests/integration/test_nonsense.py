"""A night over a hundred records that are written well and can't be true: it is published, each is counted
under its name, and no figure moves."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.night import stages
from revlog.publication.publish import publish
from simulator.company import Company
from simulator.run import simulate
from tests.integration import nonsense
from tests.nights import build_night

pytestmark = pytest.mark.long

DAY = dt.date.fromisoformat(nonsense.DAY)
RECORDS = nonsense.records()
Cells = Counter[tuple[Any, ...]]


@dataclass(frozen=True)
class Nights:
    """What was published without the nonsense and with it."""

    before: Cells
    after: Cells


@pytest.fixture(scope="module")
def nights(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """A small company's history, and the same night again with the nonsense in it."""
    folder = tmp_path_factory.mktemp("company")
    nonsense.write_company(folder / "own")
    simulate(
        Company(
            out=database, truth=folder / "truth", order_lines=300, seed=3, start=dt.date(2025, 11, 1),
            history_end=DAY, nights=0, dirt=0.0, night_order_lines=None, only_nights=None,
        )
    )  # fmt: skip
    nonsense.write_carriers(database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", str(folder / "own"))
        _ingest()
        publish(build_night(DAY))
        before = _kpis()
        nonsense.write_nonsense(database)
        _ingest()
        build = stages.begin_build(DAY.isoformat())
        stages.gate(build, "landed")
        for layer in stages.LAYERS:
            stages.transform(build, layer)
            if layer == "core":
                stages.gate(build, "core")
        stages.gate(build, "publish")
        stages.publish(build)
        yield Nights(before, _kpis())


def _ingest() -> None:
    for feed in feeds():
        stages.ingest(feed, DAY.isoformat())


def _kpis() -> Cells:
    with connect("auditor") as connection:
        return Counter(
            connection.execute(
                "select kpi, basis, period_date, channel, product_category, site, numerator, denominator,"
                " is_mature from marts.kpi_daily"
            ).fetchall()
        )


def _count(statement: str) -> Counter[Any]:
    with connect("auditor") as connection:
        return Counter(connection.execute(statement).fetchall())


def test_the_catalogue_is_over_all_that_happens() -> None:
    assert len(RECORDS) > 100
    masters = {"crm_customers", "erp_items", "erp_vendors", "wms_returned_stock"}
    assert {record.feed for record in RECORDS} == set(feeds()) - masters


def test_no_figure_moves(nights: Nights) -> None:
    assert nights.before - nights.after == Counter()
    assert nights.after - nights.before == Counter()


def test_what_cannot_be_meant_is_quarantined_under_its_reason(nights: Nights) -> None:
    expected = Counter((r.feed, r.ends) for r in RECORDS if not r.is_carried)
    assert _count("select feed, reason from ops.quarantine") == expected


def test_what_contradicts_others_is_carried_and_counted_under_its_rule(nights: Nights) -> None:
    expected = Counter([(r.feed, r.ends) for r in RECORDS if r.is_carried]) + Counter(nonsense.ALSO)
    found = _count("select feed, rule from core.fct_implausible_record where record_key like 'N%'")
    assert found == expected


def test_the_gate_tells_the_rules_and_how_many(nights: Nights) -> None:
    with connect("auditor") as connection:
        [(severity, sample)] = connection.execute(
            "select severity, sample::text from ops.validation_results"
            " where check_name = 'implausible_records' order by result_id desc limit 1"
        ).fetchall()
    assert severity == "warning"
    assert "wms_dispositions reverses_a_reversal 1" in sample
    assert "erp_gl_entries account_unknown 1" in sample
