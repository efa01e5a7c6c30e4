"""Connections to the warehouse, each as the role that the step is for."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from revlog.companies.company import warehouse_database
from revlog.config.redaction import environment_without_secrets
from revlog.config.secrets import secret
from revlog.config.settings import SettingsError, settings
from revlog.database import server, version

# Each stage of the night logs in as one of these; nobody else does.
STAGE_ROLES = ("loader", "transformer", "validator", "publisher", "reporter", "maintainer", "sender")
READERS = ("bi_reader", "finance_reader", "auditor")
ROLES = STAGE_ROLES + READERS
# Not of the warehouse: the owner of Airflow's own database on the same server.
AIRFLOW = "airflow"
HOW_TO_WRITE = (
    "write it as postgresql://user:password@host:5432/database, and in the password %40 for @, %3A for :,"
    " %2F for /, %25 for %, %20 for a space"
)
# Warehouses that this process has asked for their version.
_of_this_version: set[str] = set()


class BadAddress(SettingsError):
    """WAREHOUSE_DSN can't be understood. The message does not repeat it: it holds a password."""


class NoAdministrator(SettingsError):
    """The administrator is asked for where only the stages' own roles are known."""


class NoWarehouse(SettingsError):
    """The embedded server has no database for the company that is served."""


class ServerStopped(psycopg.OperationalError):
    """The embedded server does not run; as with any that is away, the same may go well a little later."""

    def __init__(self) -> None:
        super().__init__(
            "PostgreSQL is stopped: .venv/bin/revlog warehouse start starts it, make up with Airflow"
        )


# No connection is waited for longer than this, and none is believed in whose other end is gone.
BOUNDED = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


def dsn(role: str, database: str | None = None) -> str:
    """Return one libpq URI for `role` (one of ROLES, `admin`, or `airflow`).

    `database` overrides the warehouse's own. Raises ValueError for an unknown role.
    """
    if role not in (*ROLES, AIRFLOW, "admin"):
        raise ValueError(f"unknown role {role!r}; choose one of {', '.join((*ROLES, 'admin'))}")
    parts = _address()
    if database:
        parts["dbname"] = database
    if role != "admin":
        parts |= {"user": role, "password": secret(role)}
    elif not parts.get("user"):
        raise NoAdministrator(
            "WAREHOUSE_DSN names no user here: stages log in as their own roles. What needs the administrator"
            " (revlog warehouse migrate) runs where WAREHOUSE_DSN holds his login"
        )
    return _uri(parts)


def must_exist() -> None:
    """Raise NoWarehouse where the embedded server runs and has no such database yet."""
    if settings().warehouse_dsn is not None or not server.is_running():
        return
    name = warehouse_database()
    with psycopg.connect(dsn("admin", "postgres"), connect_timeout=10) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            raise NoWarehouse(
                f"this checkout serves {settings().company}, and there is no database {name} for it yet: make"
                " upgrade makes it. COMPANY, in the environment or .env, names another company"
            )


def must_run() -> None:
    """Raise ServerStopped where the embedded server is the one to be asked, and does not run."""
    if settings().warehouse_dsn is None and server.exists() and not server.is_running():
        raise ServerStopped from None


def dbt_environment(role: str) -> dict[str, str]:
    """Environment of a dbt process that logs in as `role`: with that password, and no other secret."""
    login = conninfo_to_dict(dsn(role))
    names = {"DBT_HOST": "host", "DBT_PORT": "port", "DBT_USER": "user", "DBT_PASSWORD": "password",
             "DBT_DBNAME": "dbname"}  # fmt: skip
    return environment_without_secrets() | {
        **{variable: str(login[part]) for variable, part in names.items()},
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def address() -> str:
    """URI of the warehouse without any login, for processes that log in as their own role only."""
    return _uri({k: v for k, v in _address().items() if k not in ("user", "password")})


def bounded_dsn(role: str) -> str:
    """Return the URI for a driver of our own: it waits no longer for the server than `connect` does."""
    address = dsn(role)
    return f"{address}{'&' if '?' in address else '?'}{urlencode(BOUNDED)}"


def connect(role: str, **options: Any) -> psycopg.Connection[Any]:
    """Open a psycopg connection as `role`; `options` go to `psycopg.connect`.

    Raises OtherVersion for the role of a stage, where code and warehouse are not of one version.
    """
    options = {"application_name": f"reverse-logistics {role}", **BOUNDED, **options}
    address = dsn(role)
    if role == "admin" and "options=" not in address:
        # The other roles have it of their own (bounds.py).
        options.setdefault("options", f"-c lock_timeout={settings().lock_patience_minutes * 60_000:.0f}")
    try:
        connection = psycopg.connect(address, **options)
    except psycopg.OperationalError as error:
        must_run()
        if "does not exist" in str(error) and settings().warehouse_dsn is None:
            must_exist()
        raise
    if role in STAGE_ROLES and address not in _of_this_version:
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
        return _understood(given)
    if not server.exists():
        raise NoWarehouse(
            "there is no PostgreSQL here yet: make run makes one and fills it, make upgrade an empty one;"
            " or name one of your own in WAREHOUSE_DSN (docs/how-to/own-postgresql.md)"
        )
    return {
        "host": "127.0.0.1",
        "port": str(server.port()),
        "dbname": warehouse_database(),
        "user": "postgres",
        "password": secret("postgres"),
    }


def _understood(given: str) -> dict[str, str]:
    """Parts of WAREHOUSE_DSN. libpq's own errors repeat what they don't understand, so none is passed on."""
    try:
        parts = {k: str(v) for k, v in conninfo_to_dict(given).items()}
    except psycopg.Error:
        raise BadAddress(f"WAREHOUSE_DSN can't be understood; {HOW_TO_WRITE}") from None
    # Parts of a password that is not escaped would be taken for host, port or database, and told as such.
    places = parts.get("host", "") + parts.get("port", "") + parts.get("dbname", "")
    if "@" in places or not all(port.isdecimal() for port in parts.get("port", "0").split(",")):
        raise BadAddress(f"WAREHOUSE_DSN has @, : or / within the login; {HOW_TO_WRITE}")
    return parts


def _uri(parts: dict[str, str]) -> str:
    # A folder of a Unix socket has no place in an address.
    host = "" if parts.get("host", "").startswith("/") else parts.get("host", "127.0.0.1")
    known = {"port", "dbname", "user", "password", *(["host"] if host else [])}
    extra = {k: v for k, v in parts.items() if k not in known}
    login = quote(parts.get("user", ""), safe="")
    if parts.get("password"):
        login += ":" + quote(parts["password"], safe="")
    name = f"[{host}]" if ":" in host else host
    uri = (
        f"postgresql://{login}{'@' if login else ''}{name}:{parts.get('port', '5432')}"
        f"/{quote(parts.get('dbname', 'postgres'), safe='')}"
    )
    return uri + (f"?{urlencode(extra, quote_via=quote)}" if extra else "")
