"""A warehouse knows the key that its customers were hashed with, and takes no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from revlog.companies.company import warehouse_database
from revlog.config.secrets import WrongKey, customer_key
from revlog.database.connections import connect
from revlog.ingestion.customer_key import fingerprint, keep_key
from revlog.ingestion.erasure import erase
from revlog.ingestion.load import reload
from revlog.ingestion.pseudonym import pseudonym
from revlog.night import stages
from revlog.night.errors import NightFailed
from tests.integration.ingestion_landing import DAY, load, put, query, sale, sales

CUSTOMERS = (
    "customer_id,name,email,phone,country,segment,created_at,merged_into,marketing_consent\n"
    "C1,Ada Secret,ada@example.com,,DE,consumer,2024-01-01 00:00:00,,yes\n"
)
SETTING = "REVLOG_SECRET_CUSTOMER_KEY"


@pytest.fixture()
def landing(fresh_database: Path) -> Path:
    """A warehouse with a customer."""
    put(fresh_database, "crm_customers_20260130.csv", CUSTOMERS)
    load("crm_customers")
    return fresh_database


def _without_fingerprint() -> None:
    """As 0.1.0 left a warehouse."""
    with connect("admin") as connection:
        connection.execute("delete from ops.customer_key")


def test_another_key_stops_before_the_first_row(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "another key")
    sales(landing, "20260131", sale("A"))
    with pytest.raises(WrongKey, match="not the one that the warehouse's customers were hashed with"):
        load()
    with pytest.raises(NightFailed, match="Restore the key"):
        stages.ingest("erp_recovery_sales", DAY.isoformat())
    with pytest.raises(WrongKey):
        reload("crm_customers", "crm_customers_20260130.csv", DAY)
    with pytest.raises(WrongKey):
        erase(["C1"], "asked")
    with pytest.raises(WrongKey):
        keep_key()
    assert query("select name from ops.file_ledger") == [("crm_customers_20260130.csv",)]


def test_a_missing_key_is_not_made_anew(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = query("select fingerprint from ops.customer_key")
    elsewhere = warehouse_database(), customer_key()
    assert kept == [(fingerprint(elsewhere[1]),)]
    monkeypatch.setattr("revlog.ingestion.customer_key.first_secret", lambda name: pytest.fail("made anew"))
    monkeypatch.setattr(
        "revlog.config.secrets._kept", lambda name, may_generate: "x" if may_generate else None
    )
    with pytest.raises(WrongKey, match="customer_key is missing"):
        _ = customer_key()


def test_a_warehouse_of_0_1_0_takes_the_key_that_leads_to_its_customers(landing: Path) -> None:
    _without_fingerprint()
    keep_key()
    assert query("select fingerprint from ops.customer_key") == [(fingerprint(customer_key()),)]


def test_and_none_that_does_not(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_fingerprint()
    monkeypatch.setenv(SETTING, "another key")
    with pytest.raises(WrongKey, match="does not lead to 1 of the 1 customers"):
        keep_key()
    assert query("select count(*) from ops.customer_key") == [(0,)]


def test_without_identities_a_known_number_proves_the_key(
    landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_fingerprint()
    with connect("admin") as connection:
        connection.execute("truncate raw.crm_customers_identity")
    with pytest.raises(WrongKey, match="--known-customer NUMBER"):
        keep_key()
    with pytest.raises(WrongKey, match="leads from that number to no row"):
        keep_key("C9")
    keep_key("C1")
    assert query("select count(*) from ops.customer_key") == [(1,)]


def test_any_key_is_the_first_of_a_warehouse_without_customers(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "the first key")
    keep_key()
    put(fresh_database, "crm_customers_20260130.csv", CUSTOMERS)
    load("crm_customers")
    assert query("select customer_id from raw.crm_customers") == [(pseudonym("C1", b"the first key"),)]
