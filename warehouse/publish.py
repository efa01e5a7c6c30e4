"""Publish: copy what was built and audited into the public schemas, in one transaction.

A reader's statement, or REPEATABLE READ transaction, has one snapshot and therefore sees one night.
Only rows that differ are written, so indexes, grants and statistics of the stable tables stay. Where
a model logs the keys that it changes, only those are compared; a view is published as the same view
over the published tables. Where a model keeps the history of a table, every version of its rows is
written down with the publications between which readers saw it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from warehouse import locks
from warehouse.connections import connect
from warehouse.settings import code_version

# Rows written at once after which the planner's statistics of a table are no longer good.
MANY_ROWS = 10_000
# What a built view reads, as PostgreSQL writes its query down.
_BUILT = re.compile(r"\bbuild\.(\w+)")
_QUALIFIED = re.compile(r"\b(?:build|marts|finance)\.(\w+)")


class NothingBuilt(RuntimeError):
    """There is no finished build to publish."""


@dataclass
class PublicationResult:
    """What was published: rows inserted and deleted per table; `is_new` False when nothing differed."""

    business_date: dt.date
    publication_id: int | None = None
    tables: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """True when this call published something."""
        return self.publication_id is not None


@dataclass(frozen=True)
class Published:
    """A table or view of `build` and the public schema that it goes to.

    `logs_changes`: changed keys are in `build.<name>__changes`, with the number of their build.
    `history_of`: the published table whose row versions this one keeps, with the columns
    `from_publication` and `to_publication`; in `build` it is a view without rows.
    """

    name: str
    schema: str
    key: tuple[str, ...]
    is_view: bool = False
    logs_changes: bool = False
    history_of: str | None = None


class NotPublished(RuntimeError):
    """A published view reads a table that is not published."""


def publish(business_date: dt.date, tables: list[Published] | None = None) -> PublicationResult:
    """Publish the last finished build as of `business_date`, all of it or nothing.

    `tables` defaults to the models that dbt marks with `publish_to`. Raises NothingBuilt, or the
    database's own error, after which the night before is still what readers see.
    """
    if tables is None:
        from warehouse.build import published_tables

        tables = published_tables()
    result = PublicationResult(business_date)
    with connect("publisher") as connection:
        locks.take(connection, locks.PUBLISH, tell=print)
        build = _last_build(connection)
        since = _published_build(connection)
        publication_id = _next_publication(connection)
        histories = {table.history_of: table for table in tables if table.history_of}
        views = [table for table in tables if table.is_view and not table.history_of]
        stored = [table for table in tables if not table.is_view]
        _forget_stale(connection, stored, views)
        for table in stored:
            history = _history(connection, histories.get(table.name), table, publication_id)
            result.tables[f"{table.schema}.{table.name}"] = _publish_table(connection, table, since, history)
        _publish_views(connection, views, {table.name: table.schema for table in tables})
        if _differs(result) or not _is_published(connection, build["build_id"]):
            result.publication_id = _record(connection, publication_id, result, build)
    return result


def _next_publication(connection: psycopg.Connection[Any]) -> int:
    """Number of the publication, known before its rows are written; one that publishes nothing is lost."""
    row = connection.execute(
        "select nextval(pg_get_serial_sequence('ops.publications', 'publication_id'))"
    ).fetchone()
    assert row is not None
    return int(row[0])


def _last_build(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    row = connection.execute(
        "select build_id, from_seq, to_seq from ops.builds where status = 'built'"
        " order by build_id desc limit 1"
    ).fetchone()
    if row is None:
        raise NothingBuilt("no build has finished; run the build before publishing")
    return {"build_id": row[0], "from_seq": row[1], "to_seq": row[2]}


def _is_published(connection: psycopg.Connection[Any], build_id: int) -> bool:
    found = connection.execute("select 1 from ops.publications where build_id = %s", [build_id])
    return found.fetchone() is not None


def _differs(result: PublicationResult) -> bool:
    return any(count for counts in result.tables.values() for count in counts.values())


def _published_build(connection: psycopg.Connection[Any]) -> int | None:
    """Newest build that was published; None where later change logs don't tell all there is to know:
    nothing has been published yet, or a full build came after."""
    row = connection.execute(
        "select max(p.build_id) from ops.publications as p having not exists (select 1 from ops.builds as b"
        " where b.is_full_refresh and b.build_id > max(p.build_id))"
    ).fetchone()
    return row[0] if row else None


def _publish_table(
    connection: psycopg.Connection[Any], table: Published, since: int | None, history: History | None
) -> dict[str, int]:
    """Make the public table equal to the built one; `since` is the build that it holds."""
    source = sql.Identifier("build", table.name)
    target = sql.Identifier(table.schema, table.name)
    keys: sql.Composable | None = None
    if _evolves(connection, table):
        _evolve(connection, table, source, target)
    elif table.logs_changes and since is not None:
        keys = _changed_keys(connection, table, since)
    names = [n for n, _ in _columns(connection, "build", table.name)]
    counts = _write_differences(connection, source, target, table.key, names, keys, history)
    _take_statistics(connection, target, sum(counts.values()))
    return counts


def _take_statistics(connection: psycopg.Connection[Any], target: sql.Identifier, written: int) -> None:
    """Let the planner know a table that is new or changed much: autovacuum comes after the first readers."""
    row = connection.execute(
        "select reltuples < 0 from pg_class where oid = to_regclass(%s)", [target.as_string(connection)]
    ).fetchone()
    if written >= MANY_ROWS or row == (True,):
        connection.execute(sql.SQL("analyze {}").format(target))


def _evolves(connection: psycopg.Connection[Any], table: Published) -> bool:
    return _columns(connection, table.schema, table.name) != _columns(connection, "build", table.name)


def _changed_keys(connection: psycopg.Connection[Any], table: Published, since: int) -> sql.Composable | None:
    """Put the keys that changed after build `since` into a temporary table; None without a log."""
    log = f"{table.name}__changes"
    if not _columns(connection, "build", log):
        return None
    changed = sql.Identifier(f"changed_{table.name}")
    connection.execute(
        sql.SQL(
            "create temporary table {} on commit drop as select distinct {} from {} where build_id > {}"
        ).format(
            changed,
            sql.SQL(", ").join(map(sql.Identifier, table.key)),
            sql.Identifier("build", log),
            sql.Literal(since),
        )
    )
    connection.execute(sql.SQL("analyze {}").format(changed))
    return changed


def _forget_stale(
    connection: psycopg.Connection[Any], tables: list[Published], views: list[Published]
) -> None:
    """Drop the public views where a table below them gets other columns; they are made anew after."""
    stale = [table for table in tables if _evolves(connection, table)]
    for view in reversed(_parents_first(connection, views)) if stale else []:
        _drop(connection, view)
    for table in stale:
        if _kind(connection, table) == "v":
            _drop(connection, table)


def _parents_first(connection: psycopg.Connection[Any], views: list[Published]) -> list[Published]:
    """Views in such an order that each stands behind those that it reads, as built or as published."""
    by_name = {view.name: view for view in views}
    done: dict[str, Published] = {}
    seen: set[str] = set()

    def visit(view: Published) -> None:
        if view.name in seen:
            return
        seen.add(view.name)
        for schema in ("build", view.schema):
            for name in _QUALIFIED.findall(_definition(connection, schema, view.name) or ""):
                if name in by_name:
                    visit(by_name[name])
        done[view.name] = view

    for view in views:
        visit(view)
    return list(done.values())


def _kind(connection: psycopg.Connection[Any], table: Published) -> str | None:
    """`r` where readers have a table of that name, `v` where they have a view."""
    row = connection.execute(
        "select relkind from pg_class where oid = to_regclass(%s)", [f'"{table.schema}"."{table.name}"']
    ).fetchone()
    return row[0] if row else None


def _drop(connection: psycopg.Connection[Any], table: Published) -> None:
    if kind := _kind(connection, table):
        word = sql.SQL("view" if kind == "v" else "table")
        connection.execute(sql.SQL("drop {} {}").format(word, sql.Identifier(table.schema, table.name)))


def _publish_views(
    connection: psycopg.Connection[Any], views: list[Published], schemas: dict[str, str]
) -> None:
    """Give readers the built views over the published tables; nothing happens where they have them.

    A view that changes is made anew together with those that read it.
    """
    views = _parents_first(connection, views)
    wanted = {view.name: _public_definition(connection, view, schemas) for view in views}
    stale: dict[str, Published] = {}
    for view in views:
        read = set(_BUILT.findall(_definition(connection, "build", view.name) or ""))
        if read & stale.keys() or wanted[view.name] != _definition(connection, view.schema, view.name):
            stale[view.name] = view
    for view in reversed(stale.values()):
        _drop(connection, view)
    for view in stale.values():
        target = sql.Identifier(view.schema, view.name)
        connection.execute(sql.SQL("create view {} as {}").format(target, sql.SQL(wanted[view.name])))
        _comment(connection, view, target)


def _public_definition(connection: psycopg.Connection[Any], view: Published, schemas: dict[str, str]) -> str:
    """The built view's query over the published tables."""
    built = _definition(connection, "build", view.name)
    assert built is not None, f"build.{view.name} is no view"

    def public(found: re.Match[str]) -> str:
        if found[1] not in schemas:
            raise NotPublished(f"view {view.name} reads {found[1]}, which has no publish_to")
        return f"{schemas[found[1]]}.{found[1]}"

    return _BUILT.sub(public, built)


