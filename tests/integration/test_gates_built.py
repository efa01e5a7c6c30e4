"""The gates after the build: each critical check is seen to fail for a planted reason."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from revlog.config.settings import ROOT, process_environment
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.gates import checks
from revlog.gates.judging import GateFailed, Stage, run_gate
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from tests.nights import build_night

DAY = dt.date(2026, 1, 31)


@pytest.fixture(scope="module")
def built(database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A small simulated company, loaded, built and published."""
    truth = tmp_path_factory.mktemp("truth")
    subprocess.run(
        [
            sys.executable, "-m", "simulator", "--dense", "--order-lines", "2000", "--seed", "7",
            "--out", str(database), "--truth", str(truth), "--nights", "0",
        ],
        cwd=ROOT, env=process_environment(), check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for feed in feeds():
        load_feed(feed, DAY)
    publish(build_night(DAY))


@contextlib.contextmanager
def planted(table: str, *statements: str) -> Iterator[None]:
    """Spoil a table and put it right again."""
    with connect("admin") as connection:
        connection.execute(f"create table public.kept as table {table}")
        for statement in statements:
            connection.execute(statement)
    try:
        yield
    finally:
        with connect("admin") as connection:
            connection.execute(f"truncate {table}")
            connection.execute(f"insert into {table} table public.kept")
            connection.execute("drop table public.kept")


def _message(stage: Stage) -> str:
    with pytest.raises(GateFailed) as failed:
        run_gate(stage, DAY)
    return str(failed.value)


def test_what_was_built_well_passes_both_gates(built: None) -> None:
    assert run_gate("core", DAY).failures == []
    assert run_gate("publish", DAY).failures == []


def test_a_key_that_staging_lost_is_named_with_file_and_line(built: None) -> None:
    one = "delete from staging.stg_erp__sales_lines where (order_no, line_no) ="
    with planted(
        "staging.stg_erp__sales_lines",
        f"{one} (select order_no, line_no from staging.stg_erp__sales_lines limit 1)",
    ):
        message = _message("core")
    assert "key_lost_on_the_way_to_staging on raw to staging: 1 row" in message
    assert "file=erp_sales_lines_" in message and "line=" in message


def test_a_receipt_that_core_lost_is_named_with_file_and_line(built: None) -> None:
    with planted(
        "core.fct_receipt",
        "delete from core.fct_receipt where receipt_id = (select min(receipt_id) from core.fct_receipt)",
    ):
        message = _message("core")
    assert "row_lost_on_the_way_to_core on staging to core: 1 row" in message
    assert "fact=fct_receipt" in message and "file=wms_return_receipts_" in message


@pytest.mark.parametrize(
    ("fact", "key", "held"),
    [
        ("fct_gl_line", "gl_line_key", {"finance"}),
        ("fct_work_order", "work_order_no", {"marts"}),
        ("fct_receipt", "receipt_id", {"marts", "finance"}),
    ],
)
def test_what_core_lost_holds_the_domains_that_the_feed_leads_to(
    built: None, fact: str, key: str, held: set[str]
) -> None:
    lost = f"delete from core.{fact} where {key} = (select min({key}) from core.{fact})"
    with planted(f"core.{fact}", lost), pytest.raises(GateFailed) as failed:
        run_gate("core", DAY)
    found = {c.check: set(c.holds) for c in failed.value.result.failures}
    assert found["row_lost_on_the_way_to_core"] == held


def test_a_quantity_that_changed_is_named_with_both_values(built: None) -> None:
    with planted(
        "core.fct_sales_line",
        "update core.fct_sales_line set quantity = quantity + 1 where sales_line_key ="
        " (select min(sales_line_key) from core.fct_sales_line)",
    ):
        message = _message("core")
    assert "measure_changed_on_the_way_to_core on staging to core: 1 row" in message
    assert "staged=" in message and "in_core=" in message


def test_settlements_that_turned_their_sign_hold(
    built: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three refunds are enough here."""
    folder = shutil.copytree(checks.FOLDER, tmp_path / "checks")
    rows = folder / "core" / "refund_flows" / "rows.sql"
    text = rows.read_text()
    assert text.count("refunds >= 50") == 1
    rows.write_text(text.replace("refunds >= 50", "refunds >= 3"))
    monkeypatch.setattr(checks, "FOLDER", folder)
    with planted("core.fct_settlement", "update core.fct_settlement set gross_amount = -gross_amount"):
        message = _message("core")
    assert "refund_sums_far_apart" in message and "compared=settlements" in message


PUBLISH = [
    (
        "build.kpi_cells",
        "update build.kpi_cells set numerator = numerator + 1 where kpi = 'product_return_rate'"
        " and basis = 'RETURN' and ctid = (select min(ctid) from build.kpi_cells"
        " where kpi = 'product_return_rate' and basis = 'RETURN')",
        "total_differs_from_core",
        "total=units received",
    ),
    (
        "build.kpi_cells",
        "update build.kpi_cells set numerator = denominator * 3 where kpi = 'product_return_rate'"
        " and basis = 'SALE' and denominator > 0",
        "rate_out_of_bounds",
        "kpi=product_return_rate, basis=SALE",
    ),
    (
        "build.kpi_cells",
        "update build.kpi_cells set denominator = -1 where kpi = 'return_cycle_time'",
        "negative_count",
        "kpi=return_cycle_time",
    ),
    (
        "build.return_positions",
        "delete from build.return_positions where right(return_line_key, 3) <> '1-1'",
        "table_collapses",
        "table_name=marts.return_positions",
    ),
    (
        "build.publication",
        "update build.publication set business_date = business_date - 1",
        "another_business_date on build.publication",
        "business_date=",
    ),
    (
        "build.refund_exception_items",
        "update build.refund_exception_items set amount = amount + 0.01 where ctid ="
        " (select min(ctid) from build.refund_exception_items)",
        "classes_do_not_add_up_to_the_gap",
        "gap=",
    ),
    (
        "build.refund_reconciliation",
        "update build.refund_reconciliation set credited_amount = credited_amount + 0.01"
        " where group_key = (select min(group_key) from build.refund_reconciliation"
        " where credited_amount > 0)",
        "money_missing_from_the_reconciliation",
        "leg=credit memos",
    ),
]


@pytest.mark.parametrize(("table", "statement", "check", "named"), PUBLISH)
def test_what_must_not_be_published_is_held(
    built: None, table: str, statement: str, check: str, named: str
) -> None:
    with planted(table, statement):
        message = _message("publish")
    assert check in message and named in message
    # Each of these tables is of one domain, and the other may go on.
    assert "is held back and stays as published" in message and "CRITICAL (holds " in message
    assert "_amount=" not in message and "credited=" not in message


def test_a_key_that_repeats_is_named(built: None) -> None:
    with connect("admin") as connection:
        connection.execute("create table public.kept as table build.kpi_definitions")
        connection.execute("alter table build.kpi_definitions rename to with_key")
        connection.execute("create table build.kpi_definitions as table public.kept")
        connection.execute("insert into build.kpi_definitions table public.kept limit 1")
        connection.execute("grant select on build.kpi_definitions to auditor, validator")
    try:
        message = _message("publish")
    finally:
        with connect("admin") as connection:
            connection.execute("drop table build.kpi_definitions, public.kept")
            connection.execute("alter table build.with_key rename to kpi_definitions")
    assert "key_repeats on build.kpi_definitions: 1 row" in message


def test_a_table_that_was_not_built_is_named(built: None) -> None:
    with connect("admin") as connection:
        connection.execute("alter table build.return_cycle_time rename to elsewhere")
    try:
        message = _message("publish")
    finally:
        with connect("admin") as connection:
            connection.execute("alter table build.elsewhere rename to return_cycle_time")
    assert "table_was_not_built" in message and "table_name=return_cycle_time" in message


RMAS = "staging.stg_erp__return_authorizations"


def _unmapped(code: str, one_in: int) -> str:
    return (
        f"update {RMAS} set source_reason_code = '{code}', reason = 'UNMAPPED'"
        f" where ctid in (select ctid from {RMAS} order by rma_no, rma_line_no limit"
        f" (select count(*) / {one_in} from {RMAS}))"
    )


def test_codes_that_nothing_maps_hold_the_night_with_the_lines_to_add(built: None) -> None:
    with planted(RMAS, _unmapped("Too big, 2 sizes", 8), _unmapped("size too-small", 10)):
        message = _message("core")
    assert "codes_unmapped on codes: 2 rows. Expected: At most 5%" in message
    assert (
        "      Add to companies/simulated/reason_crosswalk.csv:\n"
        'erp,"Too big, 2 sizes",<reason>,1900-01-01,9999-12-31\n'
        "erp,size too-small,SIZE_TOO_SMALL,1900-01-01,9999-12-31\n"
    ) in message
    assert "<reason>: DEFECTIVE, DAMAGED_IN_TRANSIT, " in message


def test_a_few_codes_that_nothing_maps_are_told_and_let_pass(built: None) -> None:
    with planted(RMAS, _unmapped("rare", 40)):
        found = run_gate("core", DAY)
    assert found.failures == []
    [warned] = [check for check in found.warnings if check.check == "code_unmapped"]
    assert "erp,rare,<reason>,1900-01-01,9999-12-31" in warned.message


def test_a_site_that_the_company_does_not_name_is_asked_for_with_its_zone(
    built: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "company.yml").write_text("layouts: standard\n")
    monkeypatch.setenv("COMPANY", str(tmp_path))
    table = "staging.stg_wms__return_receipts"
    with planted(table, f"update {table} set site = 'NYC', received_zone = 'America/New_York'"):
        message = _message("core")
    assert (
        f"      Add to {tmp_path}/sites.csv:\n"
        "site,name,country,zone,currency\n"
        "NYC,<name>,<country>,America/New_York,<currency>\n"
    ) in message
