"""Refund reconciliation of a company with every defect, through the real loader and build, against the truth.

The truth is computed from what the company did, never from the files or the warehouse: each class, its
cents, its period, the legs, the pattern; and the roll-forward from the truth of single days.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revlog.database.connections import connect
from revlog.night import stages
from simulator.company import CURRENCIES, DAY, Company, epoch, make_items, make_rates
from simulator.groups import group_keys, is_there
from simulator.habits import DENSE
from simulator.orders import blocks
from simulator.reconcile import CLASSES, Reconciliation
from simulator.run import make_world, simulate
from simulator.truth.known import KnownReturns
from simulator.world import World
from tests.nights import build_night

HISTORY = dt.date(2026, 1, 31)
DATES = [HISTORY + dt.timedelta(days=night) for night in range(3)]
LEGS = ("entitled", "credited", "paid", "posted", "issued", "posted_memo")
LEAST = 30
# What nobody knows is only a posting of another amount than was paid.
LEAST_UNEXPLAINED = 10
# Tables whose rows must be the same after nights and after a rebuild.
TABLES = (
    "core.bridge_refund_document", "core.dim_refund_group", "core.fct_gl_line",
    "core.fct_refund_entitlement", "build.refund_documents", "build.refund_states", "build.refund_flows",
    "build.refund_groups", "build.refund_reconciliation", "build.refund_exceptions",
    "build.reconciliation_rollforward", "build.refund_gap_periods", "build.refund_proof_lines",
    "build.refund_group_rates", "build.store_credits", "build.store_credit_rollforward",
)  # fmt: skip
Key = tuple[str, ...]
Amounts = dict[tuple[str, str, str], Decimal]

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Night:
    """What the truth says of a night, and what was built."""

    truth: Path
    tables: dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Run:
    """All nights of a company, and the company itself."""

    company: Company
    nights: dict[dt.date, Night]


QUERIES = {
    "classes": "select group_key, gap, class, amount, currency, period"
    " from build.refund_exceptions where status <> 'cleared'",
    "legs": f"select group_key, {', '.join(f'{leg}_amount' for leg in LEGS)}, currency, pattern"
    " from build.refund_reconciliation",
    "periods": "select group_key, gap, class, period, amount, currency from build.refund_gap_periods",
    "rollforward": "select day, gap, class, currency, opening_amount, new_amount, cleared_amount,"
    " reclassified_amount, closing_amount from build.reconciliation_rollforward",
    "rules": "select match_rule, count(*) from core.bridge_refund_document group by match_rule",
}


@pytest.fixture(scope="module")
def run(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A history and two nights of a dirty company with every plan of defects at least six times."""
    truth = tmp_path_factory.mktemp("truth")
    company = Company(
        out=database, truth=truth, order_lines=10_000, seed=5, start=dt.date(2025, 8, 1),
        history_end=HISTORY, nights=2, night_order_lines=60, dirt=1.0, defects=6, habits=DENSE,
    )  # fmt: skip
    simulate(company)
    nights = {}
    for date in DATES:
        for source in ("erp", "wms", "crm"):
            for feed in stages.feeds(source):
                stages.ingest(feed, date.isoformat())
        build_night(date)
        nights[date] = Night(truth / date.isoformat(), _tables())
    return Run(company, nights)


def _tables() -> dict[str, list[tuple[Any, ...]]]:
    with connect("auditor") as connection:
        return {name: connection.execute(query).fetchall() for name, query in QUERIES.items()}


def _truth(night: Night, name: str) -> list[dict[str, str]]:
    frame = pd.read_csv(night.truth / f"{name}.csv", dtype=str, keep_default_na=False)
    return frame.to_dict("records")


def _cells(rows: list[tuple[Any, ...]], key: int) -> dict[Key, Key]:
    return {tuple(map(str, row[:key])): tuple(map(str, row[key:])) for row in rows}


def _assert_same(found: dict[Key, Key], true: dict[Key, Key]) -> None:
    missing = {k: true[k] for k in true.keys() - found.keys()}
    invented = {k: found[k] for k in found.keys() - true.keys()}
    wrong = {k: (found[k], true[k]) for k in true.keys() & found.keys() if found[k] != true[k]}
    assert not (missing or invented or wrong), (
        f"{len(missing)} missing, {len(invented)} invented, {len(wrong)} wrong of {len(true)};"
        f"\nmissing {sorted(missing.items())[:5]}\ninvented {sorted(invented.items())[:5]}"
        f"\nwrong (found, true) {sorted(wrong.items())[:5]}"
    )


