"""The one clock: which business dates a night may have, and how it is moved back.

Every night is built as of its own date, or of the newest published one where that is later (`ops.clock()`).
So a date that is mistyped would be the date of all nights to come: one that no file is dated near is refused.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg

from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.database import locks
from revlog.database.actor import of_system
from revlog.database.connections import connect


class DateRefused(Refusal):
    """No night may run for this date, or the clock may not stand at it; the message says why."""


def today() -> dt.date:
    """The date in UTC; nothing else in the project asks what day it is."""
    return dt.datetime.now(dt.UTC).date()


def check(date: dt.date, role: str) -> None:
    """Raise DateRefused for a date that lies ahead, or too far past the newest file; `role` reads the ledger.

    Files of the ledger and of the landing zone count, but for those that are dated past tomorrow themselves.
    """
    tomorrow = today() + dt.timedelta(days=1)
    if date > tomorrow:
        raise DateRefused(
            f"{date} lies ahead: today is {today()} (UTC), and no night runs for a date past tomorrow."
            " Nothing was written; look at the date again"
        )
    reach = dt.timedelta(days=settings().days_past_newest_file)
    newest = _newest_in_ledger(tomorrow, role)
    if newest is None or date > newest + reach:
        newest = max(filter(None, (newest, _newest_landed(tomorrow, newest))), default=None)
    if newest is None:
        raise DateRefused(
            f"no file is dated near {date}: there is none at all, neither in ops.file_ledger nor in"
            f" {settings().landing}. Nothing was written; look whether LANDING_URL is right"
        )
    if date > newest + reach:
        raise DateRefused(
            f"no file is dated near {date}: the newest is of {newest}, and a night may be"
            f" {reach.days} days past it (DAYS_PAST_NEWEST_FILE). Nothing was written; look at the date again"
        )


def as_of(connection: psycopg.Connection[Any], date: dt.date) -> dt.date:
    """Date that a build of the night `date` is as of; raises DateRefused where the clock stands wrong."""
    standing = _standing(connection)
    if standing is None or standing <= date:
        return date
    try:
        check(standing, "transformer")
    except DateRefused as refused:
        raise DateRefused(
            f"the clock stands at {standing}, and every night would be as of that date, but {refused}."
            f" Move it back: revlog warehouse set-clock {date} --reason WHY"
        ) from refused
    return standing


def set_back(date: dt.date, reason: str) -> str:
    """Set the clock to `date`, from where nights move it on; the next one computes everything anew.

    What was published stays on record. Builds that are not published are given up. Raises DateRefused for a
    date that `check` refuses, that the clock has not passed, or by which a closed period is not over, and
    locks.Busy while a night is under way.
    """
    from revlog.builds import judged

    if not reason.strip():
        raise DateRefused("say why: the reason is kept with the setting")
    check(date, "transformer")
    with judged.turn("setting the clock"), connect("admin") as connection:
        standing = _standing(connection)
        if standing is None or date >= standing:
            raise DateRefused(
                f"the clock stands at {standing or 'no date yet'}: nights move it on, this only moves it back"
            )
        _refuse_closed(connection, date)
        given_up = judged.give_up_what_is_not_published(connection)
        connection.execute(
            "insert into ops.clock_settings (business_date, reason, set_by, publication_id)"
            " values (%s, %s, %s, (select max(publication_id) from ops.publications))",
            [date, reason.strip(), of_system()],
        )
        locks.still_held(locks.NIGHT)
    also = f"; builds that were not published and are given up: {given_up}" if given_up else ""
    return f"the clock stands at {date} (was {standing}); the next night computes everything anew{also}"


def _standing(connection: psycopg.Connection[Any]) -> dt.date | None:
    row = connection.execute("select ops.clock() as date").fetchone()
    if row is None:
        return None
    found: dt.date | None = row["date"] if isinstance(row, dict) else row[0]
    return found


def _newest_in_ledger(until: dt.date, role: str) -> dt.date | None:
    with connect(role) as connection:
        row = connection.execute(
            "select max(business_date) from ops.file_ledger where business_date <= %s", [until]
        ).fetchone()
    return row[0] if row else None


def _newest_landed(until: dt.date, in_ledger: dt.date | None) -> dt.date | None:
    from revlog.ingestion.landing import newest_date
    from revlog.ingestion.storage import StorageError

    try:
        return newest_date(until)
    except StorageError:
        # Only the loader has a login for a bucket: to the steps after it, the ledger says what has come.
        if in_ledger is None:
            raise
        return None


def _refuse_closed(connection: psycopg.Connection[Any], date: dt.date) -> None:
    """A period that is not over yet can't stay closed."""
    found = connection.execute("select to_regclass('finance.period_status')").fetchone()
    if found == (None,):
        return
    closed = connection.execute(
        "select string_agg(period, ', ' order by period desc) from finance.period_status"
        " where status = 'closed' and ends_on >= %s",
        [date],
    ).fetchone()
    if closed and closed[0]:
        raise DateRefused(
            f"{closed[0]} would not be over by {date}, and are closed: reopen them first, the latest first"
            ' (revlog period reopen PERIOD --approver "NAME")'
        )
