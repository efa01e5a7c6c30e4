"""Each stage of the night, callable on its own; every one may be repeated without harm.

Heavy libraries are imported inside, since DAG files import this module and must load fast.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
from collections.abc import Callable, Iterator
from typing import Literal

from revlog.night import findings, lineage
from revlog.night.errors import ConnectionBroken, NightFailed
from revlog.night.told import Told
from revlog.outputs.words import how_many

LAYERS = ("staging", "core", "marts")
# Dates of a range of which history keeps what was seen: the last one; each month's last, too, on which a
# period is closed; or each day.
Keep = Literal["last", "months", "days"]
# From the first stage of the date since it ended well before, if ever.
NIGHT_TOOK = """
insert into ops.stage_runs (business_date, stage, detail, outcome, started_at, finished_at)
select b.run_date, 'night', '', 'ok', min(r.started_at), clock_timestamp()
from ops.builds as b inner join ops.stage_runs as r on r.business_date = b.run_date and r.stage <> 'night'
where b.build_id = %(build)s and r.started_at > coalesce((
    select max(n.finished_at) from ops.stage_runs as n
    where n.business_date = b.run_date and n.stage = 'night'
), '-infinity')
group by b.run_date
"""


def feeds(source: str) -> list[str]:
    """Names of the feeds that one source system delivers."""
    from revlog.contracts.contract import feeds as carried

    return carried(source)


def ingest(feed: str, date: str) -> Told:
    """Load what has landed of one feed up to the business date; returns one line for people.

    Its facts are those of this run; `landed` tells those of the night.
    """
    from revlog.builds import clock
    from revlog.ingestion.load import load_feed

    with translated():
        clock.check(dt.date.fromisoformat(date), "loader")
    with _recorded("loader", "ingest", feed, date=date):
        result = load_feed(feed, dt.date.fromisoformat(date), print)
    counts = {name: result.total(name) for name in ("loaded", "quarantined", "duplicate")}
    files = how_many(len(result.files), "file")
    rows = f"{how_many(counts['loaded'], 'row')} loaded, {counts['quarantined']:,} quarantined"
    refused = f", {len(result.rejected):,} refused" if result.rejected else ""
    return Told(
        f"{feed}: {files}, {rows}, {counts['duplicate']:,} duplicate{refused}",
        lambda: lineage.of_feed(feed, dt.date.fromisoformat(date)),
        feed=feed, files=len(result.files), refused=len(result.rejected), **counts,
    )  # fmt: skip


def sweep(date: str) -> str:
    """Name what lies in the landing zone and no layout takes; returns a line for each."""
    from revlog.ingestion.unclaimed import sweep as sweep_landing

    with _recorded("loader", "ingest", "sweep", date=date):
        found = sweep_landing(dt.date.fromisoformat(date))
    return "\n".join([f"{how_many(len(found), 'file')} that no layout takes", *map(str, found)])


def landed(source: str, date: str) -> Told:
    """Say what the night took of one source, and name what no layout takes; its facts go with the asset."""
    from revlog.night import told

    swept = sweep(date)
    with translated():
        found = told.landed(feeds(source), dt.date.fromisoformat(date))
    return Told(f"{source.upper()}: {found}\n{swept}", source=source, **found.facts())


def begin_build(date: str, holder: str = "", full_refresh: bool = False) -> int:
    """Open a build for the night and return its number, which goes from stage to stage.

    `holder` is who goes on with it in processes of their own, such as a run of Airflow.
    """
    from revlog.builds import clock
    from revlog.transform import build

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
    logging.getLogger("revlog.gates.judging").setLevel(logging.ERROR)
    from revlog.gates.judging import GateFailed, judge

    with _recorded("validator", "gate", stage, build_id=build_id):
        try:
            return judge(build_id, stage).text()  # type: ignore[arg-type]
        except GateFailed as error:
            raise NightFailed(str(error)) from None


def transform(build_id: int, layer: str) -> Told:
    """Build and test one layer of the warehouse with dbt; returns what people are told.

    Raises NightFailed where tests hold back every domain.
    """
    from revlog.transform import build, outcomes

    with _recorded("transformer", "dbt", layer, build_id=build_id):
        try:
            return Told(build.run_layer(build_id, layer), lambda: lineage.of_layer(layer))
        except outcomes.ConnectionBroken as error:
            raise ConnectionBroken(str(error)) from None


def publish(build_id: int) -> Told:
    """Finish a build, and publish at once what of marts and finance it was judged good for."""
    from revlog.builds import judged
    from revlog.builds.domains import in_words
    from revlog.publication.publish import publish as publish_night

    with _recorded("publisher", "publish", build_id=build_id):
        judged.finish(build_id)
        result = publish_night(build_id)
    held = f"; held back: {in_words(result.held)}" if result.held else ""
    changed = sum(counts["inserted"] for counts in result.tables.values())
    brought = (
        f"publication {result.publication_id} of {in_words(result.domains)}: {len(result.tables)} tables,"
        f" {changed:,} rows"
    )
    return Told(
        (brought if result.is_new else "nothing differs from what is published") + held,
        lambda: lineage.of_publication(list(result.tables)),
        business_date=str(result.business_date), publication=result.publication_id, rows=changed,
        domains=list(result.domains), held_back=list(result.held),
        tables={table: dict(counts) for table, counts in result.tables.items() if any(counts.values())},
    )  # fmt: skip


def tell_others(feeds: list[str] | None = None, most: int | None = None) -> str:
    """Tell other systems what is published and was not told yet; returns a line for each feed.

    What is published stays so, whatever becomes of it.
    """
    from revlog.outbound import destination
    from revlog.outbound.send import OFF, send

    if feeds is None and destination.all_off():
        return OFF
    with _recorded("sender", "outbound"):
        return send(feeds, most=most)


def complete(build_id: int) -> str:
    """End a night of which every domain is published; the others' checks, rows and remedy otherwise.

    Raises NightFailed where a domain is held back, so that nobody takes the night for whole.
    """
    from revlog.builds import judged

    with _recorded("publisher", "complete", build_id=build_id):
        if held := judged.held_words(build_id):
            raise NightFailed(held)
    _record_night(build_id)
    return "every domain is published"


def _record_night(build_id: int) -> None:
    """Keep how long the night took, from its first stage to its last, waits between them included."""
    import psycopg

    from revlog.database.connections import connect

    with contextlib.suppress(psycopg.Error), connect("publisher") as connection:
        connection.execute(NIGHT_TOOK, {"build": build_id})


def report(date: str) -> str:
    """Write the page for everyone, and finance's workbooks and page; returns how many, and where they are."""
    from revlog.outputs.files import NotWritten
    from revlog.reports.finance_page import write_finance_page
    from revlog.reports.scorecard import write_scorecard
    from revlog.reports.workbook import write_workbooks

    with _recorded("reporter", "report", date=date):
        try:
            written = [write_scorecard(), *write_workbooks(), write_finance_page()]
        except NotWritten as error:
            raise NightFailed(f"{error}. What is published stays as it is") from None
    return "\n".join([f"{len(written)} pages and workbooks are written", *map(str, written)])


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
    from revlog.closing import periods
    from revlog.database.actor import of_airflow

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
    from revlog.reports.workbook import WorkbookFailed, write_workbook

    with _recorded("reporter", "workbooks", ", ".join(periods)):
        try:
            return "\n".join(str(write_workbook(period)) for period in periods)
        except WorkbookFailed as error:
            raise NightFailed(f"{error}. The act itself is recorded") from None


