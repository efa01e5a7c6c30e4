"""Every right of a warehouse: who owns what, who may do what with it, and what a role is and belongs to."""

from __future__ import annotations

from typing import Any

import psycopg

ACL = "coalesce(g.rolname, 'PUBLIC'), x.privilege_type, x.is_grantable"
EXPLODED = "cross join lateral aclexplode({acl}) as x left join pg_roles as g on g.oid = x.grantee"
KIND = "(case c.relkind when 'S' then 's' else 'r' end)::\"char\""
OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
# Each gives one row a right. Where nobody has granted anything, PostgreSQL's own default is what holds.
QUERIES = {
    "relations": (
        f"select n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner), {ACL} from pg_class as c"
        " inner join pg_namespace as n on n.oid = c.relnamespace "
        + EXPLODED.format(acl=f"coalesce(c.relacl, acldefault({KIND}, c.relowner))")
        + f" where c.relkind in ('r', 'v', 'm', 'p', 'S') and {OURS}"
    ),
    "columns": (
        f"select n.nspname, c.relname, a.attname, {ACL} from pg_attribute as a"
        " inner join pg_class as c on c.oid = a.attrelid"
        " inner join pg_namespace as n on n.oid = c.relnamespace "
        + EXPLODED.format(acl="a.attacl")
        + f" where {OURS}"
    ),
    "schemas": (
        f"select n.nspname, pg_get_userbyid(n.nspowner), {ACL} from pg_namespace as n "
        + EXPLODED.format(acl="coalesce(n.nspacl, acldefault('n', n.nspowner))")
        + f" where {OURS}"
    ),
    "functions": (
        "select n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), p.prosecdef,"
        f" pg_get_userbyid(p.proowner), {ACL} from pg_proc as p"
        " inner join pg_namespace as n on n.oid = p.pronamespace "
        + EXPLODED.format(acl="coalesce(p.proacl, acldefault('f', p.proowner))")
        + f" where ({OURS}) or p.proacl is not null"
    ),
    "defaults": (
        f"select pg_get_userbyid(d.defaclrole), n.nspname, d.defaclobjtype, {ACL} from pg_default_acl as d"
        " left join pg_namespace as n on n.oid = d.defaclnamespace " + EXPLODED.format(acl="d.defaclacl")
    ),
    "database": (
        f"select pg_get_userbyid(d.datdba), {ACL} from pg_database as d "
        + EXPLODED.format(acl="coalesce(d.datacl, acldefault('d', d.datdba))")
        + " where d.datname = current_database()"
    ),
    "other databases": (
        f"select d.datname, {ACL} from pg_database as d "
        + EXPLODED.format(acl="coalesce(d.datacl, acldefault('d', d.datdba))")
        + " where d.datname in ('postgres', 'template1')"
    ),
    "roles": (
        "select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,"
        " rolbypassrls, rolconnlimit, rolvaliduntil from pg_roles where rolname !~ '^pg_'"
    ),
    "members": (
        "select r.rolname, u.rolname, m.admin_option, m.inherit_option, m.set_option"
        " from pg_auth_members as m inner join pg_roles as r on r.oid = m.roleid"
        " inner join pg_roles as u on u.oid = m.member"
        " where u.rolname !~ '^pg_'"
    ),
    "settings": (
        "select r.rolname, s.setdatabase <> 0, unnest(s.setconfig) from pg_db_role_setting as s"
        " left join pg_roles as r on r.oid = s.setrole"
        " where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))"
    ),
}


def rights(connection: psycopg.Connection[Any]) -> dict[str, set[tuple[Any, ...]]]:
    """Every right, by kind; the administrator is called `admin`, whatever his name."""
    admin = connection.info.user
    found = {kind: connection.execute(query).fetchall() for kind, query in QUERIES.items()}
    return {
        kind: {tuple("admin" if value == admin else value for value in row) for row in rows}
        for kind, rows in found.items()
    }
