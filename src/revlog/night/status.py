"""`revlog status`: what stands, what runs, what failed and its remedy, what waits to be loaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from revlog.config.redaction import without_secrets
from revlog.night import findings
from revlog.night.errors import ConnectionBroken, NightFailed
from revlog.outputs.escaping import one_line
from revlog.outputs.terminal import fitted, terminal_width
from revlog.outputs.words import how_many

Row = dict[str, Any]
Reader = psycopg.Connection[Row]
# Of failed checks, feeds that wait and files that nobody takes, so many are named.
SHOWN = 5

# By domain, and what withdrew the newest.
PUBLISHED = """
select s.domain, s.of_publication, s.business_date, now() - s.published_at as age, s.code_version,
    (select p.withdraws from ops.publications as p order by p.publication_id desc limit 1) as withdraws
from ops.standing as s order by s.business_date desc, s.domain desc
"""
# What the build that was published last holds back, by the last run of each step.
HELD = """
select distinct on (s.step) s.build_id, b.run_date, s.step, s.held
from ops.build_steps as s
inner join ops.builds as b on s.build_id = b.build_id
where s.build_id = (select max(p.build_id) from ops.publications as p)
order by s.step, s.step_id desc
"""
NEWEST = """
select b.build_id, b.business_date, b.run_date, b.status, b.holder, b.started_at,
    s.step, s.outcome, s.said, s.started_at as step_at, now() - s.started_at as running_for
from ops.builds as b
left join lateral (
    select * from ops.build_steps as s where s.build_id = b.build_id order by s.step_id desc limit 1
) as s on true
where not exists (select from ops.publications as p where p.build_id >= b.build_id)
order by b.build_id desc limit 1
"""
# The last file of a night that was loaded and has no build yet: Airflow may be between two of its tasks.
LOADED = """
select stage, detail, business_date, now() - finished_at as ago from ops.stage_runs
where stage = 'ingest' and outcome = 'ok' and finished_at > now() - make_interval(mins => %(rest)s)
    and finished_at > coalesce((select max(started_at) from ops.builds), '-infinity')
order by run_id desc limit 1
"""
STAGES = """
select distinct on (stage, detail) stage, detail, outcome, business_date, finished_at from ops.stage_runs
where started_at > coalesce((select max(published_at) from ops.publications), '-infinity')
order by stage, detail, run_id desc
"""
REFUSED = """
select feed, name, reason from ops.file_ledger
where status = 'rejected' and run_date = (select max(run_date) from ops.file_ledger) order by feed, name
"""
UNCLAIMED = "select path, detail, feed from ops.unclaimed_files order by feed is null, path"


@dataclass(frozen=True)
class Waiting:
    """Files of a feed in the landing zone that the ledger doesn't have as they lie there."""

    feed: str
    files: int
    oldest: dt.date
    newest: dt.date

    def __str__(self) -> str:
        dates = f"{self.oldest}" if self.oldest == self.newest else f"{self.oldest} to {self.newest}"
        return f"{self.feed}: {how_many(self.files, 'file')} of {dates}"


def show() -> bool:
    """Print it; False where a part can't be told. Raises NightFailed, or ConnectionBroken."""
    from revlog.database import server
    from revlog.night.stages import translated

    try:
        with translated():
            if server.wake():
                _show("PostgreSQL", ["was stopped, and runs again for this look (stop: make down)"])
            return _status()
    except (NightFailed, ConnectionBroken):
        if not _is_new():
            raise
        _show("Published", ["nothing yet: there is no warehouse here", *_begin()])
        return True


def _status() -> bool:
    """Print each part; False where one can't be told, which costs that part alone."""
    from revlog.database.connections import connect

    lacks: list[str] = []
    with connect("reporter", row_factory=dict_row, autocommit=True) as reader:
        for head, lines in (
            ("Published", _published(reader)),
            ("Running", _running(reader)),
            ("Failed", _failed(reader)),
            ("Landing zone", _landing(reader)),
        ):
            _show(head, _as_far_as_it_goes(head, lines, lacks))
    return not lacks


def _as_far_as_it_goes(head: str, lines: Iterator[str], lacks: list[str]) -> Iterator[str]:
    """The lines, and why there are no more of them where something fails; `lacks` is told the part."""
    try:
        yield from lines
    except psycopg.OperationalError:
        raise  # the server is gone, for every part
    except Exception as error:
        lacks.append(head)
        told = one_line(without_secrets(f"{type(error).__name__}: {error}"))
        yield f"can't be told: {told}; what to do: docs/runbook.md"


def _is_new() -> bool:
    """True where nothing has run here yet."""
    from revlog.config.settings import settings
    from revlog.database import server

    return settings().warehouse_dsn is None and not server.exists()


def _begin() -> Iterator[str]:
    yield "make run           a simulated company, to look round"
    yield "make night DATE=…  one night over what lies in the landing zone"
    yield "make up            every night by itself"


