"""A clean company whose money feeds are spoilt row by row: each cent ends in the class that it belongs to.

A cent changed, a row removed, doubled, moved over a month's end, in credit memos, refunds, settlements and
the ledger; each on a return of its own, with the classes worked out from what was done to it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lxml import etree

from revlog.database.connections import connect
from revlog.night import stages
from simulator.codes import LIABILITY
from simulator.company import DAY, REFUND, Company, make_items, make_rates
from simulator.groups import line_keys
from simulator.habits import DENSE
from simulator.ledger import MEMO, WIDTHS, trailer
from simulator.ledger import REFUND as REFUND_REF
from simulator.orders import blocks
from simulator.run import make_world, simulate
from simulator.truth.known import KnownReturns
from simulator.world import World
from tests.nights import build_night

END = dt.date(2026, 1, 31)
SEEDS = (1, 2)
Cell = tuple[str, str, str]
Cents = dict[Cell, Decimal]
PeriodCents = dict[tuple[str, str, str, str], Decimal]

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Victim:
    """A return that is right in every leg, all of it in one month."""

    group: str
    memo: str
    refund: str
    settlement: str
    memo_journal: str
    cash_journal: str
    total: Decimal
    tax: Decimal
    month: str

    @property
    def next_month(self) -> str:
        """The month after."""
        year, month = map(int, self.month.split("-"))
        return f"{year + month // 12}-{month % 12 + 1:02d}"


@dataclass
class Files:
    """The four money feeds of one export, read to be changed and written back with their totals."""

    landing: Path
    memos: etree._Element = field(init=False)
    settlements: list[dict[str, str]] = field(init=False)
    refunds: list[dict[str, object]] = field(init=False)
    entries: list[dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.memos = etree.parse(self._path("erp_credit_memos")).getroot()
        rows = csv.DictReader(io.StringIO(self._path("erp_payment_settlements").read_text()))
        self.settlements = [row for row in rows if row["settlement_id"] != "TRAILER"]
        self.refunds = [json.loads(line) for line in self._path("crm_refunds").read_text().splitlines()]
        lines = self._path("erp_gl_entries").read_text("latin-1").splitlines()[:-1]
        self.entries = [
            {name: line[start - 1 : start - 1 + width].strip() for name, (start, width) in WIDTHS.items()}
            for line in lines
        ]

    def _path(self, feed: str) -> Path:
        return next(p for p in (self.landing / feed.split("_")[0]).glob(f"{feed}_*") if p.suffix != ".done")

    def memo(self, number: str) -> etree._Element:
        """Element of a credit memo."""
        return next(iter(self.memos.xpath("memo[@no=$no]", no=number)))

    def settlement(self, number: str) -> dict[str, str]:
        """Row of a settlement."""
        return next(row for row in self.settlements if row["settlement_id"] == number)

    def tender(self, number: str) -> dict[str, object]:
        """Row of a refund of one tender."""
        return next(row for row in self.refunds if row["refund_id"] == number)

    def journal(self, number: str) -> list[dict[str, str]]:
        """Lines of a journal."""
        return [row for row in self.entries if row["journal_no"] == number]

    def write(self) -> None:
        """Write all four with the totals that they state, and batches that net to their payout."""
        components = self.memos.findall(".//component")
        self.memos.set("records", str(len(components)))
        self.memos.set("total", str(sum(Decimal(c.text or "0") for c in components)))
        self._path("erp_credit_memos").write_bytes(etree.tostring(self.memos, encoding="UTF-8"))
        self._pay_out()
        net = sum(Decimal(row["net_amount"]) for row in self.settlements)
        out = io.StringIO()
        writer = csv.DictWriter(out, list(self.settlements[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.settlements)
        columns = len(self.settlements[0])
        text = out.getvalue() + f"TRAILER,{len(self.settlements)},{net}" + "," * (columns - 3) + "\n"
        self._path("erp_payment_settlements").write_text(text)
        lines = [json.dumps(row, ensure_ascii=False, default=float) for row in self.refunds]
        self._path("crm_refunds").write_text("\n".join(lines) + "\n")
        fixed = ["".join(row[n].ljust(w) for n, (_, w) in WIDTHS.items()) for row in self.entries]
        total = sum(_amount(row) for row in self.entries)
        fixed.append(trailer(len(self.entries), int(total * 100)))
        self._path("erp_gl_entries").write_text("\n".join(fixed) + "\n", "latin-1")

    def _pay_out(self) -> None:
        sums: dict[str, Decimal] = {}
        for row in self.settlements:
            if row["type"] != "payout" and row["status"] == "succeeded":
                sums[row["batch_no"]] = sums.get(row["batch_no"], Decimal(0)) + Decimal(row["net_amount"])
        for row in self.settlements:
            if row["type"] == "payout":
                row["gross_amount"] = row["net_amount"] = str(sums[row["batch_no"]])


def _amount(entry: dict[str, str]) -> Decimal:
    text = entry["amount"]
    return -Decimal(text[:-1]) if text.endswith("-") else Decimal(text)


def _set(entry: dict[str, str], amount: Decimal) -> None:
    entry["amount"] = f"{abs(amount):.2f}{'-' if amount < 0 else ''}".rjust(WIDTHS["amount"][1])


# -- what is done to a victim, and what must be said of it -----------------------------------------


def _class_of(cents: Decimal, name: str) -> str:
    return "ROUNDING" if abs(cents) <= Decimal("0.02") else name


def memo_changed(files: Files, v: Victim, cents: Decimal) -> Cents:
    """The tax of the memo: it is off against the return, the cash, the refund and its own posting."""
    tax = files.memo(v.memo).xpath(".//component[@code='tax']")[0]
    tax.text = str(Decimal(tax.text) + cents)
    name = _class_of(cents, "TAX")
    others = {(v.group, gap, name): cents for gap in ("M-P", "M-T", "M-G")}
    return {(v.group, "E-M", name): -cents, **others}


def memo_row_removed(files: Files, v: Victim, cents: Decimal) -> Cents:
    tax = files.memo(v.memo).xpath(".//component[@code='tax']")[0]
    tax.getparent().remove(tax)
    others = {(v.group, gap, "TAX"): -v.tax for gap in ("M-P", "M-T", "M-G")}
    return {(v.group, "E-M", "TAX"): v.tax, **others}


def memo_removed(files: Files, v: Victim, cents: Decimal) -> Cents:
    """Its posting names a memo that nobody has."""
    memo = files.memo(v.memo)
    memo.getparent().remove(memo)
    return {
        (v.group, "E-M", "MISSING_LEG"): v.total,
        (v.group, "M-P", "MISSING_LEG"): -v.total,
        (v.group, "M-T", "MISSING_LEG"): -v.total,
        (f"DOC:{v.memo}", "P-G", "MISSING_LEG"): v.total,
    }


def memo_doubled(files: Files, v: Victim, cents: Decimal) -> Cents:
    memo = files.memo(v.memo)
    copy = etree.fromstring(etree.tostring(memo))
    copy.set("no", v.memo + "X")
    memo.getparent().append(copy)
    return {
        (v.group, "E-M", "DUPLICATE"): -v.total,
        (v.group, "M-P", "DUPLICATE"): v.total,
        (v.group, "M-T", "DUPLICATE"): v.total,
        (v.group, "M-G", "MISSING_LEG"): v.total,
    }


def settlement_changed(files: Files, v: Victim, cents: Decimal) -> Cents:
    row = files.settlement(v.settlement)
    for name in ("gross_amount", "net_amount"):
        row[name] = str(Decimal(row[name]) - cents)
    name = _class_of(cents, "OVERPAYMENT" if cents > 0 else "PAYMENT_AMOUNT")
    return {(v.group, "M-P", name): -cents, (v.group, "P-G", name): cents}


def settlement_removed(files: Files, v: Victim, cents: Decimal) -> Cents:
    files.settlements.remove(files.settlement(v.settlement))
    return {(v.group, "M-P", "MISSING_LEG"): v.total, (v.group, "P-G", "MISSING_LEG"): -v.total}


def settlement_doubled(files: Files, v: Victim, cents: Decimal) -> Cents:
    row = files.settlement(v.settlement)
    files.settlements.append({**row, "settlement_id": v.settlement + "X"})
    return {(v.group, "M-P", "DUPLICATE"): -v.total, (v.group, "P-G", "MISSING_LEG"): v.total}


def refund_changed(files: Files, v: Victim, cents: Decimal) -> Cents:
    row = files.tender(v.refund)
    row["amount"] = float(Decimal(str(row["amount"])) + cents)
    return {(v.group, "M-T", _class_of(cents, "ISSUED_AMOUNT")): -cents}


def refund_removed(files: Files, v: Victim, cents: Decimal) -> Cents:
    files.refunds.remove(files.tender(v.refund))
    return {(v.group, "M-T", "MISSING_LEG"): v.total}


def refund_doubled(files: Files, v: Victim, cents: Decimal) -> Cents:
    row = files.tender(v.refund)
    files.refunds.append({**row, "refund_id": v.refund + "X", "idempotency_key": v.refund + "X"})
    return {(v.group, "M-T", "DUPLICATE"): -v.total}


def memo_journal_changed(files: Files, v: Victim, cents: Decimal) -> Cents:
    """A wrong tax, and with it a wrong liability: the journal stays balanced."""
    lines = {row["account"]: row for row in files.journal(v.memo_journal)}
    _set(lines["177600"], _amount(lines["177600"]) + cents)
    _set(lines["176200"], _amount(lines["176200"]) - cents)
    return {(v.group, "M-G", _class_of(cents, "TAX")): -cents}


def memo_journal_removed(files: Files, v: Victim, cents: Decimal) -> Cents:
    files.entries = [row for row in files.entries if row["journal_no"] != v.memo_journal]
    return {(v.group, "M-G", "MISSING_LEG"): v.total}


def memo_journal_doubled(files: Files, v: Victim, cents: Decimal) -> Cents:
    _double(files, v.memo_journal)
    return {(v.group, "M-G", "DUPLICATE"): -v.total}


def cash_journal_changed(files: Files, v: Victim, cents: Decimal) -> Cents:
    lines = {row["account"]: row for row in files.journal(v.cash_journal)}
    _set(lines["176200"], _amount(lines["176200"]) + cents)
    _set(lines["136100"], _amount(lines["136100"]) - cents)
    return {(v.group, "P-G", _class_of(cents, "UNEXPLAINED")): -cents}


def cash_journal_removed(files: Files, v: Victim, cents: Decimal) -> Cents:
    files.entries = [row for row in files.entries if row["journal_no"] != v.cash_journal]
    return {(v.group, "P-G", "MISSING_LEG"): v.total}


def cash_journal_doubled(files: Files, v: Victim, cents: Decimal) -> Cents:
    _double(files, v.cash_journal)
    return {(v.group, "P-G", "DUPLICATE"): -v.total}


def _double(files: Files, journal: str) -> None:
    files.entries += [{**row, "journal_no": journal + "X"} for row in files.journal(journal)]


CHANGES = (
    memo_changed, memo_row_removed, memo_removed, memo_doubled, settlement_changed, settlement_removed,
    settlement_doubled, refund_changed, refund_removed, refund_doubled, memo_journal_changed,
    memo_journal_removed, memo_journal_doubled, cash_journal_changed, cash_journal_removed,
    cash_journal_doubled,
)  # fmt: skip
# Moves over the month's end: the gaps that they open in the old month, with the sign there.
MOVES: dict[str, dict[str, int]] = {
    "memo": {"E-M": 1, "M-P": -1, "M-T": -1, "M-G": -1}, "settlement": {"M-P": 1, "P-G": -1},
    "refund": {"M-T": 1}, "memo_journal": {"M-G": 1}, "cash_journal": {"P-G": 1},
}  # fmt: skip


def move(files: Files, v: Victim, what: str) -> PeriodCents:
    """Date a document on the first of the next month; nothing else about it changes."""
    first = f"{v.next_month}-01"
    if what == "memo":
        files.memo(v.memo).find("posted_on").text = first
    elif what == "settlement":
        files.settlement(v.settlement)["booked_at"] = f"{first}T10:00:00Z"
    elif what == "refund":
        files.tender(v.refund).update(created_at=f"{first}T10:00:00Z", updated_at=f"{first}T11:00:00Z")
    else:
        for row in files.journal(getattr(v, what)):
            row["posted_on"], row["fiscal_period"] = first.replace("-", ""), v.next_month
    found: PeriodCents = {}
    for gap, sign in MOVES[what].items():
        found[v.group, gap, "CUTOFF", v.month] = sign * v.total
        found[v.group, gap, "CUTOFF", v.next_month] = -sign * v.total
    return found


# -- the company -----------------------------------------------------------------------------------


def victims(world: World) -> list[Victim]:
    """Returns with one receipt, memo, tender, settlement and pair of journals, long settled."""
    money, lines = world.money, world.goods.lines
    keys = line_keys(KnownReturns(world, 0))
    until = int(world.company.cutoffs[0]) - 45 * DAY
    found = []
    for line in np.flatnonzero((lines["resolution"] == REFUND) & (lines["rma"] >= 0)):
        memos = money.memos[money.memos["line"] == line]
        tenders = money.tenders[money.tenders["line"] == line]
        cash = money.settlements[money.settlements["line"] == line]
        receipts = world.goods.receipts[world.goods.receipts["line"] == line]
        if {len(tenders), len(cash), len(receipts), memos["memo"].nunique()} != {1}:
            continue
        posts = money.ledger[(money.ledger["line"] == line) & (money.ledger["account"] == LIABILITY)]
        by_kind = posts.set_index("ref_kind")["journal"]
        times = [memos["posted_at"], tenders["created_at"], tenders["final_at"], cash["booked_at"],
                 receipts["received_at"], posts["posted_at"]]  # fmt: skip
        at = pd.concat(times).to_numpy(dtype=np.int64)
        months = set(at.astype("datetime64[s]").astype("datetime64[M]").astype(str))
        is_plain = set(memos["component"]) == {0, 1} and cash["fee"].iloc[0] == 0
        if not is_plain or len(months) != 1 or at.max() >= until or len(by_kind) != 2:
            continue
        # What came must be what is credited, in money.
        if lines["authorized"].iloc[line] != receipts["quantity"].iloc[0]:
            continue
        found.append(
            Victim(
                keys[line], f"CM{memos['memo'].iloc[0]:013d}", f"RF{tenders['refund'].iloc[0]:013d}",
                f"ST{cash['id'].iloc[0]:013d}", f"J{by_kind[MEMO]:013d}", f"J{by_kind[REFUND_REF]:013d}",
                Decimal(int(memos["amount"].sum())) / 100,
                Decimal(int(memos["amount"][memos["component"] == 1].sum())) / 100, months.pop(),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Outcome:
    """What should be said after all changes, and what is."""

    expected: Cents
    found: Cents
    expected_periods: PeriodCents
    found_periods: PeriodCents
    changes: dict[str, str]


@pytest.fixture(scope="module")
def outcome(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Spoil a clean company's export, load and build it once."""
    truth = tmp_path_factory.mktemp("truth")
    company = Company(
        out=database, truth=truth, order_lines=5_000, seed=23, start=dt.date(2025, 8, 1),
        history_end=END, nights=0, dirt=0.0, defects=0, habits=DENSE,
    )  # fmt: skip
    simulate(company)
    block = next(iter(blocks(company)))
    pool = victims(make_world(company, make_items(company), make_rates(company), block))
    folder = truth / END.isoformat()
    expected, expected_periods = _clean(folder)
    files, changes = Files(database), {}
    for (label, change), victim in zip(_changes(), _shuffled(pool), strict=False):
        changes[label] = victim.group
        cents, periods = change(files, victim)
        expected |= cents
        in_month = {(g, gap, name, victim.month): c for (g, gap, name), c in cents.items()}
        expected_periods |= in_month | periods
    assert len(changes) == len(list(_changes())), f"only {len(pool)} returns to spoil"
    files.write()
    for source in ("erp", "wms", "crm"):
        for feed in stages.feeds(source):
            stages.ingest(feed, END.isoformat())
    build_night(END)
    return Outcome(expected, _exceptions(), expected_periods, _periods(), changes)


