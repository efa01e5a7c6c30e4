"""A backfill: the files of days to come are there when a night is built, and it ends as one build does."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from revlog.config.settings import ROOT
from revlog.contracts.contract import feeds
from revlog.ingestion.load import load_feed
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.nights import build_night
from tests.tables import Prints, fingerprints

pytestmark = pytest.mark.long

HISTORY_END = dt.date(2026, 1, 31)
NIGHTS = [HISTORY_END + dt.timedelta(days=n) for n in range(3)]
STEPS = ROOT / "dbt_project" / "models" / "intermediate" / "marts" / "finance"


@pytest.fixture(scope="module")
def landing(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a history and of two nights, all loaded before the first night is built."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=2000, seed=11,
            start=dt.date(2025, 1, 1), history_end=HISTORY_END, nights=len(NIGHTS) - 1, dirt=0, habits=DENSE,
        )
    )  # fmt: skip
    return database


@pytest.fixture(scope="module")
def backfilled(landing: Path) -> Prints:
    """What the last night leaves. Every night's own tests have passed on the way, or this fails."""
    _ingest()
    for date in NIGHTS:
        build_night(date)
    return _fingerprints()


def test_nights_built_behind_their_files_equal_one_full_build(
    backfilled: Prints, landing: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDING_URL", str(landing))
    _ingest()
    build_night(NIGHTS[-1])
    rebuilt = _fingerprints()
    assert {t: (backfilled[t], rebuilt[t]) for t in backfilled if backfilled[t] != rebuilt.get(t)} == {}
    assert backfilled.keys() == rebuilt.keys()


def _ingest() -> None:
    for feed in feeds():
        load_feed(feed, NIGHTS[-1])


def _fingerprints() -> Prints:
    """Core and marts, but the steps of the reconciliation that hold only the groups of the night."""
    steps = {p.stem for p in STEPS.glob("*.sql") if "replace_touched" not in p.read_text()}
    return fingerprints("core", "build", skip=steps - {"refund_open_groups"})
