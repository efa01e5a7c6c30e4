"""Journals over nights: one with a sum, its last refund or store credit that is spent equals a rebuild."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from simulator.company import Company
from simulator.habits import DENSE
from simulator.ledger import WIDTHS, trailer
from simulator.run import simulate
from tests.integration.refund_books import CLEARING, CREDITS, LIABILITY
from tests.integration.test_reconciliation_mutations import Files
from tests.nights import build_night

DAY = dt.date(2026, 1, 31)
TABLES = (
    "core.bridge_refund_document", "core.bridge_refund_lineage", "core.dim_refund_group",
    "build.refund_documents", "build.refund_reconciliation", "build.refund_exceptions",
    "build.refund_gap_periods", "build.refund_proof_lines", "build.reconciliation_rollforward",
    "build.refund_period_items",
)  # fmt: skip

pytestmark = pytest.mark.long


def test_a_late_journal_and_a_late_refund_match_in_their_night_as_in_a_rebuild(
    database: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=200, seed=3,
            start=dt.date(2025, 10, 1), history_end=DAY, nights=0, dirt=0.0, defects=0, habits=DENSE,
        )
    )  # fmt: skip
    files = Files(database)
    batch, refunds = _largest_batch(files)
    late = refunds[-1]
    unposted = {row["refund_id"] for row in refunds}
    files.entries = [row for row in files.entries if row["document_ref"] not in unposted]
    files.settlements.remove(late)
    # Without its payout nobody asks what the batch nets to while a row is missing.
    payout = ("payout", batch)
    files.settlements = [row for row in files.settlements if (row["type"], row["batch_no"]) != payout]
    files.write()
    for feed in feeds():
        load_feed(feed, DAY, lambda line: None)
    build_night(DAY)
    assert _rules(batch) == {}

    # The journal comes a night later, and knows of a refund that the processor has not told yet.
    whole = -sum(Decimal(row["gross_amount"]) for row in refunds)
    debit, credit = {LIABILITY: whole}, {CLEARING: -whole}
    _journal(database, DAY + dt.timedelta(1), "SUM1", batch, late["currency"], debit | credit)
    load_feed("erp_gl_entries", DAY + dt.timedelta(1), lambda line: None)
    build_night(DAY + dt.timedelta(1))
    assert _rules(batch) == {}
    assert (
        _open(f"DOC:{batch}")
        == f"journal_line SUM1-1: batch {batch}, off by {-Decimal(late['gross_amount'])}"
    )

    # In the next night a customer has spent her store credit, too.
    refund, currency, amount = _store_credit()
    spent = {CREDITS: amount, "480000": -amount}
    _journal(database, DAY + dt.timedelta(2), "SPENT1", refund, currency, spent)
    load_feed("erp_gl_entries", DAY + dt.timedelta(2), lambda line: None)
    _settlement(database, DAY + dt.timedelta(2), late)
    load_feed("erp_payment_settlements", DAY + dt.timedelta(2), lambda line: None)
    build_night(DAY + dt.timedelta(2))
    assert _rules(batch) == {row["settlement_id"]: "batch_sum" for row in refunds}
    assert _settled(refund) == [("M-P", "settled"), ("P-G", "settled")]
    by_night = {table: _rows(f"select * from {table}") for table in TABLES}
    build_night(DAY + dt.timedelta(2), full_refresh=True)
    assert {table: _rows(f"select * from {table}") for table in TABLES} == by_night


def _largest_batch(files: Files) -> tuple[str, list[dict[str, str]]]:
    """The batch and currency with the most refunds, whose batch has no other movement of refunds."""
    found: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in files.settlements:
        if row["type"] in ("refund", "refund_failure", "chargeback") and row["status"] == "succeeded":
            found[row["batch_no"], row["currency"]].append(row)
    plain = {key: rows for key, rows in found.items() if {row["type"] for row in rows} == {"refund"}}
    (batch, _), rows = max(plain.items(), key=lambda item: len(item[1]))
    assert len(rows) > 1
    return batch, rows


def _store_credit() -> tuple[str, str, Decimal]:
    """Refund, currency and amount of store credit on its liability, alone in its group."""
    rows = _rows(
        "select refund_id, currency, issued_amount from build.store_credits as credits"
        " where status = 'on its liability' and exists (select 1 from build.refund_exceptions as items"
        "   where items.group_key = credits.group_key and items.gap = 'M-P' and items.status = 'explained'"
        "     and items.class = 'STORE_CREDIT_OR_EXCHANGE' and items.amount = credits.issued_amount)"
    )
    return rows[0]  # type: ignore[no-any-return]


def _settled(refund: str) -> list[tuple[str, str]]:
    """Gap and status of the items of store credit of a refund's group."""
    return _rows(
        "select items.gap, items.status from build.refund_exceptions as items"
        " inner join build.store_credits as credits on items.group_key = credits.group_key"
        f" where credits.refund_id = '{refund}' and items.class = 'STORE_CREDIT_OR_EXCHANGE'"
    )


def _journal(
    landing: Path, on: dt.date, number: str, ref: str, currency: str, amounts: dict[str, Decimal]
) -> None:
    """A file with one journal, one line an account."""
    common = {
        "journal_no": number, "posted_on": "20260130", "fiscal_period": "2026-01", "currency": currency,
        "document_ref": ref, "text": "by hand",
    }  # fmt: skip
    lines = [
        common | {"line_no": str(n), "account": account, "amount": f"{abs(amount):.2f}" + "-" * (amount < 0)}
        for n, (account, amount) in enumerate(amounts.items(), start=1)
    ]
    fixed = [
        "".join((row[n].rjust(w) if n == "amount" else row[n].ljust(w)) for n, (_, w) in WIDTHS.items())
        for row in lines
    ]
    text = "\n".join([*fixed, trailer(2, 0)]) + "\n"
    _export(landing / "erp" / f"erp_gl_entries_{on:%Y%m%d}.txt", text)


def _settlement(landing: Path, on: dt.date, row: dict[str, str]) -> None:
    """A file with one settlement, of a batch that has come before."""
    columns = list(row)
    lines = [",".join(columns), ",".join(row.values())]
    lines.append(f"TRAILER,1,{row['net_amount']}" + "," * (len(columns) - 3))
    _export(landing / "erp" / f"erp_payment_settlements_{on:%Y%m%d}.csv", "\n".join(lines) + "\n")


def _export(path: Path, text: str) -> None:
    path.write_text(text, "latin-1")
    path.with_name(f"{path.name}.done").touch()


def _rules(batch: str) -> dict[str, str]:
    """Rule by settlement of the shares of a journal that posts the batch in sum."""
    rows = _rows(
        "select settlements.settlement_id, bridge.match_rule from core.bridge_refund_document as bridge"
        " inner join core.fct_settlement as settlements"
        " on bridge.matched_to = 'SET:' || settlements.settlement_id"
        f" where bridge.document_type = 'journal_share' and settlements.batch_no = '{batch}'"
    )
    return dict(rows)


def _open(group: str) -> str | None:
    [(said,)] = _rows(f"select open_between from core.dim_refund_group where group_key = '{group}'")
    return said


def _rows(query: str) -> list[Any]:
    with connect("admin") as connection:
        return sorted(connection.execute(query).fetchall(), key=str)  # type: ignore[arg-type]
