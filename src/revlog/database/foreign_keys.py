"""Foreign keys between published tables, so that BI tools find the joins by themselves.

A model says in `meta.foreign_keys` which of its columns lead to the primary key of which published table of
the same schema. Keys are declared after a publication, and checked at the end of each later one (`deferrable
initially deferred`): within it facts and dimensions are written in any order. What gets another shape loses
its keys before and has them again when it is settled, since a key follows its table and not the name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from revlog.database import relations, waits
from revlog.database.relations import Relation

log = logging.getLogger("reverse_logistics.publish")
Connection = psycopg.Connection[Any]
# Checking old rows reads a fact once a key; beyond this many rows only what is written later is checked.
MOST_ROWS_TO_CHECK = 1_000_000


@dataclass(frozen=True, order=True)
class ForeignKey:
    """A column of a published table that names a row of another."""

    table: Relation
    column: str
    to: Relation

    @property
    def name(self) -> str:
        """Name of the constraint; one a column."""
        return f"{self.table.name}_{self.column}_leads_to_{self.to.name}"[:63]


def of_model(schema: str, name: str, meta: dict[str, Any]) -> tuple[ForeignKey, ...]:
    """What a model's `meta` declares: column by column the table that it leads to."""
    named = meta.get("foreign_keys") or {}
    table = Relation(schema, name)
    return tuple(ForeignKey(table, column, Relation(schema, to)) for column, to in named.items())


def release(
    connection: Connection,
    wanted: Iterable[ForeignKey],
    published: Iterable[Relation],
    reshaped: Iterable[Relation],
) -> None:
    """Drop keys from or to `published` tables that nobody wants any more, and all from or to `reshaped` ones.

    A fact that is no longer published would else hold back the dimension that it leads to. Readers are waited
    for as when a column is added; `connection` commits by itself.
    """
    kept, ours, changing = set(wanted), set(published), set(reshaped)
    for key in sorted(_declared(connection)):
        ends = {key.table, key.to}
        if not ends & changing and (key in kept or not ends & ours):
            continue
        statement = sql.SQL("alter table {} drop constraint if exists {}").format(
            key.table.identifier, sql.Identifier(key.name)
        )
        step = partial(waits.take_turns, connection, [statement])
        waits.patiently(connection, f"dropping a key of {key.table}", step)


def declare(connection: Connection, wanted: Iterable[ForeignKey]) -> None:
    """Declare what is not yet, between tables that stand under their own names; readers are not held up.

    What can't be declared is told, and tried again after the next publication.
    """
    for key in sorted(set(wanted) - _declared(connection)):
        if relations.kind(connection, key.table) == relations.kind(connection, key.to) == "r":
            try:
                with connection.transaction():
                    _declare(connection, key)
            except psycopg.Error as error:
                log.warning("%s is not declared: %s", key.name, error.diag.message_primary or error)


def _declare(connection: Connection, key: ForeignKey) -> None:
    (to,) = relations.primary_key(connection, key.to)
    named = {"table": key.table.identifier, "name": sql.Identifier(key.name)}
    connection.execute(
        sql.SQL(
            "alter table {table} add constraint {name} foreign key ({}) references {} ({})"
            " deferrable initially deferred not valid"
        ).format(sql.Identifier(key.column), key.to.identifier, sql.Identifier(to), **named)
    )
    if _rows(connection, key.table) > MOST_ROWS_TO_CHECK:
        return
    connection.execute(sql.SQL("alter table {table} validate constraint {name}").format(**named))


def _rows(connection: Connection, table: Relation) -> float:
    """The planner's estimate."""
    row = connection.execute(
        "select reltuples from pg_class where oid = to_regclass(%s)", [table.quoted]
    ).fetchone()
    assert row is not None
    return float(row[0])


def _declared(connection: Connection) -> set[ForeignKey]:
    """Keys of one column that the current user's tables have."""
    rows = connection.execute(
        "select n.nspname, c.relname, a.attname, tn.nspname, t.relname from pg_constraint as k"
        " inner join pg_class as c on c.oid = k.conrelid"
        " inner join pg_namespace as n on n.oid = c.relnamespace"
        " inner join pg_class as t on t.oid = k.confrelid"
        " inner join pg_namespace as tn on tn.oid = t.relnamespace"
        " inner join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]"
        " where k.contype = 'f' and pg_get_userbyid(c.relowner) = current_user"
    )
    return {ForeignKey(Relation(a, b), column, Relation(c, d)) for a, b, column, c, d in rows}
