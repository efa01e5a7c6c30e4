"""`make up`, `make run` and `make retailer`: what they say and refuse before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from revlog.commands import local as commands
from revlog.companies.company import warehouse_database
from revlog.config.settings import settings
from revlog.local import airflow, run
from revlog.local.retailer import run_retailer


class Scheduler:
    """A process by its environment."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables

    def environ(self) -> dict[str, str]:
        return self.variables


@pytest.fixture(autouse=True)
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own that serves no company yet."""
    for name in ("COMPANY", "LAYOUTS", "LANDING_URL", "NIGHTLY_FROM", "REVLOG_DATABASE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("LANDING_SETTLE_SECONDS", "0")
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))
    return tmp_path


def _next_run(monkeypatch: pytest.MonkeyPatch, after: str | None) -> None:
    class Api:
        def get(self, path: str) -> dict[str, str | None]:
            return {"next_dagrun_run_after": after}

    monkeypatch.setattr(airflow, "Api", Api)


def test_make_up_says_which_night_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    _next_run(monkeypatch, "2026-02-02T03:30:00Z")
    assert commands._next_night().startswith("the next is 2026-02-01, at 2026-02-02 03:30 UTC")


def test_make_up_says_that_no_night_runs_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLY_FROM", "never")
    _next_run(monkeypatch, None)
    assert commands._next_night().startswith("none runs by itself (NIGHTLY_FROM=never); any date by backfill")


@pytest.mark.parametrize("given", ["tomorrow", "2026-02-31", "20260201"])
def test_a_first_night_that_is_no_date_is_told(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLY_FROM", given)
    with pytest.raises(
        airflow.AirflowError, match=f"NIGHTLY_FROM='{given}' is no date: write it as 2026-02-01"
    ):
        airflow.first_night()


@pytest.mark.parametrize(("started_by", "is_up"), [("up", True), ("run", False)])
def test_who_started_airflow_tells_whether_it_is_up_and_not_its_schedule(
    started_by: str, is_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = Scheduler(NIGHTLY_FROM="never", REVLOG_AIRFLOW_STARTED_BY=started_by)
    monkeypatch.setattr(airflow, "_running", lambda: {"scheduler": scheduler})
    assert airflow.runs_nightly() is is_up


def test_airflow_goes_on_with_the_company_that_it_was_started_for(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow, "_running", lambda: {"scheduler": Scheduler(COMPANY="online_retail")})
    with pytest.raises(
        airflow.AirflowError, match=r"Airflow runs for online_retail, not for simulated; .* make down"
    ):
        run.run(100)
    assert not (var / "company.env").exists(), "the checkout serves whom it served before"
    airflow.refuse_another_than("online_retail")


def test_the_retailer_is_served_by_every_command_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = tmp_path / "daily"
    daily.mkdir()
    with pytest.raises(typer.Exit):
        run_retailer(str(daily))
    assert settings().company == "simulated", "nothing was brought"
    (daily / "2010-12-01.csv").write_text("InvoiceNo\n")
    for place in (
        "revlog.maintenance.migrate.upgrade",
        "revlog.night.stages.whole_night",
        "revlog.reports.summary.print_retailer",
    ):
        monkeypatch.setattr(place, lambda *given: None)
    run_retailer(str(daily))
    for name in ("COMPANY", "LANDING_URL", "REVLOG_DATABASE"):
        monkeypatch.setenv(name, "")
    found = settings()
    assert (found.company, warehouse_database(), found.landing) == (
        "online_retail",
        "online_retail",
        str(daily),
    )
