"""Hand readers over to tables and views of another shape, none of them missing or half there for anyone.

A name leads a reader to what stands there now, whatever its snapshot: a table that is rewritten, or made
anew, has no rows for a transaction that began before. So the new relation is made in `incoming`, and the name
is given to a view over both:

    the new one, where the publication is visible; the old one, in `outgoing`, where it is not.

Whether the publication is visible is said by its row in `ops.publications`, which every snapshot sees or
does not see together with the rows published with it. When no reader is left who can't see it, `settle` gives
the name to the new relation itself.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.database import relations, waits
from revlog.database.relations import Relation, columns, definition, kind

log = logging.getLogger("reverse_logistics.publish")
Connection = psycopg.Connection[Any]
INCOMING, OUTGOING = "incoming", "outgoing"
_INCOMING = re.compile(r"\bincoming\.(\w+)")
LOOK_EVERY_SECONDS = 0.1


class NotPublished(Refusal):
    """What was built can't be given to readers; the message says why, and what to do."""


@dataclass(frozen=True)
class Change:
    """A public relation to which something of another shape is to follow, from `incoming`.

    `old_kind` is that of what stands there, None where nothing does. `kept_as` is the name under which
    the old one stays readable beside the new one.
    """

    public: Relation
    new_kind: str
    old_kind: str | None
    kept_as: Relation | None = None

    @property
    def incoming(self) -> Relation:
        """The new relation."""
        return Relation(INCOMING, self.public.name)

    @property
    def outgoing(self) -> Relation:
        """The old relation, or a view of it."""
        return Relation(OUTGOING, self.public.name)


def _refuse_row_security(connection: Connection, public: Relation, then: str) -> None:
    if relations.has_row_security(connection, public):
        raise NotPublished(
            f"{public} gets another shape and has row-level security, which would be lost: take its policies"
            f" away, publish, and {then}"
        )


@dataclass
class Handover:
    """What a publication hands over, by name; what it only renames, and what it creates."""

    publication_id: int
    changes: dict[str, Change] = field(default_factory=dict)
    renamed: dict[Relation, Relation] = field(default_factory=dict)
    created: list[Relation] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes or self.renamed)

    @property
    def publics(self) -> list[Relation]:
        """Every public relation that is not what it was, or was not there."""
        return [*(change.public for change in self.changes.values()), *self.renamed, *self.created]

    def make_table(self, connection: Connection, public: Relation, like: Relation) -> Change:
        """Make an empty table in `incoming` that will follow `public`, with the same rights."""
        _refuse_row_security(connection, public, "create them anew")
        change = Change(public, "r", kind(connection, public))
        connection.execute(
            sql.SQL(
                "create table {} (like {} including comments including constraints including defaults"
                " including indexes)"
            ).format(change.incoming.identifier, like.identifier)
        )
        relations.describe(connection, like, change.incoming, "table")
        relations.grant_as(connection, public, change.incoming)
        self.changes[public.name] = change
        return change

    def make_view(self, connection: Connection, public: Relation, built: Relation, query: str) -> None:
        """Make a view in `incoming` that will follow `public`."""
        _refuse_row_security(connection, public, "give who may see some rows only a view of their own")
        change = Change(public, "v", kind(connection, public))
        connection.execute(sql.SQL("create view {} as {}").format(change.incoming.identifier, sql.SQL(query)))
        relations.describe(connection, built, change.incoming, "view")
        self.changes[public.name] = change

    def home(self, name: str, schema: str) -> Relation:
        """Where the new state of a public relation is found until it is settled."""
        return self.changes[name].incoming if name in self.changes else Relation(schema, name)

    def carry_out(self, connection: Connection) -> None:
        """Give the names to views over old and new, all at once; the last thing before the commit.

        Raises StillBlocked where a reader does not let go, NotPublished where someone else's view would be
        left behind.
        """
        changes = self.changes.values()
        moving = [change for change in changes if _moves(connection, change)]
        stale = _left_behind(connection, moving, {change.public for change in changes})
        for change in changes:
            if change.old_kind and change not in moving:
                _remember(connection, change)
        queries = {change: self._of_both_nights(connection, change) for change in changes}
        held = [change.public for change in changes if change.old_kind]
        renames = {**self.renamed, **{c.public: c.kept_as for c in changes if c.kept_as}}
        statements = [
            *_holding(connection, [*held, *renames, *stale]),
            *[
                sql.SQL("drop view {}").format(view.identifier)
                for view in _outermost_first(connection, stale)
            ],
            *[part for old, new in renames.items() for part in _renaming(connection, old, new)],
            *[
                sql.SQL("alter table {} set schema {}").format(c.public.identifier, sql.Identifier(OUTGOING))
                for c in moving
            ],
            *[
                sql.SQL("create or replace view {} as {}").format(change.public.identifier, query)
                for change, query in queries.items()
            ],
        ]

        def step(seconds: float) -> None:
            waits.take_turns(connection, statements, seconds)
            for change in changes:
                if change in moving:
                    relations.grant_as(connection, change.outgoing, change.public)
                relations.describe(connection, change.incoming, change.public, "view")

        waits.patiently(connection, "publishing another shape", step)

    def _of_both_nights(self, connection: Connection, change: Change) -> sql.Composed:
        """Query of the new relation where the publication is visible, and of the old one where it is not."""
        new = columns(connection, change.incoming)
        query = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(map(sql.Identifier, new)), change.incoming.identifier
        )
        if change.old_kind is None:
            return query
        visible = sql.SQL("exists (select from ops.publications where publication_id = {})").format(
            sql.Literal(self.publication_id)
        )
        return sql.SQL("{} where {visible} union all select {} from {} where not {visible}").format(
            query, as_shape(connection, change.public, new), change.outgoing.identifier, visible=visible
        )


