"""`python -m nightly.status`: what stands, what runs, what failed and its remedy, what waits to be loaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import typer
from psycopg.rows import dict_row

from outputs.escaping import one_line
from warehouse.redaction import run_command

Row = dict[str, Any]
Reader = psycopg.Connection[Row]
# Of failed checks, feeds that wait and files that nobody takes, so many are named.
SHOWN = 5

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

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
# What the last run of a gate, or of dbt, said no to.
CHECKS = """
select r.message from ops.validation_results as r
where r.stage = %(stage)s and r.business_date = %(date)s and r.validated_at >= %(since)s
    and not r.success and r.severity = 'critical'
    and r.run_id = (
        select run_id from ops.validation_results
        where stage = %(stage)s and business_date = %(date)s order by result_id desc limit 1
    )
order by r.result_id
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
        return f"{self.feed}: {self.files:,} file{'' if self.files == 1 else 's'} of {dates}"


@app.command(help=__doc__)
def status() -> None:
    """Print it; reads only, and waits for nobody."""
    from nightly.stages import translated
    from warehouse.connections import connect

    with translated(), connect("reporter", row_factory=dict_row) as reader:
        for head, lines in (
            ("Published", _published(reader)),
            ("Running", _running(reader)),
            ("Failed", _failed(reader)),
            ("Landing zone", _landing(reader)),
        ):
            _show(head, lines)


def _show(head: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        typer.echo(f"{head if number == 0 else '':<14}{line}")


def _published(reader: Reader) -> Iterator[str]:
    rows = reader.execute(PUBLISHED).fetchall()
    if not rows:
        yield "nothing yet: make night DATE=…, or make up for every night"
        return
    is_one = len({row["of_publication"] for row in rows}) == 1
    for row in rows[:1] if is_one else rows:
        night = f"the night of {row['business_date']}, {_ago(row['age'])} ago"
        yield f"{'' if is_one else row['domain'] + ': '}{night} (publication {row['of_publication']})"
    if rows[0]["withdraws"] is not None:
        yield f"publication {rows[0]['withdraws']} was withdrawn; readers see what stood before it"
    yield f"by version {rows[0]['code_version']}"


def _running(reader: Reader) -> Iterator[str]:
    from warehouse import locks

    if held := locks.holders(reader, locks.NIGHT):
        yield held
    row = reader.execute(NEWEST).fetchone()
    if row and row["status"] == "building" and row["outcome"] in (None, "running", "good"):
        step = f"{row['step']}, {_ago(row['running_for'])} ago" if row["step"] else "begun"
        yield f"build {row['build_id']} of the night of {row['run_date']}; last step: {step}"
    elif not held:
        yield "nothing"


def _failed(reader: Reader) -> Iterator[str]:
    row = reader.execute(NEWEST).fetchone()
    failed = [r for r in reader.execute(STAGES) if r["outcome"] == "failed"]
    if row and row["outcome"] in ("refused", "broken"):
        yield f"{row['step']} of the night of {row['run_date']} (build {row['build_id']}): {row['said']}"
        yield from _checks(reader, row)
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
            yield from _some([f"  {line}" for line in checks.splitlines()], "lines")


def _checks(reader: Reader, row: Row) -> Iterator[str]:
    kind, _, stage = str(row["step"]).partition(" ")
    if kind != "gate":
        return
    found = reader.execute(
        CHECKS, {"stage": stage, "date": row["run_date"], "since": row["step_at"]}
    ).fetchall()
    yield from _some([f"  {row['message'].splitlines()[0]}" for row in found], "checks")


def _task(row: Row) -> str:
    return str(row["step"]).removeprefix("layer ").replace(" ", "_")


def _landing(reader: Reader) -> Iterator[str]:
    from warehouse.settings import settings

    refused = reader.execute(REFUSED).fetchall()
    waiting = sorted(_waiting({(row["feed"], row["name"]) for row in refused}), key=lambda feed: -feed.files)
    yield f"{settings().landing}: {sum(w.files for w in waiting):,} files wait to be loaded"
    yield from _some([f"  {feed}" for feed in waiting], "feeds")
    told = [f"  refused: {row['name']} ({row['feed']}): {row['reason']}" for row in refused]
    yield from _some(told, "refused files")
    unclaimed = reader.execute(UNCLAIMED).fetchall()
    if unclaimed:
        yield f"  {len(unclaimed):,} files that no layout takes, as the last night found them:"
        yield from _some([f"    {row['path']}: {row['detail']}" for row in unclaimed], "files")


def _some(lines: list[str], what: str) -> Iterator[str]:
    yield from map(one_line, lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  and {len(lines) - SHOWN:,} more {what}"


def _waiting(refused: set[tuple[str, str]]) -> Iterator[Waiting]:
    from ingestion.contract import sound_contracts
    from ingestion.landing import lying
    from ingestion.ledger import Ledger
    from warehouse.connections import connect

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
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"


if __name__ == "__main__":
    run_command(app)