def _show(head: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        print(_within(f"{head if number == 0 else '':<14}{line}"))


def _within(line: str) -> str:
    """The line broken at the terminal's width, further lines beneath its text; whole where there is none."""
    text = line[14:]
    beneath = 14 + len(text) - len(text.lstrip()) + 2
    return fitted(line, terminal_width(), beneath - (len(line) - len(line.lstrip())))


def _published(reader: Reader) -> Iterator[str]:
    rows = reader.execute(PUBLISHED).fetchall()
    if not rows:
        yield "nothing yet"
        yield from _begin()
        return
    is_one = len({row["of_publication"] for row in rows}) == 1
    for row in rows[:1] if is_one else rows:
        night = f"the night of {row['business_date']}, {_ago(row['age'])} ago"
        yield f"{'' if is_one else row['domain'] + ': '}{night} (publication {row['of_publication']})"
    if rows[0]["withdraws"] is not None:
        yield f"publication {rows[0]['withdraws']} was withdrawn; readers see what stood before it"
    yield f"by version {rows[0]['code_version']}"


def _running(reader: Reader) -> Iterator[str]:
    from revlog.database import locks

    if held := locks.holders(reader, locks.NIGHT):
        yield held
    row = reader.execute(NEWEST).fetchone()
    if row and row["status"] == "building" and row["outcome"] in (None, "running", "good"):
        step = f"{row['step']}, {_ago(row['running_for'])} ago" if row["step"] else "begun"
        yield f"build {row['build_id']} of the night of {row['run_date']}; last step: {step}"
    elif not held:
        yield _between(reader) or "nothing"


def _between(reader: Reader) -> str:
    """Of a night that has loaded files a moment ago and holds nothing now; empty where there is none."""
    from revlog.config.settings import settings

    row = reader.execute(LOADED, {"rest": settings().night_rest_minutes}).fetchone()
    if row is None:
        return ""
    last = f"{row['stage']} {row['detail']} ended {_ago(row['ago'])} ago"
    return f"nothing at this moment; the night of {row['business_date']} has no build yet: {last}"


def _failed(reader: Reader) -> Iterator[str]:
    row = reader.execute(NEWEST).fetchone()
    failed = [r for r in reader.execute(STAGES) if r["outcome"] == "failed"]
    if row and row["outcome"] in ("refused", "broken"):
        yield f"{row['step']} of the night of {row['run_date']} (build {row['build_id']}): {row['said']}"
        yield from _checks(row)
        yield f"what to do: docs/runbook.md; then make night DATE={row['run_date']}, or clear {_task(row)}"
    elif failed:
        for run in failed[:SHOWN]:
            what = f"{run['stage']} {run['detail']}".strip()
            yield f"{what} of the night of {run['business_date']}, at {run['finished_at']:%Y-%m-%d %H:%M}"
        yield "its task's log says why; what to do: docs/runbook.md"
    elif held := list(_held(reader)):
        yield from held
        yield "what to do: docs/runbook.md; the next night judges it again"
    else:
        yield "nothing"


def _held(reader: Reader) -> Iterator[str]:
    """What a published night did not bring: a check held back its domain."""
    for row in reader.execute(HELD):
        for domain, checks in row["held"].items():
            yield f"{domain} is held back by {row['step']} of the night of {row['run_date']}:"
            yield from _some([f"  {line}" for line in checks.splitlines()], "line")


def _checks(row: Row) -> Iterator[str]:
    """What the build's gates and layers said no to: check, rows, file and line, then who does what."""
    found = findings.of_build("reporter", row["build_id"])
    for finding in found[:SHOWN]:
        yield one_line(f"  {finding}")
        yield one_line(f"    {finding.owner}: {finding.remedy}")
    if len(found) > SHOWN:
        yield f"  and {how_many(len(found) - SHOWN, 'more check')}"


def _task(row: Row) -> str:
    return str(row["step"]).removeprefix("layer ").replace(" ", "_")


def _landing(reader: Reader) -> Iterator[str]:
    from revlog.config.settings import settings

    refused = reader.execute(REFUSED).fetchall()
    waiting = sorted(_waiting({(row["feed"], row["name"]) for row in refused}), key=lambda feed: -feed.files)
    files = sum(w.files for w in waiting)
    yield f"{settings().landing}: {how_many(files, 'file')} wait{'s' if files == 1 else ''} to be loaded"
    yield from _some([f"  {feed}" for feed in waiting], "feed")
    told = [f"  refused: {row['name']} ({row['feed']}): {row['reason']}" for row in refused]
    yield from _some(told, "refused file")
    unclaimed = reader.execute(UNCLAIMED).fetchall()
    if unclaimed:
        yield f"  {how_many(len(unclaimed), 'file')} that no layout takes, as the last night found them:"
        yield from _some([f"    {row['path']}: {row['detail']}" for row in unclaimed], "file")


def _some(lines: list[str], what: str) -> Iterator[str]:
    yield from map(one_line, lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  and {how_many(len(lines) - SHOWN, f'more {what}')}"


def _waiting(refused: set[tuple[str, str]]) -> Iterator[Waiting]:
    from revlog.contracts.contract import sound_contracts
    from revlog.database.connections import connect
    from revlog.ingestion.landing import lying
    from revlog.ingestion.ledger import Ledger

    with connect("reporter", cursor_factory=psycopg.RawCursor) as books:
        for contract in sound_contracts():
            known = Ledger(books, contract, dt.date.max).finished()
            new = [
                file.business_date
                for file in lying(contract)
                if (file.layout, file.name, file.look) not in known
                and (contract.feed, file.name) not in refused
            ]
            if new:
                yield Waiting(contract.feed, len(new), min(new), max(new))


def _ago(span: dt.timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return how_many(minutes, "minute") if minutes else "less than a minute"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
