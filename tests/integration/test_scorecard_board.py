"""What the scorecard reads: the books before the first publication, and the published tables after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from reporting.board import Board, read_board
from reporting.finance_page import write_finance_page
from reporting.reconciliation import read_reconciliation
from reporting.scorecard import write_scorecard
from reporting.snapshots import snapshot
from reporting.summary import print_summary
from warehouse.connections import connect

NIGHT = dt.date(2026, 2, 10)
TABLES = """
create table marts.kpi_definitions (kpi text, title text, question text, formula text, numerator text,
    denominator text, unit text, bases text, grain text, better text, owner text, caveats text,
    needs text);
create table marts.kpi_daily (kpi text, basis text, period_date date, channel text, product_category text,
    site text, currency text, numerator numeric(20, 2), denominator numeric(20, 2), is_mature boolean,
    business_date date);
create table marts.return_cycle_time (request_month text, channel text, product_category text, units bigint,
    events bigint, censored bigint, competing bigint, p50_hours bigint, p90_hours bigint);
create table marts.return_tracking (return_line_key text, status text, days_in_status integer, next_step text,
    is_overdue boolean, is_open boolean, request_id text, rma_no text, order_no text, product_category text,
    site text, open_quantity bigint);
create table finance.refund_exceptions (class text, gap text, currency text, status text, next_action text,
    amount numeric(18, 2), age_bucket text, age_days integer, is_chain boolean);
create table finance.refund_reconciliation (pattern_name text, is_reconciled boolean);
insert into marts.kpi_definitions (kpi, title, question, formula, unit, bases, better, caveats, needs) values
    ('returned_stock_days', 'Days of stock', 'How long?', 'a / b', 'days per unit', 'STOCK', 'down', '', ''),
    ('product_return_rate', 'Return rate', 'How much?', 'a / b', 'ratio', 'SALE', 'down', '', '');
insert into marts.kpi_daily (kpi, basis, period_date, currency, numerator, denominator, is_mature) values
    ('returned_stock_days', 'STOCK', '2026-02-09', 'EUR', 100, 10, true),
    ('returned_stock_days', 'STOCK', '2026-02-10', 'EUR', 60, 20, true),
    ('product_return_rate', 'SALE', '2026-01-05', 'EUR', 1, 10, true),
    ('product_return_rate', 'SALE', '2026-01-20', 'EUR', 2, 10, false);
insert into marts.return_tracking values
    ('RMA:1', 'APPROVED', 3, 'hand over', false, true, null, '1', 'O1', 'home', 'LEJ', 1),
    ('RMA:2', 'APPROVED', 40, 'hand over', true, true, null, '2', 'O2', 'home', 'LEJ', 2),
    ('RMA:3', 'CLOSED', 90, null, false, false, null, '3', 'O3', 'home', 'LEJ', 0);
insert into finance.refund_exceptions values
    ('DUPLICATE', 'E-M', 'EUR', 'open', 'recover', 5, '0-3', 2, true),
    ('DUPLICATE', 'M-T', 'EUR', 'open', 'recover', 3, '0-3', 2, false),
    ('TAX', 'E-M', 'EUR', 'cleared', 'none', 0, '0-3', 2, true),
    ('DUPLICATE', 'E-M', 'EUR', 'open', 'recover', 7, '90+', 99, true),
    ('ROUNDING', 'E-M', 'EUR', 'explained', 'post', 0.01, '0-3', 1, true);
insert into finance.refund_reconciliation values ('complete', true), ('complete', false);
"""
BOOKS = """
insert into ops.file_ledger (feed, layout, name, content_sha256, size_bytes, modified_at, status, rows_parsed,
    rows_loaded, rows_quarantined, run_date, started_at) values
    ('erp_items', 'standard', 'a', 'a', 1, now(), 'loaded', 3, 2, 1, '2026-02-09', now()),
    ('erp_items', 'standard', 'b', 'b', 1, now(), 'loaded', 5, 3, 2, '2026-02-10', now()),
    ('crm_cases', 'standard', 'c', 'c', 1, now(), 'rejected', 0, 0, 0, '2026-02-10', now());
insert into ops.quarantine (file_id, line_no, record_no, feed, reason)
    select file_id, n, n, 'erp_items', 'bad_date' from ops.file_ledger
    cross join generate_series(1, 2) as n where name = 'b' or (name = 'a' and n = 1);
insert into ops.validation_results (run_id, business_date, stage, engine, asset, check_name, severity,
    success, message) values
    ('r1', '2026-02-10', 'landed', 'gx', 'x', 'mended', 'critical', false, 'was wrong'),
    ('r2', '2026-02-10', 'landed', 'gx', 'x', 'mended', 'critical', true, null),
    ('r2', '2026-02-10', 'landed', 'gx', 'x', 'still', 'warning', false, 'first line' || chr(10) || 'second'),
    ('r0', '2026-02-09', 'landed', 'gx', 'x', 'of_yesterday', 'critical', false, 'old');