def whole_night(date: str, tell: Callable[[str], object] = print, full_refresh: bool = False) -> None:
    """Run every stage in order, without an orchestrator; waits for a night that is under way.

    It holds the night from beginning to end, so a night that was killed holds up nobody.
    """
    from revlog.builds import clock, judged
    from revlog.transform import build

    with translated():
        clock.check(dt.date.fromisoformat(date), "transformer")
        with (
            judged.turn(f"the night of {date}, {judged.process()}", tell=tell),
            build.keeping_dbt(),
        ):
            _whole_night(date, tell, full_refresh)


def catch_up(
    first: str, last: str, keep: Keep, tell: Callable[[str], object] = print, full_refresh: bool = False
) -> None:
    """Take in a range of dates: a night of each that history is to keep, in order, and of the last one.

    All that landed up to a date goes into its night at once. One that is held ends the range.
    """
    from revlog.builds import judged
    from revlog.transform import build

    dates = nights_of(dt.date.fromisoformat(first), dt.date.fromisoformat(last), keep)
    if len(dates) == 1:
        return whole_night(last, tell, full_refresh)
    with (
        translated(),
        judged.turn(f"the nights from {dates[0]} to {last}, {judged.process()}", tell=tell),
        build.keeping_dbt(),
    ):
        for date in dates:
            if _stands_at(date) and date != dates[-1]:
                tell(f"The night of {date} is published")
                continue
            tell(f"The night of {date}")
            whole_night(date.isoformat(), tell, full_refresh)
            full_refresh = False


