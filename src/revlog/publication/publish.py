"""Publish: copy what was built and audited into the public schemas, in one transaction.

A reader's statement, or REPEATABLE READ transaction, has one snapshot and therefore sees one night of each
domain: the same of both, but where a check holds one back, which then stays whole as it was (domains.py).
Only rows that differ are written, so indexes, grants and statistics of the stable tables stay. Where
a model logs the keys that it changes, only those are compared; a view is published as the same view
over the published tables. Where a model keeps the history of a table, every version of its rows is
written down with the publications between which readers saw it. What gets another shape is handed over
without a gap (handover.py).
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from revlog.builds import judged
from revlog.builds.domains import DOMAINS, SHARED
from revlog.builds.judged import Build, BuildRefused
from revlog.builds.published import Published
from revlog.config.settings import code_version, settings
from revlog.database import foreign_keys, locks, relations, waits
from revlog.database.connections import connect
from revlog.database.relations import Relation, columns, definition, kind
from revlog.publication import histories
from revlog.publication.differences import (
    History,
    Target,
    begin_log,
    forget_logs,
    names_of,
    write_differences,
)
from revlog.publication.handover import Handover, NotPublished, settle

log = logging.getLogger("reverse_logistics.publish")
# Rows written at once after which the planner's statistics of a table are no longer good.
MANY_ROWS = 10_000
# What a built view reads, as PostgreSQL writes its query down.
_BUILT = re.compile(r"\bbuild\.(\w+)")
_QUALIFIED = re.compile(r"\b(?:build|marts|finance)\.(\w+)")
Connection = psycopg.Connection[Any]

__all__ = ["NotPublished", "PublicationResult", "publish"]


@dataclass
class PublicationResult:
    """What was published: rows inserted and deleted per table; `is_new` False when nothing differed.

    `reshaped` names the public relations that got another shape; `domains` are those that it brought, and
    `held` those that steps of the build hold back.
    """

    business_date: dt.date
    publication_id: int | None = None
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    reshaped: list[str] = field(default_factory=list)
    domains: tuple[str, ...] = ()
    held: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        """True when this call published something."""
        return self.publication_id is not None


def publish(build_id: int, tables: list[Published] | None = None) -> PublicationResult:
    """Publish a finished build under the date of its night: at once every domain that no step holds back.

    `tables` defaults to the models that dbt marks with `publish_to`. Raises BuildRefused where a gate has not
    said yes to this very build for any domain, another has begun since, or it was withdrawn; NotPublished,
    StillBlocked, or the database's own error. After each the night before is still what readers see.
    """
    if tables is None:
        from revlog.transform.tables import published_tables

        tables = published_tables()
    purpose = f"publishing build {build_id}, {judged.process()}"
    with (
        locks.hold(locks.NIGHT, "publisher", purpose),
        connect("publisher", autocommit=True) as connection,
    ):
        build = judged.publishable(connection, build_id)
        _refuse_withdrawn(connection, build_id)
        held = judged.held_back(connection, build_id)
        result = PublicationResult(build.run_date, held=tuple(held))
        settle(connection)
        shown = [table for table in tables if table.schema not in held]
        is_wider = _widen(connection, shown)
        keys = [key for table in shown for key in table.foreign_keys]
        foreign_keys.release(
            connection, keys, [table.public for table in shown], _reshaped(connection, shown)
        )
        with connection.transaction() as transaction:
            _publish(connection, result, build, tables, compares_all=is_wider)
            # Else another night, or dbt run by hand, may have written into what was read here.
            locks.still_held(locks.NIGHT)
            judged.publishable(connection, build_id)
            if judged.held_back(connection, build_id) != held:
                raise BuildRefused(f"{build}: a step has judged it again meanwhile; publish it again")
            if not result.is_new:
                # What withdraws the publication before is kept.
                raise psycopg.Rollback(transaction)
        _settle_soon(connection)
        foreign_keys.declare(connection, keys)
    return result


def _publish(
    connection: Connection,
    result: PublicationResult,
    build: Build,
    tables: list[Published],
    compares_all: bool,
) -> None:
    shown = [domain for domain in DOMAINS if domain not in result.held]
    since = {d: None if compares_all else _published_build(connection, d) for d in shown}
    publication_id = next_publication(connection)
    handover = Handover(publication_id)
    kept = histories_in(tables)
    public = [table for table in tables if table.schema in shown or _is_first(connection, table)]
    views = [table for table in public if table.is_view and not table.history_of]
    stored = [table for table in public if not table.is_view]
    forget_logs(connection)
    for table in stored:
        result.tables[str(table.public)] = _publish_table(
            connection, handover, table, kept.get(table.name), since.get(table.schema)
        )
    for table in public:
        if table.is_for_views and table.public in handover.created:
            relations.close_to_readers(connection, table.public)
    histories.retire_dropped(connection, handover, {history.public for history in kept.values()}, shown)
    _prepare_views(connection, handover, views, {table.name: table.schema for table in tables})
    _describe(connection, handover, [table for table in tables if table.schema in shown])
    changed = _changed_domains(result, handover)
    result.domains = tuple(d for d in shown if d in changed or not _stands_at(connection, d, build.build_id))
    if result.domains:
        result.publication_id = publication_id
        result.reshaped = sorted(str(public) for public in handover.publics)
        _record(connection, result, build)
        if handover:
            handover.carry_out(connection)


def _is_first(connection: Connection, table: Published) -> bool:
    """True for what the other domain reads of one that has never been published."""
    return table.name in SHARED and kind(connection, table.public) is None


def _settle_soon(connection: Connection) -> None:
    """Settle what was handed over while few readers can mind; else the next publication does it first."""
    try:
        settle(connection, settings().reader_patience_seconds / 60)
    except waits.StillBlocked as error:
        log.warning("%s. What was published is whole; the next publication settles it.", error)


def histories_in(tables: list[Published]) -> dict[str, Published]:
    """Histories among the tables, by the name of the table whose row versions they keep."""
    return {table.history_of: table for table in tables if table.history_of}


def next_publication(connection: Connection) -> int:
    """Number of the publication, known before its rows are written; one that publishes nothing is lost."""
    row = connection.execute(
        "select nextval(pg_get_serial_sequence('ops.publications', 'publication_id'))"
    ).fetchone()
    assert row is not None
    return int(row[0])


def _refuse_withdrawn(connection: Connection, build_id: int) -> None:
    row = connection.execute(
        "select p.publication_id, w.approver, w.published_at, p.business_date from ops.publications as p"
        " inner join ops.publications as w on w.withdraws = p.publication_id where p.build_id = %s",
        [build_id],
    ).fetchone()
    if row is not None:
        raise BuildRefused(
            f"build {build_id} was published with publication {row[0]}, which {row[1]} withdrew at"
            f" {row[2]:%Y-%m-%d %H:%M} UTC; mend the cause and run the night again:"
            f" revlog night {row[3]}"
        )


def _stands_at(connection: Connection, domain: str, build_id: int) -> bool:
    """True where readers of the domain see this build."""
    found = connection.execute(
        "select 1 from ops.standing where domain = %s and build_id = %s", [domain, build_id]
    )
    return found.fetchone() is not None


def _changed_domains(result: PublicationResult, handover: Handover) -> set[str]:
    """Domains of which readers will see other rows, or another shape."""
    written = {name for name, counts in result.tables.items() if any(counts.values())}
    return {name.split(".")[0] for name in written} | {public.schema for public in handover.publics}


def _published_build(connection: Connection, domain: str) -> int | None:
    """Newest build of which the domain was published; None where later change logs don't tell all there is to
    know: nothing of it has been published yet, or was withdrawn last, or a full build came after."""
    row = connection.execute(
        "select s.build_id from ops.standing as s where s.domain = %(domain)s and not exists ("
        "   select 1 from ops.builds as b where b.is_full_refresh and b.build_id > s.build_id)"
        " and (select p.withdraws is null from ops.publications as p where %(domain)s = any(p.domains)"
        "   order by p.publication_id desc limit 1)",
        {"domain": domain},
    ).fetchone()
    return row[0] if row else None


def _widen(connection: Connection, tables: list[Published]) -> bool:
    """Add the columns that published tables and histories gain, each in a moment of its own.

    Nothing is rewritten, and no view has to be made anew. Until the publication they are empty. Returns
    whether there were any.
    """
    is_wider = False
    for table in tables:
        want = columns(connection, table.built)
        if (table.is_view and not table.history_of) or _is_reshaped(connection, table):
            continue
        have = columns(connection, table.public)
        added = [
            sql.SQL("alter table {} add column {} {}").format(
                table.public.identifier, sql.Identifier(name), sql.SQL(want[name])
            )
            for name in want
            if have and name not in have
        ]
        if added:
            _add_columns(connection, table, added)
            is_wider = True
    return is_wider


def _add_columns(connection: Connection, table: Published, statements: list[sql.Composed]) -> None:
    step = partial(waits.take_turns, connection, statements)
    waits.patiently(connection, f"adding columns to {table.public}", step)
    relations.describe(connection, table.built, table.public, "table")


def _is_reshaped(connection: Connection, table: Published) -> bool:
    """True where the public table can't become the built one by new columns alone.

    A history keeps the columns that its table loses.
    """
    if (found := kind(connection, table.public)) is None:
        return False
    have, want = columns(connection, table.public), columns(connection, table.built)
    if found != "r" or any(have[name] != want.get(name, have[name]) for name in have):
        return True
    if table.history_of:
        return relations.primary_key(connection, table.public) != frozenset(table.key)
    keys = [relations.primary_key(connection, r) for r in (table.public, table.built)]
    return bool(have.keys() - want.keys()) or (all(keys) and keys[0] != keys[1])


def _reshaped(connection: Connection, tables: list[Published]) -> list[Relation]:
    """Tables that make room for others, or for views."""
    return [
        table.public
        for table in tables
        if kind(connection, table.public) == "r" and (table.is_view or _is_reshaped(connection, table))
    ]


def _publish_table(
    connection: Connection, handover: Handover, table: Published, history: Published | None, since: int | None
) -> dict[str, int]:
    """Write the table where it is, or beside it where it gets another shape.

    `since` is the build that readers see.
    """
    is_reshaped = _is_reshaped(connection, table)
    is_first = kind(connection, table.public) is None
    versions = None
    if history:
        where = histories.prepare(connection, handover, history, table, begins_now=is_reshaped or is_first)
        versions = History(where, handover.publication_id)
    if is_first:
        _create(connection, table)
        handover.created.append(table.public)
    names = tuple(columns(connection, table.built))
    if is_reshaped:
        relation = handover.make_table(connection, table.public, like=table.built).incoming
        target, keys = Target(relation, table.key, names), None
        if versions:
            histories.bring_up(connection, versions, table)
    else:
        logged = None if is_first else begin_log(connection, table.public)
        target = Target(table.public, table.key, names, versions, logged)
        keys = None if is_first else _changed_keys(connection, table, since)
    counts = write_differences(connection, table.built, target, keys)
    _take_statistics(connection, target.relation, sum(counts.values()))
    return counts


def _create(connection: Connection, table: Published) -> None:
    connection.execute(
        sql.SQL(
            "create table {} (like {} including comments including constraints including defaults"
            " including indexes)"
        ).format(table.public.identifier, table.built.identifier)
    )
    relations.describe(connection, table.built, table.public, "table")


def _take_statistics(connection: Connection, target: Relation, written: int) -> None:
    """Let the planner know a table that is new or changed much: autovacuum comes after the first readers."""
    row = connection.execute(
        "select reltuples < 0 from pg_class where oid = to_regclass(%s)", [target.quoted]
    ).fetchone()
    if written >= MANY_ROWS or row == (True,):
        connection.execute(sql.SQL("analyze {}").format(target.identifier))


def _changed_keys(connection: Connection, table: Published, since: int | None) -> sql.Composable | None:
    """Put the keys that changed after build `since` into a temporary table; None without a log."""
    changes = Relation("build", f"{table.name}__changes")
    if since is None or not table.logs_changes or not columns(connection, changes):
        return None
    changed = sql.Identifier(f"changed_{table.name}")
    connection.execute(
        sql.SQL(
            "create temporary table {} on commit drop as select distinct {} from {} where build_id > {}"
        ).format(changed, names_of(table.key), changes.identifier, sql.Literal(since))
    )
    connection.execute(sql.SQL("analyze {}").format(changed))
    return changed


def _prepare_views(
    connection: Connection, handover: Handover, views: list[Published], schemas: dict[str, str]
) -> None:
    """Give readers the built views over the published tables; nothing happens where they have them.

    What changes, or reads what gets another shape, is handed over.
    """
    for view in _parents_first(connection, views):
        built = definition(connection, view.built)
        assert built is not None, f"build.{view.name} is no view"
        public = _public_definition(view, built, {n: Relation(s, n) for n, s in schemas.items()})
        homes = {name: handover.home(name, schema) for name, schema in schemas.items()}
        _refuse_unpublished(connection, view, built, homes)
        query = _public_definition(view, built, homes)
        found = kind(connection, view.public)
        if found is None and query == public:
            connection.execute(sql.SQL("create view {} as {}").format(view.public.identifier, sql.SQL(query)))
            relations.describe(connection, view.built, view.public, "view")
            handover.created.append(view.public)
        elif query != public or not _shows(connection, view.public, public):
            handover.make_view(connection, view.public, view.built, query)


def _describe(connection: Connection, handover: Handover, tables: list[Published]) -> None:
    """Let what stays in its shape say of itself what its model says by now; readers are not held up."""
    for table in tables:
        if table.public not in handover.publics:
            word = "view" if table.is_view and not table.history_of else "table"
            relations.describe(connection, table.built, table.public, word)


def _shows(connection: Connection, view: Relation, query: str) -> bool:
    """True where the view has this query, though PostgreSQL may write it down otherwise than it was given.

    Such a view would be handed over each night, and no night could be withdrawn.
    """
    shown = definition(connection, view)
    if shown is None or shown == query:
        return shown is not None
    connection.execute(sql.SQL("create temporary view as_it_would_be as {}").format(sql.SQL(query)))
    row = connection.execute("select pg_get_viewdef('pg_temp.as_it_would_be'::regclass)").fetchone()
    connection.execute("drop view pg_temp.as_it_would_be")
    return row == (shown,)


def _refuse_unpublished(
    connection: Connection, view: Published, built: str, homes: dict[str, Relation]
) -> None:
    """A view of one domain may read a table of another that has been held back since the first night."""
    for name in _BUILT.findall(built):
        if name in homes and kind(connection, homes[name]) is None:
            raise NotPublished(
                f"view {view.public} reads {homes[name]}, which is held back and was never published:"
                " publish its domain first"
            )


def _public_definition(view: Published, built: str, homes: dict[str, Relation]) -> str:
    """The built view's query over the relations that readers see."""

    def public(found: re.Match[str]) -> str:
        if found[1] not in homes:
            raise NotPublished(f"view {view.name} reads {found[1]}, which has no publish_to")
        return str(homes[found[1]])

    return _BUILT.sub(public, built)


