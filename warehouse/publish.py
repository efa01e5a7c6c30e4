"""Publish: copy what was built and audited into the public schemas, in one transaction.

A reader's statement, or REPEATABLE READ transaction, has one snapshot and therefore sees one night.
Only rows that differ are written, so indexes, grants and statistics of the stable tables stay. Where
a model logs the keys that it changes, only those are compared; a view is published as the same view
over the published tables.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from warehouse.connections import connect
from warehouse.settings import code_version

# One publisher at a time; the second waits and then finds nothing to do.
PUBLISH_LOCK = 720_003


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
    """

    name: str
    schema: str
    key: tuple[str, ...]
    is_view: bool = False
    logs_changes: bool = False


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
        connection.execute("select pg_advisory_xact_lock(%s)", [PUBLISH_LOCK])
        build = _last_build(connection)
        since = _published_build(connection)
        views = [table for table in tables if table.is_view]
        _forget_stale(connection, tables, views)
        for table in tables:
            if not table.is_view:
                result.tables[f"{table.schema}.{table.name}"] = _publish_table(connection, table, since)
        for view in views:
            _publish_view(connection, view, {table.name: table.schema for table in tables})
        if _differs(result) or not _is_published(connection, build["build_id"]):
            result.publication_id = _record(connection, result, build)
    return result


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
    connection: psycopg.Connection[Any], table: Published, since: int | None
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
    return _write_differences(connection, source, target, table.key, names, keys)


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
    stale = [table for table in tables if not table.is_view and _evolves(connection, table)]
    for view in views if stale else []:
        _drop(connection, view)
    for table in stale:
        if _kind(connection, table) == "v":
            _drop(connection, table)


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


def _publish_view(connection: psycopg.Connection[Any], view: Published, schemas: dict[str, str]) -> None:
    """Give readers the built view over the published tables; nothing happens where they have it."""
    wanted = _definition(connection, "build", view.name)
    assert wanted is not None, f"build.{view.name} is no view"

    def public(found: re.Match[str]) -> str:
        if found[1] not in schemas:
            raise NotPublished(f"view {view.name} reads {found[1]}, which has no publish_to")
        return f"{schemas[found[1]]}.{found[1]}"

    wanted = re.sub(r"\bbuild\.(\w+)", public, wanted)
    if wanted == _definition(connection, view.schema, view.name):
        return
    _drop(connection, view)
    target = sql.Identifier(view.schema, view.name)
    connection.execute(sql.SQL("create view {} as {}").format(target, sql.SQL(wanted)))
    _comment(connection, view, target)


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


def _comment(connection: psycopg.Connection[Any], table: Published, target: sql.Identifier) -> None:
    """Give the public table, or view, and its columns the descriptions of the built one."""
    rows = connection.execute(
        "select a.attname, coalesce(col_description(c.oid, a.attnum), ''),"
        " coalesce(obj_description(c.oid, 'pg_class'), '')"
        " from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid"
        " where c.oid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped",
        [f'"build"."{table.name}"'],
    ).fetchall()
    kind = sql.SQL("view" if table.is_view else "table")
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
) -> dict[str, int]:
    """Make `target` equal to `source`: delete rows that are gone or differ, insert what is new.

    `changed`, where given, is a table of the only keys that may differ.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    same = sql.SQL(" and ").join(sql.SQL("s.{0} = t.{0}").format(sql.Identifier(name)) for name in key)
    row_of = {
        alias: sql.SQL("row({})").format(
            sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(c)) for c in columns)
        )
        for alias in ("s", "t")
    }
    may_differ = {alias: _among(alias, key, changed) for alias in ("s", "t")}
    deleted = connection.execute(
        sql.SQL(
            "delete from {target} as t where {may_differ} not exists"
            " (select 1 from {source} as s where {same} and {s} is not distinct from {t})"
        ).format(
            target=target, source=source, same=same, s=row_of["s"], t=row_of["t"], may_differ=may_differ["t"]
        )
    ).rowcount
    inserted = connection.execute(
        sql.SQL(
            "insert into {target} ({names}) select {names} from {source} as s where {may_differ} not exists"
            " (select 1 from {target} as t where {same})"
        ).format(target=target, source=source, names=names, same=same, may_differ=may_differ["s"])
    ).rowcount
    return {"deleted": deleted, "inserted": inserted}


def _among(alias: str, key: tuple[str, ...], changed: sql.Composable | None) -> sql.Composable:
    """Condition that keeps rows of `alias` to the keys that changed."""
    if changed is None:
        return sql.SQL("")
    return sql.SQL("({of}) in (select {names} from {changed}) and").format(
        of=sql.SQL(", ").join(sql.SQL(f"{alias}.{{}}").format(sql.Identifier(name)) for name in key),
        names=sql.SQL(", ").join(map(sql.Identifier, key)),
        changed=changed,
    )


def _record(connection: psycopg.Connection[Any], result: PublicationResult, build: dict[str, Any]) -> int:
    """Write down what was published: from which files, by which build and code."""
    row = connection.execute(
        "insert into ops.publications"
        " (business_date, build_id, code_version, from_seq, to_seq, files, tables)"
        " select %(date)s, %(build_id)s, %(code)s, %(from_seq)s, %(to_seq)s,"
        "   coalesce((select jsonb_agg(jsonb_build_object("
        "       'file_id', file_id, 'feed', feed, 'name', name, 'sha256', content_sha256)"
        "       order by file_id)"
        "     from ops.file_ledger where changed_seq > %(from_seq)s"
        "       and changed_seq <= %(to_seq)s), '[]'), %(tables)s"
        " returning publication_id",
        {
            **build,
            "date": result.business_date,
            "code": code_version(),
            "tables": json.dumps(result.tables),
        },
    ).fetchone()
    assert row is not None
    return int(row[0])
