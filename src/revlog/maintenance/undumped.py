"""What belongs to a warehouse and pg_dump leaves out: owners of another administrator's server, logins that
people made for themselves, settings, and rights on the database itself.

Whatever the target has already stays as it is there. What its administrator may not do is told, not done.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from pydantic import BaseModel

from revlog.database.connections import ROLES

Connection = psycopg.Connection[Any]


class Owned(BaseModel):
    """Something that another role than the administrator owns, as PostgreSQL identifies it."""

    kind: str
    identity: str
    owner: str


class Membership(BaseModel):
    """`member` is a member of `role`."""

    role: str
    member: str
    admin: bool
    inherit: bool
    set: bool


class Login(BaseModel):
    """A role that is none of ROLES, and is a member of one, owns something or was granted something."""

    name: str
    can_login: bool
    inherits: bool
    connection_limit: int
    valid_until: str | None
    # As PostgreSQL keeps it; None where it may not be read, or is not to be kept.
    verifier: str | None


class Setting(BaseModel):
    """A setting of a role, of the database (no role), or of a role in the database."""

    role: str | None
    in_database: bool
    name: str
    value: str


class DatabaseGrant(BaseModel):
    """A right on the database itself."""

    grantee: str
    privilege: str
    grantable: bool


class Undumped(BaseModel):
    """All of it, of one warehouse."""

    owned: list[Owned]
    logins: list[Login]
    memberships: list[Membership]
    settings: list[Setting]
    grants: list[DatabaseGrant]


# Roles of people and programs: members of ours, directly or not, and who was granted or owns something here.
_LOGINS = """
with recursive concerned as (
    select oid from pg_roles where rolname = any(%(roles)s)
    union
    select m.member from pg_auth_members as m inner join concerned as c on c.oid = m.roleid
), named as (
    select oid from concerned
    union
    select d.refobjid from pg_shdepend as d inner join pg_database as db on db.datname = current_database()
    where d.refclassid = 'pg_authid'::regclass and d.deptype in ('a', 'o')
        and (d.dbid = db.oid or (d.classid = 'pg_database'::regclass and d.objid = db.oid))
)
"""
_OTHERS = (
    "r.rolname <> all(%(roles)s) and r.rolname <> current_user and r.oid <> 10"
    " and r.rolname not like 'pg\\_%%'"
)


def read(connection: Connection, with_verifiers: bool) -> Undumped:
    """Read all of it from the database of an administrator's connection.

    Settings of ROLES themselves are left out, but for those in this database: upgrades set them.
    """
    logins = _logins(connection, with_verifiers)
    names = [login.name for login in logins]
    return Undumped(
        owned=_owned(connection),
        logins=logins,
        memberships=_memberships(connection, [*ROLES, *names]),
        settings=_settings(connection, names),
        grants=_grants(connection),
    )


def _owned(connection: Connection) -> list[Owned]:
    with connection.cursor(row_factory=class_row(Owned)) as cursor:
        return cursor.execute(
            "select o.type as kind, o.identity, pg_get_userbyid(d.refobjid)::text as owner"
            " from pg_shdepend as d"
            " cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) as o"
            " where d.deptype = 'o' and o.type <> 'default acl'"
            "   and d.dbid = (select oid from pg_database where datname = current_database())"
            "   and pg_get_userbyid(d.refobjid) <> current_user"
            # Sequences of columns follow their table.
            "   and not exists (select from pg_depend as p where p.classid = d.classid and p.objid = d.objid"
            "     and p.classid = 'pg_class'::regclass and p.deptype in ('i', 'a')"
            "     and p.refclassid = 'pg_class'::regclass)"
            " order by 1, 2"
        ).fetchall()


def _logins(connection: Connection, with_verifiers: bool) -> list[Login]:
    row = connection.execute("select has_table_privilege('pg_authid', 'select')").fetchone()
    may_read = with_verifiers and row == (True,)
    verifier = "(select a.rolpassword from pg_authid as a where a.oid = r.oid)" if may_read else "null"
    with connection.cursor(row_factory=class_row(Login)) as cursor:
        return cursor.execute(
            f"{_LOGINS} select r.rolname::text as name, r.rolcanlogin as can_login, r.rolinherit as inherits,"
            " r.rolconnlimit as connection_limit, r.rolvaliduntil::text as valid_until,"
            f" {verifier} as verifier from pg_roles as r where r.oid in (select oid from named)"
            f" and {_OTHERS} order by 1",
            {"roles": list(ROLES)},
        ).fetchall()


def _memberships(connection: Connection, names: list[str]) -> list[Membership]:
    # Until PostgreSQL 15 every member inherits and may become the role.
    with connection.cursor(row_factory=class_row(Membership)) as cursor:
        return cursor.execute(
            "select r.rolname::text as role, u.rolname::text as member, bool_or(m.admin_option) as admin,"
            "   bool_or(coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)) as inherit,"
            "   bool_or(coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)) as set"
            " from pg_auth_members as m inner join pg_roles as r on r.oid = m.roleid"
            " inner join pg_roles as u on u.oid = m.member"
            " where u.rolname = any(%(names)s) and (r.rolname = any(%(names)s) or r.rolname like 'pg\\_%%')"
            " group by 1, 2 order by 1, 2",
            {"names": names},
        ).fetchall()


def _settings(connection: Connection, names: list[str]) -> list[Setting]:
    with connection.cursor(row_factory=class_row(Setting)) as cursor:
        return cursor.execute(
            "select r.rolname::text as role, s.setdatabase <> 0 as in_database,"
            "   split_part(o, '=', 1) as name, substr(o, strpos(o, '=') + 1) as value"
            " from pg_db_role_setting as s left join pg_roles as r on r.oid = s.setrole"
            " cross join lateral unnest(s.setconfig) as o"
            " where s.setdatabase = (select oid from pg_database where datname = current_database())"
            "   or (s.setdatabase = 0 and r.rolname = any(%s)) order by 1, 2, 3",
            [names],
        ).fetchall()


def _grants(connection: Connection) -> list[DatabaseGrant]:
    with connection.cursor(row_factory=class_row(DatabaseGrant)) as cursor:
        return cursor.execute(
            "select r.rolname::text as grantee, a.privilege_type as privilege, a.is_grantable as grantable"
            " from pg_database as d cross join lateral aclexplode(d.datacl) as a"
            " inner join pg_roles as r on r.oid = a.grantee"
            " where d.datname = current_database() and a.grantee <> d.datdba order by 1, 2"
        ).fetchall()


def create_logins(connection: Connection, found: Undumped) -> list[str]:
    """Create the logins that the server lacks, none a superuser; returns those that need a password."""
    known = _known_roles(connection)
    fresh = [login for login in found.logins if login.name not in known]
    for login in fresh:
        connection.execute(
            sql.SQL("create role {} {} {} connection limit {} password {} {}").format(
                sql.Identifier(login.name),
                sql.SQL("login" if login.can_login else "nologin"),
                sql.SQL("inherit" if login.inherits else "noinherit"),
                login.connection_limit,
                login.verifier,
                sql.SQL("valid until {}").format(login.valid_until) if login.valid_until else sql.SQL(""),
            )
        )
    return [login.name for login in fresh if login.can_login and not login.verifier]


def join_roles(connection: Connection, found: Undumped) -> list[str]:
    """Make everyone a member as before; returns what this administrator may not do, as statements."""
    have = {(m.role, m.member) for m in _memberships(connection, sorted(_known_roles(connection)))}
    return _try_each(
        connection,
        (
            [_membership(m, connection.info.server_version)]
            for m in found.memberships
            if (m.role, m.member) not in have
        ),
    )


def _membership(m: Membership, server_version: int) -> sql.Composed:
    options = f"with admin {m.admin}, inherit {m.inherit}, set {m.set}"
    if server_version < 160000:
        options = "with admin option" if m.admin else ""
    return sql.SQL("grant {} to {} {}").format(
        sql.Identifier(m.role), sql.Identifier(m.member), sql.SQL(options)
    )


def hand_over(connection: Connection, found: Undumped) -> None:
    """Give everything to its owner; rights granted meanwhile are the owner's grants from then on."""
    for owned in found.owned:
        connection.execute(
            sql.SQL("alter {} {} owner to {}").format(
                # As PostgreSQL itself quotes and names them.
                sql.SQL(owned.kind),
                sql.SQL(owned.identity),
                sql.Identifier(owned.owner),
            )
        )


