"""Close and reopen fiscal periods of the refund reconciliation.

What a period consists of is said in one place, the view `finance.period_postings`: closing writes its rows
of the period down in `ops.frozen_postings`, the accrual of its month in `ops.frozen_accruals`, and the act in
`ops.period_acts`. All are append-only.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from revlog.config.refusal import Refusal
from revlog.config.settings import code_version
from revlog.database import locks
from revlog.database.actor import of_system
from revlog.database.connections import connect
from revlog.outputs.escaping import one_line

PERIOD = re.compile(r"[0-9]{4}-[0-9]{2}")
# Stages that judge what is published; what has landed is the night's own affair.
JUDGED = ["staging", "core", "marts", "publish"]
COLUMNS = (
    "posted_period, original_period, is_adjustment, subject, item_key, entity, currency, group_key, leg,"
    " document_key, document_type, document_no, component, gap, class, amount, document_currency,"
    " document_amount, file_id, line_no"
)
ACCRUAL_COLUMNS = (
    "month, product_category, currency, shipped_value, revenue, opening_value, accrued_value, used_value,"
    " re_estimated_value, refund_liability, expected_cost, recovery_share, right_of_return_asset"
)


class Refused(Refusal):
    """The period can't be closed or reopened now; the message says why, and what to do."""


@dataclass(frozen=True)
class Act:
    """One act as it was recorded; `rows` were frozen, or by a reopening are no longer in force."""

    act: str
    period: str
    approver: str
    publication_id: int
    business_date: dt.date
    rows: int

    def __str__(self) -> str:
        what = "closed" if self.act == "close" else "reopened"
        rows = f"{self.rows:,} rows " + ("frozen" if self.act == "close" else "no longer in force")
        return (
            f"{self.period} {what} by {one_line(self.approver)}, on publication {self.publication_id}"
            f" of {self.business_date}: {rows}"
        )


@dataclass(frozen=True)
class Status:
    """A fiscal period and how it stands; without `act_id` no close of its own is in force."""

    period: str
    ends_on: dt.date
    status: str
    is_first_open: bool
    act_id: int | None
    closed_at: dt.datetime | None
    approver: str | None

    def __str__(self) -> str:
        if self.status == "open":
            return f"{self.period}  open" + (", next to be closed" if self.is_first_open else "")
        by = f" by {one_line(self.approver)} on {self.closed_at:%Y-%m-%d}" if self.closed_at else ""
        return f"{self.period}  closed{by}"


@dataclass(frozen=True)
class _Shown:
    """The publication whose finance readers see."""

    publication_id: int
    build_id: int
    business_date: dt.date


def close(
    period: str, approver: str, note: str = "", with_earlier: bool = False, actor: str | None = None
) -> list[Act]:
    """Freeze a fiscal period (YYYY-PP) as it is published; returns what was recorded, oldest period first.

    `actor` is who was logged in (actor.py), by default the system's user; `approver` is what they say.
    `with_earlier` closes the open periods before it as well, each with an act of its own. All or nothing.
    Raises Refused where the period is not the earliest open one or not over, where the last build is not
    published, or where a critical check of what is published has failed.
    """
    _check_words(period, approver)
    with _alone(f"closing {period}") as connection:
        shown = _published(connection)
        _check_built(connection, shown)
        _check_judged(connection, shown)
        due = _due(_statuses(connection), period, with_earlier)
        who = (approver.strip(), actor or of_system())
        return [_close(connection, status, who, note, shown) for status in due]


