"""Each invariant is broken once: the check that owns it shows the rows, and the night is blocked or warned.

docs/invariants.md says which check that is.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from revlog.config.settings import ROOT
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.gates.acceptance import accept
from revlog.gates.judging import GateFailed, GateResult, Stage, run_gate
from revlog.ingestion.load import load_feed
from revlog.night import stages
from revlog.transform import build, outcomes, project
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.nights import begin, build_night

DAY = dt.date(2026, 1, 31)
PAGE = ROOT / "docs" / "invariants.md"


@pytest.fixture(scope="module")
def built(rendered_by_dbt: None, database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A clean company with every defect of refunds, loaded and built in full."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=800, seed=3,
            start=dt.date(2025, 9, 1), history_end=DAY, nights=0, dirt=0.0, defects=1, habits=DENSE,
        )
    )  # fmt: skip
    for feed in feeds():
        load_feed(feed, DAY, lambda line: None)
    build_night(DAY)


# A row of the table that the statement spoils, by which of them the check must name.
ANY = "(select min({key}) from {table} where {where})"


def _spoil(table: str, change: str, key: str, where: str = "true") -> str:
    chosen = ANY.format(key=key, table=table, where=where)
    return f"update {table} set {change} where {key} = {chosen} returning {key}"


TENDERS, MEMOS, GROUPS = "core.fct_refund_tender", "core.fct_credit_memo_component", "build.refund_groups"
BROKEN = {
    "components_equal_memos_equal_tenders": _spoil(
        GROUPS, "credited_amount = credited_amount + 0.01", "group_key", "credited_amount > 0"
    ),
    "refunds_not_above_captured": _spoil(
        TENDERS, "amount = amount + 1000000", "order_no", "status = 'succeeded'"
    ),
    "accepted_not_above_shipped": _spoil(
        "core.fct_refund_entitlement", "units_upto = units_upto + 100", "order_no"
    ),
    "received_not_above_shipped": _spoil(
        "core.fct_sales_line", "received_quantity = shipped_quantity + 1", "sales_line_key", "is_product"
    ),
    "batches_net_to_their_payout": _spoil(
        "core.fct_settlement", "net_amount = net_amount + 0.01", "batch_no", "type = 'payout'"
    ),
    "debits_equal_credits": _spoil("core.fct_gl_line", "amount = amount + 0.01", "journal_no"),
    "received_is_disposed_or_in_process": _spoil(
        "core.fct_return_line", "open_quantity = open_quantity + 1", "return_line_key",
        "received_quantity > 0 and is_counted",
    ),
    "disposed_not_above_received": _spoil(
        "core.fct_disposition", "net_quantity = net_quantity + 100", "receipt_id",
        "is_final and net_quantity > 0 and receipt_id in (select receipt_id from core.fct_receipt)",
    ),
    "classes_re_add_by_period": _spoil("build.refund_gap_periods", "amount = amount + 0.01", "group_key"),
    "proof_re_adds_to_zero": _spoil("build.refund_proof_lines", "amount = 0.01", "entity", "line = 'check'"),
    "proof_holds_every_source": _spoil(
        "build.refund_proof_lines", "amount = amount + 0.01", "currency", "line = 'source' and leg = 'M'"
    ),
    "rollforward_rolls": _spoil(
        "build.reconciliation_rollforward", "closing_amount = closing_amount + 0.01", "class"
    ),
    "closing_is_its_items": _spoil("build.refund_closing_items", "amount = amount + 0.01", "class"),
    "reclassified_cents_stay_in_their_gap": _spoil(
        "build.reconciliation_rollforward", "reclassified_amount = reclassified_amount + 0.01", "currency"
    ),
}  # fmt: skip
ONLY_WARN = {"received_not_above_shipped", "disposed_not_above_received"}


@pytest.mark.parametrize("check", BROKEN)
def test_a_broken_invariant_shows_its_rows_and_a_whole_one_none(built: None, check: str) -> None:
    query = _compiled(check)
    with connect("admin", row_factory=dict_row) as connection:
        assert connection.execute(query).fetchall() == []
        spoilt = {str(value) for row in connection.execute(BROKEN[check]) for value in row.values()}
        found = connection.execute(query).fetchall()
        connection.rollback()
    named = {str(value) for row in found for value in row.values()}
    assert spoilt and spoilt <= named


# Net amounts of a batch as a processor reports it: 97.00 − 30.00 − 35.00 − 10.00 + 1.00 − 2.00 are paid out.
BATCH = {
    "charge": "97.00", "refund": "-30.00", "dispute": "-35.00", "reserve": "-10.00", "adjustment": "1.00",
    "fee": "-2.00", "payout": "21.00",
}  # fmt: skip


@pytest.mark.parametrize("left_out", [None, *BATCH])
def test_a_batch_with_every_kind_of_movement_nets_to_its_payout(built: None, left_out: str | None) -> None:
    with connect("admin") as connection:
        for kind, amount in BATCH.items():
            if kind != left_out:
                connection.execute(
                    "insert into core.fct_settlement (unit_key, settlement_id, batch_no, type, status,"
                    " net_amount, currency, booked_on)"
                    " values (%s, %s, 'B', %s, 'succeeded', %s, 'USD', '2026-01-20')",
                    ("STL:" + kind, kind, kind, amount),
                )
        found = connection.execute(_compiled("batches_net_to_their_payout")).fetchall()
        connection.rollback()
    assert bool(found) == (left_out not in (None, "payout")), "a batch that is not paid out yet is not judged"


@pytest.mark.parametrize("check", BROKEN)
def test_a_check_is_as_hard_as_the_page_says(built: None, check: str) -> None:
    config = _node(check)["config"]
    if check in ONLY_WARN:
        assert config["severity"] == "warn" or config["warn_if"] == "> 0" != config["error_if"]
    else:
        # dbt itself goes on, so that the domain which is not held back has all its models.
        assert (config["severity"].lower(), config["error_if"]) == ("error", outcomes.NEVER_FAILS)


def test_what_is_broken_holds_back_finance_and_says_which_rows(
    built: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = ("debits_equal_credits", "batches_net_to_their_payout", *ONLY_WARN)
    monkeypatch.setattr(build, "LAYERS", {"core": checks})
    build_id = begin(DAY, full_refresh=True)
    # Both checks are of finance alone: the build goes on for the other.
    with _planted(*(BROKEN[check] for check in checks)):
        said = stages.transform(build_id, "core")
    assert "finance is held back" in said
    assert set(re.findall(r"^test (\w+):", said, re.MULTILINE)) == set(checks) - ONLY_WARN
    # Each of the journal's lines, two or more, has a cent too much.
    assert re.search(r"journal_no=\S+, currency=\w+, off_by=0\.0[2-9], journal_lines=[2-9]", said)
    assert "It means: A journal is not balanced" in said
    assert "batch_no=" in said and "payout=" in said
    with connect("auditor") as connection:
        warned = connection.execute(
            "select check_name from ops.validation_results where engine = 'dbt' and not success"
            " and unexpected_count > 0 and check_name = any(%s)", [list(ONLY_WARN)],
        ).fetchall()  # fmt: skip
        step = connection.execute(
            "select outcome, array(select jsonb_object_keys(held)) from ops.build_steps"
            " where build_id = %s and step = 'layer core'", [build_id],
        ).fetchone()  # fmt: skip
    assert {name for (name,) in warned} == ONLY_WARN
    assert step == ("good", ["finance"])


def _node(check: str) -> dict[str, Any]:
    nodes = json.loads((project.target() / "manifest.json").read_text())["nodes"].values()
    (node,) = [n for n in nodes if n["resource_type"] == "test" and n["name"] == check]
    return dict(node)


def _compiled(check: str) -> str:
    node = _node(check)
    return (project.target() / "compiled" / node["package_name"] / node["original_file_path"]).read_text()


@contextmanager
def _planted(*statements: str) -> Iterator[None]:
    """Spoil tables, and put them right again from copies."""
    tables = sorted({str(re.match(r"update (\S+)", text).group(1)) for text in statements})  # type: ignore[union-attr]
    with connect("admin", autocommit=True) as connection:
        for number, table in enumerate(tables):
            connection.execute(f"create table public.kept_{number} as table {table}")
        for statement in statements:
            connection.execute(statement)
    try:
        yield
    finally:
        with connect("admin", autocommit=True) as connection:
            for number, table in enumerate(tables):
                connection.execute(f"truncate {table}")
                connection.execute(f"insert into {table} table public.kept_{number}")
                connection.execute(f"drop table public.kept_{number}")


# --- What gates hold


def _blocked(stage: Stage) -> str:
    with pytest.raises(GateFailed) as failed:
        run_gate(stage, DAY)
    return str(failed.value)


def _warnings(result: GateResult, check: str) -> str:
    return "\n".join(w.message for w in result.warnings if w.check == check)


def test_a_clean_company_passes_and_its_stock_rolls_forward(built: None) -> None:
    landed, core = run_gate("landed", DAY), run_gate("core", DAY)
    assert landed.failures == core.failures == []
    assert {c.check for c in core.checks} >= {"returned_stock_off", "returned_stock_far_off"}
    assert _warnings(core, "returned_stock_off") == ""


# What a file says stands in staging and core alike.
COUNTS = ("staging.stg_wms__returned_stock", "core.snap_returned_stock")
RECEIPTS = ("staging.stg_wms__return_receipts", "core.fct_receipt")


def _counted(more: int) -> list[str]:
    """One place of the last count has so many units more."""
    key = "snapshot_date, site, location, sku, grade"
    return [
        f"update {table} set quantity = quantity + {more} where ({key}) = (select {key} from"
        f" core.snap_returned_stock where snapshot_date = '{DAY}' order by {key} limit 1)"
        for table in COUNTS
    ]


def test_a_unit_too_many_in_the_count_is_told_with_what_came_and_left(built: None) -> None:
    with _planted(*_counted(1)):
        told = _warnings(run_gate("core", DAY), "returned_stock_off")
    assert "returned_stock_off on core.snap_returned_stock: 1 row" in told and "off_by=1" in told
    assert all(f"{name}=" in told for name in ("site", "sku", "opening", "received", "disposed", "counted"))


def test_a_receipt_that_the_count_knows_and_the_warehouse_does_not_is_told(built: None) -> None:
    lost = (
        "update {} set quantity = quantity - 1 where receipt_id = (select min(receipt_id) from"
        " core.fct_receipt where received_on > (select min(snapshot_date) from core.snap_returned_stock))"
    )
    with _planted(*(lost.format(table) for table in reversed(RECEIPTS))):
        told = _warnings(run_gate("core", DAY), "returned_stock_off")
    assert "returned_stock_off" in told and "off_by=1" in told


def test_a_count_that_is_far_off_blocks_until_someone_accepts_it(built: None) -> None:
    with _planted(*_counted(20)):
        said = _blocked("core")
        assert "returned_stock_far_off" in said and "off_by=20" in said
        assert "accept --feed wms_returned_stock" in said
        accept("wms_returned_stock", DAY, "twenty units were found behind the dock")
        try:
            assert run_gate("core", DAY).failures == []
        finally:
            with connect("admin") as connection:
                connection.execute("delete from ops.acceptances")


def test_a_row_of_a_file_that_nothing_became_of_blocks(built: None) -> None:
    constraint = "file_ledger_rows_balance"
    with connect("admin", autocommit=True) as connection:
        (definition,) = connection.execute(
            "select pg_get_constraintdef(oid) from pg_constraint where conname = %s", [constraint]
        ).fetchone() or ("",)
        connection.execute(f"alter table ops.file_ledger drop constraint {constraint}")
        change = "update ops.file_ledger set rows_parsed = rows_parsed {} where feed = 'erp_gl_entries'"
        connection.execute(change.format("+ 1"))
        try:
            said = _blocked("landed")
        finally:
            connection.execute(change.format("- 1"))
            connection.execute(f"alter table ops.file_ledger add constraint {constraint} {definition}")
    assert "rows_lost_or_invented" in said and "file=erp_gl_entries_" in said and "rows_parsed=" in said


def test_the_ledger_itself_takes_no_count_that_does_not_add_up(built: None) -> None:
    with connect("admin") as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("update ops.file_ledger set rows_parsed = rows_parsed + 1 where status = 'loaded'")


@pytest.mark.parametrize(
    ("statement", "check", "named"),
    [
        (
            "delete from raw.erp_gl_entries where (journal_no, line_no) ="
            " (select journal_no, line_no from raw.erp_gl_entries limit 1)",
            "rows_as_in_ledger", "feed=erp_gl_entries",
        ),
        (
            "update raw.erp_gl_entries set amount = amount + 0.01 where (journal_no, line_no) ="
            " (select journal_no, line_no from raw.erp_gl_entries limit 1)",
            "amounts_as_in_ledger", "amount_in_raw=",
        ),
        (
            "insert into ops.quarantine (file_id, line_no, record_no, feed, reason)"
            " select file_id, 1, 1, feed, 'planted' from ops.file_ledger where feed = 'erp_gl_entries'"
            " limit 1",
            "quarantine_as_in_ledger", "rows_in_quarantine=1",
        ),
    ],
)  # fmt: skip
def test_rows_and_amounts_that_are_not_those_of_the_file_block(
    built: None, statement: str, check: str, named: str
) -> None:
    table = "ops.quarantine" if "quarantine" in statement else "raw.erp_gl_entries"
    with _restored(table, statement):
        said = _blocked("landed")
    assert check in said and named in said


@contextmanager
def _restored(table: str, statement: str) -> Iterator[None]:
    with connect("admin", autocommit=True) as connection:
        connection.execute(f"create table public.kept as table {table}")
        connection.execute(statement)
    try:
        yield
    finally:
        with connect("admin", autocommit=True) as connection:
            connection.execute(f"truncate {table}")
            connection.execute(f"insert into {table} table public.kept")
            connection.execute("drop table public.kept")


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("delete from core.fct_gl_line where journal_no ="
         " (select min(journal_no) from core.fct_gl_line)", "row_lost_on_the_way_to_core"),
        ("update core.fct_gl_line set amount = -amount where journal_no ="
         " (select min(journal_no) from core.fct_gl_line)", "measure_changed_on_the_way_to_core"),
    ],
)  # fmt: skip
def test_a_journal_line_that_core_lost_or_changed_blocks_with_its_file(
    built: None, statement: str, check: str
) -> None:
    with _restored("core.fct_gl_line", statement):
        said = _blocked("core")
    assert check in said and "fact=fct_gl_line" in said and "file=erp_gl_entries_" in said


def test_a_cent_that_no_class_has_blocks_at_the_last_gate(built: None) -> None:
    with (
        _planted(_spoil("build.refund_exception_items", "amount = amount + 0.01", "group_key")),
        pytest.raises(GateFailed, match="classes_do_not_add_up_to_the_gap"),
    ):
        run_gate("publish", DAY)


# --- Rows of a batch that are odd, or could not be read


@pytest.fixture(scope="module")
def odd_batches(built: None, database: Path) -> None:
    """Four batches by hand that are right and paid out so; each has a row that says something odd.

    K: a kind of movement that nobody has heard of. D: a refund without a readable day. N: one without a
    readable amount. T: one row twice, with two amounts.
    """
    rows = (
        "K1,K,refund,,-10.00,0.00,-10.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "K2,K,financing_paydown,,-25.00,0.00,-25.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "K3,K,payout,,-35.00,0.00,-35.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "D1,D,refund,,-10.00,0.00,-10.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "D2,D,refund,R2,-12.00,0.00,-12.00,USD,,,,30 January,succeeded\n"
        "D3,D,payout,,-22.00,0.00,-22.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
    )
    unread = (
        "N1,N,refund,,-10.00,0.00,-10.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "N2,N,refund,,-12.00,0.00,a dozen,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "N3,N,payout,,-22.00,0.00,-22.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "T1,T,refund,,-10.00,0.00,-10.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "T1,T,refund,,-11.00,0.00,-11.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
        "T2,T,payout,,-11.00,0.00,-11.00,USD,,,,2026-01-30T10:00:00Z,succeeded\n"
    )
    header = (
        "settlement_id,batch_no,type,refund_id,gross_amount,fee_amount,net_amount,currency,settled_amount,"
        "settled_currency,fx_rate,booked_at,status\n"
    )
    trailers = {"odd": "TRAILER,6,-114.00,,,,,,,,,,\n", "unread": "TRAILER,6,,,,,,,,,,,\n"}
    for name, text in (("odd", rows), ("unread", unread)):
        file = database / "erp" / f"erp_payment_settlements_20260131_{name}.csv"
        file.write_text(header + text + trailers[name])
        file.with_name(f"{file.name}.done").touch()
    loaded = load_feed("erp_payment_settlements", DAY)
    assert [file.status for file in loaded.files] == ["loaded", "loaded"]


def _judged(spoil: str = "") -> set[str]:
    """Batches that the check finds at fault with the odd ones in core, as they came or spoilt."""
    shared = "settlement_id, batch_no, type, status, net_amount, currency"
    places = {
        "staging.stg_erp__payment_settlements": ("_file_id", "_file_id"),
        "core.fct_settlement": ("unit_key", "settlement_id"),
    }
    with connect("admin") as connection:
        for table, (column, value) in places.items():
            connection.execute(
                f"insert into {table} ({shared}, {column}) select {shared}, {value}"
                " from raw.erp_payment_settlements where batch_no in ('K', 'D', 'N', 'T')"
            )
        if spoil:
            connection.execute(spoil)
        found = connection.execute(_compiled("batches_net_to_their_payout")).fetchall()
        connection.rollback()
    return {row[0] for row in found}


def test_an_odd_row_of_a_batch_blocks_nobody(odd_batches: None) -> None:
    assert _judged() == set()


@pytest.mark.parametrize("batch", ["K", "D"])
def test_a_batch_with_an_odd_row_is_checked_all_the_same(odd_batches: None, batch: str) -> None:
    assert _judged(
        "update core.fct_settlement set net_amount = net_amount + 0.01"
        f" where batch_no = '{batch}' and type = 'payout'"
    ) == {batch}


def test_a_refused_row_that_came_again_in_order_counts_once(odd_batches: None) -> None:
    again = (
        "insert into core.fct_settlement (unit_key, settlement_id, batch_no, type, status, net_amount,"
        " currency) values ('D2', 'D2', 'D', 'refund', 'succeeded', -12.00, 'USD')"
    )
    assert _judged(again) == set()


def test_a_batch_whose_refused_rows_are_no_longer_kept_is_not_judged(odd_batches: None) -> None:
    assert _judged("delete from ops.quarantine where feed = 'erp_payment_settlements'") == set()


def test_a_kind_of_movement_that_nobody_knows_is_told(odd_batches: None) -> None:
    with connect("auditor") as connection:
        told = connection.execute(
            "select f.value ->> 'text', f.value ->> 'rows' from ops.file_ledger as l"
            " cross join jsonb_array_elements(l.findings) as f where l.name like '%\\_odd.csv'"
        ).fetchall()
        refused = connection.execute(
            "select reason, readable ->> 'net_amount' from ops.quarantine"
            " where feed = 'erp_payment_settlements' order by record_no, file_id"
        ).fetchall()
    assert told == [("'financing_paydown' in type is none that the contract knows, carried as it is", "1")]
    assert refused == [
        ("not_a_number", None), ("conflicting_duplicate", None), ("bad_timestamp", "-12.00"),
        ("conflicting_duplicate", None),
    ]  # fmt: skip


# --- The page


def test_the_page_names_every_check_and_each_that_it_names_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [line.split("|")[2:4] for line in page.splitlines() if line.startswith("| ")][1:]
    named = {name for cell, _ in rows for name in re.findall(r"`(\w+)`", cell)}
    tests = {file.stem for file in (ROOT / "dbt_project" / "tests").rglob("*.sql")}
    gates = {file.stem for file in (ROOT / "expectations" / "checks").rglob("*.sql")}
    assert set(BROKEN) <= named
    assert named - tests - gates == {"file_ledger_rows_balance"}
    told: dict[str, Any] = {name: how for cell, how in rows for name in re.findall(r"`(\w+)`", cell)}
    assert "file_ledger_rows_balance" in told


def test_each_rule_of_a_table_is_told_by_itself_and_judged_in_one_query(
    built: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: two receipts of no known attribution, one of them at no known site, which only warns."""
    monkeypatch.setattr(build, "LAYERS", {"core": ("fct_receipt__rules_hold",)})
    with connect("auditor") as connection:
        first, second = (
            key for (key,) in connection.execute("select receipt_id from core.fct_receipt order by 1 limit 2")
        )
    build_id = begin(DAY, full_refresh=True)
    with (
        _planted(
            f"update core.fct_receipt set attribution = 'guessed' where receipt_id in ('{first}', '{second}')"
            " returning receipt_id",
            f"update core.fct_receipt set site = 'MOON' where receipt_id = '{first}' returning receipt_id",
        ),
        pytest.raises(stages.NightFailed) as failed,
    ):
        stages.transform(build_id, "core")
    said = str(failed.value)
    assert "test fct_receipt__known_attribution: Got 2 results, configured to fail if != 0" in said
    assert "It means: A value of attribution that no model knows how to treat." in said
    assert said.count("attribution=guessed") == 2 and f"receipt_id={first}, " in said
    assert len(re.findall(r"^test \w+:", said, re.MULTILINE)) == 1
    with connect("auditor") as connection:
        told = dict(
            connection.execute(
                "select check_name, (severity, success, unexpected_count)::text from ops.validation_results"
                " where run_id = %s and asset = 'fct_receipt' and stage = 'core'", [f"build-{build_id}"],
            ).fetchall()
        )  # fmt: skip
        nodes = connection.execute("select count(*) from ops.model_runs where build_id = %s", [build_id])
        assert nodes.fetchone() == (8,)
    assert len(told) == 8
    assert {name: row for name, row in told.items() if ",t," not in row} == {
        "fct_receipt__known_attribution": "(critical,f,2)",
        "fct_receipt__site_is_in_dim_site": "(warning,f,1)",
    }
    (finding,) = failed.value.findings
    assert str(finding) == "fct_receipt__known_attribution on fct_receipt: 2 rows"