EVERY_NIGHT = pytest.mark.parametrize("date", DATES, ids=["history", "first night", "second night"])


@EVERY_NIGHT
def test_every_class_and_cent_of_every_group_equals_the_truth(run: Run, date: dt.date) -> None:
    night = run.nights[date]
    names = ("group_key", "gap", "class", "amount", "currency", "period")
    true = [tuple(row[name] for name in names) for row in _truth(night, "reconciliation") if row["class"]]
    assert len(true) > 1000
    _assert_same(_cells(night.tables["classes"], 3), _cells(true, 3))


@EVERY_NIGHT
def test_every_leg_and_pattern_equals_the_truth(run: Run, date: dt.date) -> None:
    night = run.nights[date]
    names = ("group_key", "e", "m", "p", "g", "t", "gm", "currency", "pattern")
    true = {tuple(row[name] for name in names) for row in _truth(night, "reconciliation")}
    _assert_same(_cells(night.tables["legs"], 1), _cells(list(true), 1))


@EVERY_NIGHT
def test_every_cent_stands_in_the_right_period(run: Run, date: dt.date) -> None:
    night = run.nights[date]
    names = ("group_key", "gap", "class", "period", "amount", "currency")
    true = [tuple(row[name] for name in names) for row in _truth(night, "reconciliation_periods")]
    assert len({row[3] for row in true}) >= 6
    _assert_same(_cells(night.tables["periods"], 4), _cells(true, 4))


def test_the_company_has_every_class_thirty_times_and_every_pattern(run: Run) -> None:
    groups: dict[str, set[str]] = defaultdict(set)
    classes: dict[str, set[str]] = defaultdict(set)
    for row in _truth(run.nights[HISTORY], "reconciliation"):
        groups[row["class"]].add(row["group_key"])
        classes[row["group_key"]].add(row["class"])
    # The simulated company issues what is credited, pays what was issued and adjusts nothing; hand cases
    # have other amounts.
    names = set(CLASSES) - {"PAYMENT_AMOUNT", "OVERPAYMENT", "ISSUED_AMOUNT", "ADJUSTMENT", "UNEXPLAINED"}
    assert {name: len(groups[name]) for name in names if len(groups[name]) < LEAST} == {}
    assert len(groups["UNEXPLAINED"]) >= LEAST_UNEXPLAINED
    assert sum(len(found) >= 2 for found in classes.values()) > 100
    assert any(len(found) >= 3 for found in classes.values())
    patterns = {row["pattern"] for row in _truth(run.nights[HISTORY], "reconciliation")}
    assert patterns == {f"{number:04b}" for number in range(16)}


def test_documents_are_joined_by_every_rule(run: Run) -> None:
    rules = dict(run.nights[DATES[-1]].tables["rules"])
    assert set(rules) == {
        "refund_id", "idempotency_key", "memo_no", "settlement_id", "rma_line", "order_line",
        "order_amount", "none",
    }  # fmt: skip
    assert rules["none"] < 0.1 * sum(rules.values())


# -- the roll-forward ------------------------------------------------------------------------------


class KnownOn(KnownReturns):
    """What is known of one block at the end of any day."""

    def __init__(self, world: World, date: dt.date) -> None:
        self.date = date
        super().__init__(world, 0)

    @property
    def end(self) -> int:
        """First second after the day."""
        return epoch(self.date) + DAY


def _worlds(company: Company) -> list[World]:
    items, rates = make_items(company), make_rates(company)
    return [make_world(company, items, rates, block) for block in blocks(company)]


def _states(worlds: list[World], date: dt.date) -> dict[tuple[str, str, str], Amounts]:
    """Cents at the end of a day by group, gap and currency, and in there by class."""
    until = epoch(DATES[-1]) + DAY
    found: dict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(dict)
    for world in worlds:
        truth = Reconciliation(KnownOn(world, date), joined_until=until)
        keys, there = group_keys(truth), is_there(truth)
        for (gap, name), cents in truth.found.items():
            for group in ((cents != 0) & there).nonzero()[0]:
                currency = CURRENCIES[truth.books.currency[group]]
                found[keys[group], gap, currency][name] = Decimal(int(cents[group])) / 100
    return found