def reopen(period: str, approver: str, note: str = "", actor: str | None = None) -> Act:
    """Reopen the latest closed period. Its figures stay, but are no longer in force.

    `actor` as for `close`.
    Raises Refused where the period is not closed, or a later one is.
    """
    _check_words(period, approver)
    with _alone(f"reopening {period}") as connection:
        shown = _published(connection)
        status = _reopenable(_statuses(connection), period)
        rows = connection.execute(
            "select count(*) as rows from ops.frozen_postings where act_id = %s", [status.act_id]
        ).fetchone()
        assert rows is not None
        connection.execute(
            "insert into ops.period_acts (act, period, approver, actor, note, publication_id, business_date,"
            " code_version, frozen_rows, frozen_amounts)"
            " select 'reopen', period, %s, %s, %s, %s, %s, %s, frozen_rows, frozen_amounts"
            " from ops.period_acts where act_id = %s",
            [
                approver.strip(), actor or of_system(), note, shown.publication_id, shown.business_date,
                code_version(), status.act_id,
            ],
        )  # fmt: skip
    return Act("reopen", period, approver.strip(), shown.publication_id, shown.business_date, rows["rows"])


def status() -> list[Status]:
    """Every fiscal period from the first with refund documents to the published one, oldest first."""
    with connect("publisher", row_factory=dict_row) as connection:
        _published(connection)
        return _statuses(connection)


def _check_words(period: str, approver: str) -> None:
    if not PERIOD.fullmatch(period):
        raise Refused(f"{period!r} is no fiscal period; write it as 2026-01")
    if not approver.strip():
        raise Refused('nobody approves: give the name of the person who answers for it, --approver "A. Name"')


