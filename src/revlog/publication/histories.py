"""Histories of published tables: every version of a row, with the publications between which it was seen.

`marts.histories` says from which publication on, and up to which, each is kept. A history that new code
can't go on with keeps its rows under another name, with its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from revlog.database import relations
from revlog.database.relations import Relation, columns
from revlog.publication.differences import History, names_of, same_key
from revlog.publication.handover import Change, Handover, as_shape

if TYPE_CHECKING:
    from revlog.builds.published import Published

Connection = psycopg.Connection[Any]


def prepare(
    connection: Connection, handover: Handover, history: Published, table: Published, begins_now: bool
) -> Relation:
    """Make the history of `table` ready to be written; returns where.

    A history that begins later than its table begins with the rows that readers see by then; `begins_now`,
    where there are none of its shape, with those of this publication.
    """
    public = history.public
    if relations.kind(connection, public) is None:
        last = None if begins_now else _last_publication(connection)
        _create(connection, public, history, table)
        _begin(connection, public, table, last or handover.publication_id)
        _fill(connection, public, table, last)
        handover.created.append(public)
        return public
    if relations.primary_key(connection, public) == {*table.key, "from_publication"}:
        if not _other_types(connection, history):
            return public
        if _converted(connection, handover, history):
            return handover.changes[history.name].incoming
    retire(connection, handover, public, has_successor=True)
    change = handover.changes[history.name]
    _create(connection, change.incoming, history, table)
    relations.grant_as(connection, public, change.incoming)
    _begin(connection, public, table, handover.publication_id)
    if not begins_now:
        _fill(connection, change.incoming, table, handover.publication_id)
    return change.incoming


def bring_up(connection: Connection, history: History, table: Published) -> None:
    """Let the versions that are still so be the rows of the built table; for a table that is written anew."""
    names = list(columns(connection, table.built))
    parts = {
        "history": history.relation.identifier,
        "publication": sql.Literal(history.publication_id),
        "built": table.built.identifier,
        "same": same_key("b", "h", table.key),
        "names": names_of(names),
        "b": names_of(names, "b"),
        "h": names_of(names, "h"),
    }
    connection.execute(
        sql.SQL(
            "update {history} as h set to_publication = {publication} where h.to_publication is null and not"
            " exists (select from {built} as b where {same} and row({b}) is not distinct from row({h}))"
        ).format(**parts)
    )
    connection.execute(
        sql.SQL(
            "insert into {history} ({names}, from_publication) select {b}, {publication} from {built} as b"
            " where not exists (select from {history} as h where h.to_publication is null and {same})"
        ).format(**parts)
    )


def retire_dropped(
    connection: Connection, handover: Handover, kept: set[Relation], domains: list[str]
) -> None:
    """End the histories of these domains that the code no longer keeps."""
    rows = connection.execute(
        "select split_part(history, '.', 1), split_part(history, '.', 2) from marts.histories"
        " where to_publication is null"
    )
    for row in rows.fetchall():
        if (public := Relation(*row)) not in kept and public.schema in domains:
            retire(connection, handover, public, has_successor=False)


def retire(connection: Connection, handover: Handover, public: Relation, has_successor: bool) -> None:
    """Let a history end with the publication before this one, under a name that says so."""
    last = _last_publication(connection)
    kept_as = Relation(public.schema, f"{public.name}__until_{last}")
    connection.execute(
        sql.SQL("update {} set to_publication = {} where to_publication is null").format(
            public.identifier, sql.Literal(handover.publication_id)
        )
    )
    connection.execute(
        "update marts.histories set history = %s, to_publication = %s"
        " where history = %s and to_publication is null",
        [str(kept_as), handover.publication_id, str(public)],
    )
    if has_successor:
        handover.changes[public.name] = Change(public, "r", "r", kept_as)
    else:
        handover.renamed[public] = kept_as


def _converted(connection: Connection, handover: Handover, history: Published) -> bool:
    """Copy the history into one of the new types; False where a value can't be one of them."""
    public, other = history.public, _other_types(connection, history)
    change = handover.make_table(connection, public, like=public)
    for name, type_name in other.items():
        connection.execute(
            sql.SQL("alter table {} alter column {} type {} using null").format(
                change.incoming.identifier, sql.Identifier(name), sql.SQL(type_name)
            )
        )
    shape = columns(connection, change.incoming)
    try:
        with connection.transaction():
            values = as_shape(connection, public, shape, strictly=True)
            connection.execute(
                sql.SQL("insert into {} ({}) select {} from {}").format(
                    change.incoming.identifier, names_of(list(shape)), values, public.identifier
                )
            )
    except (psycopg.DataError, psycopg.errors.CannotCoerce):
        connection.execute(sql.SQL("drop table {}").format(change.incoming.identifier))
        del handover.changes[history.name]
        return False
    return True


def _other_types(connection: Connection, history: Published) -> dict[str, str]:
    have = columns(connection, history.public)
    want = columns(connection, history.built)
    return {name: kind for name, kind in want.items() if name in have and have[name] != kind}


def _create(connection: Connection, target: Relation, history: Published, table: Published) -> None:
    """One version of a row per publication that it begins with, and at most one that is still so."""
    for statement in (
        "create table {target} (like {source} including comments)",
        "alter table {target} add primary key ({key}, from_publication)",
        "create unique index on {target} ({key}) where to_publication is null",
        "create index on {target} (from_publication)",
        "create index on {target} (to_publication)",
    ):
        connection.execute(
            sql.SQL(statement).format(
                target=target.identifier, source=history.built.identifier, key=names_of(table.key)
            )
        )
    relations.describe(connection, history.built, target, "table")


def _fill(connection: Connection, target: Relation, table: Published, publication_id: int | None) -> None:
    """Write down what readers see of the table, where anything has been published."""
    shown = columns(connection, table.public)
    names = names_of([name for name in columns(connection, target) if name in shown])
    if publication_id is None or not shown:
        return
    connection.execute(
        sql.SQL("insert into {} ({names}, from_publication) select {names}, {} from {}").format(
            target.identifier, sql.Literal(publication_id), table.public.identifier, names=names
        )
    )


def _begin(connection: Connection, public: Relation, table: Published, publication_id: int) -> None:
    connection.execute(
        "insert into marts.histories (of_table, history, from_publication) values (%s, %s, %s)",
        [str(table.public), str(public), publication_id],
    )


def _last_publication(connection: Connection) -> int | None:
    row = connection.execute("select max(publication_id) from ops.publications").fetchone()
    return row[0] if row else None