def _flows(
    before: dict[str, Decimal], after: dict[str, Decimal]
) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """New, cleared and reclassified cents by class of one group's gap between two days.

    Away from zero is new, towards zero is cleared, owed and overpaid each by themselves; what opens in one
    class as another closes is reclassified, in the order of the classes.
    """
    found: dict[str, list[Decimal]] = {name: [Decimal(0)] * 3 for name in before.keys() | after.keys()}
    for sign in (1, -1):
        sides = [
            {name: max(amounts.get(name, Decimal(0)) * sign, Decimal(0)) for name in found}
            for amounts in (before, after)
        ]
        opened = {name: max(sides[1][name] - sides[0][name], Decimal(0)) for name in found}
        closed = {name: max(sides[0][name] - sides[1][name], Decimal(0)) for name in found}
        moved = min(sum(opened.values()), sum(closed.values()))
        for index, parts in ((0, opened), (1, closed)):
            left = moved
            for name in sorted(parts, key=CLASSES.index):
                shifted = min(parts[name], left)
                left -= shifted
                found[name][index] += sign * (parts[name] - shifted)
                found[name][2] += sign * shifted * (1 if index == 0 else -1)
    for name, (new, cleared, reclassified) in found.items():
        yield name, new, cleared, reclassified


def test_the_roll_forward_of_single_days_equals_the_truth(run: Run) -> None:
    worlds = _worlds(run.company)
    rows = {
        (day, gap, name, currency): amounts
        for day, gap, name, currency, *amounts in run.nights[DATES[-1]].tables["rollforward"]
    }
    compared = 0
    for day in (DATES[-1] - dt.timedelta(days=back) for back in (0, 1, 2, 9, 30, 31, 62, 100)):
        before = _states(worlds, day - dt.timedelta(days=1))
        after = _states(worlds, day)
        true: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 5)
        for group, gap, currency in before.keys() | after.keys():
            old, new = before.get((group, gap, currency), {}), after.get((group, gap, currency), {})
            for name, *flows in _flows(old, new):
                cell = true[gap, name, currency]
                parts = (old.get(name, Decimal(0)), *flows, new.get(name, Decimal(0)))
                for index, amount in enumerate(parts):
                    cell[index] += amount
        found = {key[1:]: amounts for key, amounts in rows.items() if key[0] == day}
        shown = {key: amounts for key, amounts in true.items() if any(amounts) or key in found}
        assert found == shown, day
        compared += len(found)
    assert compared > 100


# -- nights and a rebuild --------------------------------------------------------------------------


def _prints() -> dict[str, tuple[int, str]]:
    """Rows and content hash of every table of the reconciliation."""
    found = {}
    with connect("auditor") as connection:
        for table in TABLES:
            row = connection.execute(
                "select count(*), md5(string_agg(content, '|' order by content))"
                f" from (select md5(t::text) as content from {table} as t) as rows"
            ).fetchone()
            assert row is not None
            found[table] = (row[0], row[1])
    return found


def test_nights_equal_a_rebuild_row_by_row(run: Run) -> None:
    nightly = _prints()
    build_night(DATES[-1], full_refresh=True)
    rebuilt = _prints()
    assert {t: (nightly[t], rebuilt[t]) for t in TABLES if nightly[t] != rebuilt[t]} == {}
    assert all(count > 0 for count, _ in rebuilt.values())


def test_a_night_without_news_computes_only_groups_that_time_has_changed(run: Run) -> None:
    before = _prints()
    build_night(DATES[-1])
    assert _prints() == before
    with connect("auditor") as connection:
        touched = connection.execute("select count(*) from intermediate.int_touched_refund_units").fetchone()
        groups = connection.execute("select count(*) from core.dim_refund_group").fetchone()
    assert touched is not None and groups is not None and touched[0] < 0.1 * groups[0]


def test_goods_sent_in_exchange_lead_to_their_order(run: Run) -> None:
    with connect("auditor") as connection:
        found = connection.execute(
            "select d.amount, s.replaces_rma_no, r.rma_no from build.refund_documents as d"
            " inner join core.fct_rma_line as r on r.return_line_key = d.return_line_key"
            " left join raw.erp_sales_lines as s on s._file_id = d.file_id and s._line_no = d.line_no"
            " where d.document_key like '%/SENT:%'"
        ).fetchall()
    assert [row for row in found if row[1] != row[2]] == []
    assert len(found) > 5
