"""Publish: copy what was built and audited into the public schemas, in one transaction.

A reader's statement, or REPEATABLE READ transaction, has one snapshot and therefore sees one night.
Only rows that differ are written, so indexes, grants and statistics of the stable tables stay.
"""

from __future__ import annotations

import datetime as dt
import json
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
    """A table of `build` and the public schema that it goes to."""

    name: str
    schema: str
    key: tuple[str, ...]


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
        for table in tables:
            result.tables[f"{table.schema}.{table.name}"] = _publish_table(connection, table)
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


def _publish_table(connection: psycopg.Connection[Any], table: Published) -> dict[str, int]:
    source = sql.Identifier("build", table.name)
    target = sql.Identifier(table.schema, table.name)
    if _columns(connection, table.schema, table.name) != _columns(connection, "build", table.name):
        _evolve(connection, table, source, target)
    names = [n for n, _ in _columns(connection, "build", table.name)]
    return _write_differences(connection, source, target, table.key, names)


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
    row = connection.execute(
        "select obj_description(to_regclass(%s), 'pg_class')", [f'"build"."{table.name}"']
    ).fetchone()
    connection.execute(sql.SQL("comment on table {} is {}").format(target, sql.Literal(row and row[0])))


def _write_differences(
    connection: psycopg.Connection[Any],
    source: sql.Identifier,
    target: sql.Identifier,
    key: tuple[str, ...],
    columns: list[str],
) -> dict[str, int]:
    """Make `target` equal to `source`: delete rows that are gone or differ, insert what is new."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    same = sql.SQL(" and ").join(sql.SQL("s.{0} = t.{0}").format(sql.Identifier(name)) for name in key)
    row_of = {
        alias: sql.SQL("row({})").format(
            sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(c)) for c in columns)
        )
        for alias in ("s", "t")
    }
    deleted = connection.execute(
        sql.SQL(
            "delete from {target} as t where not exists"
            " (select 1 from {source} as s where {same} and {s} is not distinct from {t})"
        ).format(target=target, source=source, same=same, s=row_of["s"], t=row_of["t"])
    ).rowcount
    inserted = connection.execute(
        sql.SQL(
            "insert into {target} ({names}) select {names} from {source} as s where not exists"
            " (select 1 from {target} as t where {same})"
        ).format(target=target, source=source, names=names, same=same)
    ).rowcount
    return {"deleted": deleted, "inserted": inserted}


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