def _changes() -> Iterator[tuple[str, Callable[[Files, Victim], tuple[Cents, PeriodCents]]]]:
    """Every change, twice: by a cent or two, and by a random amount; and every move, twice."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for change in CHANGES:
            cents = int(rng.integers(1, 3)) if seed == SEEDS[0] else int(rng.integers(5, 900))
            signed = Decimal(cents * int(rng.choice([-1, 1]))) / 100

            def spoil(
                files: Files,
                v: Victim,
                change: Callable[[Files, Victim, Decimal], Cents] = change,
                signed: Decimal = signed,
            ) -> tuple[Cents, PeriodCents]:
                return change(files, v, signed), {}

            yield f"{change.__name__} {signed}", spoil
        for what in MOVES:

            def shift(files: Files, v: Victim, what: str = what) -> tuple[Cents, PeriodCents]:
                return {}, move(files, v, what)

            yield f"{what} moved {seed}", shift


def _shuffled(pool: list[Victim]) -> list[Victim]:
    return [pool[index] for index in np.random.default_rng(9).permutation(len(pool))]


def _clean(folder: Path) -> tuple[Cents, PeriodCents]:
    """What the truth says of the company before anything is spoilt."""
    rows = pd.read_csv(folder / "reconciliation.csv", dtype=str, keep_default_na=False)
    rows = rows[rows["class"] != ""]
    cents = {(r["group_key"], r["gap"], r["class"]): Decimal(r["amount"]) for r in rows.to_dict("records")}
    rows = pd.read_csv(folder / "reconciliation_periods.csv", dtype=str, keep_default_na=False)
    periods = {
        (r["group_key"], r["gap"], r["class"], r["period"]): Decimal(r["amount"])
        for r in rows.to_dict("records")
    }
    return cents, periods


def _exceptions() -> Cents:
    with connect("auditor") as connection:
        rows = connection.execute(
            "select group_key, gap, class, amount from build.refund_exceptions where status <> 'cleared'"
        ).fetchall()
    return {(group, gap, name): amount for group, gap, name, amount in rows}


def _periods() -> PeriodCents:
    with connect("auditor") as connection:
        rows = connection.execute(
            "select group_key, gap, class, period, amount from build.refund_gap_periods"
        ).fetchall()
    return {(group, gap, name, period): amount for group, gap, name, period, amount in rows}


def test_every_kind_of_change_was_made(outcome: Outcome) -> None:
    assert len(outcome.changes) == 2 * (len(CHANGES) + len(MOVES))
    assert len(set(outcome.changes.values())) == len(outcome.changes)


def test_every_cent_ends_in_the_right_class(outcome: Outcome) -> None:
    by_group = {group: label for label, group in outcome.changes.items()}
    wrong = {
        (by_group.get(key[0], "untouched"), *key): (outcome.found.get(key), outcome.expected.get(key))
        for key in outcome.found.keys() | outcome.expected.keys()
        if outcome.found.get(key) != outcome.expected.get(key)
    }
    assert wrong == {}


def test_every_cent_ends_in_the_right_period(outcome: Outcome) -> None:
    by_group = {group: label for label, group in outcome.changes.items()}
    wrong = {
        (by_group.get(key[0], "untouched"), *key): (
            outcome.found_periods.get(key), outcome.expected_periods.get(key),
        )
        for key in outcome.found_periods.keys() | outcome.expected_periods.keys()
        if outcome.found_periods.get(key) != outcome.expected_periods.get(key)
    }  # fmt: skip
    assert wrong == {}