def as_shape(
    connection: Connection, old: Relation, new: dict[str, str], strictly: bool = False
) -> sql.Composed:
    """Columns of `old` as those of `new`: empty where there is no such column.

    Values that can't be cast are empty, too, or `strictly` left to fail.
    """
    have = columns(connection, old)
    other = [name for name in new if name in have and have[name] != new[name]]
    castable = strictly or _can_cast(connection, old, {name: new[name] for name in other})
    parts = []
    for name, type_name in new.items():
        is_kept = name in have and (name not in other or castable)
        value = sql.Identifier(name) if is_kept else sql.SQL("null")
        cast = sql.SQL("") if is_kept and name not in other else sql.SQL("::" + type_name)
        parts.append(sql.SQL("{}{} as {}").format(value, cast, sql.Identifier(name)))
    return sql.SQL(", ").join(parts)


def _can_cast(connection: Connection, old: Relation, types: dict[str, str]) -> bool:
    """True where every value of the columns can be one of the new type: tried, not guessed."""
    casts = sql.SQL(", ").join(
        sql.SQL("count({}::{})").format(sql.Identifier(name), sql.SQL(type_name))
        for name, type_name in types.items()
    )
    try:
        with connection.transaction():
            if types:
                connection.execute(sql.SQL("select {} from {}").format(casts, old.identifier))
    except (psycopg.DataError, psycopg.errors.CannotCoerce):
        return False
    return True


def _moves(connection: Connection, change: Change) -> bool:
    """True where the old relation makes room; a view whose columns only grow is replaced in its place."""
    if change.old_kind is None or change.kept_as:
        return False
    have, want = (list(columns(connection, r).items()) for r in (change.public, change.incoming))
    return change.old_kind != "v" or want[: len(have)] != have


def _remember(connection: Connection, change: Change) -> None:
    """Make a view in `outgoing` that shows what the old relation does, whatever follows under its name."""
    query = definition(connection, change.public)
    connection.execute(
        sql.SQL("create view {} as {}").format(
            change.outgoing.identifier,
            sql.SQL(query) if query else sql.SQL("select * from {}").format(change.public.identifier),
        )
    )


def _left_behind(connection: Connection, moving: list[Change], followed: set[Relation]) -> set[Relation]:
    """Views over what makes room that would go with it: the pipeline's own, which nothing publishes any more.

    Raises NotPublished where one belongs to someone else.
    """
    found: set[Relation] = set()
    for change in moving:
        for view, is_own in relations.views_over(connection, change.public).items():
            if view in followed or view.schema in (INCOMING, OUTGOING):
                continue
            if not is_own:
                raise NotPublished(
                    f"{view} reads {change.public}, which gets another shape: drop that view, publish again,"
                    " and make it anew"
                )
            log.warning("%s is no longer published and goes, since %s changes", view, change.public)
            found.add(view)
    return found


def _outermost_first(connection: Connection, some: set[Relation] | list[Relation]) -> list[Relation]:
    """Relations in the order in which readers lock them: what is read stands behind what reads it."""
    return sorted(some, key=lambda relation: (len(relations.views_over(connection, relation)), relation))


def _renaming(connection: Connection, old: Relation, new: Relation) -> list[sql.Composed]:
    """Statements that rename a table and its indexes, whose names its successor will want."""
    indexes = connection.execute(
        "select i.relname from pg_index as x inner join pg_class as i on i.oid = x.indexrelid"
        " where x.indrelid = to_regclass(%s) order by 1",
        [old.quoted],
    ).fetchall()
    return [
        sql.SQL("alter table {} rename to {}").format(old.identifier, sql.Identifier(new.name)),
        *[
            sql.SQL("alter index {} rename to {}").format(
                sql.Identifier(old.schema, index), sql.Identifier(f"{new.name}_{number}")
            )
            for number, (index,) in enumerate(indexes, 1)
        ],
    ]