@contextlib.contextmanager
def _alone(purpose: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction during which no step of a night runs, nobody publishes, and nobody else closes."""
    with locks.alone("publisher", purpose, row_factory=dict_row) as connection:
        yield connection


def _published(connection: psycopg.Connection[Any]) -> _Shown:
    row = connection.execute(
        "select of_publication as publication_id, build_id, as_of as business_date from ops.standing"
        " where domain = 'finance' and build_id is not null"
    ).fetchone()
    if row is None:
        raise Refused("nothing is published yet; run a night first: revlog night --help")
    found = connection.execute("select to_regclass('finance.period_postings') as view").fetchone()
    if found is None or found["view"] is None:
        raise Refused(
            "what is published knows no periods yet; publish a night with this version first:"
            " revlog night --help"
        )
    return _Shown(**row)


def _check_built(connection: psycopg.Connection[Any], shown: _Shown) -> None:
    """A build behind the publication may hold documents that nobody has seen."""
    last = connection.execute(
        "select build_id, business_date, status, 'finance' = any(held) as is_held"
        " from ops.builds order by build_id desc limit 1"
    ).fetchone()
    assert last is not None
    if last["build_id"] != shown.build_id:
        why = "finance of it is held back by a check" if last["is_held"] else "not published"
        raise Refused(
            f"build {last['build_id']} of {last['business_date']} is {last['status']} and {why};"
            " bring that night to its end first (docs/runbook.md), then close"
        )


def _check_judged(connection: psycopg.Connection[Any], shown: _Shown) -> None:
    """The last word of each check since the build began counts."""
    failed = connection.execute(
        "select check_name from ("
        "   select distinct on (r.stage, r.engine, r.suite, r.asset, r.check_name, r.column_name)"
        "       r.check_name, r.severity, r.success, r.holds"
        "   from ops.validation_results as r"
        "   inner join ops.builds as b on b.build_id = %s and r.validated_at >= b.started_at"
        "   where r.stage = any(%s)"
        "   order by r.stage, r.engine, r.suite, r.asset, r.check_name, r.column_name, r.result_id desc"
        " ) as last_word where severity = 'critical' and not success"
        " and 'finance' = any(holds) order by check_name",
        [shown.build_id, JUDGED],
    ).fetchall()
    if failed:
        names = ", ".join(row["check_name"] for row in failed[:5])
        raise Refused(
            f"{len(failed)} critical checks of what is published have failed ({names});"
            " mend that night first (docs/runbook.md), then close"
        )


def _statuses(connection: psycopg.Connection[Any]) -> list[Status]:
    rows = connection.execute(
        "select period, ends_on, status, is_first_open, act_id, closed_at, approver"
        " from finance.period_status order by period"
    ).fetchall()
    return [Status(**row) for row in rows]


def _due(statuses: list[Status], period: str, with_earlier: bool) -> list[Status]:
    """Periods to close, oldest first."""
    wanted = _known(statuses, period)
    if wanted.status == "closed":
        by = f" by {wanted.approver} at {wanted.closed_at:%Y-%m-%d %H:%M} UTC" if wanted.closed_at else ""
        raise Refused(
            f"{period} is closed already{by}; what came later posts to the first open period."
            f" To close it anew, reopen it first: revlog period reopen {period} --approver NAME"
        )
    due = [s for s in statuses if s.status == "open" and s.period <= period]
    if len(due) > 1 and not with_earlier:
        raise Refused(
            f"{due[0].period} is still open, and periods are closed in order: close {due[0].period} first,"
            f" or all up to {period} with --with-earlier"
        )
    return due


def _close(
    connection: psycopg.Connection[Any], due: Status, who: tuple[str, str], note: str, shown: _Shown
) -> Act:
    approver, actor = who
    if shown.business_date <= due.ends_on:
        raise Refused(
            f"{due.period} ends on {due.ends_on}, and the last published night is {shown.business_date}:"
            " close it when a later night is published"
        )
    row = connection.execute(
        f"""
        with postings as materialized (
            select {COLUMNS} from finance.period_postings
            where not is_frozen and posted_period <= %(period)s
        ),
        by_leg as (
            select currency, coalesce(leg, gap) as leg_or_gap, sum(amount) as amount
            from postings group by currency, coalesce(leg, gap)
        ),
        by_currency as (
            select currency, jsonb_object_agg(leg_or_gap, amount) as amounts from by_leg group by currency
        ),
        act as (
            insert into ops.period_acts (act, period, approver, actor, note, publication_id, business_date,
                code_version, frozen_rows, frozen_amounts)
            select 'close', %(period)s, %(approver)s, %(actor)s, %(note)s, %(publication_id)s,
                %(business_date)s, %(code)s, (select count(*) from postings),
                coalesce((select jsonb_object_agg(currency, amounts) from by_currency), '{{}}')
            returning act_id, frozen_rows
        ),
        frozen as (
            insert into ops.frozen_postings (act_id, {COLUMNS})
            select act.act_id, {COLUMNS} from postings cross join act
        )
        select act_id, frozen_rows from act
        """,
        {
            "period": due.period, "approver": approver, "actor": actor, "note": note,
            "code": code_version(), "publication_id": shown.publication_id,
            "business_date": shown.business_date,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    _freeze_accrual(connection, due, row["act_id"])
    return Act("close", due.period, approver, shown.publication_id, shown.business_date, row["frozen_rows"])


def _freeze_accrual(connection: psycopg.Connection[Any], due: Status, act_id: int) -> None:
    """Write down the accrual of the months that end with the period and after the last closed one."""
    connection.execute(
        f"""
        insert into ops.frozen_accruals (act_id, {ACCRUAL_COLUMNS})
        select %(act_id)s, {ACCRUAL_COLUMNS} from finance.refund_liability
        where month <= %(ends_on)s and month > coalesce(
            (
                select max(ends_on) from finance.period_status
                where status = 'closed' and period < %(period)s
            ), '-infinity'
        )
        """,
        {"act_id": act_id, "ends_on": due.ends_on, "period": due.period},
    )


def _reopenable(statuses: list[Status], period: str) -> Status:
    wanted = _known(statuses, period)
    closed = [s for s in statuses if s.act_id is not None]
    if wanted.act_id is None:
        latest = f"; the latest closed period is {closed[-1].period}" if closed else "; no period is closed"
        raise Refused(f"{period} was not closed by an act of its own{latest}")
    if closed[-1] is not wanted:
        raise Refused(
            f"{closed[-1].period} is closed after it, with what {period} left over: reopen"
            f" {closed[-1].period} first"
        )
    return wanted


def _known(statuses: list[Status], period: str) -> Status:
    found = next((s for s in statuses if s.period == period), None)
    if found is None:
        span = f"from {statuses[0].period} to {statuses[-1].period}" if statuses else "not there yet"
        raise Refused(f"{period} has no refunds: the periods are {span} (revlog period status)")
    return found
