"""Named cases of refund reconciliation, each worked out by hand, through the compiled models.

All dates are before 2026-01-31, the business date of the build that compiled them.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.contract import feeds
from ingestion.load import load_feed
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.integration.refund_books import CLEARING, LIABILITY, Books, Found, Reconciler
from tests.nights import build_night
from warehouse import build
from warehouse.connections import connect

DAY = dt.date(2026, 1, 31)
PARTS = {"merchandise": "100.00", "tax": "19.00"}

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def reconciler(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Reconciler:
    """The models as a full build of a small company compiles them."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=300, seed=2,
            start=dt.date(2025, 10, 1), history_end=DAY, nights=0, dirt=0.0, defects=0, habits=DENSE,
        )
    )  # fmt: skip
    for feed in feeds():
        load_feed(feed, DAY)
    build_night(DAY)
    return Reconciler()


@pytest.fixture(scope="module")
def without_ledger(reconciler: Reconciler, tmp_path_factory: pytest.TempPathFactory) -> Reconciler:
    """The same models, as they are compiled for a company that carries no journals."""
    with pytest.MonkeyPatch.context() as patch:
        target = tmp_path_factory.mktemp("target")
        variables = json.loads(build._variables()) | {"feeds_not_carried": ["erp_gl_entries"]}
        patch.setattr(build, "_variables", lambda: json.dumps(variables))
        patch.setattr(build, "_target", lambda: target)
        done = build._dbt(["compile", "--full-refresh", "--quiet"])
    assert done.returncode == 0, done.stdout
    return Reconciler(target)


@contextmanager
def reconciled(reconciler: Reconciler, books: Books) -> Iterator[Found]:
    with reconciler.run(books) as found:
        assert all(row["amount"] == 0 for row in found.proof if row["line"] in ("check", "missing"))
        yield found


def test_a_return_that_is_right_everywhere_is_complete_and_has_no_gap(reconciler: Reconciler) -> None:
    books = Books()
    books.whole("REQ:A-1", "2025-12-10")
    with reconciled(reconciler, books) as found:
        group = found.groups["REQ:A-1"]
        assert (group["pattern"], group["pattern_name"], group["is_reconciled"]) == ("1111", "complete", True)
        legs = ("entitled_amount", "credited_amount", "paid_amount", "posted_amount", "issued_amount")
        assert {group[leg] for leg in legs} == {Decimal("119.00")}
        assert found.exceptions == {} and found.rollforward == []


