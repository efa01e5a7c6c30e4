"""A warehouse that 0.1.0 built, brought to today's code by the documented command, and the next night on it.

What is kept in `data/` is described there. Nothing that was published, closed or erased may change, and the
night must say what 0.1.0 said of the same files.
"""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.tables import RUN_COLUMNS
from warehouse import server
from warehouse.connections import ROLES, dsn
from warehouse.settings import ROOT, code_version, process_environment, project_version

pytestmark = pytest.mark.long

DATA = Path(__file__).parent / "data"
KEY = "key-of-the-kept-warehouse"
NIGHT = "2026-02-04"
# Rows of kpi_daily that readers saw after each night, as 0.1.0 counted them.
NIGHTS = {"2026-01-31": 3874, "2026-02-01": 3910, "2026-02-02": 4035, "2026-02-03": 4098}
CLOSED = ("2025-10", "2025-11", "2025-12", "2026-01")
# Large, and views of kpi_cells__history.
OF_HISTORY = ("marts.kpi_changes", "marts.kpi_daily_history")

# What newer code says otherwise than 0.1.0, on purpose; each has its line in CHANGELOG.md. A column that is
# named is not compared, a table without columns not at all.
TOLD_OTHERWISE: dict[str, set[str]] = {
    # The version of the code, and what the code wrote.
    "marts.publications": {"code_version"},
}

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Said:
    """What a warehouse says: its published rows, each past night's KPIs, closed periods, row counts."""

    published: Rows
    nights: dict[str, Counter[str]]
    reported: list[str]
    counts: dict[str, int]


@dataclass(frozen=True)
class Upgraded:
    """The kept warehouse as it was, after the upgrade, and after the night."""

    before: Said
    migrated: Said
    after: Said
    printed: str


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """Restore the kept dump into a server of its own, upgrade it, and run the next night."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVLOG_VAR", str(tmp_path_factory.mktemp("upgrade")))
        patch.setenv("REVLOG_PORT", "0")
        patch.setenv("REVLOG_DATABASE", "warehouse")
        patch.setenv("REVLOG_SECRET_CUSTOMER_KEY", KEY)
        patch.setenv("LANDING_URL", str(_landing(tmp_path_factory.mktemp("landing"))))
        for name in ("WAREHOUSE_DSN", "BUSINESS_DATE", "REPORTING_CURRENCY", "LAYOUTS"):
            patch.setenv(name, "")
        server.start()
        try:
            _restore_the_dump(tmp_path_factory.mktemp("dump") / "warehouse.sql")
            before = _said()
            printed = _python("-m", "warehouse", "migrate")
            migrated = _said()
            _python("-m", "nightly", NIGHT)
            yield Upgraded(before, migrated, _said(), printed)
        finally:
            server.destroy()


def _landing(folder: Path) -> Path:
    with tarfile.open(DATA / f"landing-{NIGHT}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def _restore_the_dump(file: Path) -> None:
    file.write_bytes(lzma.decompress((DATA / "warehouse-0.1.0.sql.xz").read_bytes()))
    with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
        for role in ROLES:
            connection.execute(f"create role {role} login")
        connection.execute("create database warehouse template template0")
    address = psycopg.conninfo.conninfo_to_dict(dsn("admin"))
    psql = [str(server._binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file)]
    psql += ["-h", str(address["host"]), "-p", str(address["port"]), "-U", str(address["user"])]
    password = {"PGPASSWORD": str(address["password"])}
    _run([*psql, str(address["dbname"])], os.environ | password)


def _python(*arguments: str) -> str:
    return _run([sys.executable, *arguments], process_environment())


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _said() -> Said:
    with psycopg.connect(dsn("admin")) as connection:
        published = {
            name: [_row(text) for text in _texts(connection, f"select row_to_json(t)::text from {name} as t")]
            for name in _relations(connection, ["marts", "finance"], "rvm")
            if name not in OF_HISTORY
        }
        nights = {
            night: Counter(_texts(connection, f"select t::text from marts.kpi_daily_as_of('{night}') as t"))
            for night in NIGHTS
        }
        reported = _texts(
            connection,
            "select t::text from finance.refund_proof_as_reported as t"
            f" where t.period in {CLOSED} order by 1",
        )
        counts = {
            name: int(_texts(connection, f"select count(*)::text from {name}")[0])
            for name in _relations(connection, ["raw", "ops"], "r")
        }
    return Said(published, nights, reported, counts)


def _relations(connection: psycopg.Connection[Any], schemas: list[str], kinds: str) -> list[str]:
    found = connection.execute(
        "select n.nspname || '.' || quote_ident(c.relname) from pg_class as c"
        " inner join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname = any(%s) and c.relkind = any(%s) order by 1",
        [schemas, list(kinds)],
    )
    return [name for (name,) in found]


def _texts(connection: psycopg.Connection[Any], query: str) -> list[str]:
    return [text for (text,) in connection.execute(query)]


def _row(text: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return row


def _as_0_1_0_said() -> Rows:
    found: Rows = defaultdict(list)
    for line in lzma.decompress((DATA / f"published-{NIGHT}.jsonl.xz").read_bytes()).decode().splitlines():
        name, text = line.split(" ", 1)
        found[name].append(_row(text))
    return found


def _assert_nothing_lost(expected: Rows, found: Rows) -> None:
    differences = _differences(expected, found)
    assert not differences, "\n".join(differences)


def _differences(expected: Rows, found: Rows) -> list[str]:
    """One line per table that lacks a column or differs in a row; columns that came new don't count."""
    told = []
    for name, rows in expected.items():
        if name in TOLD_OTHERWISE and not TOLD_OTHERWISE[name]:
            continue
        if name not in found:
            told.append(f"{name} is gone; it had {len(rows)} rows")
        elif rows and found[name] and (gone := _columns(name, rows) - found[name][0].keys()):
            told.append(f"{name} has lost its columns {sorted(gone)}")
        else:
            columns = sorted(_columns(name, rows)) if rows else []
            was, now = _counted(rows, columns), _counted(found[name], columns)
            if was != now:
                lost, new = was - now, now - was
                told.append(f"{name}: {lost.total()} rows lost, {new.total()} new: {_first(lost, new)}")
    return told


