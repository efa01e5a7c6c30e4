"""What the scorecard reads: the books before the first publication, and the published tables after it."""

from __future__ import annotations

import datetime as dt
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
from reporting.summary import print_summary
from tests.integration.night_by_hand import publish_by_hand
from warehouse.connections import connect

NIGHT = dt.date(2026, 2, 10)


def test_before_the_first_publication_the_page_is_written(database: Path) -> None:
    assert "Nothing has been published yet" in write_scorecard().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def board(database: Path) -> Board:
    """One published night, written by hand."""
    publish_by_hand()
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
    assert "12.00" in finances.read_text() and "1 of 3 groups agree" in finances.read_text()
    for finances_own in ("12.00", "DUPLICATE", "ROUNDING", "groups agree"):
        assert finances_own not in everyones.read_text()


def test_the_page_for_everyone_takes_no_right_to_finance(board: Board) -> None:
    with connect("admin", autocommit=True) as connection:
        connection.execute("revoke usage on schema finance from reporter")
    try:
        write_scorecard()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            write_finance_page()
    finally:
        with connect("admin", autocommit=True) as connection:
            connection.execute("grant usage on schema finance to reporter")


def test_the_terminal_counts_what_differs_and_names_no_amount(board: Board) -> None:
    out = StringIO()
    print_summary(Console(file=out, width=100), seconds=1, did_work=True)
    assert "1 of 3 groups agree to the cent" in out.getvalue()
    assert "1 more differ for a reason" in out.getvalue() and "1 wait or have" in out.getvalue()
    assert "DUPLICATE" in out.getvalue() and "12.00" not in out.getvalue()


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
