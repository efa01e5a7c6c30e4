"""`ops.outbound_ledger`: what is to be told is written first, then delivered, then marked.

Whoever was killed in between leaves it pending, with the identity and the bytes that it had.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from revlog.config.refusal import Refusal
from revlog.database.actor import of_system
from revlog.outbound.contract import OutboundContract
from revlog.outbound.events import Decided
from revlog.outbound.payload import Change, envelope, event_id

Connection = psycopg.Connection[Any]

SWITCH_ON = """
insert into ops.outbound_feeds (feed, begins_on) values (%(feed)s, %(begins_on)s)
on conflict (feed) do nothing
"""
DECIDE = """
insert into ops.outbound_ledger (
    event_id, feed, event, event_key, revision, change, corrects, happened_on, publication_id, data_sha256,
    column_digests, payload
) values (
    %(event_id)s, %(feed)s, %(event)s, %(event_key)s, %(revision)s, %(change)s, %(corrects)s, %(happened_on)s,
    %(publication_id)s, %(data_sha256)s, %(digests)s, %(payload)s
)
"""
PENDING = """
select event_id::text as event_id, event_key, change, payload, file_name
from ops.outbound_ledger where feed = %s and status = 'pending' order by ledger_no
"""
# Of what was sent no more is kept than that it was.
SENT = """
update ops.outbound_ledger set status = 'sent', payload = null, said = null, ended_at = clock_timestamp()
where event_id = any(%s) and status = 'pending'
"""
REFUSED = "update ops.outbound_ledger set refusals = refusals + 1, said = %s where event_id = %s"
SET_ASIDE = """
update ops.outbound_ledger set status = 'set_aside', payload = null, ended_at = clock_timestamp(),
    set_aside_by = %(by)s, actor = %(actor)s, note = %(note)s
where event_id::text = %(event_id)s and status = 'pending' returning feed, event_key, revision
"""


@dataclass(frozen=True)
class Standing:
    """At which night a domain stands."""

    publication_id: int
    business_date: dt.date
    as_of: dt.date


@dataclass(frozen=True)
class Pending:
    """An event that is written down and not known to have been delivered; `payload` is its JSON."""

    event_id: str
    event_key: str
    change: Change
    payload: str
    file_name: str | None


class NotSetAside(Refusal):
    """No such event waits; the message says what to look at."""


def standing(reader: Connection, domain: str) -> Standing | None:
    """The night that readers see of a domain; None before its first publication."""
    with reader.cursor(row_factory=class_row(Standing)) as cursor:
        return cursor.execute(
            "select of_publication as publication_id, business_date, as_of from ops.standing"
            " where domain = %s",
            [domain],
        ).fetchone()


def begins_on(writer: Connection, feed: str, first: dt.date) -> dt.date:
    """First day whose events are told: that of when the feed was switched on, now if it never was."""
    writer.execute(SWITCH_ON, {"feed": feed, "begins_on": first})
    row = writer.execute("select begins_on from ops.outbound_feeds where feed = %s", [feed]).fetchone()
    assert row is not None
    found: dt.date = row[0]
    return found


def decide(
    writer: Connection, contract: OutboundContract, company: str, at: Standing, decided: Sequence[Decided]
) -> None:
    """Write down what is to be told, each event with its identity and its bytes."""
    with writer.cursor() as cursor:
        cursor.executemany(DECIDE, [_row(contract, company, at, event) for event in decided])


def _row(contract: OutboundContract, company: str, at: Standing, decided: Decided) -> dict[str, Any]:
    told = decided.outgoing
    identity = event_id(company, contract.feed, told.event_key, told.revision)
    return {
        "event_id": identity, "feed": contract.feed, "event": told.event, "event_key": told.event_key,
        "revision": told.revision, "change": told.change, "happened_on": told.happened_on,
        "corrects": told.corrects and told.corrects.event_id, "publication_id": at.publication_id,
        "data_sha256": decided.data_sha256, "digests": Jsonb(decided.digests),
        "payload": envelope(contract, identity, told, at.publication_id, at.business_date.isoformat()),
    }  # fmt: skip


def pending(reader: Connection, feed: str) -> list[Pending]:
    """What waits to be delivered, in the order in which it was decided."""
    with reader.cursor(row_factory=class_row(Pending)) as cursor:
        return cursor.execute(PENDING, [feed]).fetchall()


def put_into(writer: Connection, file_name: str, event_ids: Iterable[str]) -> None:
    """Write down which file holds the events, before it is there."""
    writer.execute(
        "update ops.outbound_ledger set file_name = %s where event_id = any(%s)", [file_name, list(event_ids)]
    )


def mark_sent(writer: Connection, event_ids: Iterable[str]) -> None:
    """Write down that the receiver has them."""
    writer.execute(SENT, [list(event_ids)])


def mark_refused(writer: Connection, event_id: str, said: str) -> None:
    """Write down that the receiver refused it, and why; it stays pending."""
    writer.execute(REFUSED, [said, event_id])


def set_aside(writer: Connection, event_id: str, by: str, note: str) -> str:
    """Give up an event that waits; returns what it was. Raises NotSetAside."""
    if not by.strip() or not note.strip():
        raise NotSetAside("who sets it aside, and why, is kept with it: name both, --by and --note")
    row = writer.execute(
        SET_ASIDE, {"event_id": event_id, "by": by, "actor": of_system(), "note": note}
    ).fetchone()
    if row is None:
        raise NotSetAside(f"no event {event_id} waits; revlog outbound status names those that were refused")
    return f"{row[0]}: {row[1]}, revision {row[2]}, will not be sent"
