"""`make clean-warehouse`: what a warehouse on this machine holds, and its removal by name."""

from __future__ import annotations

import json
import shutil

import psycopg

from revlog.config.secrets import CUSTOMER_KEY, secrets_file
from revlog.config.settings import SERVED, SettingsError, settings
from revlog.database import server
from revlog.database.connections import dsn

SIMULATED = "simulated"  # file in `var` by which `make run` knows its company
# What can't be made again, by the name that has to be given, and how to count it in a database.
BOOKS = {
    "database": "select count(*) from ops.file_ledger where status = 'loaded'",
    "history": "select count(*) from ops.publications",
    "closed-periods": "select count(*) from ops.period_acts",
    "erasures": "select count(*) from ops.erasures",
}
UNKNOWN = "whatever is in it: it can't be read"
OWN = ("postgres", "airflow")
# What somebody has done: no company is only the simulator's where one of these is.
ACTS = {"closed-periods", "erasures"}
MADE = (
    "landing", "truth", SIMULATED, "airflow", "reports", "pages", "dbt", "log", "semantic", "pg_service",
    "superset", "secrets.json", SERVED,
)  # fmt: skip


class NotRemoved(SettingsError):
    """The warehouse stays; the message says what would go, and how to say so."""


def clean_warehouse(confirmed: str) -> str:
    """Remove database, key and landing zone of this machine's warehouse; returns what went.

    A warehouse that only ever held the simulated company goes at once. Of any other everything that can't be
    made again must be named in `confirmed`; raises NotRemoved where something is not. Workbooks stay.
    """
    if settings().warehouse_dsn is not None:
        raise NotRemoved("the warehouse is on a server of your own (WAREHOUSE_DSN): drop its database there")
    holdings = _holdings()
    named = confirmed.replace(",", " ").split()
    missing = [] if _is_simulated(holdings) else [name for name in holdings if name not in named]
    if missing:
        listed = "\n".join(f"  {name:<15} {what}" for name, what in holdings.items())
        raise NotRemoved(
            f"nothing was removed. This would be gone for good:\n{listed}\nNot named: {', '.join(missing)}."
            f" After a backup: make clean-warehouse CONFIRM={','.join(holdings)}"
        )
    server.destroy()
    for name in MADE:
        path = settings().var / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return "removed: " + (", ".join(holdings) or "nothing was there")


def _holdings() -> dict[str, str]:
    found: dict[str, str] = {}
    if server.exists():
        found |= _books()
    if CUSTOMER_KEY in (json.loads(secrets_file().read_text() or "{}") if secrets_file().exists() else {}):
        found["key"] = f"the customer key, in {secrets_file()}"
    landing = settings().var / "landing"
    if files := sum(path.is_file() for path in landing.rglob("*")):
        found["landing-zone"] = f"{files:,} files in {landing}"
    return found


def _books() -> dict[str, str]:
    """What the embedded server's databases hold; all that they may where that can't be read."""
    found: dict[str, list[str]] = {}
    try:
        server.start()
        for database in _databases():
            with psycopg.connect(dsn("admin", database)) as connection:
                for name, count in BOOKS.items():
                    ((rows,),) = connection.execute(count).fetchall()
                    if rows:
                        found.setdefault(name, []).append(f"{rows:,} in {database}")
    except (psycopg.Error, server.ServerError, SettingsError) as error:
        told = str(error).strip().splitlines()[0]
        return dict.fromkeys(BOOKS, f"{UNKNOWN} ({told})")
    return {name: "; ".join(parts) for name, parts in found.items()}


def _databases() -> list[str]:
    """Databases of the embedded server that are warehouses."""
    with psycopg.connect(dsn("admin", "postgres")) as connection:
        found = connection.execute("select datname from pg_database where not datistemplate order by 1")
        names = [name for (name,) in found if name not in OWN]
    return [name for name in names if _is_warehouse(name)]


def _is_warehouse(database: str) -> bool:
    with psycopg.connect(dsn("admin", database)) as connection:
        return connection.execute("select to_regclass('ops.period_acts')").fetchone() != (None,)


def _is_simulated(holdings: dict[str, str]) -> bool:
    """True where `make run` brought everything: one database, no file but the simulator's, nobody's act."""
    mark = settings().var / SIMULATED
    told = [holdings[name] for name in BOOKS if name in holdings]
    if not mark.exists() or any(UNKNOWN in text or ";" in text for text in told):
        return False
    if ACTS & holdings.keys():
        return False
    simulated = set(mark.read_text().splitlines()[1:])
    landed = {path.name for path in (settings().var / "landing").rglob("*") if path.is_file()}
    return landed <= simulated and (not told or _loaded() <= simulated)


def _loaded() -> set[str]:
    with psycopg.connect(dsn("admin")) as connection:
        return {name for (name,) in connection.execute("select name from ops.file_ledger")}