def nights_of(first: dt.date, last: dt.date, keep: Keep) -> list[dt.date]:
    """Dates of a range that get a night of their own, the last one always."""
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day == last or keep == "days" or (keep == "months" and _ends_month(day))]


def _ends_month(day: dt.date) -> bool:
    return (day + dt.timedelta(days=1)).day == 1


def _stands_at(date: dt.date) -> bool:
    """True where every domain stands at the date, or later."""
    from revlog.builds.domains import DOMAINS
    from revlog.database.connections import connect

    with connect("publisher") as connection:
        found = connection.execute(
            "select count(*) from ops.standing where domain = any(%s) and business_date >= %s",
            [list(DOMAINS), date],
        ).fetchone()
    return found == (len(DOMAINS),)


def _whole_night(date: str, say: Callable[[str], object], full_refresh: bool) -> None:
    _ingest_all(date, say)
    say(sweep(date))
    build_id = begin_build(date, full_refresh=full_refresh)
    try:
        say(gate(build_id, "landed"))
        say(transform(build_id, "staging"))
        say(transform(build_id, "core"))
        say(gate(build_id, "core"))
        say(transform(build_id, "marts"))
        say(gate(build_id, "publish"))
        say(publish(build_id))
    except (NightFailed, ConnectionBroken):
        # The page says that the night stopped; what stopped it is what the caller gets.
        with contextlib.suppress(NightFailed, ConnectionBroken):
            say(report(date))
        raise
    say(report(date))
    untold = _told_others(say)
    say(complete(build_id))
    if untold:
        raise untold


def _told_others(say: Callable[[str], object]) -> NightFailed | ConnectionBroken | None:
    """Tell other systems; what keeps them from hearing is told when the night itself has ended."""
    try:
        say(tell_others())
    except (NightFailed, ConnectionBroken) as error:
        return error
    return None


def _ingest_all(date: str, say: Callable[[str], object]) -> None:
    """Load every feed; one that can't be read ends the night, but not before the others are loaded."""
    from revlog.contracts.contract import ContractError

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
    except NightFailed as error:
        if build_id is not None:
            error.findings = findings.of_build(role, build_id)
        raise
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

    from revlog.database.connections import connect
    from revlog.database.version import OtherVersion

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

    from revlog.config.redaction import without_secrets
    from revlog.config.refusal import Refusal
    from revlog.config.settings import SettingsError
    from revlog.database import full_disk
    from revlog.ingestion.storage import Unreached
    from revlog.outputs.files import NotWritten

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
