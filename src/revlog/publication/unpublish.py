"""Withdraw the newest publication: readers see again what they saw before it of the domains that it brought.

A publication logs the rows that it replaces and the keys that it brings (`undo`). Withdrawing writes them
back as a publication of its own, with the business date and the build of the one before: books and histories
only grow, and say when readers saw what.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from revlog.builds import judged
from revlog.builds.domains import DOMAINS, in_words, others
from revlog.builds.published import Published
from revlog.config.refusal import Refusal
from revlog.database import locks
from revlog.database.actor import of_system
from revlog.database.connections import connect
from revlog.database.relations import Relation, columns, kind
from revlog.publication.differences import UNDO, WAS_THERE, History, Target, forget_logs, names_of, same_key
from revlog.publication.handover import settle
from revlog.publication.publish import histories_in, next_publication

Connection = psycopg.Connection[Any]


class Refused(Refusal):
    """The newest publication can't be withdrawn; the message says why, and what to run instead."""


@dataclass(frozen=True)
class Withdrawal:
    """What was withdrawn, and what readers see instead."""

    publication_id: int
    withdrawn: int
    withdrawn_date: dt.date
    restored: int
    business_date: dt.date
    build_id: int
    rows: int
    domains: tuple[str, ...] = DOMAINS

    def __str__(self) -> str:
        of = f" ({in_words(self.domains)})" if others(self.domains) else ""
        return (
            f"publication {self.withdrawn} of {self.withdrawn_date}{of} is withdrawn: as publication"
            f" {self.publication_id}, readers see again what publication {self.restored} of"
            f" {self.business_date} showed{of}; {self.rows:,} rows written back.\n"
            f"Build {self.build_id} is not published again. The next night builds on it and publishes what"
            " still is as it was, so mend the cause first: a corrected file under the same name, or the code."
            f" Then: revlog night {self.withdrawn_date}"
        )


def unpublish(approver: str, note: str, tables: list[Published] | None = None) -> Withdrawal:
    """Give readers back what they saw before the newest publication; recorded with the approver's name.

    `tables` defaults to the models that dbt marks with `publish_to`. Raises Refused where that is not
    possible, and StillBlocked or the database's own error, after which nothing has changed.
    """
    if not approver.strip() or not note.strip():
        raise Refused('say who answers for it, and why: --approver "A. Name" --note "wrong price file"')
    if tables is None:
        from revlog.transform.tables import published_tables

        tables = published_tables()
    with (
        locks.hold(locks.NIGHT, "publisher", f"withdrawing a publication, {judged.process()}"),
        connect("publisher", autocommit=True) as connection,
    ):
        settle(connection)
        with connection.transaction():
            newest, before = _newest_two(connection)
            _check(connection, newest)
            # Their landed gates have not judged again what is withdrawn, and what comes next publishes it.
            judged.give_up_what_is_not_published(connection)
            publication_id = next_publication(connection)
            counts = {
                name: _write_back(connection, publication_id, name, logged, tables)
                for name, logged in newest["tables"].items()
            }
            who = {"approver": approver.strip(), "actor": of_system(), "note": note.strip()}
            _record(connection, publication_id, newest, before, counts, who)
            # Nothing is left that a second withdrawal could write back.
            forget_logs(connection)
            locks.still_held(locks.NIGHT)
    return Withdrawal(
        publication_id, newest["publication_id"], newest["business_date"], before["publication_id"],
        before["business_date"], newest["build_id"],
        sum(count for table in counts.values() for count in table.values()), tuple(newest["domains"]),
    )  # fmt: skip


def _newest_two(connection: Connection) -> tuple[dict[str, Any], dict[str, Any]]:
    """The newest publication, and the one that readers of its domains see again without it."""
    with connection.cursor(row_factory=dict_row) as cursor:
        newest = cursor.execute(
            "select * from ops.publications order by publication_id desc limit 1"
        ).fetchone()
        shown = cursor.execute(
            "select s.domain, s.of_publication from ops.shown as s where s.publication_id = ("
            " select max(p.publication_id) from ops.publications as p where p.publication_id < %s)",
            [newest and newest["publication_id"]],
        ).fetchall()
        again = {row["domain"]: row["of_publication"] for row in shown}
        if newest is None or not again.keys() >= set(newest["domains"]):
            raise Refused(
                "there is no publication before the newest one. To build and publish anew, mend the cause and"
                " run the night: revlog night DATE"
            )
        before = cursor.execute(
            "select * from ops.publications where publication_id = %s",
            [max(again[domain] for domain in newest["domains"])],
        ).fetchone()
    assert before is not None
    return newest, {**before, "marts_from": again.get("marts"), "finance_from": again.get("finance")}