def _parents_first(connection: Connection, views: list[Published]) -> list[Published]:
    """Views in such an order that each stands behind those that it reads, as built or as published."""
    by_name = {view.name: view for view in views}
    done: dict[str, Published] = {}
    seen: set[str] = set()

    def visit(view: Published) -> None:
        if view.name in seen:
            return
        seen.add(view.name)
        for relation in (view.built, view.public):
            for name in _QUALIFIED.findall(definition(connection, relation) or ""):
                if name in by_name:
                    visit(by_name[name])
        done[view.name] = view

    for view in views:
        visit(view)
    return list(done.values())


def _record(connection: Connection, result: PublicationResult, build: Build) -> None:
    """Write down what was published: domains, build and code, with the files that are new to them."""
    came = {name: counts for name, counts in result.tables.items() if name.split(".")[0] in result.domains}
    connection.execute(
        "insert into ops.publications (publication_id,"
        " business_date, build_id, code_version, from_seq, to_seq, files, tables, reshaped, domains,"
        " marts_from, finance_from)"
        " overriding system value"
        " select %(id)s, %(date)s, %(build_id)s, %(code)s, %(from_seq)s, %(to_seq)s,"
        "   coalesce((select jsonb_agg(jsonb_build_object("
        "       'file_id', file_id, 'feed', feed, 'name', name, 'sha256', content_sha256)"
        "       order by file_id)"
        "     from ops.file_ledger where changed_seq <= %(to_seq)s and changed_seq > ("
        "       select min(coalesce(s.to_seq, 0)) from unnest(%(domains)s::text[]) as d (domain)"
        "       left join ops.standing as s on s.domain = d.domain)), '[]'),"
        "   %(tables)s, %(reshaped)s, %(domains)s,"
        "   case when 'marts' = any(%(domains)s::text[]) then %(id)s"
        "     else (select of_publication from ops.standing where domain = 'marts') end,"
        "   case when 'finance' = any(%(domains)s::text[]) then %(id)s"
        "     else (select of_publication from ops.standing where domain = 'finance') end",
        {
            "build_id": build.build_id,
            "from_seq": build.from_seq,
            "to_seq": build.to_seq,
            "id": result.publication_id,
            "date": result.business_date,
            "code": code_version(),
            "tables": json.dumps(came),
            "domains": list(result.domains),
            "reshaped": result.reshaped,
        },
    )