def test_a_refund_split_over_three_tenders_is_one_payment(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-10", PARTS, line="REQ:A-1", refund="RF1")
    for number, (tender, amount) in enumerate((("card", "40"), ("bank", "49"), ("gift_card", "30")), 1):
        books.refund("RF1", "2025-12-10", amount, "REQ:A-1", tender, number)
    books.settle("ST1", "2025-12-11", "40", "RF1")
    books.settle("ST2", "2025-12-11", "49", "RF1")
    books.post_memo("CM1", "2025-12-10", PARTS)
    for amount in ("40", "49", "30"):
        books.post_cash("RF1", "2025-12-11", amount)
    with reconciled(reconciler, books) as found:
        assert list(found.groups) == ["REQ:A-1"]
        # The gift card moves no cash: the rest of the memo was given as credit, and is posted as such.
        assert found.classes("REQ:A-1") == {
            ("M-P", "STORE_CREDIT_OR_EXCHANGE"): "30.00", ("P-G", "STORE_CREDIT_OR_EXCHANGE"): "-30.00",
        }  # fmt: skip


def test_two_equal_tenders_are_no_duplicate(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-10", PARTS, line="REQ:A-1", refund="RF1")
    for number in (1, 2):
        books.refund("RF1", "2025-12-10", "59.50", "REQ:A-1", "card", number)
        books.settle(f"ST{number}", "2025-12-11", "59.50", "RF1")
        books.post_cash("RF1", "2025-12-11", "59.50")
    books.post_memo("CM1", "2025-12-10", PARTS)
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {}


def test_a_refund_issued_in_another_currency_is_compared_at_its_day_s_rate(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", currency="GBP")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-10", PARTS, line="REQ:A-1", refund="RF1", currency="GBP")
    books.refund("RF1", "2025-12-10", "119.00", "REQ:A-1", currency="EUR")
    with connect("admin") as connection:
        ((rate,),) = connection.execute(
            "select rate from core.dim_exchange_rate where currency = 'GBP'"
            " and '2025-12-10' >= valid_from and '2025-12-10' < valid_to"
        ).fetchall()
    with reconciled(reconciler, books) as found:
        group = found.groups["REQ:A-1"]
        # 119 EUR in pounds: the reporting currency is the euro, whose rate is 1.
        assert group["issued_amount"] == round(Decimal("119.00") / rate, 2)
        assert group["issue_gap"] == Decimal("119.00") - group["issued_amount"]


def test_a_posting_of_which_no_cent_is_left_in_the_group_s_currency_stands_in_the_proof(
    reconciler: Reconciler,
) -> None:
    books = Books()
    books.line("REQ:A-1")
    books.refund("RF1", "2025-12-10", "0", "REQ:A-1")
    books.post_cash("RF1", "2025-12-10", "0.01", currency="SEK")
    with reconciled(reconciler, books) as found:
        group = found.groups["REQ:A-1"]
        assert (group["pattern"], group["posted_amount"]) == ("0001", Decimal("0.00"))
        sources = [(r["leg"], r["currency"], str(r["amount"])) for r in found.proof if r["line"] == "source"]
        assert ("G", "SEK", "0.01") in sources


def test_a_memo_over_two_refunds_joins_their_returns(reconciler: Reconciler) -> None:
    books = Books()
    for number in (1, 2):
        key = f"REQ:A-{number}"
        books.line(key)
        books.accept(key, "2025-12-10")
        books.memo("CM1", "2025-12-12", PARTS, line=key, refund="RF1", line_no=number)
        books.refund(f"RF{number}", "2025-12-12", "119.00", key)
        books.settle(f"ST{number}", "2025-12-13", "119.00", f"RF{number}")
        books.post_cash(f"RF{number}", "2025-12-13", "119.00")
    books.post_memo("CM1", "2025-12-12", {"merchandise": "200.00", "tax": "38.00"})
    with reconciled(reconciler, books) as found:
        group = found.groups["REQ:A-1"]
        assert list(found.groups) == ["REQ:A-1"] and found.classes("REQ:A-1") == {}
        assert (group["credited_amount"], group["paid_amount"]) == (Decimal("238.00"), Decimal("238.00"))
        assert (group["return_lines"], group["refunds"], group["memos"]) == (2, 2, 1)


def test_a_reversed_memo_leaves_only_the_one_that_follows(reconciler: Reconciler) -> None:
    books = Books()
    books.whole("REQ:A-1", "2025-12-10")
    wrong = {"merchandise": "10.00", "tax": "1.90"}
    books.memo("CM8", "2025-12-11", wrong, line="REQ:A-1")
    books.memo("CM9", "2025-12-12", {"merchandise": "-10.00", "tax": "-1.90"}, reverses="CM8")
    books.post_memo("CM8", "2025-12-11", wrong)
    books.post_memo("CM9", "2025-12-12", {"merchandise": "-10.00", "tax": "-1.90"})
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {}
        assert found.groups["REQ:A-1"]["memos"] == 3
        assert found.documents["memo", "CM9"]["match_rule"] == "memo_no"


def test_a_partial_reversal_is_a_price(reconciler: Reconciler) -> None:
    books = Books()
    books.whole("REQ:A-1", "2025-12-10")
    books.memo("CM9", "2025-12-12", {"merchandise": "-7.00"}, reverses="CM REQ:A-1")
    books.post_memo("CM9", "2025-12-12", {"merchandise": "-7.00"})
    with reconciled(reconciler, books) as found:
        # The customer kept what the return entitles to, so the fault is the memo's on both sides.
        assert found.classes("REQ:A-1") == {
            ("E-M", "PRICE_OR_DISCOUNT"): "7.00", ("M-P", "PRICE_OR_DISCOUNT"): "-7.00",
            ("M-T", "PRICE_OR_DISCOUNT"): "-7.00",
        }  # fmt: skip


def test_a_chargeback_after_a_refund_is_paid_twice(reconciler: Reconciler) -> None:
    books = Books()
    books.whole("REQ:A-1", "2025-12-10")
    # The bank takes back the whole order, which was more than this return.
    books.settle("CB1", "2025-12-20", "150.00", "RF REQ:A-1", kind="chargeback")
    books.post_cash("CB1", "2025-12-20", "150.00", kind="settlement")
    with reconciled(reconciler, books) as found:
        assert found.groups["REQ:A-1"]["paid_amount"] == Decimal("269.00")
        assert found.classes("REQ:A-1") == {("M-P", "DUPLICATE"): "-150.00"}


def test_a_chargeback_instead_of_a_failed_refund_is_no_duplicate(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-10", PARTS, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-10", "119.00", "REQ:A-1", status="failed")
    books.settle("CB1", "2025-12-20", "119.00", "RF1", kind="chargeback")
    books.post_memo("CM1", "2025-12-10", PARTS)
    books.post_cash("CB1", "2025-12-20", "119.00", kind="settlement")
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {("M-T", "FAILED_REFUND"): "119.00"}


def test_what_else_a_processor_moves_is_no_refund(reconciler: Reconciler) -> None:
    books = Books()
    books.whole("REQ:A-1", "2025-12-10")
    books.settle("CH1", "2025-12-01", "-150.00", kind="charge", fee="4.65")
    books.settle("DP1", "2025-12-12", "150.00", "RF REQ:A-1", kind="dispute", fee="15.00")
    books.settle("RS1", "2025-12-12", "20.00", kind="reserve")
    books.settle("AD1", "2025-12-12", "1.00", "RF REQ:A-1", kind="adjustment")
    with reconciled(reconciler, books) as found:
        assert list(found.groups) == ["REQ:A-1"]
        assert found.groups["REQ:A-1"]["paid_amount"] == Decimal("119.00")
        assert found.classes("REQ:A-1") == {}


def test_a_refund_across_two_currencies_and_two_months(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", currency="SEK")
    books.accept("REQ:A-1", "2025-11-28")
    books.memo("CM1", "2025-11-29", PARTS, line="REQ:A-1", refund="RF1", currency="SEK")
    books.refund("RF1", "2025-11-29", "119.00", "REQ:A-1", currency="SEK")
    books.settle("ST1", "2025-12-02", "10.00", "RF1", currency="EUR")
    books.post_memo("CM1", "2025-11-29", PARTS, currency="SEK")
    books.post_cash("RF1", "2025-12-02", "10.00", currency="EUR")
    with reconciled(reconciler, books) as found:
        group = found.groups["REQ:A-1"]
        paid = group["paid_amount"]
        # 10 euro are what the rate of 2 December makes of them; what that is off by is the exchange.
        assert group["currency"] == "SEK" and paid != Decimal("119.00") and paid > 0
        assert found.classes("REQ:A-1") == {("M-P", "FX"): str(Decimal("119.00") - paid)}
        # November has the memo and no cash; December the cash, and the exchange difference.
        assert found.in_periods("REQ:A-1") == {
            ("M-P", "CUTOFF", "2025-11"): "119.00",
            ("M-P", "CUTOFF", "2025-12"): "-119.00",
            ("M-P", "FX", "2025-12"): str(Decimal("119.00") - paid),
        }
        cash = [row for row in found.proof if row["leg"] == "P" and row["period"] == "2025-12"]
        assert {(r["currency"], r["line"]): r["amount"] for r in cash} == {
            ("EUR", "source"): Decimal("10.00"), ("EUR", "converted"): Decimal("-10.00"),
            ("SEK", "converted"): paid, ("SEK", "leg"): paid,
        }  # fmt: skip


def test_a_refund_that_failed_later_leaves_no_cent_of_exchange(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", currency="SEK")
    books.accept("REQ:A-1", "2025-11-28")
    books.memo("CM1", "2025-11-29", PARTS, line="REQ:A-1", refund="RF1", currency="SEK")
    books.refund("RF1", "2025-11-29", "119.00", "REQ:A-1", currency="SEK")
    books.settle("ST1", "2025-11-30", "10.00", "RF1", currency="EUR")
    books.settle("ST2", "2025-12-15", "-10.00", "RF1", kind="refund_failure", currency="EUR")
    books.post_memo("CM1", "2025-11-29", PARTS, currency="SEK")
    with reconciled(reconciler, books) as found:
        assert found.groups["REQ:A-1"]["paid_amount"] == 0
        assert found.groups["REQ:A-1"]["pattern"] == "1101"
        assert found.classes("REQ:A-1") == {("M-P", "FAILED_REFUND"): "119.00"}


def test_a_retry_under_one_key_is_one_refund_and_under_another_a_second(reconciler: Reconciler) -> None:
    books = Books()
    for order, second_key in (("1", "key RF1"), ("2", "another")):
        key = f"REQ:{order}-1"
        books.line(key, order=order)
        books.accept(key, "2025-12-10")
        books.memo(f"CM{order}", "2025-12-10", PARTS, key, f"RF{order}", order=order)
        books.post_memo(f"CM{order}", "2025-12-10", PARTS, order=order)
        books.refund(f"RF{order}", "2025-12-10", "119.00", key, order=order, key=f"key RF{order}",
                     status="failed" if order == "1" else "succeeded", done_on="2025-12-12")  # fmt: skip
        books.refund(f"RF{order}b", "2025-12-13", "119.00", key if order == "2" else None, order=order,
                     key=second_key)  # fmt: skip
        for number in ("b",) if order == "1" else ("", "b"):
            books.settle(f"ST{order}{number}", "2025-12-14", "119.00", f"RF{order}{number}", order=order)
            books.post_cash(f"RF{order}{number}", "2025-12-14", "119.00", order=order)
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:1-1") == {}
        assert found.documents["refund", "RF1b"]["match_rule"] == "idempotency_key"
        assert found.classes("REQ:2-1") == {
            ("M-P", "DUPLICATE"): "-119.00", ("M-T", "DUPLICATE"): "-119.00",
        }  # fmt: skip


def test_two_parts_credited_one_after_the_other_are_no_duplicate(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", net="200.00", tax="38.00", quantity=2)
    for number, day in ((1, "2025-12-10"), (2, "2025-12-18")):
        books.accept("REQ:A-1", day, before=number - 1)
        books.memo(f"CM{number}", day, PARTS, line="REQ:A-1", refund=f"RF{number}")
        books.refund(f"RF{number}", day, "119.00", "REQ:A-1")
        books.settle(f"ST{number}", day, "119.00", f"RF{number}")
        books.post_memo(f"CM{number}", day, PARTS)
        books.post_cash(f"RF{number}", day, "119.00")
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {}
        assert found.groups["REQ:A-1"]["entitled_amount"] == Decimal("238.00")


def test_the_whole_refunded_after_a_part_is_counted_by_the_unit(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", net="200.00", tax="38.00", quantity=2)
    books.accept("REQ:A-1", "2025-12-10")
    whole = {"merchandise": "200.00", "tax": "38.00"}
    for number, parts, amount in ((1, PARTS, "119.00"), (2, whole, "238.00")):
        books.memo(f"CM{number}", "2025-12-11", parts, line="REQ:A-1", refund=f"RF{number}")
        books.refund(f"RF{number}", "2025-12-11", amount, "REQ:A-1")
        books.settle(f"ST{number}", "2025-12-11", amount, f"RF{number}")
        books.post_memo(f"CM{number}", "2025-12-11", parts)
        books.post_cash(f"RF{number}", "2025-12-11", amount)
    with reconciled(reconciler, books) as found:
        # Three units credited and paid for one that came: two too many.
        assert found.classes("REQ:A-1") == {("E-M", "QUANTITY"): "-238.00"}


def test_a_chain_of_more_than_ten_links_is_one_group(reconciler: Reconciler) -> None:
    books = Books()
    # RF01 - CM01 - RF02 - CM02 - ...: each memo names one refund and reverses the memo before it.
    for number in range(1, 13):
        books.memo(f"CM{number:02d}", "2025-12-10", {"merchandise": "1.00"}, refund=f"RF{number:02d}",
                   order=f"{number}", reverses=f"CM{number - 1:02d}" if number > 1 else None)  # fmt: skip
        books.refund(f"RF{number:02d}", "2025-12-10", "1.00", order=f"{number}")
    with reconciled(reconciler, books) as found:
        assert {row["group_key"] for row in found.documents.values()} == {"REF:RF01"}
        assert len(found.documents) == 24


def test_a_document_between_two_candidates_stays_open_and_names_them(reconciler: Reconciler) -> None:
    books = Books()
    for number in (1, 2):
        books.refund(f"RF{number}", "2025-12-10", "4.95")
        books.settle(f"ST{number}", "2025-12-11", "4.95", f"RF{number}")
    books.memo("CM1", "2025-12-11", {"shipping": "4.95"})
    with reconciled(reconciler, books) as found:
        assert set(found.groups) == {"REF:RF1", "REF:RF2", "MEM:CM1"}
        assert found.documents["memo", "CM1"]["candidates"] == "REF:RF1, REF:RF2"
        assert found.groups["MEM:CM1"]["open_between"] == "memo CM1: REF:RF1, REF:RF2"
        assert found.groups["MEM:CM1"]["pattern_name"] == "orphan memo"


@pytest.mark.parametrize(
    ("amount", "on", "is_matched"),
    [("4.95", "2025-12-15", True), ("4.96", "2025-12-11", False), ("4.95", "2025-12-16", False)],
    ids=["same amount within five days", "a cent more", "six days later"],
)
def test_one_candidate_by_order_and_amount_is_joined(
    reconciler: Reconciler, amount: str, on: str, is_matched: bool
) -> None:
    books = Books()
    books.refund("RF1", "2025-12-10", "4.95")
    books.memo("CM1", on, {"shipping": amount})
    with reconciled(reconciler, books) as found:
        own = found.documents["memo", "CM1"]
        assert (own["group_key"] == "REF:RF1") is is_matched
        assert own["match_rule"] == ("order_amount" if is_matched else "none")
        if is_matched:
            assert own["confidence"] == Decimal("0.80")


def test_a_number_that_a_memo_and_a_refund_share_joins_neither(reconciler: Reconciler) -> None:
    books = Books()
    books.refund("77", "2025-12-10", "5.00")
    books.memo("77", "2025-12-10", {"shipping": "5.00"}, order="2")
    books.post("2025-12-10", {LIABILITY: "5.00", CLEARING: "-5.00"}, "77", "ambiguous")
    with reconciled(reconciler, books) as found:
        assert "DOC:77" in found.groups
        assert found.groups["DOC:77"]["pattern_name"] == "manual journal"


def test_a_return_that_is_made_good_in_goods_is_explained(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", resolution="exchange")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-11", PARTS, line="REQ:A-1")
    books.post_memo("CM1", "2025-12-11", PARTS)
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("E-M", "STORE_CREDIT_OR_EXCHANGE"): "-119.00",
            ("M-P", "STORE_CREDIT_OR_EXCHANGE"): "119.00",
            ("M-T", "STORE_CREDIT_OR_EXCHANGE"): "119.00",
        }
        # Nobody waits for it.
        assert found.groups["REQ:A-1"]["age_bucket"] is None


def test_a_leg_that_is_missing_may_still_come_for_a_week(reconciler: Reconciler) -> None:
    books = Books()
    for number, day in ((1, "2026-01-24"), (2, "2026-01-23")):
        books.line(f"REQ:{number}-1", order=str(number))
        books.accept(f"REQ:{number}-1", day)
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:1-1") == {("E-M", "CUTOFF"): "119.00"}
        assert found.classes("REQ:2-1") == {("E-M", "MISSING_LEG"): "119.00"}
        assert [found.groups[f"REQ:{n}-1"]["age_bucket"] for n in (1, 2)] == ["4-7", "8-14"]


def test_a_day_that_only_renames_an_item_is_reclassified(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1")
    books.accept("REQ:A-1", "2026-01-10")
    with reconciled(reconciler, books) as found:
        moves = ("new_amount", "cleared_amount", "reclassified_amount", "closing_amount")
        found_rows = {
            (str(row["day"]), row["class"]): tuple(str(row[name]) for name in moves)
            for row in found.rollforward
            if str(row["day"]) in ("2026-01-10", "2026-01-18")
        }
        assert found_rows == {
            ("2026-01-10", "CUTOFF"): ("119.00", "0.00", "0.00", "119.00"),
            ("2026-01-18", "CUTOFF"): ("0.00", "0.00", "-119.00", "0.00"),
            ("2026-01-18", "MISSING_LEG"): ("0.00", "0.00", "119.00", "119.00"),
        }


def test_what_is_cleared_in_part_stays_open_with_the_rest(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1")
    books.accept("REQ:A-1", "2026-01-10")
    books.memo("CM1", "2026-01-12", {"merchandise": "93.00", "tax": "19.00"}, line="REQ:A-1")
    with reconciled(reconciler, books) as found:
        rows = {
            (row["gap"], row["class"]): (row["new_amount"], row["cleared_amount"], row["reclassified_amount"])
            for row in found.rollforward
            if str(row["day"]) == "2026-01-12" and row["gap"] == "E-M"
        }
        zero = Decimal("0.00")
        assert rows == {
            ("E-M", "CUTOFF"): (zero, Decimal("112.00"), Decimal("-7.00")),
            ("E-M", "PRICE_OR_DISCOUNT"): (zero, zero, Decimal("7.00")),
        }


def test_a_refund_settled_twice_is_a_duplicate_whatever_its_group_allows(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", net="200.00", tax="38.00", quantity=2)
    # Two units came; one is credited and refunded, and the processor pays that twice.
    books.accept("REQ:A-1", "2025-12-10", units=2)
    books.memo("CM1", "2025-12-10", PARTS, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-10", "119.00", "REQ:A-1")
    for number in (1, 2):
        books.settle(f"ST{number}", "2025-12-11", "119.00", "RF1")
        books.post_cash("RF1", "2025-12-11", "119.00")
    books.post_memo("CM1", "2025-12-10", PARTS)
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("E-M", "QUANTITY"): "119.00", ("M-P", "DUPLICATE"): "-119.00",
        }  # fmt: skip


def test_a_refund_abroad_that_is_settled_twice_leaves_the_exchange_of_one_payment(
    reconciler: Reconciler,
) -> None:
    books = Books()
    books.line("REQ:A-1", currency="SEK")
    books.accept("REQ:A-1", "2025-12-01")
    books.memo("CM1", "2025-12-01", PARTS, line="REQ:A-1", refund="RF1", currency="SEK")
    books.refund("RF1", "2025-12-01", "119.00", "REQ:A-1", currency="SEK")
    for number in (1, 2):
        books.settle(f"ST{number}", "2025-12-02", "10.00", "RF1", currency="EUR")
    with reconciled(reconciler, books) as found:
        once = found.groups["REQ:A-1"]["paid_amount"] / 2
        classes = found.classes("REQ:A-1")
        assert classes["M-P", "DUPLICATE"] == str(-once)
        assert classes["M-P", "FX"] == str(Decimal("119.00") - once)
        assert ("M-P", "UNEXPLAINED") not in classes


def test_units_at_the_price_before_the_discount_are_a_price_and_no_other_units(
    reconciler: Reconciler,
) -> None:
    books = Books()
    # 24 units sold at 26.22 less a coupon, for 251.712 net: 10.488 a unit. 8 came back; credited with
    # 8 x 26.22 = 209.76, which is 20 x 10.488 as well.
    books.line("REQ:A-1", net="251.71", tax="12.59", quantity=24, unit_price="26.22")
    books.accept("REQ:A-1", "2025-12-10", units=8)
    books.memo("CM1", "2025-12-10", {"merchandise": "209.76", "tax": "4.20"}, line="REQ:A-1")
    with reconciled(reconciler, books) as found:
        # 251.71 x 8 / 24 = 83.90; tax 12.59 x 8 / 24 = 4.20.
        assert found.groups["REQ:A-1"]["entitled_amount"] == Decimal("88.10")
        classes = found.classes("REQ:A-1")
        assert {key: amount for key, amount in classes.items() if key[0] == "E-M"} == {
            ("E-M", "PRICE_OR_DISCOUNT"): "-125.86",
        }  # fmt: skip


def test_no_more_units_are_credited_than_were_sold(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", net="200.00", tax="38.00", quantity=2)
    books.accept("REQ:A-1", "2025-12-10")
    # Worth three units in one memo, of two that were sold.
    books.memo("CM1", "2025-12-10", {"merchandise": "300.00", "tax": "19.00"}, line="REQ:A-1")
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1")["E-M", "PRICE_OR_DISCOUNT"] == "-200.00"
        assert ("E-M", "QUANTITY") not in found.classes("REQ:A-1")


def test_what_the_memo_of_other_units_leaves_out_is_no_more_than_was_due(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", net="1000.00", tax="190.00", quantity=10)
    books.accept("REQ:A-1", "2025-12-10", units=2)
    # Seven units' merchandise and no tax: of tax, that of the two which came is missing.
    books.memo("CM1", "2025-12-10", {"merchandise": "700.00"}, line="REQ:A-1")
    with reconciled(reconciler, books) as found:
        classes = {key[1]: amount for key, amount in found.classes("REQ:A-1").items() if key[0] == "E-M"}
        assert classes == {"QUANTITY": "-500.00", "TAX": "38.00"}


def test_a_refund_issued_and_nothing_else_is_a_group_and_an_exception(reconciler: Reconciler) -> None:
    books = Books()
    # Store credit of customer service without return, memo or cash.
    for number, amount in ((1, "150.00"), (2, "148.65"), (3, "100.00")):
        books.refund(f"RF{number}", "2025-12-10", amount, tender="store_credit", order=f"{number}")
    with reconciled(reconciler, books) as found:
        assert {key: group["pattern_name"] for key, group in found.groups.items()} == {
            f"REF:RF{number}": "issued only" for number in (1, 2, 3)
        }
        assert found.classes("REF:RF1") == {("M-T", "MISSING_LEG"): "-150.00"}
        source = [row["amount"] for row in found.proof if row["line"] == "source" and row["leg"] == "T"]
        assert sum(source) == Decimal("398.65")


def test_what_no_group_has_of_a_source_stands_in_the_proof(reconciler: Reconciler) -> None:
    books = Books()
    books.whole("REQ:A-1", "2025-12-10")
    with reconciler.run(books, lost="ST REQ:A-1") as found:
        cash = {row["line"]: row["amount"] for row in found.proof if row["leg"] == "P"}
        assert cash == {"source": Decimal("119.00"), "missing": Decimal("119.00")}


def test_goods_and_cash_for_one_unit_are_paid_twice(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", resolution="exchange")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-11", PARTS, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-11", "119.00", "REQ:A-1")
    books.settle("ST1", "2025-12-12", "119.00", "RF1")
    books.post_memo("CM1", "2025-12-11", PARTS)
    books.post_cash("RF1", "2025-12-12", "119.00")
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("E-M", "STORE_CREDIT_OR_EXCHANGE"): "-119.00",
            ("M-P", "STORE_CREDIT_OR_EXCHANGE"): "119.00", ("M-P", "DUPLICATE"): "-119.00",
            ("M-T", "STORE_CREDIT_OR_EXCHANGE"): "119.00", ("M-T", "DUPLICATE"): "-119.00",
        }  # fmt: skip


def test_an_exchange_explains_the_worth_of_what_came_and_no_more(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", net="200.00", tax="38.00", quantity=2, resolution="exchange")
    books.accept("REQ:A-1", "2025-12-10")
    twice = {"merchandise": "200.00", "tax": "38.00"}
    books.memo("CM1", "2025-12-11", twice, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-11", "238.00", "REQ:A-1")
    books.settle("ST1", "2025-12-12", "238.00", "RF1")
    books.post_memo("CM1", "2025-12-11", twice)
    books.post_cash("RF1", "2025-12-12", "238.00")
    with reconciled(reconciler, books) as found:
        # The customer has goods for the 119.00 that came back, and 238.00 too much.
        assert found.classes("REQ:A-1") == {
            ("E-M", "STORE_CREDIT_OR_EXCHANGE"): "-119.00", ("E-M", "QUANTITY"): "-119.00",
            ("M-P", "STORE_CREDIT_OR_EXCHANGE"): "119.00", ("M-P", "DUPLICATE"): "-119.00",
            ("M-T", "STORE_CREDIT_OR_EXCHANGE"): "119.00", ("M-T", "DUPLICATE"): "-119.00",
        }  # fmt: skip


def test_an_exchange_for_something_dearer_is_owed_by_the_customer(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", resolution="exchange")
    books.accept("REQ:A-1", "2025-12-10")
    # Goods of 150.00 for goods of 119.00.
    books.exchange("REQ:A-1", "2025-12-11", "-31.00")
    books.memo("CM1", "2025-12-11", PARTS, line="REQ:A-1")
    books.post_memo("CM1", "2025-12-11", PARTS)
    with reconciled(reconciler, books) as found:
        group = found.groups["REQ:A-1"]
        assert (group["entitled_amount"], group["exchange_balance_amount"]) == (0, Decimal("-31.00"))
        assert found.classes("REQ:A-1") == {
            ("E-M", "STORE_CREDIT_OR_EXCHANGE"): "-119.00",
            ("M-P", "STORE_CREDIT_OR_EXCHANGE"): "119.00",
            ("M-T", "STORE_CREDIT_OR_EXCHANGE"): "119.00",
        }


@pytest.mark.parametrize(
    ("paid", "left"),
    [
        # What is due is paid; nothing is; 20.00 too much; the whole of it, as if no goods had been sent.
        ("29.00", {}),
        (None, {("M-P", "MISSING_LEG"): "29.00", ("M-T", "MISSING_LEG"): "29.00"}),
        ("49.00", {("M-P", "DUPLICATE"): "-20.00", ("M-T", "DUPLICATE"): "-20.00"}),
        ("119.00", {("M-P", "DUPLICATE"): "-90.00", ("M-T", "DUPLICATE"): "-90.00"}),
    ],
)
def test_an_exchange_for_something_cheaper_expects_the_balance_in_cash(
    reconciler: Reconciler, paid: str | None, left: dict[tuple[str, str], str]
) -> None:
    books = Books()
    books.line("REQ:A-1", resolution="exchange")
    books.accept("REQ:A-1", "2025-12-10")
    # Goods of 90.00 for goods of 119.00.
    books.exchange("REQ:A-1", "2025-12-11", "29.00")
    books.memo("CM1", "2025-12-11", PARTS, line="REQ:A-1", refund="RF1")
    books.post_memo("CM1", "2025-12-11", PARTS)
    if paid:
        books.refund("RF1", "2025-12-11", paid, "REQ:A-1")
        books.settle("ST1", "2025-12-12", paid, "RF1")
        books.post_cash("RF1", "2025-12-12", paid)
    with reconciled(reconciler, books) as found:
        group = found.groups["REQ:A-1"]
        assert (group["entitled_amount"], group["exchange_balance_amount"]) == (29, 29)
        assert found.classes("REQ:A-1") == {
            ("E-M", "STORE_CREDIT_OR_EXCHANGE"): "-90.00", ("M-P", "STORE_CREDIT_OR_EXCHANGE"): "90.00",
            ("M-T", "STORE_CREDIT_OR_EXCHANGE"): "90.00", **left,
        }  # fmt: skip


def test_a_balance_that_alone_is_credited_and_paid_agrees(reconciler: Reconciler) -> None:
    books = Books()
    balance = {"merchandise": "24.37", "tax": "4.63"}
    books.line("REQ:A-1", resolution="exchange")
    books.accept("REQ:A-1", "2025-12-10")
    books.exchange("REQ:A-1", "2025-12-11", "29.00")
    books.memo("CM1", "2025-12-11", balance, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-11", "29.00", "REQ:A-1")
    books.settle("ST1", "2025-12-12", "29.00", "RF1")
    books.post_memo("CM1", "2025-12-11", balance)
    books.post_cash("RF1", "2025-12-12", "29.00")
    with reconciled(reconciler, books) as found:
        assert found.groups["REQ:A-1"]["is_reconciled"]


def test_credit_and_cash_for_one_unit_are_paid_twice(reconciler: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1", resolution="store_credit")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-11", PARTS, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-11", "119.00", "REQ:A-1", tender="store_credit")
    books.refund("RF2", "2025-12-12", "119.00", "REQ:A-1")
    books.settle("ST2", "2025-12-13", "119.00", "RF2")
    books.post_memo("CM1", "2025-12-11", PARTS)
    for number, day in ((1, "2025-12-11"), (2, "2025-12-13")):
        books.post_cash(f"RF{number}", day, "119.00")
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("M-P", "STORE_CREDIT_OR_EXCHANGE"): "119.00", ("M-P", "DUPLICATE"): "-119.00",
            ("M-T", "DUPLICATE"): "-119.00",
            ("P-G", "STORE_CREDIT_OR_EXCHANGE"): "-119.00",
        }  # fmt: skip


def test_an_exchange_of_which_nothing_came_back_is_a_credit_without_a_return(
    reconciler: Reconciler,
) -> None:
    books = Books()
    books.line("REQ:A-1", resolution="exchange")
    books.memo("CM1", "2025-12-11", PARTS, line="REQ:A-1")
    books.post_memo("CM1", "2025-12-11", PARTS)
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("E-M", "MISSING_LEG"): "-119.00", ("M-P", "MISSING_LEG"): "119.00",
            ("M-T", "MISSING_LEG"): "119.00",
        }  # fmt: skip


def test_a_component_that_the_cash_left_out_is_found_beside_the_store_credit(
    reconciler: Reconciler,
) -> None:
    books = Books()
    parts = {"merchandise": "2398.37", "tax": "47.96"}
    books.line("REQ:A-1", net="2398.37", tax="47.96")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-10", parts, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-10", "2133.34", "REQ:A-1")
    books.refund("RF1", "2025-12-10", "265.03", "REQ:A-1", "store_credit", 2)
    books.settle("ST1", "2025-12-11", "2133.34", "RF1")
    books.post_memo("CM1", "2025-12-10", parts)
    books.post_cash("RF1", "2025-12-11", "2398.37")
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("M-P", "STORE_CREDIT_OR_EXCHANGE"): "265.03", ("M-P", "TAX"): "47.96",
            ("M-T", "TAX"): "47.96", ("P-G", "STORE_CREDIT_OR_EXCHANGE"): "-265.03",
        }  # fmt: skip


def test_components_that_cash_or_posting_left_out_are_tried_together(reconciler: Reconciler) -> None:
    books = Books()
    parts = {"merchandise": "100.00", "tax": "19.00", "shipping": "4.95", "restocking_fee": "-15.00"}
    books.line("REQ:A-1")
    books.accept("REQ:A-1", "2025-12-10", fee_pct=15)
    books.memo("CM1", "2025-12-10", parts, line="REQ:A-1", refund="RF1")
    # 100.00 and 4.95 less nothing: tax and the fee are left out, 19.00 - 15.00 = 4.00.
    books.refund("RF1", "2025-12-10", "104.95", "REQ:A-1")
    books.settle("ST1", "2025-12-11", "104.95", "RF1")
    books.post_memo("CM1", "2025-12-10", parts)
    # The ledger has it without the shipping.
    books.post_cash("RF1", "2025-12-11", "100.00")
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("E-M", "SHIPPING"): "-4.95",
            ("M-P", "TAX"): "19.00", ("M-P", "RESTOCKING_FEE"): "-15.00",
            ("M-T", "TAX"): "19.00", ("M-T", "RESTOCKING_FEE"): "-15.00",
            ("P-G", "SHIPPING"): "4.95",
        }  # fmt: skip


@pytest.mark.parametrize(("paid", "rest"), [("1000.00", "97633.00"), ("98733.00", "-100.00")])
def test_cash_of_another_amount_than_issued_is_named(reconciler: Reconciler, paid: str, rest: str) -> None:
    books = Books()
    parts = {"merchandise": "82884.03", "tax": "15748.97"}
    books.line("REQ:A-1", net="82884.03", tax="15748.97")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-10", parts, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-10", "98633.00", "REQ:A-1")
    books.settle("ST1", "2025-12-11", paid, "RF1")
    books.post_memo("CM1", "2025-12-10", parts)
    books.post_cash("RF1", "2025-12-11", "98633.00")
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("M-P", "PAYMENT_AMOUNT"): rest, ("P-G", "PAYMENT_AMOUNT"): str(-Decimal(rest)),
        }  # fmt: skip


def test_a_missing_leg_is_named_on_each_gap_and_what_nobody_knows_is_counted_once(
    reconciler: Reconciler,
) -> None:
    books = Books()
    books.whole("REQ:A-1", "2025-12-10")
    for fact in ("core.fct_gl_line",):
        books.rows[fact].clear()
    # Off by 3.33, which nothing explains, in the cash and in its posting alike.
    books.whole("REQ:B-1", "2025-12-10", order="2")
    tender = books.rows["core.fct_refund_tender"][1]
    tender["amount"] = Decimal("115.67")
    books.rows["core.fct_settlement"][1]["gross_amount"] = Decimal("-115.67")
    for row in books.rows["core.fct_gl_line"]:
        if row["document_type"] == "refund":
            row["amount"] = Decimal("115.67") * (1 if Decimal(row["amount"]) > 0 else -1)
    with reconciled(reconciler, books) as found:
        assert found.classes("REQ:A-1") == {
            ("P-G", "MISSING_LEG"): "119.00", ("M-G", "MISSING_LEG"): "119.00",
        }  # fmt: skip
        assert found.groups["REQ:A-1"]["chain_unexplained_amount"] == 0
        assert found.classes("REQ:B-1") == {("M-P", "UNEXPLAINED"): "3.33", ("M-T", "UNEXPLAINED"): "3.33"}
        # The side gap says the same of the same cents.
        assert found.groups["REQ:B-1"]["chain_unexplained_amount"] == Decimal("3.33")


def test_a_company_without_a_ledger_misses_no_posting(without_ledger: Reconciler) -> None:
    books = Books()
    books.line("REQ:A-1")
    books.accept("REQ:A-1", "2025-12-10")
    books.memo("CM1", "2025-12-10", PARTS, line="REQ:A-1", refund="RF1")
    books.refund("RF1", "2025-12-10", "119.00", "REQ:A-1")
    books.settle("ST1", "2025-12-11", "119.00", "RF1")
    books.line("REQ:B-1", order="2")
    books.accept("REQ:B-1", "2025-12-10")
    with reconciled(without_ledger, books) as found:
        group = found.groups["REQ:A-1"]
        assert (group["pattern"], group["pattern_name"]) == ("111-", "complete")
        assert (group["posted_amount"], group["ledger_gap"], group["memo_ledger_gap"]) == (None, None, None)
        assert (group["legs_not_carried"], group["is_reconciled"]) == ("G, GM", True)
        assert (group["paid_amount"], group["cash_gap"]) == (Decimal("119.00"), Decimal("0.00"))
        # What the other legs lack is told as ever.
        other = found.groups["REQ:B-1"]
        assert (other["pattern"], other["pattern_name"]) == ("100-", "without memo, cash")
        assert found.classes("REQ:B-1") == {("E-M", "MISSING_LEG"): "119.00"}
        # For a day the memo waited for its payment.
        assert {row["gap"] for row in found.rollforward} == {"E-M", "M-P"}
        assert {row["gap"] for row in found.proof if row["line"] == "check"} == {"E-M", "M-P", "M-T"}


def _unposted(books: Books, number: int, on: str, batch: str = "PO1", amount: str = "119.00") -> str:
    """A return that is right in every leg, but that no journal names its payment."""
    key, order = f"REQ:{number}-1", str(number)
    books.line(key, order=order)
    books.accept(key, "2025-12-10")
    books.memo(f"CM{number}", "2025-12-10", PARTS, line=key, refund=f"RF{number}", order=order)
    books.post_memo(f"CM{number}", "2025-12-10", PARTS, order=order)
    books.refund(f"RF{number}", "2025-12-10", amount, key, order=order)
    books.settle(f"ST{number}", on, amount, f"RF{number}", order=order, batch=batch)
    return key


def _sum(books: Books, on: str, amount: str, names: str | None = None, **others: str) -> str:
    """One journal for many refunds; returns its line on the liability."""
    clearing = -Decimal(amount) - sum(map(Decimal, others.values()))
    amounts = {LIABILITY: amount, **others, CLEARING: str(clearing)}
    return books.post(on, amounts, names, "unknown" if names else "none", order="none") + "-1"


def test_a_journal_of_a_payout_posts_each_of_its_refunds(reconciler: Reconciler) -> None:
    books = Books()
    keys = [_unposted(books, 1, "2025-12-11"), _unposted(books, 2, "2025-12-12")]
    _unposted(books, 3, "2025-12-12", batch="PO2")
    line = _sum(books, "2025-12-14", "238.00", "PO1")
    with reconciled(reconciler, books) as found:
        for key, number in zip(keys, (1, 2), strict=True):
            assert found.classes(key) == {}
            group = found.groups[key]
            assert (group["pattern"], group["posted_amount"]) == ("1111", Decimal("119.00"))
            assert (group["weakest_match_rule"], group["match_confidence"]) == ("batch_sum", Decimal("0.90"))
            share = found.documents["journal_share", f"{line}/ST{number}"]
            assert (share["match_rule"], share["matched_to"]) == ("batch_sum", f"SET:ST{number}")
        assert found.classes("REQ:3-1") == {("P-G", "MISSING_LEG"): "119.00"}
        assert len(found.groups) == 3


def test_a_payout_goes_by_its_own_number_too_and_nets_its_failures(reconciler: Reconciler) -> None:
    books = Books()
    key = _unposted(books, 1, "2025-12-11")
    other = _unposted(books, 2, "2025-12-11")
    books.settle("ST2F", "2025-12-12", "-119.00", "RF2", kind="refund_failure", order="2", batch="PO1")
    books.settle("po_77", "2025-12-13", "119.00", kind="payout", order="po", batch="PO1")
    books.post("2025-12-14", {LIABILITY: "119.00", CLEARING: "-119.00"}, "po_77", "settlement", order="po")
    with reconciled(reconciler, books) as found:
        assert found.classes(key) == {} and found.groups[key]["pattern"] == "1111"
        assert found.classes(other) == {("M-P", "FAILED_REFUND"): "119.00"}
        assert found.groups[other]["posted_amount"] == 0


def test_journals_of_a_day_post_its_refunds_and_its_memos(reconciler: Reconciler) -> None:
    books = Books()
    for number, batch in ((1, "PO1"), (2, "PO2")):
        key, order = f"REQ:{number}-1", str(number)
        books.line(key, order=order)
        books.accept(key, "2025-12-10")
        books.memo(f"CM{number}", "2025-12-10", PARTS, line=key, refund=f"RF{number}", order=order)
        books.refund(f"RF{number}", "2025-12-10", "119.00", key, order=order)
        books.settle(f"ST{number}", "2025-12-11", "119.00", f"RF{number}", order=order, batch=batch)
    books.post_memo("", "2025-12-10", {"merchandise": "200.00", "tax": "38.00"}, order="none")
    books.rows["core.fct_gl_line"] = [
        row | {"document_ref": None, "document_type": "none"} for row in books.rows["core.fct_gl_line"]
    ]
    line = _sum(books, "2025-12-11", "238.00")
    with reconciled(reconciler, books) as found:
        assert found.exceptions == {}
        assert {group["posted_memo_amount"] for group in found.groups.values()} == {Decimal("119.00")}
        assert found.documents["journal_share", f"{line}/ST1"]["match_rule"] == "day_sum"
        assert found.documents["journal_share", f"{line}/ST1"]["confidence"] == Decimal("0.80")


def test_a_sum_that_is_off_by_a_cent_is_no_match_and_says_so(reconciler: Reconciler) -> None:
    books = Books()
    key = _unposted(books, 1, "2025-12-11")
    _unposted(books, 2, "2025-12-12", batch="PO2")
    _unposted(books, 3, "2025-12-12", batch="PO2")
    _sum(books, "2025-12-12", "119.01", "PO1")
    _sum(books, "2025-12-12", "237.99")
    with reconciled(reconciler, books) as found:
        assert found.classes(key) == {("P-G", "MISSING_LEG"): "119.00"}
        assert found.classes("DOC:PO1") == {("P-G", "MISSING_LEG"): "-119.01"}
        assert found.groups["DOC:PO1"]["open_between"] == "journal_line J4-1: batch PO1, off by 0.01"
        assert found.groups["JRN:J5"]["open_between"] == "journal_line J5-1: day 2025-12-12, off by -0.01"


def test_a_sum_of_two_sets_stays_between_them(reconciler: Reconciler) -> None:
    books = Books()
    keys = [_unposted(books, n, "2025-12-10") for n in (1, 2)]
    keys += [_unposted(books, n, "2025-12-11", batch="PO2") for n in (3, 4)]
    _sum(books, "2025-12-13", "238.00")
    with reconciled(reconciler, books) as found:
        for key in keys:
            assert found.classes(key) == {("P-G", "MISSING_LEG"): "119.00"}
        assert found.groups["JRN:J5"]["open_between"] == "journal_line J5-1: batch PO1; batch PO2"


def test_a_journal_of_the_amount_of_one_refund_is_no_sum(reconciler: Reconciler) -> None:
    """Charges of one price are many: that the amount is the same says nothing."""
    books = Books()
    key = _unposted(books, 1, "2025-12-11")
    _sum(books, "2025-12-11", "119.00")
    with reconciled(reconciler, books) as found:
        assert found.classes(key) == {("P-G", "MISSING_LEG"): "119.00"}
        assert found.classes("JRN:J2") == {("P-G", "MISSING_LEG"): "-119.00"}


def test_a_sum_that_is_posted_twice_is_matched_to_neither(reconciler: Reconciler) -> None:
    books = Books()
    key = _unposted(books, 1, "2025-12-11")
    for _ in range(2):
        _sum(books, "2025-12-14", "119.00", "PO1")
    with reconciled(reconciler, books) as found:
        assert found.classes(key) == {("P-G", "MISSING_LEG"): "119.00"}
        assert (
            found.groups["DOC:PO1"]["open_between"]
            == "journal_line J2-1: batch PO1; journal_line J3-1: batch PO1"
        )


def test_fees_beside_the_refunds_of_a_journal_disturb_only_in_the_same_line(reconciler: Reconciler) -> None:
    apart, mixed = Books(), Books()
    for books in (apart, mixed):
        _unposted(books, 1, "2025-12-11")
        _unposted(books, 2, "2025-12-11")
    _sum(apart, "2025-12-14", "238.00", "PO1", **{"625000": "3.00"})
    _sum(mixed, "2025-12-14", "241.00", "PO1")
    with reconciled(reconciler, apart) as found:
        assert found.exceptions == {}
    with reconciled(reconciler, mixed) as found:
        assert found.classes("REQ:1-1") == {("P-G", "MISSING_LEG"): "119.00"}
        assert found.groups["DOC:PO1"]["open_between"] == "journal_line J3-1: batch PO1, off by 3.00"


def test_a_refund_that_a_journal_names_is_not_in_the_sum_of_another(reconciler: Reconciler) -> None:
    books = Books()
    named = _unposted(books, 1, "2025-12-11")
    books.post_cash("RF1", "2025-12-12", "119.00")
    summed = _unposted(books, 2, "2025-12-11")
    _sum(books, "2025-12-14", "119.00", "PO1")
    with reconciled(reconciler, books) as found:
        assert found.classes(named) == {} and found.classes(summed) == {}
        assert found.groups[named]["match_confidence"] == Decimal("0.95")


def test_a_sum_matches_once_both_the_journal_and_its_last_refund_are_there(reconciler: Reconciler) -> None:
    books = Books()
    first = _unposted(books, 1, "2025-12-11")
    with reconciled(reconciler, books) as found:
        assert found.classes(first) == {("P-G", "MISSING_LEG"): "119.00"}
    _sum(books, "2025-12-12", "238.00", "PO1")
    with reconciled(reconciler, books) as found:
        assert found.classes(first) == {("P-G", "MISSING_LEG"): "119.00"}
        assert found.groups["DOC:PO1"]["open_between"] == "journal_line J2-1: batch PO1, off by 119.00"
    second = _unposted(books, 2, "2025-12-12")
    with reconciled(reconciler, books) as found:
        assert found.classes(first) == {} and found.classes(second) == {}
        assert "DOC:PO1" not in found.groups


def test_the_refunds_of_a_month_are_bridged_from_one_figure_to_the_next(reconciler: Reconciler) -> None:
    books = Books()
    books.whole("REQ:A-1", "2025-12-10", order="1")
    # Credited and issued in December, paid and posted in January; the processor took 3.87 for it.
    books.line("REQ:B-1", order="2")
    books.accept("REQ:B-1", "2025-12-30")
    books.memo("CM2", "2025-12-30", PARTS, line="REQ:B-1", refund="RF2", order="2")
    books.refund("RF2", "2025-12-30", "119.00", "REQ:B-1", order="2")
    books.settle("ST2", "2026-01-02", "119.00", "RF2", fee="3.87", order="2")
    books.post_memo("CM2", "2025-12-30", PARTS, order="2")
    books.post_cash("RF2", "2026-01-02", "119.00", order="2")
    # Store credit of December, posted and never cash.
    books.line("REQ:C-1", order="3", resolution="store_credit")
    books.accept("REQ:C-1", "2025-12-12")
    books.memo("CM3", "2025-12-12", PARTS, line="REQ:C-1", refund="RF3", order="3")
    books.refund("RF3", "2025-12-12", "119.00", "REQ:C-1", "store_credit", order="3")
    books.post_memo("CM3", "2025-12-12", PARTS, order="3")
    books.post_cash("RF3", "2025-12-12", "119.00", order="3")
    # The bank took 150.00 back for the first order, in January.
    books.settle("CB1", "2026-01-05", "150.00", "RF REQ:A-1", kind="chargeback")
    books.post_cash("CB1", "2026-01-05", "150.00", kind="settlement")
    with reconciled(reconciler, books) as found:
        rows = [(r["period"], r["line"], r["name"], r["kind"], str(r["amount"])) for r in found.bridge]
    assert rows == [
        ("2025-12", "figure", "credited", "figure", "357.00"),
        ("2025-12", "figure", "issued", "figure", "357.00"),
        ("2025-12", "line", "store_credit_or_exchange", "scope", "-119.00"),
        ("2025-12", "line", "cutoff", "timing", "-119.00"),
        ("2025-12", "figure", "paid", "figure", "119.00"),
        ("2025-12", "line", "store_credit_or_exchange", "scope", "119.00"),
        ("2025-12", "figure", "posted", "figure", "238.00"),
        ("2025-12", "figure", "paid", "figure", "119.00"),
        ("2025-12", "figure", "refunds_paid", "figure", "119.00"),
        ("2025-12", "figure", "refunds_paid_with_fees", "figure", "119.00"),
        ("2026-01", "figure", "credited", "figure", "0.00"),
        ("2026-01", "figure", "issued", "figure", "0.00"),
        ("2026-01", "line", "duplicate", "difference", "150.00"),
        ("2026-01", "line", "cutoff", "timing", "119.00"),
        ("2026-01", "figure", "paid", "figure", "269.00"),
        ("2026-01", "figure", "posted", "figure", "269.00"),
        ("2026-01", "figure", "paid", "figure", "269.00"),
        ("2026-01", "line", "chargebacks", "scope", "-150.00"),
        ("2026-01", "figure", "refunds_paid", "figure", "119.00"),
        ("2026-01", "line", "fees", "fee", "3.87"),
        ("2026-01", "figure", "refunds_paid_with_fees", "figure", "122.87"),
    ]


def _store_credit(books: Books, number: int, on: str) -> Books:
    """A return of 119.00 that was credited and given as store credit; nothing of the credit is posted."""
    key, order = f"REQ:{number}-1", str(number)
    books.line(key, order=order, resolution="store_credit")
    books.accept(key, on)
    books.memo(f"CM{number}", on, PARTS, line=key, refund=f"RF{number}", order=order)
    books.refund(f"RF{number}", on, "119.00", key, "store_credit", order=order)
    books.post_memo(f"CM{number}", on, PARTS, order=order)
    return books


CREDIT = ("M-P", "STORE_CREDIT_OR_EXCHANGE")


@pytest.mark.parametrize(("on", "status"), [("2026-01-24", "waiting"), ("2025-12-10", "open")])
def test_store_credit_is_owed_until_it_is_on_its_liability(
    reconciler: Reconciler, on: str, status: str
) -> None:
    with reconciled(reconciler, _store_credit(Books(), 1, on)) as found:
        item = found.items["REQ:1-1", *CREDIT]
        assert (item["amount"], item["status"], item["owner"]) == (119, status, "general ledger")
        assert item["next_action"] == "post the store credit to its liability account"
        assert (found.credits["RF1"]["status"], found.credits["RF1"]["posted_amount"]) == ("issued", 0)
        assert found.groups["REQ:1-1"]["open_since"] == dt.date.fromisoformat(on)


def test_store_credit_on_its_liability_is_no_open_item_and_clears_when_it_is_spent(
    reconciler: Reconciler,
) -> None:
    books = _store_credit(Books(), 1, "2025-12-10")
    books.post_credit("RF1", "2025-12-11", "119.00")
    with reconciled(reconciler, books) as found:
        assert found.items["REQ:1-1", *CREDIT]["status"] == "explained"
        assert found.groups["REQ:1-1"]["open_since"] is None
        assert found.credits["RF1"]["status"] == "on its liability"
    books.spend("RF1", "2025-12-20", "100.00")
    with reconciled(reconciler, books) as found:
        credit = found.credits["RF1"]
        assert (credit["status"], credit["posted_amount"], credit["spent_amount"]) == (
            "on its liability", 119, 100,
        )  # fmt: skip
    books.spend("RF1", "2026-01-05", "19.00")
    with reconciled(reconciler, books) as found:
        assert (found.credits["RF1"]["status"], found.credits["RF1"]["spent_amount"]) == ("spent", 119)


def test_store_credit_that_went_to_another_account_is_still_owed(reconciler: Reconciler) -> None:
    books = _store_credit(Books(), 1, "2025-12-10")
    books.post_cash("RF1", "2025-12-11", "119.00")
    with reconciled(reconciler, books) as found:
        assert found.items["REQ:1-1", *CREDIT]["status"] == "open"


def test_a_journal_of_the_day_in_sum_posts_its_store_credits(reconciler: Reconciler) -> None:
    books = Books()
    for number in (1, 2):
        _store_credit(books, number, "2025-12-10")
    books.post_credit(None, "2025-12-10", "238.00")
    with reconciler.run(books) as found:
        assert {row["status"] for row in found.credits.values()} == {"on its liability"}
    books.post_credit(None, "2025-12-10", "0.01")
    with reconciler.run(books) as found:
        assert {row["status"] for row in found.credits.values()} == {"issued"}
