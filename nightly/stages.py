"""Each stage of the night, callable on its own; every one may be repeated without harm.

Heavy libraries are imported inside, since DAG files import this module and must load fast.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
from collections.abc import Callable, Iterator

from nightly.errors import ConnectionBroken, NightFailed

LAYERS = ("staging", "core", "marts")


def feeds(source: str) -> list[str]:
    """Names of the feeds that one source system delivers."""
    from ingestion.contract import feeds as carried

    return carried(source)


def ingest(feed: str, date: str) -> str:
    """Load what has landed of one feed up to the business date; returns one line for people."""
    from ingestion.load import load_feed
    from warehouse import clock

    with translated():
        clock.check(dt.date.fromisoformat(date), "loader")
    with _recorded("loader", "ingest", feed, date=date):
        result = load_feed(feed, dt.date.fromisoformat(date), print)
    return (
        f"{feed}: {len(result.files)} files, {result.total('loaded'):,} rows loaded, "
        f"{result.total('quarantined'):,} quarantined, {result.total('duplicate'):,} duplicate"
    )


def sweep(date: str) -> str:
    """Name what lies in the landing zone and no layout takes; returns a line for each."""
    from ingestion.unclaimed import sweep as sweep_landing

    with _recorded("loader", "ingest", "sweep", date=date):
        found = sweep_landing(dt.date.fromisoformat(date))
    return "\n".join([f"{len(found)} files that no layout takes", *map(str, found)])


def begin_build(date: str, holder: str = "", full_refresh: bool = False) -> int:
    """Open a build for the night and return its number, which goes from stage to stage.

    `holder` is who goes on with it in processes of their own, such as a run of Airflow.
    """
    from warehouse import build, clock

    with translated():
        clock.check(dt.date.fromisoformat(date), "transformer")
    with _recorded("transformer", "dbt", "begin", date=date):
        opened = build.begin(dt.date.fromisoformat(date), full_refresh, holder)
    print(opened)
    return opened.build_id


def gate(build_id: int, stage: str) -> str:
    """Let Great Expectations judge a build at one stage; returns what it found.

    Raises NightFailed where critical checks hold back every domain.
    """
    # It tells 200 times which metrics it knows; and what a gate warns of stands in its text.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    logging.getLogger("expectations.gates").setLevel(logging.ERROR)
    from expectations.gates import GateFailed, judge

    with _recorded("validator", "gate", stage, build_id=build_id):
        try:
            return judge(build_id, stage).text()  # type: ignore[arg-type]
        except GateFailed as error:
            raise NightFailed(str(error)) from None


def transform(build_id: int, layer: str) -> str:
    """Build and test one layer of the warehouse with dbt; returns what people are told.

    Raises NightFailed where tests hold back every domain.
    """
    from warehouse import build

    with _recorded("transformer", "dbt", layer, build_id=build_id):
        try:
            return build.run_layer(build_id, layer)
        except build.ConnectionBroken as error:
            raise ConnectionBroken(str(error)) from None


def publish(build_id: int) -> str:
    """Finish a build, and publish at once what of marts and finance it was judged good for."""
    from warehouse import judged
    from warehouse.domains import in_words
    from warehouse.publish import publish as publish_night

    with _recorded("publisher", "publish", build_id=build_id):
        judged.finish(build_id)
        result = publish_night(build_id)
    held = f"; held back: {in_words(result.held)}" if result.held else ""
    if not result.is_new:
        return f"nothing differs from what is published{held}"
    changed = sum(c["inserted"] for c in result.tables.values())
    return (
        f"publication {result.publication_id} of {in_words(result.domains)}: {len(result.tables)} tables,"
        f" {changed:,} rows{held}"
    )


def complete(build_id: int) -> str:
    """End a night of which every domain is published; the others' checks, rows and remedy otherwise.

    Raises NightFailed where a domain is held back, so that nobody takes the night for whole.
    """
    from warehouse import judged

    with _recorded("publisher", "complete", build_id=build_id):
        if held := judged.held_words(build_id):
            raise NightFailed(held)
    return "every domain is published"


def report(date: str) -> str:
    """Write the page for everyone, and finance's workbooks and page; returns where they are."""
    from outputs.files import NotWritten
    from reporting.finance_page import write_finance_page
    from reporting.scorecard import write_scorecard
    from reporting.workbook import write_workbooks

    with _recorded("reporter", "report", date=date):
        try:
            written = [write_scorecard(), *write_workbooks(), write_finance_page()]
        except NotWritten as error:
            raise NightFailed(f"{error}. The night itself is published") from None
    return "\n".join(map(str, written))


def close_period(
    act: str,
    period: str,
    approver: str,
    note: str,
    with_earlier: bool,
    tell: Callable[[str], object] = print,
    airflow_user: str | None = None,
) -> list[str]:
    """Close or reopen a fiscal period; returns the periods whose workbooks change by it.

    `airflow_user` is who triggered it there; without one it is the system's user. Raises NightFailed where it
    is refused.
    """
    from closing import periods
    from warehouse.actor import of_airflow

    actor = None if airflow_user is None else of_airflow(airflow_user)
    with _recorded("publisher", "period", f"{act} {period}"):
        acts = (
            periods.close(period, approver, note, with_earlier, actor)
            if act == "close"
            else [periods.reopen(period, approver, note, actor)]
        )
    for done in acts:
        tell(str(done))
    return [done.period for done in acts]


