"""Every role × object × verb, against who may do what."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from warehouse.connections import ROLES, connect
from warehouse.migrate import grant

SCHEMAS = ("raw", "ops", "staging", "intermediate", "core", "build", "marts", "finance")
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
EVERYTHING = set(VERBS)
IDENTITY = ("raw", "crm_customers_identity")
TRANSFORMERS = ("staging", "intermediate", "core", "build")
PUBLISHERS = ("marts", "finance")
# What a role may do with single tables of ops; everything not named is forbidden.
OPS = {
    ("loader", "file_ledger"): {"SELECT", "INSERT", "UPDATE"},
    ("loader", "quarantine"): {"SELECT", "INSERT"},
    ("loader", "erasures"): {"SELECT"},
    ("transformer", "file_ledger"): {"SELECT"},
    ("transformer", "quarantine"): {"SELECT"},
    ("transformer", "publications"): {"SELECT"},
    ("transformer", "builds"): {"SELECT", "INSERT", "UPDATE"},
    ("transformer", "validation_results"): {"SELECT", "INSERT"},
    ("publisher", "file_ledger"): {"SELECT"},
    ("publisher", "builds"): {"SELECT"},
    ("publisher", "validation_results"): {"SELECT"},
    ("publisher", "publications"): {"SELECT", "INSERT"},
    # Append-only, also for the one who closes.
    ("publisher", "period_acts"): {"SELECT", "INSERT"},
    ("publisher", "frozen_postings"): {"SELECT", "INSERT"},
    ("transformer", "period_acts"): {"SELECT"},
    ("transformer", "frozen_postings"): {"SELECT"},
    ("transformer", "acceptances"): {"SELECT", "INSERT"},
    ("transformer", "model_runs"): {"SELECT", "INSERT"},
    ("transformer", "stage_runs"): {"SELECT", "INSERT"},
    ("publisher", "model_runs"): {"SELECT"},
    ("publisher", "stage_runs"): {"SELECT"},
    ("loader", "stage_runs"): {"SELECT"},
    **{(role, "versions"): {"SELECT"} for role in ("loader", "transformer", "publisher")},
    ("finance_reader", "file_ledger"): {"SELECT"},
    ("finance_reader", "publications"): {"SELECT"},
}


def _allowed(role: str, schema: str, table: str) -> set[str]:
    if role == "auditor":
        return {"SELECT"}
    if (schema, table) == IDENTITY:
        return {"INSERT"} if role == "loader" else set()
    if schema == "ops":
        return OPS.get((role, table), set())
    rules: dict[str, dict[str, set[str]]] = {
        "loader": {"raw": {"SELECT", "INSERT"}},
        "transformer": {"raw": {"SELECT"}, **dict.fromkeys(TRANSFORMERS, EVERYTHING)},
        "publisher": {"build": {"SELECT"}, **dict.fromkeys(PUBLISHERS, EVERYTHING)},
        "bi_reader": {"marts": {"SELECT"}},
        "finance_reader": {"marts": {"SELECT"}, "finance": {"SELECT"}},
    }
    return rules[role].get(schema, set())


@pytest.fixture(scope="module")
def tables(database: Path) -> list[tuple[str, str]]:
    """Every table of the warehouse, with one in each schema that a build or publication would fill."""
    with connect("transformer") as connection:
        for schema in TRANSFORMERS:
            connection.execute(f"create table {schema}.sample (id integer)")
    with connect("publisher") as connection:
        for schema in PUBLISHERS:
            connection.execute(f"create table {schema}.sample (id integer)")
    grant()
    with connect("admin") as connection:
        return connection.execute(
            "select n.nspname, c.relname from pg_class as c"
            " inner join pg_namespace as n on n.oid = c.relnamespace"
            " where n.nspname = any(%s) and c.relkind in ('r', 'v', 'm', 'p') order by 1, 2",
            [list(SCHEMAS)],
        ).fetchall()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_exactly_what_its_step_needs(role: str, tables: list[tuple[str, str]]) -> None:
    assert {schema for schema, _ in tables} == set(SCHEMAS)
    wrong = []
    with connect("admin") as connection:
        for schema, table in tables:
            allowed = _allowed(role, schema, table)
            for verb in VERBS:
                row = connection.execute(
                    "select has_table_privilege(%s, %s, %s)",
                    [role, f'"{schema}"."{table}"', verb],
                ).fetchone()
                if row != (verb in allowed,):
                    wrong.append(f"{role} {verb} {schema}.{table}: {row}, want {verb in allowed}")
    assert wrong == []


def test_public_has_nothing(tables: list[tuple[str, str]]) -> None:
    with connect("admin") as connection:
        grants = connection.execute(
            "select table_schema, table_name, privilege_type"
            " from information_schema.role_table_grants"
            " where grantee = 'PUBLIC' and table_schema = any(%s)",
            [list(SCHEMAS)],
        ).fetchall()
        row = connection.execute(
            "select has_database_privilege('public', current_database(), 'CONNECT'),"
            " has_schema_privilege('public', 'public', 'USAGE')"
        ).fetchone()
    assert grants == []
    assert row == (False, False)


def test_a_new_table_of_marts_is_readable_at_once_and_not_writable(database: Path) -> None:
    with connect("publisher") as connection:
        connection.execute("create table marts.fresh as select 1 as id")
    with connect("bi_reader") as connection:
        assert connection.execute("select id from marts.fresh").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("insert into marts.fresh values (2)")


def test_bi_readers_cannot_open_finance(tables: list[tuple[str, str]]) -> None:
    with connect("bi_reader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from finance.sample")
