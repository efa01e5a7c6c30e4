"""Tell other systems what is published and was not told yet: decide, deliver, mark.

What is to be told of all feeds is read in one snapshot and written down at once. Delivered is what is written
down, whoever did it: the next run goes on with one that was killed, under the same identities and file names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from revlog.config.refusal import Refusal
from revlog.config.settings import SettingsError, settings
from revlog.database import locks
from revlog.database.connections import connect
from revlog.ingestion import storage
from revlog.outbound import contract as contracts
from revlog.outbound import destination, events, ledger, payload
from revlog.outbound.contract import OutboundContract
from revlog.outbound.destination import Destination
from revlog.outbound.events import Decided
from revlog.outbound.ledger import Pending
from revlog.outbound.posting import DestinationRefused, Poster, Refused
from revlog.outputs.escaping import one_line
from revlog.outputs.words import how_many

Connection = psycopg.Connection[Any]
Tell = Callable[[str], object]

ROLE = "sender"
OFF = "nothing is switched on: OUTBOUND_TO_<FEED> names where a feed goes (docs/how-to/tell-other-systems.md)"
MOST_IN_A_FILE = 50_000
# Events that a receiver refuses one after the other before the rest is not even tried.
MOST_REFUSED = 20
# Payloads that a dry run shows of a feed.
SHOWN = 3


class NotTold(Refusal):
    """Something was not told, and trying again alone will not help; the message says what to do."""


@dataclass(frozen=True)
class Feed:
    """A feed that is at work; `to` is None in a dry run of one that is off."""

    contract: OutboundContract
    to: Destination | None

    @property
    def name(self) -> str:
        return self.contract.feed


@dataclass
class Run:
    """What a run has told, a line a feed, and what kept it from telling more."""

    lines: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)

    def keep(self, error: Exception) -> None:
        """One feed's trouble is no other's."""
        (self.away if isinstance(error, storage.Unreached) else self.refused).append(str(error))

    def end(self) -> str:
        """What was told. Raises Unreached where the next try may tell the rest, NotTold where it will not."""
        said = "\n".join(self.lines) or OFF
        if troubles := [*self.refused, *self.away]:
            raise (storage.Unreached if self.away else NotTold)("\n".join([*troubles, *self.lines]))
        return said


def send(
    feeds: list[str] | None = None, dry_run: bool = False, most: int | None = None, tell: Tell = print
) -> str:
    """Tell what is to be told of the feeds, by default of all that are switched on; returns a line for each.

    `dry_run` writes and sends nothing. `most` takes the place of OUTBOUND_MOST for this run. What is
    published stays so, whatever becomes of it. Raises Busy, Unreached where trying again may help, and
    NotTold.
    """
    run = Run()
    working = list(_at_work(feeds, dry_run, run))
    if not working:
        return run.end()
    with (
        locks.hold(locks.OUTBOUND, ROLE, "sending to other systems", tell=tell),
        connect(ROLE, autocommit=True) as connection,
    ):
        decided = _decide(connection, working, dry_run, most or destination.most(), run)
        for feed in working:
            if dry_run:
                run.lines += _would_tell(feed, decided.get(feed.name), ledger.pending(connection, feed.name))
            else:
                _deliver(connection, feed, run)
    return run.end()


def _at_work(names: list[str] | None, dry_run: bool, run: Run) -> Iterator[Feed]:
    """The feeds that are asked for, or switched on."""
    known = contracts.feeds()
    for setting in destination.of_no_feed(known):
        run.refused.append(f"{setting} names no feed; there are {', '.join(known)}")
    for name in names or known:
        try:
            contract = contracts.load(name)
            to = destination.of(contract)
        except (Refusal, SettingsError) as error:
            run.keep(error)
            continue
        if to is not None or (dry_run and names):
            yield Feed(contract, to)
        elif names:
            run.refused.append(
                f"{name} is off: OUTBOUND_TO_{name.upper()} names where it goes; --dry-run only looks"
            )


def _decide(
    connection: Connection, working: list[Feed], dry_run: bool, most: int, run: Run
) -> dict[str, list[Decided]]:
    """Write down what is to be told; in a dry run only return it."""
    decided: dict[str, list[Decided]] = {}
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with connection.transaction() as whole:
        for feed in working:
            try:
                with connection.transaction():
                    decided[feed.name] = _decide_feed(connection, feed.contract, most)
            except (Refusal, SettingsError) as error:
                run.keep(error)
        if dry_run:
            raise psycopg.Rollback(whole)
    connection.isolation_level = None
    return decided


def _decide_feed(connection: Connection, contract: OutboundContract, most: int) -> list[Decided]:
    at = ledger.standing(connection, contract.domain)
    if at is None:
        return []
    configured = destination.begins_on()
    begins_on = configured or ledger.begins_on(connection, contract.feed, at.business_date)
    if configured:
        ledger.begins_on(connection, contract.feed, configured)
    decided = events.changed(connection, contract, begins_on, at.as_of, most)
    ledger.decide(connection, contract, Path(settings().company).name, at, decided)
    return decided


def _would_tell(feed: Feed, decided: list[Decided] | None, waiting: list[Pending]) -> Iterator[str]:
    """What a run would do, with the first payloads as they would leave."""
    if decided is None:
        return
    counted: Counter[str] = Counter(event.outgoing.change for event in decided)
    where = str(feed.to) if feed.to else "nowhere: it is off"
    before = f"{how_many(len(waiting), 'event')} waiting from before"
    yield f"{feed.name} to {where}: {_in_words(counted)}; {before}"
    # Numbers of publication and revision are those of now; a dry run keeps none of them.
    for event in decided[:SHOWN]:
        told = event.outgoing
        found = payload.envelope(feed.contract, "", told, 0, told.happened_on)
        yield f"  {one_line(found)}"
    if len(decided) > SHOWN:
        yield f"  and {how_many(len(decided) - SHOWN, 'more event')}"


def _deliver(connection: Connection, feed: Feed, run: Run) -> None:
    """Deliver whatever of the feed is written down and not marked as sent."""
    assert feed.to is not None
    sent: Counter[str] = Counter()
    try:
        deliver = _post_each if feed.to.is_http else _put_files
        deliver(connection, feed, ledger.pending(connection, feed.name), sent, run)
    except (storage.StorageError, DestinationRefused) as error:
        run.keep(error)
    run.sent += sent
    run.lines.append(f"{feed.name} to {feed.to}: {_in_words(sent)}")


def _post_each(
    connection: Connection, feed: Feed, waiting: list[Pending], sent: Counter[str], run: Run
) -> None:
    """Post one event after the other; behind one that is refused its later revisions wait."""
    assert feed.to is not None
    blocked: set[str] = set()
    with Poster(feed.to, feed.contract.known_by_status) as poster:
        for event in waiting:
            if event.event_key in blocked:
                continue
            try:
                poster.post(event.event_id, event.payload)
            except Refused as error:
                ledger.mark_refused(connection, event.event_id, str(error))
                blocked.add(event.event_key)
                if len(blocked) >= MOST_REFUSED:
                    break
                continue
            ledger.mark_sent(connection, [event.event_id])
            sent[event.change] += 1
    if blocked:
        run.refused.append(
            f"{feed.to} refuses {how_many(len(blocked), 'event')} of {feed.name}, such as"
            f" {one_line(min(blocked))}: revlog outbound status names them and why. Mend the receiver and"
            " send again, or give them up: revlog outbound set-aside"
        )


def _put_files(
    connection: Connection, feed: Feed, waiting: list[Pending], sent: Counter[str], run: Run
) -> None:
    """Put what waits into files, each under a name that is written down before."""
    assert feed.to is not None
    for name, batch in _batches(connection, feed.contract, waiting):
        storage.put(feed.to.address, name, payload.content(name, [event.payload for event in batch]))
        ledger.mark_sent(connection, [event.event_id for event in batch])
        sent.update(event.change for event in batch)


def _batches(
    connection: Connection, contract: OutboundContract, waiting: list[Pending]
) -> Iterator[tuple[str, list[Pending]]]:
    """Files by name: first those that a run before began, then what has no file yet."""
    begun: dict[str, list[Pending]] = {}
    for event in waiting:
        if event.file_name is not None:
            begun.setdefault(event.file_name, []).append(event)
    yield from begun.items()
    fresh = [event for event in waiting if event.file_name is None]
    for first in range(0, len(fresh), MOST_IN_A_FILE):
        batch = fresh[first : first + MOST_IN_A_FILE]
        identities = [event.event_id for event in batch]
        name = payload.file_name(contract, json.loads(batch[-1].payload)["business_date"], identities)
        ledger.put_into(connection, name, identities)
        yield name, batch


def _in_words(counted: Counter[str]) -> str:
    """Such as `3 new, 1 correction`."""
    named = [
        f"{counted['new']:,} new",
        *(how_many(counted[change], change) for change in ("correction", "withdrawal") if counted[change]),
    ]
    return ", ".join(named) if counted.total() else "nothing to tell"
