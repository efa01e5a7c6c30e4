"""Run one gate: build its suites, let Great Expectations judge, keep the results, stop the night.

One ephemeral context and one datasource a gate; assets are queries over this night's rows. All of it runs
as `validator`, who may read what is judged and write nothing but the results.
"""

from __future__ import annotations

import datetime as dt
import importlib
import logging
import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before the first import of GX: no telemetry leaves the machine.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from great_expectations.core import ExpectationSuite
from great_expectations.data_context.types.base import ProgressBarsConfig

from revlog.builds import domains, judged
from revlog.builds.judged import Build
from revlog.config.settings import ROOT
from revlog.database.connections import bounded_dsn, connect
from revlog.gates import docs, results
from revlog.gates.asset import Asset
from revlog.gates.docs import STAGES, Stage
from revlog.gates.night import Night, read_night
from revlog.gates.results import CheckResult
from revlog.outputs.words import how_many

if TYPE_CHECKING:
    from great_expectations.data_context import EphemeralDataContext

log = logging.getLogger(__name__)
# GX warns of each decimal that it turns into JSON, and of nothing else that matters here.
logging.getLogger("great_expectations").setLevel(logging.ERROR)


class GateFailed(Exception):
    """A critical check failed: what it holds may not be published. The message names check, rows and file."""

    def __init__(self, result: GateResult) -> None:
        super().__init__(result.text())
        self.result = result


@dataclass(frozen=True)
class GateResult:
    """What a gate found."""

    stage: Stage
    business_date: dt.date
    run_id: str
    checks: tuple[CheckResult, ...]
    page: Path
    seconds: float
    seconds_by_suite: dict[str, float] = field(default_factory=dict)

    @property
    def failures(self) -> list[CheckResult]:
        """Critical checks that failed: each of them blocks."""
        return [c for c in self.checks if not c.success and c.severity == "critical"]

    @property
    def held(self) -> dict[str, str]:
        """Domains that they hold back, with their words."""
        return domains.by_domain((c.holds, f"CRITICAL {c.message}") for c in self.failures)

    @property
    def warnings(self) -> list[CheckResult]:
        """Warning checks that failed: they tell."""
        return [c for c in self.checks if not c.success and c.severity == "warning"]

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Several lines for a terminal or a task's log."""
        head = (
            f"Gate {self.stage} for {self.business_date}: {how_many(len(self.checks), 'check')},"
            f" {len(self.failures)} critical failed, {how_many(len(self.warnings), 'warning')}"
            f" ({self.seconds:.1f} s)"
        )
        if self.failures and (go_on := domains.others(self.held)):
            head += f"; {domains.in_words(self.held)} is held back and stays as published,"
            head += f" {domains.in_words(go_on)} may go on"
        elif self.failures:
            head += "; nothing is published, the last good night stays"
        lines = [f"  CRITICAL {_held_by(c)}{c.message}" for c in self.failures]
        lines += [f"  warning  {c.headline}" for c in self.warnings]
        return "\n".join([head, *lines, f"  Data Docs: {self.page}"])


def _held_by(check: CheckResult) -> str:
    """What a check holds back, where that is not everything."""
    return f"(holds {domains.in_words(check.holds)}) " if domains.others(check.holds) else ""


def judge(build_id: int, stage: Stage) -> GateResult:
    """Judge a build at `stage` and keep the verdict with it: without a good one it is never published.

    What landed between the landed gate and staging is judged first. Checks that fail for one domain hold it
    back, and the build goes on for the other. Raises GateFailed where they hold back all, BuildRefused where
    another build has begun since.
    """
    if stage != "landed" and judged.has_taken_in_more(build_id):
        judge(build_id, "landed")
    with judged.step(build_id, f"gate {stage}", (GateFailed,)) as build:
        try:
            return run_gate(stage, build.run_date, build)
        except GateFailed as failed:
            # One that names nothing that it holds back holds back everything.
            if not failed.result.held or not domains.others(failed.result.held):
                raise
            judged.hold_back(build_id, f"gate {stage}", failed.result.held)
            return failed.result


def run_gate(stage: Stage, business_date: dt.date, build: Build | None = None) -> GateResult:
    """Look at the night of `business_date`, or at what `build` takes in, as the gate `stage` does.

    Returns the result where nothing critical failed, else raises GateFailed. A check that can't be
    evaluated counts as failed, whatever it would have found.
    """
    started = time.perf_counter()
    with connect("validator", autocommit=True) as reader:
        night = read_night(reader, business_date, build)
        assets = suites(stage, night)
        context = _context()
        checks, seconds = _judge(context, assets, reader)
    run_id = f"{business_date:%Y%m%d}-{stage}-{uuid.uuid4().hex[:8]}"
    page = docs.write(context, stage, business_date, checks)
    result = GateResult(
        stage, business_date, run_id, tuple(checks), page, time.perf_counter() - started, seconds
    )
    with connect("validator") as writer:
        results.store(writer, run_id, stage, business_date, checks, seconds)
    for warning in result.warnings:
        log.warning("%s", warning.headline)
    if result.failures:
        raise GateFailed(result)
    return result


def suites(stage: Stage, night: Night) -> list[Asset]:
    """All assets of a stage with their expectations."""
    if stage not in STAGES:
        raise ValueError(f"unknown gate {stage!r}; choose one of {', '.join(STAGES)}")
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))  # the suites are not of the package, but beside it
    module = importlib.import_module(f"expectations.suites.{stage}")
    found: list[Asset] = module.assets(night)
    return found


def open_source(context: EphemeralDataContext) -> Any:
    """The warehouse as the validator sees it; no $ is left in the URL, since GX would replace $NAME."""
    url = bounded_dsn("validator").replace("postgresql://", "postgresql+psycopg2://", 1)
    return context.data_sources.add_postgres("warehouse", connection_string=url)


def _context() -> EphemeralDataContext:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # It would write all that it holds as YAML, into memory, twice for each asset.
    context._save_project_config = lambda: None  # type: ignore[method-assign]
    return context


def _judge(
    context: EphemeralDataContext, assets: list[Asset], reader: Any
) -> tuple[list[CheckResult], dict[str, float]]:
    source = open_source(context)
    checks: list[CheckResult] = []
    seconds: dict[str, float] = {}
    for asset in assets:
        started = time.perf_counter()
        checks += _validate(context, source, asset, reader)
        seconds[asset.suite] = seconds.get(asset.suite, 0.0) + time.perf_counter() - started
    return checks, seconds


def _validate(context: EphemeralDataContext, source: Any, asset: Asset, reader: Any) -> list[CheckResult]:
    batch = source.add_query_asset(asset.name, asset.query).add_batch_definition_whole_table("all")
    suite = context.suites.add(ExpectationSuite(name=asset.suite, expectations=list(asset.expectations)))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=asset.suite, data=batch, suite=suite)
    )
    found = definition.run(result_format={"result_format": "COMPLETE"})
    return [results.read(r, asset, reader) for r in found.results]
