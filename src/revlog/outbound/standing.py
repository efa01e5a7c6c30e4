"""`revlog outbound status`: which feeds are on, what was told last, what waits and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from revlog.config.refusal import Refusal
from revlog.config.settings import SettingsError
from revlog.database.connections import connect
from revlog.outbound import contract as contracts
from revlog.outbound import destination
from revlog.outputs.escaping import one_line
from revlog.outputs.words import how_many

Reader = psycopg.Connection[dict[str, Any]]

# Events that a receiver refuses, named of a feed.
SHOWN = 5
TOLD = """
select count(*) filter (where status = 'sent') as sent,
    count(*) filter (where status = 'pending') as waiting,
    count(*) filter (where status = 'set_aside') as set_aside,
    max(ended_at) filter (where status = 'sent') as last,
    min(decided_at) filter (where status = 'pending') as waits_since
from ops.outbound_ledger where feed = %s
"""
REFUSED = """
select event_id::text as event_id, event_key, revision, said, refusals
from ops.outbound_ledger where feed = %s and status = 'pending' and refusals > 0 order by ledger_no
"""


def status() -> Iterator[str]:
    """Lines for people, a feed after the other. Reads only."""
    with connect("sender", row_factory=dict_row, autocommit=True) as reader:
        for feed in contracts.feeds():
            yield from _of_feed(reader, feed)


def _of_feed(reader: Reader, feed: str) -> Iterator[str]:
    try:
        found = contracts.load(feed)
        to = destination.of(found)
    except (Refusal, SettingsError) as error:
        yield f"{feed}: {error}"
        return
    row = reader.execute("select begins_on from ops.outbound_feeds where feed = %s", [feed]).fetchone()
    since = f", what happened from {destination.begins_on() or row['begins_on']} on" if to and row else ""
    yield f"{feed}: {f'on, to {to}{since}' if to else 'off'}; {found.title}"
    told = reader.execute(TOLD, [feed]).fetchone()
    if told and any(told[name] for name in ("sent", "waiting", "set_aside")):
        last = f", the last at {told['last']:%Y-%m-%d %H:%M}" if told["last"] else ""
        yield f"  {how_many(told['sent'], 'event')} sent{last}; {told['set_aside']:,} set aside"
    if told and told["waiting"]:
        yield f"  {how_many(told['waiting'], 'event')} waiting since {told['waits_since']:%Y-%m-%d %H:%M}"
    refused = reader.execute(REFUSED, [feed]).fetchall()
    for event in refused[:SHOWN]:
        yield (
            f"  refused: {one_line(event['event_key'])}, revision {event['revision']},"
            f" {how_many(event['refusals'], 'time')}; the receiver {one_line(event['said'])}."
            f" Its number: {event['event_id']}"
        )
    if len(refused) > SHOWN:
        yield f"  and {how_many(len(refused) - SHOWN, 'more event')} that the receiver refuses"
