"""Events that the published tables hold and the ledger does not, or holds otherwise: found in one statement.

What is told is put together by the database, so that its hash is compared there and only what differs comes
here, however much has been told before. Amounts are exact, as text; instants are UTC, to the second.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from revlog.companies import company as companies
from revlog.database import relations
from revlog.database.relations import Relation
from revlog.outbound.contract import SQL_TYPES, BadContract, Event, OutboundColumn, OutboundContract
from revlog.outbound.payload import Correction, Outgoing, column_digests, differing

Connection = psycopg.Connection[Any]

CHANGED = """
with happened as materialized ({events}),
told as (
    select distinct on (event_key)
        event, event_key, revision, event_id, change, happened_on, data_sha256, column_digests
    from ops.outbound_ledger where feed = %(feed)s
    order by event_key, revision desc
),
counted as (
    select *, encode(sha256(convert_to(data::text, 'UTF8')), 'hex') as data_sha256,
        count(*) over (partition by event_key) as copies
    from happened
)
select
    coalesce(counted.event, told.event) as event, coalesce(counted.event_key, told.event_key) as event_key,
    coalesce(counted.happened_on, told.happened_on) as happened_on,
    counted.data, coalesce(counted.data_sha256, '') as data_sha256, coalesce(counted.copies, 0) as copies,
    coalesce(told.revision, 0) as told_revision, told.event_id::text as told_id,
    told.column_digests as told_digests
from counted
full join told on counted.event_key = told.event_key
where case
    when counted.event_key is null then told.change <> 'withdrawal' and told.event = any(%(withdrawn)s)
    when told.event_key is null then counted.happened_on between %(begins_on)s and %(until)s
    else counted.data_sha256 <> told.data_sha256