def _definition(connection: psycopg.Connection[Any], schema: str, name: str) -> str | None:
    row = connection.execute(
        "select pg_get_viewdef(oid) from pg_class where oid = to_regclass(%s) and relkind = 'v'",
        [f'"{schema}"."{name}"'],
    ).fetchone()
    return row[0] if row else None


def _columns(connection: psycopg.Connection[Any], schema: str, name: str) -> list[tuple[str, str]]:
    rows = connection.execute(
        "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a"
        " where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped"
        " order by a.attname",
        [f'"{schema}"."{name}"'],
    )
    return [(n, t) for n, t in rows]


@dataclass(frozen=True)
class History:
    """Where the row versions of a published table are kept, and the publication that is being written."""

    target: sql.Identifier
    publication_id: int


def _history(
    connection: psycopg.Connection[Any], history: Published | None, table: Published, publication_id: int
) -> History | None:
    """Make or widen the history of `table`, where it has one.

    A history that begins later than its table begins with the rows that readers see by then. Columns that
    the table loses stay, and so does everything that was written.
    """
    if history is None:
        return None
    target = sql.Identifier(history.schema, history.name)
    have = dict(_columns(connection, history.schema, history.name))
    want = dict(_columns(connection, "build", history.name))
    if not have:
        _create_history(connection, history, table, target)
    for name, kind in want.items():
        if have and have.get(name) != kind:
            change = "alter column {1} type {2} using {1}::{2}" if name in have else "add column {1} {2}"
            connection.execute(
                sql.SQL("alter table {0} " + change).format(target, sql.Identifier(name), sql.SQL(kind))
            )
    if have != want:
        _comment(connection, history, target, "table")
    return History(target, publication_id)