def apply_settings(connection: Connection, found: Undumped) -> list[str]:
    """Set what nobody has set on the target; returns what this administrator may not do, as statements."""
    have = {(s.role, s.in_database, s.name) for s in _settings(connection, sorted(_known_roles(connection)))}
    missing = [s for s in found.settings if (s.role, s.in_database, s.name) not in have]
    return _try_each(connection, (_setting(s, connection.info.dbname) for s in missing))


def _setting(setting: Setting, database: str) -> list[sql.Composed]:
    """A list such as search_path can be given back as it is kept only by way of the session."""
    parts: list[sql.Composable] = [sql.SQL("alter")]
    if setting.role:
        parts.append(sql.SQL("role {}").format(sql.Identifier(setting.role)))
    if setting.in_database:
        word = "in database {}" if setting.role else "database {}"
        parts.append(sql.SQL(word).format(sql.Identifier(database)))
    parts.append(sql.SQL("set {} from current").format(sql.Identifier(setting.name)))
    return [
        sql.SQL("select set_config({}, {}, true)").format(setting.name, setting.value),
        sql.SQL(" ").join(parts),
    ]


def grant_database(connection: Connection, found: Undumped) -> list[str]:
    """Grant the rights on the database itself; returns what this administrator may not do, as statements."""
    name = connection.info.dbname
    return _try_each(
        connection,
        (
            [
                sql.SQL("grant {} on database {} to {} {}").format(
                    sql.SQL(grant.privilege),
                    sql.Identifier(name),
                    sql.Identifier(grant.grantee),
                    sql.SQL("with grant option" if grant.grantable else ""),
                )
            ]
            for grant in found.grants
        ),
    )


def _known_roles(connection: Connection) -> set[str]:
    return {name for (name,) in connection.execute("select rolname::text from pg_roles")}


def _try_each(connection: Connection, acts: Iterable[list[sql.Composed]]) -> list[str]:
    """Run each act, of one or more statements, in a transaction of its own."""
    refused = []
    for act in acts:
        try:
            with connection.transaction():
                for statement in act:
                    connection.execute(statement)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject):
            refused.append("; ".join(statement.as_string(connection) for statement in act))
    return refused