end
order by happened_on, event_key
"""
# A contract that brings other columns gives another hash, where no figure that was told has changed.
LEARN = """
update ops.outbound_ledger set data_sha256 = %s, column_digests = %s where event_id = %s
"""
# Rows that are fetched at a time.
ROWS = 2_000


@dataclass(frozen=True)
class Changed:
    """A row of CHANGED: an event that was never told, is otherwise than told, or is there no longer."""

    event: str
    event_key: str
    happened_on: dt.date
    data: dict[str, Any] | None
    data_sha256: str
    copies: int
    told_revision: int
    told_id: str | None
    told_digests: dict[str, str] | None


@dataclass(frozen=True)
class Decided:
    """An event with what the ledger keeps of it; without `is_news` all that was told of it still holds."""

    outgoing: Outgoing
    data_sha256: str
    digests: dict[str, str]
    is_news: bool


class TooMany(BadContract):
    """A feed would tell more events than one run may; nothing of it was decided."""


def changed(
    reader: Connection, contract: OutboundContract, begins_on: dt.date, until: dt.date, most: int
) -> list[Decided]:
    """Events that are to be told, those that happened first before others.

    Told for the first time is what happened from `begins_on` to `until`. Raises BadContract where the
    contract does not fit the published table, TooMany above `most` events.
    """
    have = _fitting_columns(reader, contract)
    given: dict[str, Any] = {
        "feed": contract.feed, "begins_on": begins_on, "until": until,
        "zone": companies.profile().time_zone,
        "withdrawn": [name for name, event in contract.events.items() if event.when_gone == "withdraw"],
        **{_wanted(name, column): list(values if isinstance(values, tuple) else (values,))
           for name, event in contract.events.items() for column, values in event.where.items()},
    }  # fmt: skip
    statement = sql.SQL(CHANGED).format(
        events=sql.SQL(" union all ").join(_select(contract, name, have) for name in contract.events)
    )
    decided: list[Decided] = []
    with reader.cursor("changed_events", row_factory=class_row(Changed)) as cursor:
        cursor.execute(statement, given)
        while rows := cursor.fetchmany(ROWS):
            _refuse_twice(contract, rows)
            found = [_decided(contract, row) for row in rows]
            decided += [event for event in found if event.is_news]
            _learn(reader, [event for event in found if not event.is_news])
            if len(decided) > most:
                raise _too_many(contract, most)
    return decided


def _refuse_twice(contract: OutboundContract, rows: list[Changed]) -> None:
    if twice := next((row.event_key for row in rows if row.copies > 1), None):
        raise BadContract(
            f"outbound contract of {contract.feed}: {twice} stands in more than one row of"
            f" {contract.source}; name all columns of its `key`. Nothing of the feed was sent"
        )


def _too_many(contract: OutboundContract, most: int) -> TooMany:
    return TooMany(
        f"{contract.feed} has more than {most:,} events to tell, as after a change of rules or with an"
        " early OUTBOUND_BEGINS_ON. Look at them with --dry-run; if they are right, tell them once:"
        f" revlog outbound send --feed {contract.feed} --most {most * 10}. Nothing of the feed was sent"
    )


def _decided(contract: OutboundContract, row: Changed) -> Decided:
    data = row.data and {name: row.data[name] for name in contract.columns_of(row.event)}
    digests, before = column_digests(data or {}), row.told_digests or {}
    columns = differing(before, digests) if data else ()
    return Decided(
        Outgoing(
            row.event, row.event_key, row.told_revision + 1,
            "new" if row.told_id is None else "correction" if data else "withdrawal",
            row.happened_on.isoformat(), data,
            Correction(row.told_id, row.told_revision, columns) if row.told_id else None,
        ),
        row.data_sha256, digests, is_news=not (data and before) or bool(columns),
    )  # fmt: skip


def _learn(writer: Connection, same: list[Decided]) -> None:
    """Let the ledger know by which hash a later night sees these again."""
    known = [
        (event.data_sha256, Jsonb(event.digests), event.outgoing.corrects.event_id)
        for event in same
        if event.outgoing.corrects
    ]
    with writer.cursor() as cursor:
        cursor.executemany(LEARN, known)


def _fitting_columns(reader: Connection, contract: OutboundContract) -> dict[str, str]:
    """Columns of the published table; raises BadContract where it lacks one, or has it of another type."""
    where = f"outbound contract of {contract.feed}: {contract.source}"
    have = relations.columns(reader, Relation(contract.domain, contract.table))
    if not have:
        raise BadContract(f"{where} is not published; name another table, or switch the feed off")
    wanted = {column.reads or name: column for name, column in contract.columns.items()}
    for name in contract.events:
        if missing := sorted((contract.sources_of(name) | wanted.keys()) - have.keys()):
            raise BadContract(f"{where} has no column {', '.join(missing)}; correct the contract")
    for source, column in wanted.items():
        if have[source].partition("(")[0] not in SQL_TYPES[column.type]:
            raise BadContract(
                f"{where}: {source} is {have[source]} and not {column.type}; correct the contract"
            )
    return have


def _select(contract: OutboundContract, name: str, have: dict[str, str]) -> sql.Composed:
    """The rows that tell one kind of event: its key, its day, and what leaves, as JSON."""
    event = contract.events[name]
    parts = [
        sql.SQL("{}, {}").format(sql.Literal(column), _value(column, found))
        for column, found in contract.columns_of(name).items()
    ]
    return sql.SQL(
        "select {event} as event, {key} as event_key, {day} as happened_on,"
        " jsonb_build_object({data}) as data from {source} as source where {condition}"
    ).format(
        event=sql.Literal(name),
        key=_key(name, event),
        day=_day(event, is_date=have[event.at] == "date"),
        data=sql.SQL(", ").join(parts),
        source=sql.Identifier(contract.domain, contract.table),
        condition=sql.SQL(" and ").join(_conditions(name, event)),
    )


def _value(name: str, column: OutboundColumn) -> sql.Composed:
    source = _source(column.reads or name)
    if column.type == "timestamp":
        return sql.SQL("to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')").format(source)
    if column.type in ("integer", "boolean"):
        return sql.SQL("{}").format(source)
    return sql.SQL("{}::text").format(source)


def _key(name: str, event: Event) -> sql.Composed:
    """The event and the values of its key; a stroke within a value is marked: no two keys look alike."""
    values = [
        sql.SQL(r"replace(replace(coalesce({}::text, ''), '\', '\\'), '|', '\|')").format(_source(column))
        for column in event.key
    ]
    return sql.SQL("{} || {}").format(sql.Literal(f"{name}:"), sql.SQL(" || '|' || ").join(values))


def _day(event: Event, is_date: bool) -> sql.Composed:
    """Day of the event, of an instant in the company's time zone."""
    day = sql.SQL("{}" if is_date else "{} at time zone %(zone)s").format(_source(event.at))
    if event.at_end_of == "month":
        return sql.SQL("(date_trunc('month', {}) + interval '1 month - 1 day')::date").format(day)
    return sql.SQL("({})::date").format(day)


def _conditions(name: str, event: Event) -> Iterator[sql.Composed]:
    for column in (event.at, *event.filled):
        yield sql.SQL("{} is not null").format(_source(column))
    for column in event.where:
        yield sql.SQL("{} = any({})").format(_source(column), sql.Placeholder(_wanted(name, column)))


def _wanted(event: str, column: str) -> str:
    """Name of the parameter that holds the values of a condition."""
    return f"{event} {column}"


def _source(column: str) -> sql.Identifier:
    return sql.Identifier("source", column)
