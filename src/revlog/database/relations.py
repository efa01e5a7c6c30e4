"""What the catalog says of tables and views: columns, key, definition, and who may read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, order=True)
class Relation:
    """A table or view by its name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """Name for a statement."""
        return sql.Identifier(self.schema, self.name)

    @property
    def quoted(self) -> str:
        """Name for to_regclass."""
        return '"{}"."{}"'.format(*(part.replace('"', '""') for part in (self.schema, self.name)))


def kind(connection: Connection, relation: Relation) -> str | None:
    """`r` for a table, `v` for a view, None where there is neither."""
    row = connection.execute(
        "select relkind from pg_class where oid = to_regclass(%s)", [relation.quoted]
    ).fetchone()
    return row[0] if row else None


def columns(connection: Connection, relation: Relation) -> dict[str, str]:
    """Type by column, in the order of the relation; empty where there is none."""
    rows = connection.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
        [relation.quoted],
    )
    return dict(rows.fetchall())


def primary_key(connection: Connection, relation: Relation) -> frozenset[str]:
    """Columns of the primary key; empty without one."""
    rows = connection.execute(
        "select a.attname from pg_constraint as c"
        " inner join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = any(c.conkey)"
        " where c.conrelid = to_regclass(%s) and c.contype = 'p'",
        [relation.quoted],
    )
    return frozenset(name for (name,) in rows)


def definition(connection: Connection, view: Relation) -> str | None:
    """Query of a view; None where there is no such view."""
    row = connection.execute(
        "select pg_get_viewdef(oid) from pg_class where oid = to_regclass(%s) and relkind = 'v'",
        [view.quoted],
    ).fetchone()
    return row[0] if row else None


def has_row_security(connection: Connection, table: Relation) -> bool:
    """True where rows of the table are hidden from some."""
    row = connection.execute(
        "select relrowsecurity from pg_class where oid = to_regclass(%s)", [table.quoted]
    ).fetchone()
    return row == (True,)


def views_over(connection: Connection, relation: Relation) -> dict[Relation, bool]:
    """Views that read the relation, themselves or through others; True for those of the current user."""
    rows = connection.execute(
        "with recursive over (view) as ("
        "   select to_regclass(%s)::oid"
        "   union"
        "   select r.ev_class from over"
        "   inner join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = over.view"
        "     and d.classid = 'pg_rewrite'::regclass"
        "   inner join pg_rewrite as r on r.oid = d.objid"
        " )"
        " select n.nspname, v.relname, pg_get_userbyid(v.relowner) = current_user from over"
        " inner join pg_class as v on v.oid = over.view"
        " inner join pg_namespace as n on n.oid = v.relnamespace"
        " where v.oid <> to_regclass(%s)",
        [relation.quoted, relation.quoted],
    )
    return {Relation(schema, name): is_own for schema, name, is_own in rows}


def describe(connection: Connection, source: Relation, target: Relation, word: str) -> None:
    """Give `target`, a `table` or `view`, and its columns the descriptions of `source` where they differ."""
    wanted, standing = _descriptions(connection, source), _descriptions(connection, target)
    for column, text in wanted.items():
        if column not in standing or standing[column] == text:
            continue
        name = target.identifier if column is None else sql.Identifier(target.schema, target.name, column)
        connection.execute(
            sql.SQL("comment on {} {} is {}").format(
                sql.SQL(word if column is None else "column"), name, sql.Literal(text)
            )
        )


def _descriptions(connection: Connection, relation: Relation) -> dict[str | None, str | None]:
    """Description by column; of the relation itself under None. Empty where there is none."""
    rows = connection.execute(
        "select a.attname, col_description(a.attrelid, a.attnum) from pg_attribute as a"
        " where a.attrelid = to_regclass(%(relation)s) and a.attnum > 0 and not a.attisdropped"
        " union all"
        " select null, obj_description(oid, 'pg_class') from pg_class where oid = to_regclass(%(relation)s)",
        {"relation": relation.quoted},
    )
    return dict(rows.fetchall())


def close_to_readers(connection: Connection, relation: Relation) -> None:
    """Take from readers the right to read a new table, which each has by default."""
    for reader in ("bi_reader", "finance_reader"):
        connection.execute(_grant("revoke", "select", relation, reader))


def grant_as(connection: Connection, source: Relation, target: Relation) -> None:
    """Let everyone do with `target` what they may do with `source`, and nothing else."""
    for grantee, privilege, _ in _grants(connection, target):
        connection.execute(_grant("revoke", privilege, target, grantee))
    for grantee, privilege, is_grantable in _grants(connection, source):
        statement = _grant("grant", privilege, target, grantee)
        connection.execute(statement + sql.SQL(" with grant option" if is_grantable else ""))


def _grants(connection: Connection, relation: Relation) -> list[tuple[str | None, str, bool]]:
    """Grantee (None: everyone), privilege and whether it may be passed on; the owner's own left out."""
    return connection.execute(
        "select nullif(g.grantee, 0)::regrole::text, g.privilege_type, g.is_grantable"
        " from pg_class as c, aclexplode(c.relacl) as g"
        " where c.oid = to_regclass(%s) and g.grantee <> c.relowner",
        [relation.quoted],
    ).fetchall()


def _grant(verb: str, privilege: str, relation: Relation, grantee: str | None) -> sql.Composed:
    return sql.SQL("{} {} on {} {} {}").format(
        sql.SQL(verb), sql.SQL(privilege), relation.identifier,
        sql.SQL("to" if verb == "grant" else "from"),
        # regrole has quoted it where it needs to be.
        sql.SQL(grantee or "public"),
    )  # fmt: skip