def _create_history(
    connection: psycopg.Connection[Any], history: Published, table: Published, target: sql.Identifier
) -> None:
    """One version of a row per publication that it begins with, and at most one that is still so."""
    key = sql.SQL(", ").join(map(sql.Identifier, table.key))
    source = sql.Identifier("build", history.name)
    for statement in (
        "create table {target} (like {source})",
        "alter table {target} add primary key ({key}, from_publication)",
        "create unique index on {target} ({key}) where to_publication is null",
        "create index on {target} (from_publication)",
        "create index on {target} (to_publication)",
    ):
        connection.execute(sql.SQL(statement).format(target=target, source=source, key=key))
    shown = {name for name, _ in _columns(connection, table.schema, table.name)}
    names = [n for n, _ in _columns(connection, "build", history.name) if n in shown]
    if names:
        connection.execute(
            sql.SQL(
                "insert into {} ({names}, from_publication) select {names}, last.publication_id from {}"
                " cross join (select max(publication_id) as publication_id from ops.publications) as last"
                " where last.publication_id is not null"
            ).format(
                target,
                sql.Identifier(table.schema, table.name),
                names=sql.SQL(", ").join(map(sql.Identifier, names)),
            )
        )


def _evolve(
    connection: psycopg.Connection[Any],
    table: Published,
    source: sql.Identifier,
    target: sql.Identifier,
) -> None:
    """Create the public table, or give it the columns of the built one; grants stay."""
    have = dict(_columns(connection, table.schema, table.name))
    want = dict(_columns(connection, "build", table.name))
    if not have:
        connection.execute(
            sql.SQL(
                "create table {} (like {} including comments including constraints"
                " including defaults including indexes)"
            ).format(target, source)
        )
        _comment(connection, table, target)
        return
    for name in have.keys() - want.keys():
        connection.execute(sql.SQL("alter table {} drop column {}").format(target, sql.Identifier(name)))
    for name, kind in want.items():
        change = "add column {1} {2}" if name not in have else None
        if name in have and have[name] != kind:
            change = "alter column {1} type {2} using {1}::{2}"
        if change:
            connection.execute(
                sql.SQL("alter table {0} " + change).format(target, sql.Identifier(name), sql.SQL(kind))
            )
    _comment(connection, table, target)


