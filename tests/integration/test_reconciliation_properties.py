"""Whatever the documents are, the reconciliation re-adds: through the real SQL, over arbitrary books.

A run that fails prints the books and a line that makes it again; the examples are the same in every run.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from revlog.contracts.contract import feeds
from revlog.ingestion.load import load_feed
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.integration.any_books import SETTLED, books
from tests.integration.refund_books import LIABILITY, Books, Found, Reconciler
from tests.nights import build_night

DAY = dt.date(2026, 1, 31)
GROUPS, EXAMPLES = 10, 40
GAPS = {"E-M": ("E", "M"), "M-P": ("M", "P"), "P-G": ("P", "G"), "M-T": ("M", "T"), "M-G": ("M", "GM")}
COLUMNS = {
    "E": "entitled", "M": "credited", "P": "paid", "G": "posted", "T": "issued", "GM": "posted_memo",
}  # fmt: skip
Sums = dict[Any, Decimal]


@pytest.fixture(scope="module")
def reconciler(rendered_by_dbt: None, database: Path, tmp_path_factory: pytest.TempPathFactory) -> Reconciler:
    """The models as a full build of a small company compiles them."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=200, seed=2,
            start=dt.date(2025, 10, 1), history_end=DAY, nights=0, dirt=0.0, defects=0, habits=DENSE,
        )
    )  # fmt: skip
    for feed in feeds():
        load_feed(feed, DAY, lambda line: None)
    build_night(DAY)
    return Reconciler()


