"""Which company a checkout serves, and what of its folder counts."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from revlog.companies import master, seeds
from revlog.companies.company import COMPANIES, profile, reporting_currency, warehouse_database
from revlog.config.settings import SettingsError, serve, settings
from revlog.contracts.contract import ContractError, feeds, lacks_column, load_contract
from revlog.ingestion.check import faults

SETTINGS = ("COMPANY", "LAYOUTS", "LANDING_URL", "REPORTING_CURRENCY", "REVLOG_DATABASE")


@pytest.fixture(autouse=True)
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `.env` of the test's own, and nothing in the environment."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REVLOG_ENV_FILE", str(tmp_path / ".env"))
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path / "var"))
    return tmp_path / ".env"


@pytest.fixture()
def acme(tmp_path: Path, env_file: Path) -> Path:
    """The folder of a company that `.env` names."""
    folder = tmp_path / "acme"
    folder.mkdir()
    env_file.write_text(f"COMPANY={folder}\n")
    return folder


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(seeds.seeds(settings().company)[f"{name}.csv"])))


def test_without_a_name_the_simulated_company_is_served() -> None:
    found = settings()
    assert (found.company, warehouse_database(), reporting_currency()) == (
        "simulated", "warehouse", "EUR",
    )  # fmt: skip
    assert len(feeds()) == 21


def test_what_a_command_brought_is_served_by_the_next_ones(tmp_path: Path) -> None:
    serve("online_retail", str(tmp_path / "daily files"))
    found = settings()
    assert (found.company, warehouse_database(), reporting_currency()) == (
        "online_retail", "online_retail", "GBP",
    )  # fmt: skip
    assert found.landing == str(tmp_path / "daily files")
    serve("simulated")
    assert (settings().company, settings().landing) == ("simulated", str(tmp_path / "var" / "landing"))


def test_the_name_in_env_wins_over_what_was_brought(acme: Path, env_file: Path) -> None:
    env_file.write_text("")
    serve("online_retail", "/daily")
    env_file.write_text(f"COMPANY={acme}\n")
    assert (settings().company, warehouse_database()) == (str(acme), "acme")
    assert settings().landing != "/daily"


def test_another_company_is_not_brought_where_env_names_one(acme: Path, env_file: Path) -> None:
    with pytest.raises(
        SettingsError, match=f"COMPANY={acme} is set, .*{env_file}, and this is about simulated"
    ):
        serve("simulated")
    assert settings().company == str(acme)


@pytest.mark.parametrize(
    ("line", "company"), [("LAYOUTS=online_retail", "online_retail"), ("LAYOUTS=standard", "simulated")]
)
def test_the_name_that_0_1_0_gave_it_still_counts(env_file: Path, line: str, company: str) -> None:
    env_file.write_text(line + "\n")
    assert settings().company == company


def test_a_folder_that_can_not_name_a_database_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Acme Inc"
    folder.mkdir()
    monkeypatch.setenv("COMPANY", str(folder))
    with pytest.raises(SettingsError, match="'Acme Inc' can't be the name of a database"):
        _ = warehouse_database()
    (folder / "company.yml").write_text("database: acme\n")
    assert warehouse_database() == "acme"


def test_a_profile_that_can_not_be_used_is_told_with_its_keys(acme: Path) -> None:
    (acme / "company.yml").write_text("reporting_curency: EUR\nfiscal_year_start_month: 13\n")
    with pytest.raises(SettingsError, match=r"fiscal_year_start_month: Input .*; reporting_curency: Extra "):
        _ = reporting_currency()


@pytest.mark.parametrize(
    ("layout", "is_lacking"),
    [
        # Spelled as the contract; columns named, without this one or with it; made by a SELECT, the same.
        ("{file: 'x_{date}.csv', format: csv}", False),
        ("{file: 'x_{date}.csv', format: csv, columns: {order_no: Order}}", True),
        ("{file: 'x_{date}.csv', format: csv, columns: {order_no: Order, replaces_rma_no: Returned}}", False),
        ("{file: 'x_{date}.csv', format: csv, select: 'select a as order_no from file'}", True),
        ("{file: 'x_{date}.csv', format: csv, select: 'select b as replaces_rma_no from file'}", False),
    ],
)
def test_a_layout_that_says_where_its_columns_stand_has_no_others(
    acme: Path, layout: str, is_lacking: bool
) -> None:
    (acme / "erp_sales_lines.yml").write_text(f"layouts:\n  own: {layout}\n")
    assert lacks_column("erp_sales_lines", "replaces_rma_no") == is_lacking


def test_what_no_folder_says_is_as_shipped(acme: Path) -> None:
    assert _table("sites") == _table("handling_rates") == _table("gl_accounts") == []
    own = {row["source_code"]: row["disposition"] for row in _table("disposition_crosswalk")}
    assert own["RESTOCK"] == "RESTOCK" and own["LANDFILL"] == "LANDFILL" and len(own) == 13
    assert {row["source_code"] for row in _table("channels")} == {"WEB", "STORE", "APP", "MARKETPLACE"}


def test_rows_that_are_added_take_the_place_of_those_with_their_key(acme: Path) -> None:
    (acme / "channels.csv").write_text(
        "source_code,channel,label,valid_from,valid_to\n"
        "WEB,WEB,Online,1900-01-01,2026-01-01\nWEB,STORE,Store,2026-01-01,9999-12-31\n"
    )
    found = [(row["source_code"], row["channel"], row["label"]) for row in _table("channels")]
    assert found == [
        ("STORE", "STORE", "Store"), ("APP", "APP", "App"), ("MARKETPLACE", "MARKETPLACE", "Marketplace"),
        ("WEB", "WEB", "Online"), ("WEB", "STORE", "Store"),
    ]  # fmt: skip


def test_a_table_that_is_replaced_holds_the_companys_rows_alone(acme: Path) -> None:
    header = ",".join(_table("return_policies")[0])
    (acme / "return_policies.csv").write_text(
        f"{header}\nours,*,*,1900-01-01,9999-12-31,30,false,100,100,0,0,false,false\n"
    )
    assert [row["policy"] for row in _table("return_policies")] == ["ours"]


def test_a_system_is_taken_in_and_what_is_another_way_is_said(acme: Path) -> None:
    (acme / "erp_sales_lines.yml").write_text(
        "layouts:\n"
        "  one_row_per_item:\n"
        "    from: woocommerce\n"
        "    file: 'bestellungen-{date}.csv'\n"
        "    timestamp: {zone: Europe/Berlin}\n"
        "  orders:\n"
        "    from: shopify/orders_csv\n"
    )
    layouts = load_contract("erp_sales_lines").layouts
    woo = yaml.safe_load((master.ROOT / "ingestion/layouts/woocommerce/erp_sales_lines.yml").read_text())
    shipped = woo["layouts"]["one_row_per_item"]
    ours = layouts["one_row_per_item"]
    assert ours.file == "bestellungen-{date}.csv"
    assert ours.timestamp is not None
    assert (ours.timestamp.zone, ours.timestamp.format) == ("Europe/Berlin", shipped["timestamp"]["format"])
    assert ours.select == shipped["select"]
    theirs = load_contract("erp_sales_lines", "shopify").layouts["orders_csv"]
    assert layouts["orders"].model_dump() == theirs.model_dump()  # what a layout remembers of files is not it
    assert faults(str(acme)) == []


def test_a_system_that_has_no_such_layout_is_told_with_its_line(acme: Path) -> None:
    (acme / "erp_sales_lines.yml").write_text(
        "layouts:\n  a:\n    from: shopify\n  orders_csv:\n    from: shopify\n    delimeter: ';'\n"
        "  b:\n    from: sap\n"
    )
    assert [(fault.line, fault.text.partition(";")[0]) for fault in faults(str(acme))] == [
        (3, "shopify has no layout a of erp_sales_lines"),
        (6, "there is no key 'delimeter'"),
        (8, "sap has no layout b of erp_sales_lines"),
    ]
    with pytest.raises(
        ContractError, match=r"layouts\.a\.from: shopify has no layout a of .*; it has orders_csv"
    ):
        load_contract("erp_sales_lines")


@pytest.mark.parametrize("company", sorted(path.name for path in COMPANIES.iterdir() if path.is_dir()))
def test_every_table_of_a_company_is_one_that_companies_have(company: str) -> None:
    own = {path.stem for path in (COMPANIES / company).glob("*.csv")}
    assert own <= {name for name, table in master.tables().items() if table.takes}


def test_targets_are_of_kpis(acme: Path) -> None:
    (acme / "company.yml").write_text("targets: {product_return_rate: 0.12}\n")
    assert profile().targets == {"product_return_rate": Decimal("0.12")}
    (acme / "company.yml").write_text("targets: {retrun_rate: 0.12}\n")
    with pytest.raises(SettingsError, match="no KPI is called retrun_rate"):
        _ = profile()