def _comment(
    connection: psycopg.Connection[Any], table: Published, target: sql.Identifier, is_a: str | None = None
) -> None:
    """Give the public table, or view, and its columns the descriptions of the built one."""
    rows = connection.execute(
        "select a.attname, coalesce(col_description(c.oid, a.attnum), ''),"
        " coalesce(obj_description(c.oid, 'pg_class'), '')"
        " from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid"
        " where c.oid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped",
        [f'"build"."{table.name}"'],
    ).fetchall()
    kind = sql.SQL(is_a or ("view" if table.is_view else "table"))
    for _, _, of_table in rows[:1]:
        connection.execute(
            sql.SQL("comment on {} {} is {}").format(kind, target, sql.Literal(of_table or None))
        )
    for column, text, _ in rows:
        connection.execute(
            sql.SQL("comment on column {}.{} is {}").format(
                target, sql.Identifier(column), sql.Literal(text or None)
            )
        )


def _write_differences(
    connection: psycopg.Connection[Any],
    source: sql.Identifier,
    target: sql.Identifier,
    key: tuple[str, ...],
    columns: list[str],
    changed: sql.Composable | None = None,
    history: History | None = None,
) -> dict[str, int]:
    """Make `target` equal to `source`: delete rows that are gone or differ, insert what is new.

    `changed`, where given, is a table of the only keys that may differ. `history`, where given, is told of
    both in the same statements.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    same = _same_key("s", "t", key)
    row_of = {
        alias: sql.SQL("row({})").format(
            sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(c)) for c in columns)
        )
        for alias in ("s", "t")
    }
    may_differ = {alias: _among(alias, key, changed) for alias in ("s", "t")}
    delete = sql.SQL(
        "delete from {target} as t where {may_differ} not exists"
        " (select 1 from {source} as s where {same} and {s} is not distinct from {t})"
    ).format(
        target=target, source=source, same=same, s=row_of["s"], t=row_of["t"], may_differ=may_differ["t"]
    )
    insert = sql.SQL(
        "insert into {target} ({names}) select {names} from {source} as s where {may_differ} not exists"
        " (select 1 from {target} as t where {same}) order by {key}"
    ).format(
        target=target, source=source, names=names, same=same, may_differ=may_differ["s"],
        # What is read together lies together.
        key=sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(name)) for name in key),
    )  # fmt: skip
    if history is None:
        return {
            "deleted": connection.execute(delete).rowcount,
            "inserted": connection.execute(insert).rowcount,
        }
    return {
        "deleted": _delete_into_history(connection, delete, key, history),
        "inserted": _insert_into_history(connection, insert, names, history),
    }


def _delete_into_history(
    connection: psycopg.Connection[Any], delete: sql.Composable, key: tuple[str, ...], history: History
) -> int:
    row = connection.execute(
        sql.SQL(
            "with gone as ({delete} returning {keys}),"
            " closed as (update {history} as h set to_publication = {publication}"
            "   from gone where {same} and h.to_publication is null)"
            " select count(*) from gone"
        ).format(
            delete=delete,
            keys=sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in key),
            history=history.target,
            publication=sql.Literal(history.publication_id),
            same=_same_key("h", "gone", key),
        )
    ).fetchone()
    assert row is not None
    return int(row[0])


def _insert_into_history(
    connection: psycopg.Connection[Any], insert: sql.Composable, names: sql.Composable, history: History
) -> int:
    row = connection.execute(
        sql.SQL(
            "with fresh as ({insert} returning {names}),"
            " kept as (insert into {history} ({names}, from_publication)"
            "   select {names}, {publication} from fresh)"
            " select count(*) from fresh"
        ).format(
            insert=insert,
            names=names,
            history=history.target,
            publication=sql.Literal(history.publication_id),
        )
    ).fetchone()
    assert row is not None
    return int(row[0])


def _same_key(left: str, right: str, key: tuple[str, ...]) -> sql.Composable:
    """Condition that rows of the two aliases have the same key."""
    return sql.SQL(" and ").join(
        sql.SQL(f"{left}.{{0}} = {right}.{{0}}").format(sql.Identifier(name)) for name in key
    )


def _among(alias: str, key: tuple[str, ...], changed: sql.Composable | None) -> sql.Composable:
    """Condition that keeps rows of `alias` to the keys that changed."""
    if changed is None:
        return sql.SQL("")
    return sql.SQL("({of}) in (select {names} from {changed}) and").format(
        of=sql.SQL(", ").join(sql.SQL(f"{alias}.{{}}").format(sql.Identifier(name)) for name in key),
        names=sql.SQL(", ").join(map(sql.Identifier, key)),
        changed=changed,
    )


def _record(
    connection: psycopg.Connection[Any], publication_id: int, result: PublicationResult, build: dict[str, Any]
) -> int:
    """Write down what was published: by which build and code, with the files since the last publication."""
    row = connection.execute(
        "insert into ops.publications (publication_id,"
        " business_date, build_id, code_version, from_seq, to_seq, files, tables)"
        " overriding system value"
        " select %(id)s, %(date)s, %(build_id)s, %(code)s, %(from_seq)s, %(to_seq)s,"
        "   coalesce((select jsonb_agg(jsonb_build_object("
        "       'file_id', file_id, 'feed', feed, 'name', name, 'sha256', content_sha256)"
        "       order by file_id)"
        "     from ops.file_ledger where changed_seq <= %(to_seq)s"
        "       and changed_seq > (select coalesce(max(to_seq), 0) from ops.publications)), '[]'), %(tables)s"
        " returning publication_id",
        {
            **build,
            "id": publication_id,
            "date": result.business_date,
            "code": code_version(),
            "tables": json.dumps(result.tables),
        },
    ).fetchone()
    assert row is not None
    return int(row[0])