@settings(
    max_examples=EXAMPLES, derandomize=True, database=None, print_blob=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(any_books=books(GROUPS))
def test_whatever_the_documents_are_it_re_adds(reconciler: Reconciler, any_books: Books) -> None:
    with reconciler.run(any_books) as found:
        _no_document_is_lost_or_doubled(any_books, found)
        _legs_are_their_documents(found)
        _classes_re_add_to_each_gap(found)
        _the_chain_telescopes(found)
        _periods_re_add(found)
        _the_roll_forward_rolls_to_what_is_open(found)
        _the_proof_starts_from_the_sources_and_leaves_nothing(any_books, found)


def _no_document_is_lost_or_doubled(any_books: Books, found: Found) -> None:
    # What a journal line posts in sum stands by document; its shares re-add to the line.
    lines: Sums = defaultdict(Decimal)
    for row in found.legs:
        if row["leg"] in ("G", "GM") and "/" in row["document_key"]:
            lines[row["document_key"].split("/")[0]] += row["amount"] * (1 if row["leg"] == "G" else -1)
    whole = [row["document_key"] for row in found.legs if row["document_key"].split("/")[0] not in lines]
    inputs = _inputs(any_books)
    assert Counter([*whole, *lines]) == Counter(list(inputs))
    assert lines == {key: inputs[key]["amount"] for key in lines}
    assert all(row["group_key"] for row in found.legs)


def _inputs(any_books: Books) -> dict[str, dict[str, Any]]:
    """Every row that a leg is made of, by the key that it must have: leg, currency, amount, day."""
    rows = any_books.rows
    found: dict[str, dict[str, Any]] = {}
    for row in rows["core.fct_refund_entitlement"]:
        key = f"E:{row['return_line_key']}/{row['acceptance']}"
        found[key] = _input("E", row, row["entitled_amount"], row["accepted_on"])
    for row in rows["core.fct_credit_memo_component"]:
        found[f"M:{row['memo_component_key']}"] = _input("M", row, row["amount"], row["posted_on"])
    for row in rows["core.fct_refund_tender"]:
        if row["status"] not in ("failed", "canceled"):
            found[f"T:{row['refund_tender_key']}"] = _input("T", row, row["amount"], row["created_on"])
    for row in rows["core.fct_settlement"]:
        if row["status"] == "succeeded" and row["type"] in SETTLED:
            found[f"P:{row['settlement_id']}"] = _input("P", row, -row["gross_amount"], row["booked_on"])
    for row in rows["core.fct_gl_line"]:
        if row["account"] == LIABILITY:
            entry = _input("ledger", row, row["amount"], row["posted_on"])
            found[f"G:{row['gl_line_key']}"] = entry | {"period": row["fiscal_period"]}
    return found


def _input(leg: str, row: dict[str, Any], amount: Any, on: str) -> dict[str, Any]:
    return {"leg": leg, "currency": row["currency"], "amount": Decimal(amount), "on": on, "period": on[:7]}


def _legs_are_their_documents(found: Found) -> None:
    by_group: Sums = defaultdict(Decimal)
    for row in _so_far(found):
        by_group[row["group_key"], row["leg"]] += row["group_amount"]
    for key, group in found.groups.items():
        for leg, name in COLUMNS.items():
            assert group[f"{name}_amount"] == by_group[key, leg], (key, leg)
    # A group that is not there has no cents of E, M, P or G left.
    gone = {key: amount for key, amount in by_group.items() if key[0] not in found.groups}
    assert {key for key, amount in gone.items() if amount and key[1] == "E"} == set()
    assert {key for key in gone if key[1] in ("M", "G", "GM")} <= {
        key for key, amount in gone.items() if not amount
    }


def _so_far(found: Found) -> list[dict[str, Any]]:
    """Documents up to the business date."""
    return [row for row in found.legs if row["effective_on"] <= DAY]


def _gap(group: dict[str, Any], gap: str) -> Decimal:
    left, right = (group[f"{COLUMNS[leg]}_amount"] for leg in GAPS[gap])
    return Decimal(left - right)


def _classes_re_add_to_each_gap(found: Found) -> None:
    classes: Sums = defaultdict(Decimal)
    for (key, gap, _), amount in found.exceptions.items():
        classes[key, gap] += amount
    for key, group in found.groups.items():
        for gap in GAPS:
            assert classes.pop((key, gap), Decimal(0)) == _gap(group, gap), (key, gap)
    assert classes == {}


def _the_chain_telescopes(found: Found) -> None:
    chain: Sums = defaultdict(Decimal)
    for (key, gap, _), amount in found.exceptions.items():
        if gap in ("E-M", "M-P", "P-G"):
            chain[key] += amount
    for key, group in found.groups.items():
        assert chain[key] == group["entitled_amount"] - group["posted_amount"], key


def _periods_re_add(found: Found) -> None:
    """Classes of a period are its gap, and over all periods a class is what is open of it: what CUTOFF
    takes from one period it gives to another. The others stand in the last period of either side."""
    gaps: Sums = defaultdict(Decimal)
    last: dict[tuple[str, str], str] = defaultdict(str)
    for row in _so_far(found):
        for gap, (left, right) in GAPS.items():
            if row["leg"] in (left, right) and row["group_key"] in found.groups:
                sign = 1 if row["leg"] == left else -1
                gaps[row["group_key"], gap, row["period"]] += sign * row["group_amount"]
                last[row["group_key"], gap] = max(last[row["group_key"], gap], row["period"])
    by_period: Sums = defaultdict(Decimal)
    by_class: Sums = defaultdict(Decimal)
    for (key, gap, name, period), amount in found.periods.items():
        by_period[key, gap, period] += amount
        by_class[key, gap, name] += amount
        assert name == "CUTOFF" or period == last[key, gap], (key, gap, name)
    assert _without_0(by_period) == _without_0(gaps)
    assert _without_0(by_class) == _without_0(found.exceptions)


def _the_roll_forward_rolls_to_what_is_open(found: Found) -> None:
    closing: Sums = defaultdict(Decimal)
    for row in sorted(found.rollforward, key=lambda row: row["day"]):
        kind = row["gap"], row["class"], row["currency"]
        assert row["opening_amount"] == closing[kind], (kind, row["day"])
        moved = row["new_amount"] - row["cleared_amount"] + row["reclassified_amount"]
        closing[kind] = row["opening_amount"] + moved
        assert row["closing_amount"] == closing[kind], (kind, row["day"])
    still: Sums = defaultdict(Decimal)
    for (key, gap, name), amount in found.exceptions.items():
        still[gap, name, found.groups[key]["currency"]] += amount
    assert _without_0(closing) == _without_0(still)
    moved_within: Sums = defaultdict(Decimal)
    for row in found.rollforward:
        moved_within[row["day"], row["gap"], row["currency"]] += row["reclassified_amount"]
    assert _without_0(moved_within) == {}


def _the_proof_starts_from_the_sources_and_leaves_nothing(any_books: Books, found: Found) -> None:
    assert {row["amount"] for row in found.proof if row["line"] == "check"} <= {Decimal(0)}
    assert [row for row in found.proof if row["line"] == "missing"] == []
    shown: Sums = defaultdict(Decimal)
    for row in found.proof:
        if row["line"] == "source" and row["leg"] != "T":
            # Both faces of the ledger together: which one a line belongs to is a matter of matching.
            leg, sign = ("ledger", 1 if row["leg"] == "G" else -1) if "G" in row["leg"] else (row["leg"], 1)
            shown[leg, row["period"], row["currency"]] += sign * row["amount"]
    true: Sums = defaultdict(Decimal)
    for row in _inputs(any_books).values():
        if row["on"] <= DAY.isoformat() and row["leg"] != "T":
            true[row["leg"], row["period"], row["currency"]] += row["amount"]
    assert _without_0(shown) == _without_0(true)


def _without_0(sums: Sums) -> Sums:
    return {key: amount for key, amount in sums.items() if amount}