def _holding(connection: Connection, some: list[Relation]) -> list[sql.Composed]:
    """Statements that lock readers out of just these: `lock table` on a view would lock all that it reads."""
    return [
        sql.SQL("alter table {} owner to current_user").format(relation.identifier)
        for relation in _outermost_first(connection, some)
    ]


def settle(connection: Connection, minutes: float | None = None) -> None:
    """Give the names that a publication left to views over old and new to the new relations themselves.

    Waits until no reader is left whose snapshot is older than the publication. Raises StillBlocked after
    `minutes`; then it is done before the next publication. `connection` commits by itself.
    """
    incoming = _waiting_to_be_settled(connection)
    if not incoming:
        return
    _wait_for_earlier_readers(connection, minutes)
    publics = {relation: public for relation, (_, public) in incoming.items()}
    tables = [relation for relation, (relation_kind, _) in incoming.items() if relation_kind == "r"]
    views = [relation for relation in incoming if relation not in tables]

    def step(seconds: float) -> None:
        started = time.monotonic()
        statements = _holding(connection, list(publics.values()))
        for table in tables:
            statements += [
                sql.SQL("drop view {}").format(publics[table].identifier),
                sql.SQL("alter table {} set schema {}").format(
                    table.identifier, sql.Identifier(publics[table].schema)
                ),
            ]
        waits.take_turns(connection, statements, seconds)
        statements = [
            sql.SQL("create or replace view {} as {}").format(
                publics[view].identifier, sql.SQL(_INCOMING.sub(public, definition(connection, view) or ""))
            )
            for view in views
        ]
        left = seconds - (time.monotonic() - started)
        waits.take_turns(connection, [*statements, *_emptying(connection)], left)

    def public(found: re.Match[str]) -> str:
        return str(publics[Relation(INCOMING, found[1])])

    waits.patiently(connection, "settling what was published", step, minutes)


def _waiting_to_be_settled(connection: Connection) -> dict[Relation, tuple[str, Relation]]:
    """Kind of each relation of `incoming`, and the public one that it is to become."""
    rows = connection.execute(
        "select i.relname, i.relkind, n.nspname from pg_class as i"
        " inner join pg_class as p on p.relname = i.relname and p.relkind = 'v' and p.relowner = i.relowner"
        " inner join pg_namespace as n on n.oid = p.relnamespace and n.nspname <> all(%s)"
        " where i.relnamespace = %s::regnamespace and i.relkind in ('r', 'v')",
        [[INCOMING, OUTGOING], INCOMING],
    )
    return {Relation(INCOMING, name): (what, Relation(schema, name)) for name, what, schema in rows}


def _emptying(connection: Connection) -> list[sql.Composed]:
    """Statements that drop what is left in `incoming` and `outgoing`: views, then tables below them."""
    rows = connection.execute(
        "select n.nspname, c.relname, c.relkind from pg_class as c"
        " inner join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname = any(%s) and c.relkind in ('r', 'v')",
        [[INCOMING, OUTGOING]],
    ).fetchall()
    return [
        sql.SQL("drop {} {}").format(
            sql.SQL(word),
            sql.SQL(", ").join(sql.Identifier(schema, name) for schema, name, what in rows if what == letter),
        )
        for letter, word in (("v", "view"), ("r", "table"))
        if any(what == letter for _, _, what in rows)
    ]


def _wait_for_earlier_readers(connection: Connection, minutes: float | None) -> None:
    """Wait for readers that began before the newest publication; where they only idle, end them."""
    started = time.monotonic()
    row = connection.execute("select clock_timestamp(), max(publication_id) from ops.publications").fetchone()
    assert row is not None
    now, publication_id = row
    patience = 60 * (settings().lock_patience_minutes if minutes is None else minutes)
    while True:
        found = waits.blockers(
            connection, "select * from ops.readers_before(%s, %s) order by since", [publication_id, now]
        )
        waited = time.monotonic() - started
        if not found:
            return
        if waited >= patience:
            raise waits.StillBlocked(
                waits.explained(
                    f"settling publication {publication_id} waited {patience / 60:g} minutes in vain", found
                )
            )
        if waited >= settings().reader_patience_seconds:
            waits.end_idle(connection, "settling what was published", [blocker.pid for blocker in found])
        time.sleep(LOOK_EVERY_SECONDS)