def write_workbooks(periods: list[str]) -> str:
    """Write the workbooks of these fiscal periods anew, as after closing them; returns where they are."""
    from reporting.workbook import WorkbookFailed, write_workbook

    with _recorded("reporter", "workbooks", ", ".join(periods)):
        try:
            return "\n".join(str(write_workbook(period)) for period in periods)
        except WorkbookFailed as error:
            raise NightFailed(f"{error}. The act itself is recorded") from None


def whole_night(date: str, tell: Callable[[str], object] = print, full_refresh: bool = False) -> None:
    """Run every stage in order, without an orchestrator; waits for a night that is under way.

    It holds the night from beginning to end, so a night that was killed holds up nobody.
    """
    from warehouse import clock, judged

    with translated():
        clock.check(dt.date.fromisoformat(date), "transformer")
        with judged.turn(f"the night of {date}, {judged.process()}", tell=tell):
            _whole_night(date, tell, full_refresh)


def _whole_night(date: str, say: Callable[[str], object], full_refresh: bool) -> None:
    _ingest_all(date, say)
    say(sweep(date))
    build_id = begin_build(date, full_refresh=full_refresh)
    say(gate(build_id, "landed"))
    say(transform(build_id, "staging"))
    say(transform(build_id, "core"))
    say(gate(build_id, "core"))
    say(transform(build_id, "marts"))
    say(gate(build_id, "publish"))
    say(publish(build_id))
    say(report(date))
    say(complete(build_id))


def _ingest_all(date: str, say: Callable[[str], object]) -> None:
    """Load every feed; one that can't be read ends the night, but not before the others are loaded."""
    from ingestion.contract import ContractError

    broken: list[str] = []
    for source in ("erp", "wms", "crm"):
        for feed in feeds(source):
            try:
                say(ingest(feed, date))
            except ContractError as error:
                broken.append(f"{feed} was not loaded: {error}")
    if broken:
        raise NightFailed("\n".join(broken))


@contextlib.contextmanager
def _recorded(
    role: str, stage: str, detail: str = "", *, date: str | None = None, build_id: int | None = None
) -> Iterator[None]:
    """Keep when the stage ran and how it ended in `ops.stage_runs`, written by the stage's own role.

    No error leaves with a secret in its text.
    """
    started, outcome = dt.datetime.now(dt.UTC), "failed"
    try:
        with translated():
            yield
        outcome = "ok"
    finally:
        record(role, stage, detail, outcome, started, date=date, build_id=build_id)


def record(
    role: str,
    stage: str,
    detail: str,
    outcome: str,
    started: dt.datetime,
    *,
    date: str | None = None,
    build_id: int | None = None,
) -> None:
    """Write one row of `ops.stage_runs`, ending now; without date and build, for the date of the clock.

    A book that can't be written hides neither the stage's result nor its error.
    """
    import psycopg

    from warehouse.connections import connect
    from warehouse.version import OtherVersion

    with contextlib.suppress(psycopg.Error, OtherVersion), connect(role) as connection:
        connection.execute(
            "insert into ops.stage_runs"
            " (business_date, stage, detail, outcome, started_at, finished_at)"
            " select coalesce(%s::date, (select coalesce(run_date, business_date) from ops.builds"
            "   where build_id = %s), ops.clock()), %s, %s, %s, %s, %s",
            [date, build_id, stage, detail, outcome, started, dt.datetime.now(dt.UTC)],
        )


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what says no into NightFailed, and a broken connection or a full disk into what is retried.

    Their message is all that is to be known: what was behind them is not chained, so no traceback shows it.
    """
    import psycopg
    import sqlalchemy.exc

    from ingestion.storage import Unreached
    from outputs.files import NotWritten
    from warehouse import full_disk
    from warehouse.redaction import without_secrets
    from warehouse.refusal import Refusal
    from warehouse.settings import SettingsError

    broken = (psycopg.OperationalError, sqlalchemy.exc.OperationalError)
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    try:
        yield
    except Unreached as error:
        raise ConnectionBroken(without_secrets(str(error))) from None
    except (Refusal, SettingsError) as error:
        raise NightFailed(without_secrets(str(error))) from None
    except broken as error:
        said = f"{type(error).__name__}: {error}"
        raise ConnectionBroken(
            without_secrets(full_disk.told(said) if full_disk.is_full(error) else said)
        ) from None
    except Exception as error:
        if isinstance(error, (OSError, NotWritten)) and full_disk.is_full(error):
            raise ConnectionBroken(without_secrets(full_disk.told(error, "this machine's disk"))) from None
        told = without_secrets(str(error))
        if told != str(error) or isinstance(error, NotWritten):
            raise (ConnectionBroken if isinstance(error, ConnectionBroken) else NightFailed)(told) from None
        raise
