"""Connections to the warehouse, each as the role that the step is for."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from warehouse import server, version
from warehouse.secrets import secret
from warehouse.settings import settings

ROLES = ("loader", "transformer", "publisher", "bi_reader", "finance_reader", "auditor")
WRITERS = ROLES[:3]
# Warehouses that this process has asked for their version.
_of_this_version: set[str] = set()


def dsn(role: str, database: str | None = None) -> str:
    """Return one libpq URI for `role` (one of ROLES, or `admin`).

    `database` overrides the warehouse's own. Raises ValueError for an unknown role.
    """
    if role not in (*ROLES, "admin"):
        raise ValueError(f"unknown role {role!r}; choose one of {', '.join((*ROLES, 'admin'))}")
    parts = _address()
    if database:
        parts["dbname"] = database
    if role != "admin":
        parts |= {"user": role, "password": secret(role)}
    return _uri(parts)


def connect(role: str, **options: Any) -> psycopg.Connection[Any]:
    """Open a psycopg connection as `role`; `options` go to `psycopg.connect`.

    Raises OtherVersion for a role that writes, where code and warehouse are not of one version.
    """
    options.setdefault("application_name", f"reverse-logistics {role}")
    address = dsn(role)
    connection = psycopg.connect(address, **options)
    if role in WRITERS and address not in _of_this_version:
        _must_be_of_this_version(connection)
        _of_this_version.add(address)
    return connection


def _must_be_of_this_version(connection: psycopg.Connection[Any]) -> None:
    try:
        version.refuse_another(connection)
    except Exception:
        connection.close()
        raise
    if not connection.autocommit:
        connection.rollback()


def _address() -> dict[str, str]:
    given = settings().warehouse_dsn
    if given:
        return {k: str(v) for k, v in conninfo_to_dict(given).items()}
    return {
        "host": "127.0.0.1",
        "port": str(server.port()),
        "dbname": settings().warehouse_database,
        "user": "postgres",
        "password": secret("postgres"),
    }


def _uri(parts: dict[str, str]) -> str:
    # A folder of a Unix socket has no place in an address.
    host = "" if parts.get("host", "").startswith("/") else parts.get("host", "127.0.0.1")
    known = {"port", "dbname", "user", "password", *(["host"] if host else [])}
    extra = {k: v for k, v in parts.items() if k not in known}
    login = quote(parts.get("user", ""), safe="")
    if parts.get("password"):
        login += ":" + quote(parts["password"], safe="")
    uri = (
        f"postgresql://{login}@{host}:{parts.get('port', '5432')}"
        f"/{quote(parts.get('dbname', 'postgres'), safe='')}"
    )
    return uri + (f"?{urlencode(extra)}" if extra else "")
