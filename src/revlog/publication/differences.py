"""Make a published table equal to another by writing only the rows that differ.

Whoever keeps account of what is written does it in the same statements: the history of the table, and the
log by which the publication can be withdrawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from revlog.database.relations import Relation, columns

Connection = psycopg.Connection[Any]
UNDO = "undo"
# In a log: true on a row that was replaced, false on the key of one that came.
WAS_THERE = "_was_there"


@dataclass(frozen=True)
class History:
    """Where the versions of a table's rows are kept, and the publication that is being written."""

    relation: Relation
    publication_id: int


@dataclass(frozen=True)
class Target:
    """A published table to be written, with its history and its log where there are such."""

    relation: Relation
    key: tuple[str, ...]
    columns: tuple[str, ...]
    history: History | None = None
    log: Relation | None = None

    def delete(self, connection: Connection, condition: sql.Composable) -> int:
        """Delete the rows `t` that meet the condition; returns how many."""
        statement = sql.SQL("delete from {} as t where {}").format(self.relation.identifier, condition)
        accounts = []
        if self.history:
            accounts.append(
                sql.SQL(
                    "closed as (update {} as h set to_publication = {} from written where {}"
                    " and h.to_publication is null)"
                ).format(
                    self.history.relation.identifier,
                    sql.Literal(self.history.publication_id),
                    same_key("h", "written", self.key),
                )
            )
        if self.log:
            accounts.append(_logged(self.log, self.columns, was_there=True))
        return _write(connection, statement, names_of(self.columns, "t"), accounts)

    def insert(self, connection: Connection, query: sql.Composable) -> int:
        """Insert what the query returns in the order of the columns; returns how many rows."""
        names = names_of(self.columns)
        statement = sql.SQL("insert into {} ({}) {}").format(self.relation.identifier, names, query)
        accounts = []
        if self.history:
            accounts.append(
                sql.SQL(
                    "kept as (insert into {} ({names}, from_publication) select {names}, {} from written)"
                ).format(
                    self.history.relation.identifier, sql.Literal(self.history.publication_id), names=names
                )
            )
        if self.log:
            accounts.append(_logged(self.log, self.key, was_there=False))
        return _write(connection, statement, names, accounts)


def write_differences(
    connection: Connection, source: Relation, target: Target, changed: sql.Composable | None = None
) -> dict[str, int]:
    """Make `target` equal to `source`: delete rows that are gone or differ, insert what is new.

    `changed`, where given, is a table of the only keys that may differ.
    """
    same = same_key("s", "t", target.key)
    may_differ = {alias: _among(alias, target.key, changed) for alias in ("s", "t")}
    gone = sql.SQL(
        "{may_differ} not exists (select 1 from {source} as s where {same}"
        " and row({s}) is not distinct from row({t}))"
    ).format(
        may_differ=may_differ["t"],
        source=source.identifier,
        same=same,
        s=names_of(target.columns, "s"),
        t=names_of(target.columns, "t"),
    )
    new = sql.SQL(
        "select {names} from {source} as s where {may_differ} not exists"
        " (select 1 from {target} as t where {same}) order by {key}"
    ).format(
        names=names_of(target.columns, "s"),
        source=source.identifier,
        may_differ=may_differ["s"],
        target=target.relation.identifier,
        same=same,
        # What is read together lies together.
        key=names_of(target.key, "s"),
    )
    return {"deleted": target.delete(connection, gone), "inserted": target.insert(connection, new)}


def begin_log(connection: Connection, table: Relation) -> Relation:
    """Log to which a publication writes what it replaces in `table`; empty after `forget_logs`.

    It is not written to the server's own log: after a crash it is empty, and a withdrawal sees that.
    """
    log = Relation(UNDO, table.name)
    have, want = columns(connection, log), columns(connection, table)
    if have != {**want, WAS_THERE: "boolean"}:
        if have:
            connection.execute(sql.SQL("drop table {}").format(log.identifier))
        connection.execute(
            sql.SQL("create unlogged table {} as select *, false as {} from {} with no data").format(
                log.identifier, sql.Identifier(WAS_THERE), table.identifier
            )
        )
    return log


def forget_logs(connection: Connection) -> None:
    """Empty the logs of the publication before."""
    rows = connection.execute(
        "select c.relname from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relkind = 'r' and pg_relation_size(c.oid) > 0",
        [UNDO],
    ).fetchall()
    if rows:
        logs = sql.SQL(", ").join(sql.Identifier(UNDO, name) for (name,) in rows)
        connection.execute(sql.SQL("truncate {}").format(logs))


def same_key(left: str, right: str, key: Sequence[str]) -> sql.Composable:
    """Condition that rows of the two aliases have the same key."""
    return sql.SQL(" and ").join(
        sql.SQL(f"{left}.{{0}} = {right}.{{0}}").format(sql.Identifier(name)) for name in key
    )


def names_of(names: Sequence[str], alias: str | None = None) -> sql.Composed:
    """List of columns, of an alias where given."""
    of = sql.SQL(f"{alias}." if alias else "")
    return sql.SQL(", ").join(of + sql.Identifier(name) for name in names)


def _logged(log: Relation, names: Sequence[str], was_there: bool) -> sql.Composed:
    return sql.SQL("logged as (insert into {} ({names}, {}) select {names}, {} from written)").format(
        log.identifier, sql.Identifier(WAS_THERE), sql.Literal(was_there), names=names_of(names)
    )


def _write(
    connection: Connection, statement: sql.Composed, names: sql.Composed, accounts: list[sql.Composed]
) -> int:
    if not accounts:
        return connection.execute(statement).rowcount
    written = sql.SQL("written as ({} returning {})").format(statement, names)
    row = connection.execute(
        sql.SQL("with {} select count(*) from written").format(sql.SQL(", ").join([written, *accounts]))
    ).fetchone()
    assert row is not None
    return int(row[0])


def _among(alias: str, key: Sequence[str], changed: sql.Composable | None) -> sql.Composable:
    """Condition that keeps rows of `alias` to the keys that changed."""
    if changed is None:
        return sql.SQL("")
    return sql.SQL("({}) in (select {} from {}) and").format(names_of(key, alias), names_of(key), changed)