def _columns(name: str, rows: list[dict[str, Any]]) -> set[str]:
    return rows[0].keys() - TOLD_OTHERWISE.get(name, set()) - set(RUN_COLUMNS)


def _counted(rows: list[dict[str, Any]], columns: list[str]) -> Counter[str]:
    return Counter(json.dumps({c: row[c] for c in columns}, default=str) for row in rows)


def _first(lost: Counter[str], new: Counter[str]) -> str:
    return f"lost {next(iter(lost), 'none')}, new {next(iter(new), 'none')}"


def test_the_upgrade_keeps_every_published_row(upgraded: Upgraded) -> None:
    assert sum(map(len, upgraded.before.published.values())) > 10_000
    _assert_nothing_lost(upgraded.before.published, upgraded.migrated.published)


def test_the_upgrade_keeps_every_row_that_came_and_every_line_of_the_books(upgraded: Upgraded) -> None:
    before, after = upgraded.before.counts, upgraded.migrated.counts
    assert before["raw.erp_sales_lines"] > 0 and before["ops.file_ledger"] > 0
    assert {name: after.get(name) for name in before} == before


def test_the_upgrade_says_which_version_the_warehouse_is_of(upgraded: Upgraded) -> None:
    assert upgraded.printed.splitlines()[-1] == f"the warehouse is of version {project_version()}"
    assert upgraded.migrated.counts["ops.versions"] == 1


def test_an_upgrade_may_be_repeated(upgraded: Upgraded) -> None:
    _python("-m", "warehouse", "migrate")
    again = _said()
    _assert_nothing_lost(upgraded.after.published, again.published)
    assert (again.nights, again.reported, again.counts) == (
        upgraded.after.nights,
        upgraded.after.reported,
        upgraded.after.counts,
    )


@pytest.mark.parametrize("night", NIGHTS)
def test_every_past_night_still_shows_its_kpis(upgraded: Upgraded, night: str) -> None:
    was = upgraded.before.nights[night]
    assert was.total() == NIGHTS[night]
    assert upgraded.migrated.nights[night] == was
    assert upgraded.after.nights[night] == was


def test_closed_periods_stay_as_they_were_reported(upgraded: Upgraded) -> None:
    assert upgraded.before.reported
    assert upgraded.after.reported == upgraded.before.reported
    acts = {
        (a["period"], a["act"], a["approver"], a["acted_at"])
        for a in upgraded.after.published["finance.period_acts"]
    }
    assert {period for period, *_ in acts} == set(CLOSED)
    assert acts == {
        (a["period"], a["act"], a["approver"], a["acted_at"])
        for a in upgraded.before.published["finance.period_acts"]
    }


def test_an_erased_customer_stays_erased_though_the_night_brought_the_file_again(upgraded: Upgraded) -> None:
    with psycopg.connect(dsn("admin")) as connection:
        identities = [
            f"raw.{table}"
            for table in _texts(
                connection,
                "select table_name from information_schema.columns where table_schema = 'raw'"
                " and table_name like '%\_identity' and column_name = 'customer_id' order by 1",
            )
        ]
        assert identities == [
            "raw.crm_cases_identity", "raw.crm_customers_identity", "raw.crm_return_requests_identity",
        ]  # fmt: skip
        for name in identities:
            found = connection.execute(
                f"select count(*) from {name} where customer_id in (select customer_id from ops.erasures)"
            )
            assert found.fetchone() == (0,), f"{name} knows an erased customer"
        came = connection.execute(
            "select count(*) from raw.crm_customers as r inner join ops.erasures as e using (customer_id)"
            " inner join ops.file_ledger as f on f.file_id = r._file_id"
            " where f.name = 'crm_customers_20260204.csv'"
        )
        assert came.fetchone() == (1,), "the file of the night must name the erased customer"


def test_the_night_says_what_0_1_0_said_of_the_same_files(upgraded: Upgraded) -> None:
    _assert_nothing_lost(_as_0_1_0_said(), upgraded.after.published)


def test_the_publication_names_the_version_that_made_it(upgraded: Upgraded) -> None:
    versions = {p["business_date"]: p["code_version"] for p in upgraded.after.published["marts.publications"]}
    assert versions == {**dict.fromkeys(NIGHTS, "0.1.0"), NIGHT: code_version()}