insert into ops.publications (business_date, code_version, from_seq, to_seq, files, tables)
    values ('2026-02-10', 'abc', 0, 1, '[]', '{}');
"""


def test_before_the_first_publication_the_page_is_written(database: Path) -> None:
    assert "Nothing has been published yet" in write_scorecard().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def board(database: Path) -> Board:
    """One published night, written by hand."""
    with connect("admin") as connection:
        connection.execute(TABLES)
        connection.execute(BOOKS)
        connection.execute("grant select on all tables in schema marts to bi_reader, finance_reader")
        connection.execute("grant select on all tables in schema finance to finance_reader")
    return read_board()


def test_a_level_keeps_its_days_and_a_flow_its_months(board: Board) -> None:
    found = {
        (r["kpi"], r["period"]): (r["numerator"], r["denominator"], r["is_mature"]) for r in board.months
    }
    assert found == {
        ("product_return_rate", dt.date(2026, 1, 1)): (Decimal(3), Decimal(20), False),
        ("returned_stock_days", dt.date(2026, 2, 9)): (Decimal(100), Decimal(10), True),
        ("returned_stock_days", dt.date(2026, 2, 10)): (Decimal(60), Decimal(20), True),
    }


def test_steps_count_what_waits_and_what_is_overdue(board: Board) -> None:
    assert board.steps == [
        {"next_step": "hand over", "lines": 2, "units": 3, "overdue": 1, "oldest_days": 40}
    ]
    assert [(r["document"], r["days_in_status"]) for r in board.overdue] == [("2", 40)]


def test_ages_leave_out_what_is_explained(board: Board) -> None:
    found = read_reconciliation()
    assert [(r["age_bucket"], r["items"]) for r in found.ages] == [("0-3", 1), ("90+", 1)]
    assert {(r["class"], r["items"], r["amount"]) for r in found.exceptions} == {
        ("DUPLICATE", 2, Decimal(12)), ("ROUNDING", 1, Decimal("0.01")),
    }  # fmt: skip


def test_the_cents_stand_on_finances_page_and_on_no_other(board: Board) -> None:
    everyones, finances = write_scorecard(), write_finance_page()
    assert [oct(p.stat().st_mode & 0o777) for p in (everyones, finances, finances.parent)] == [
        "0o644", "0o600", "0o700",
    ]  # fmt: skip
    assert "12.00" in finances.read_text() and "1 of 2 groups agree" in finances.read_text()
    for finances_own in ("12.00", "DUPLICATE", "ROUNDING", "groups agree"):
        assert finances_own not in everyones.read_text()


@pytest.mark.parametrize(
    ("write", "role", "table"),
    [
        (write_scorecard, "bi_reader", "marts.kpi_daily"),
        (write_finance_page, "finance_reader", "finance.refund_exceptions"),
    ],
)
def test_each_page_is_read_with_the_rights_of_who_may_open_it(
    board: Board, write: Callable[[], Path], role: str, table: str
) -> None:
    with connect("admin", autocommit=True) as connection:
        connection.execute(f"revoke select on {table} from {role}")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            write()
    finally:
        with connect("admin", autocommit=True) as connection:
            connection.execute(f"grant select on {table} to {role}")


def test_the_terminal_counts_what_differs_and_names_no_amount(board: Board) -> None:
    out = StringIO()
    print_summary(Console(file=out, width=100), seconds=1, did_work=True)
    assert "1 of 2 groups agree to the cent" in out.getvalue()
    assert "DUPLICATE" in out.getvalue() and "12.00" not in out.getvalue()


def test_all_roles_see_one_state(board: Board) -> None:
    with snapshot("bi_reader", "auditor") as (public, books):
        with connect("admin") as connection:
            connection.execute("insert into marts.return_tracking (return_line_key) values ('9')")
            connection.execute("update ops.publications set code_version = 'newer'")
        counts = public.execute("select count(*) as n from marts.return_tracking").fetchone()
        version = books.execute("select code_version from ops.publications").fetchone()
    with connect("admin") as connection:
        connection.execute("delete from marts.return_tracking where return_line_key = '9'")
        connection.execute("update ops.publications set code_version = 'abc'")
    assert (counts, version) == ({"n": 3}, {"code_version": "abc"})


def test_the_last_night_stands_apart_from_all_nights(board: Board) -> None:
    assert [(r["rows"], r["last_night"]) for r in board.quarantine] == [(3, 2)]
    assert [(r["source"], r["night"], r["files"], r["refused"], r["loaded"]) for r in board.files] == [
        ("crm", NIGHT, 0, 1, 0), ("erp", NIGHT, 1, 0, 3),
    ]  # fmt: skip


def test_a_check_that_was_mended_is_no_alert(board: Board) -> None:
    assert [(r["check_name"], r["message"]) for r in board.alerts] == [("still", "first line")]


def test_the_page_of_the_night_is_written(board: Board) -> None:
    text = write_scorecard().read_text(encoding="utf-8")
    assert "Published: readers see the night of 2026-02-10" in text
    assert "<b>3.00 d</b>" in text