def _check(connection: Connection, newest: dict[str, Any]) -> None:
    """Refuse what could not be written back exactly."""
    number = newest["publication_id"]
    again = f"mend the cause and run the night again: revlog night {newest['business_date']}"
    if newest["withdraws"] is not None:
        raise Refused(
            f"publication {number} has withdrawn publication {newest['withdraws']} already, and one is kept;"
            f" {again}"
        )
    if newest["reshaped"]:
        raise Refused(
            f"publication {number} changed the shape of {', '.join(newest['reshaped'])}, as new code does:"
            f" go back to the code before it (`code_version` in ops.publications), then {again}"
        )
    closed = connection.execute(
        "select a.period from ops.period_acts as a where a.publication_id = %s and a.act = 'close'"
        " and not exists (select from ops.period_acts as later where later.period = a.period"
        "   and later.act_id > a.act_id)",
        [number],
    ).fetchall()
    if closed:
        periods = ", ".join(period for (period,) in closed)
        raise Refused(
            f"{periods} was closed on publication {number}: reopen it first, revlog period reopen --help"
        )


def _write_back(
    connection: Connection, publication_id: int, name: str, logged: dict[str, int], tables: list[Published]
) -> dict[str, int]:
    """Delete the keys that came and insert the rows that were replaced in one table."""
    if not any(logged.values()):
        return {"deleted": 0, "inserted": 0}
    table = next((table for table in tables if str(table.public) == name), None)
    if table is None or kind(connection, table.public) != "r":
        raise Refused(f"{name} is not published by this code: go back to the code that published it")
    log = Relation(UNDO, table.name)
    shape = columns(connection, table.public)
    is_whole = columns(connection, log) == {**shape, WAS_THERE: "boolean"}
    if not is_whole or _rows(connection, log) != logged:
        raise Refused(
            f"the log of what was replaced in {name} is not whole, as after a crash of the server: mend the"
            " cause and run the night again: revlog night DATE"
        )
    history = histories_in(tables).get(table.name)
    target = Target(
        table.public, table.key, tuple(shape), History(history.public, publication_id) if history else None
    )
    came = sql.SQL("exists (select from {} as u where not u.{} and {})").format(
        log.identifier, sql.Identifier(WAS_THERE), same_key("u", "t", table.key)
    )
    gone = sql.SQL("select {} from {} where {} order by {}").format(
        names_of(tuple(shape)), log.identifier, sql.Identifier(WAS_THERE), names_of(table.key)
    )
    written = {"deleted": target.delete(connection, came), "inserted": target.insert(connection, gone)}
    assert written == {"deleted": logged["inserted"], "inserted": logged["deleted"]}, f"{name}: {written}"
    return written


def _rows(connection: Connection, log: Relation) -> dict[str, int]:
    """How many rows a publication deleted and inserted, as its log has it."""
    row = connection.execute(
        sql.SQL("select count(*) filter (where {0}), count(*) filter (where not {0}) from {1}").format(
            sql.Identifier(WAS_THERE), log.identifier
        )
    ).fetchone()
    assert row is not None
    return {"deleted": row[0], "inserted": row[1]}


def _record(
    connection: Connection,
    publication_id: int,
    newest: dict[str, Any],
    before: dict[str, Any],
    counts: dict[str, dict[str, int]],
    who: dict[str, str],
) -> None:
    connection.execute(
        "insert into ops.publications (publication_id, business_date, build_id, code_version, from_seq,"
        " to_seq, files, tables, domains, marts_from, finance_from, withdraws, approver, actor, note)"
        " overriding system value"
        " values (%(id)s, %(business_date)s, %(build_id)s, %(code_version)s, %(from_seq)s, %(to_seq)s, '[]',"
        " %(counts)s, %(domains)s, %(marts_from)s, %(finance_from)s, %(withdraws)s, %(approver)s, %(actor)s,"
        " %(note)s)",
        {
            **before,
            **who,
            "id": publication_id,
            "counts": json.dumps(counts),
            "domains": newest["domains"],
            "withdraws": newest["publication_id"],
        },
    )
