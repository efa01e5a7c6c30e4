"""What maintenance removes, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from revlog.database.connections import connect
from revlog.night import upkeep
from tests.integration.ingestion_landing import load, put, query, sale, sales

HEADER = "customer_id,name,email,phone,country,segment,created_at,merged_into,marketing_consent\n"
ADA = "C1,Ada Secret,ada@example.com,+49 111,DE,consumer,2024-01-01 00:00:00,,yes\n"


@pytest.fixture()
def corrected(fresh_database: Path) -> None:
    """A file of two rows and one refused, replaced by one row; the build took both in."""
    sales(fresh_database, "20260130", sale("A"), sale("B"), sale("C", amount="many"))
    load()
    sales(fresh_database, "20260130", sale("A"), at=10)
    load()
    _built()


def _built() -> None:
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.builds (business_date, from_seq, to_seq, status, is_full_refresh, definitions)"
            " select '2026-01-30', 0, max(changed_seq), 'built', true, '' from ops.file_ledger"
        )


def _age(days: int) -> None:
    """Let everything have happened `days` ago."""
    with connect("admin") as connection:
        for table, column in (("file_ledger", "finished_at"), ("quarantine", "quarantined_at")):
            connection.execute(f"update ops.{table} set {column} = {column} - make_interval(days => {days})")


def _raw() -> list[str]:
    return [key for (key,) in query("select recovery_id from raw.erp_recovery_sales order by _file_id, 1")]


def test_superseded_and_quarantined_rows_go_after_their_time(corrected: None) -> None:
    assert _raw() == ["A", "B", "A"]
    _age(days=31)
    assert upkeep.remove_old(keep_days=30) == (
        "2 superseded rows, 0 of their identities and 1 quarantined rows removed"
    )
    assert _raw() == ["A"]
    assert query("select count(*) from ops.quarantine") == [(0,)]
    assert query("select sum(rows_quarantined) from ops.file_ledger") == [(1,)], "the count stays known"


def test_nothing_goes_before_its_time(corrected: None) -> None:
    _age(days=29)
    upkeep.remove_old(keep_days=30)
    assert _raw() == ["A", "B", "A"]
    assert query("select count(*) from ops.quarantine") == [(1,)]


def test_superseded_rows_that_no_build_took_in_stay(corrected: None) -> None:
    with connect("admin") as connection:
        connection.execute("update ops.builds set status = 'failed'")
    _age(days=31)
    upkeep.remove_old(keep_days=30)
    assert _raw() == ["A", "B", "A"]


def test_the_identities_of_superseded_rows_go_with_them(fresh_database: Path) -> None:
    for at, name in ((0, "Ada Secret"), (10, "Ada Newname")):
        put(fresh_database, "crm_customers_20260130.csv", HEADER + ADA.replace("Ada Secret", name), at=at)
        load("crm_customers")
    _built()
    _age(days=31)
    upkeep.remove_old(keep_days=30)
    assert query("select name from raw.crm_customers_identity") == [("Ada Newname",)]
    assert query("select count(*) from raw.crm_customers") == [(1,)]


def test_every_table_is_vacuumed_by_a_role_that_owns_none(fresh_database: Path) -> None:
    ((tables,),) = query(
        "select count(*) from pg_tables where schemaname !~ '^(pg_|information_schema|locks)'"
    )
    assert upkeep.vacuum() == f"{tables} tables vacuumed"
    left = query(
        "select relname from pg_stat_user_tables where last_vacuum is null and schemaname <> 'locks'"
    )
    assert left == []
