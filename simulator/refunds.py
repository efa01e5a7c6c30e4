"""The flow of money back: what is credited, credit memos, refund tenders, settlements.

What goes wrong in it is drawn from `plans`; what is right comes from `policy`; the ledger follows from
both in `ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator import balances, goodwill, ledger, plans
from simulator.codes import (
    ADJUSTMENT,
    CANCELED,
    CHARGEBACK_ROW,
    COMPONENT_COUNT,
    COMPONENTS,
    DUTY,
    FAILED_STATUS,
    FAILURE_ROW,
    FEE_ROW,
    IS_CREDIT,
    LABEL,
    MERCHANDISE,
    PAYOUT_ROW,
    PENDING_STATUS,
    REFUND_ROW,
    RESTOCKING,
    SHIPPING,
    STATUSES,
    SUCCEEDED,
    TAX,
    TENDERS,
    TYPES,
)
from simulator.company import (
    DAY,
    EXCHANGE,
    HOUR,
    NEVER,
    RATE_ONE,
    REFUND,
    STORE_CREDIT,
    Ids,
    Rates,
    pick,
    rounded,
)
from simulator.habits import Habits
from simulator.orders import Block
from simulator.plans import has
from simulator.policy import entitled
from simulator.returns import BLIND, BLIND_ORDER, LOST, NORMAL, RETURNLESS, Goods

CREDITED = tuple(f"c{number}" for number in range(COMPONENT_COUNT))
# What the units credited are worth under the policy, by component: `c` less `d` is an error.
DUE = tuple(f"d{number}" for number in range(COMPONENT_COUNT))


@dataclass
class Money:
    """Refund tenders, memo components, settlements and journal lines of one block.

    `line` is -1 for money without a return; `case` names the return line, or such a case of its own.
    """

    tenders: pd.DataFrame
    memos: pd.DataFrame
    settlements: pd.DataFrame
    credited: pd.DataFrame
    ledger: pd.DataFrame


def make_money(
    seed: int,
    rates: Rates,
    block: Block,
    sales: pd.DataFrame,
    goods: Goods,
    ids: Ids,
    habits: Habits,
    defects: int | None = None,
) -> Money:
    """Credit and refund the block's returns, with the defects that reconciliation looks for.

    `defects`: at least how many times each plan of defects occurs; 0 is a company without any, None one
    that goes by its habits.
    """
    rng = np.random.default_rng([seed, 5, block.number])
    credited = _make_credited(rng, sales, goods, habits, defects)
    more = np.random.default_rng([seed, 13, block.number])
    received = np.bincount(goods.receipts["line"], goods.receipts["quantity"], len(goods.lines))
    credited["price_pct"] = balances.choose(more, goods.lines, received, credited, habits.uneven_exchanges)
    balances.mark_sent(credited)
    memos = _make_memos(rng, goods.lines, credited, ids)
    tenders = _make_tenders(rng, goods.lines, credited, ids)
    memos["refund"] = _paying_refund(goods.lines, credited, memos)
    settlements = _make_settlements(rng, rates, goods.lines, credited, tenders)
    owed = balances.tenders(more, goods.lines, sales, credited)
    free = goodwill.make(rng, sales, goods.lines, ids, habits, defects)
    tenders = pd.concat([tenders, owed, free.tenders], ignore_index=True)
    of_owed = balances.settlements(goods.lines, owed)
    settlements = pd.concat([settlements, of_owed, free.settlements], ignore_index=True)
    memos = pd.concat([memos, free.memos], ignore_index=True)
    settlements = _with_batches(settlements, rates, ids)
    entries = ledger.make(rng, sales, goods.lines, memos, tenders, settlements, free.manual, ids)
    return Money(tenders, memos, settlements, credited, entries)


# -- what is credited when -------------------------------------------------------------------------


def _make_credited(
    rng: np.random.Generator, sales: pd.DataFrame, goods: Goods, habits: Habits, defects: int | None
) -> pd.DataFrame:
    """One row per credit of a return line: line, units, before, at, bits, amounts due and credited."""
    lines, receipts = goods.lines, goods.receipts
    size, path = len(lines), lines["path"].to_numpy()
    received = np.bincount(receipts["line"], receipts["quantity"], size).astype(np.int64)
    last = np.zeros(size, dtype=np.int64)
    np.maximum.at(last, receipts["line"].to_numpy(), receipts["received_at"].to_numpy())
    at = last + rng.integers(4 * HOUR, 6 * DAY, size)
    units = received.copy()
    instant = (
        (path == NORMAL)
        & (lines["resolution"] == REFUND).to_numpy()
        & (rng.random(size) < habits.instant_refunds)
    )
    instant |= (path == LOST) & (rng.random(size) < 0.5)
    at = np.where(instant, lines["dropped_at"].to_numpy() + HOUR, at)
    units = np.where(instant, lines["authorized"], units)
    returnless = path == RETURNLESS
    at = np.where(returnless, np.minimum(lines["decided_at"].to_numpy(), 2**60) + 600, at)
    units = np.where(returnless, lines["quantity"], units)
    paid = np.isin(lines["resolution"], (REFUND, STORE_CREDIT, EXCHANGE))
    row = np.flatnonzero((units > 0) & paid & (path != BLIND))
    credited = pd.DataFrame({"line": row, "units": units[row], "before": 0, "at": at[row], "partner": -1})
    steady = ~instant & (units == received) & ~np.isin(path, (LOST, BLIND_ORDER))
    chosen = np.flatnonzero((lines["resolution"] == REFUND).to_numpy()[row] & steady[row])
    joined = _pair_up(rng, lines, credited, chosen, defects)
    alone = np.setdiff1d(chosen, joined)
    credited["bits"] = _plan(rng, lines, receipts, credited, alone, habits, defects)
    credited.loc[joined[::2], "bits"] = plans.JOINT
    credited["partner"] = _partners(credited, joined)
    credited = credited[~has(credited["bits"], "never")]
    credited = _in_parts(rng, receipts, credited).reset_index(drop=True)
    credited["partner"] = _rows_of(credited, credited["partner"].to_numpy())
    _add_components(rng, lines, sales, credited)
    return credited


def _plan(
    rng: np.random.Generator,
    lines: pd.DataFrame,
    receipts: pd.DataFrame,
    credited: pd.DataFrame,
    chosen: np.ndarray,
    habits: Habits,
    defects: int | None,
) -> np.ndarray:
    """Draw what goes wrong; lines refunded before the receipt, or in part, have enough of their own."""
    part = lines.iloc[credited["line"].to_numpy()[chosen]]
    twice = np.bincount(receipts["line"], minlength=len(lines))[part.index] > 1
    fits = {
        "quantity": (part["sold"] > 1).to_numpy(),
        "fx": (part["currency"] > 0).to_numpy(),
        "in_parts": twice,
    }
    bits = np.zeros(len(credited), dtype=np.int64)
    if defects == 0:
        return bits
    if defects is None:
        defects = int(habits.has_every_case and len(chosen) > len(plans.PLANS))
    bits[chosen] = plans.bits_of(plans.draw(rng, fits, len(chosen), defects, habits.money_defects))
    return bits


def _in_parts(rng: np.random.Generator, receipts: pd.DataFrame, credited: pd.DataFrame) -> pd.DataFrame:
    """Lines that come in two parcels and are credited twice: first in part, then the rest."""
    whole = credited[has(credited["bits"], "in_parts")]
    first = receipts[receipts["part"] == 0].set_index("line").loc[whole["line"]]
    start, rest = whole.copy(), whole.copy()
    start["units"] = first["quantity"].to_numpy()
    start["at"] = first["received_at"].to_numpy() + rng.integers(4 * HOUR, DAY, len(start))
    rest["before"] = start["units"]
    rest["units"] = whole["units"] - start["units"]
    others = credited[~has(credited["bits"], "in_parts")]
    return pd.concat([others, start, rest], ignore_index=True)


def _pair_up(
    rng: np.random.Generator,
    lines: pd.DataFrame,
    credited: pd.DataFrame,
    chosen: np.ndarray,
    defects: int | None,
) -> np.ndarray:
    """Rows of credits that share one memo, two and two: lines of one RMA, each with its own refund."""
    rma = lines["rma"].to_numpy()[credited["line"].to_numpy()[chosen]]
    frame = pd.DataFrame({"row": chosen, "rma": rma})[rma >= 0]
    place = frame.groupby("rma").cumcount()
    whole = frame.groupby("rma")["row"].transform("size")
    pairs = frame[(place < 2) & (whole > 1)].sort_values(["rma", "row"])["row"].to_numpy().reshape(-1, 2)
    wanted = 0 if defects == 0 else max(defects or 1, round(0.1 * len(pairs)))
    joined = rng.permutation(pairs)[:wanted]
    credited.loc[joined.ravel(), "at"] = np.repeat(credited["at"].to_numpy()[joined].max(axis=1), 2)
    return joined.ravel()


def _partners(credited: pd.DataFrame, joined: np.ndarray) -> np.ndarray:
    """Line whose memo a credit shares, -1 for the others."""
    partner = np.full(len(credited), -1)
    partner[joined[1::2]] = credited["line"].to_numpy()[joined[::2]]
    return partner


def _rows_of(credited: pd.DataFrame, line: np.ndarray) -> np.ndarray:
    """Row of the credit of each line; -1 stays."""
    row = pd.Series(np.arange(len(credited)), index=credited["line"])
    return row[~row.index.duplicated()].reindex(line).fillna(-1).to_numpy(dtype=np.int64)


def _add_components(
    rng: np.random.Generator, lines: pd.DataFrame, sales: pd.DataFrame, credited: pd.DataFrame
) -> None:
    """Add what is due (d0 to d6) for the units credited, and what is credited (c0 to c6)."""
    row, bits = credited["line"].to_numpy(), credited["bits"].to_numpy()
    part = lines.iloc[row]
    units = credited["units"].to_numpy()
    over = np.where(units < part["sold"], units + 1, units - 1)
    units = np.where(has(bits, "quantity"), over, units)
    credited["units"] = units
    due = entitled(lines, sales, row, units, credited["before"].to_numpy())
    # An exchange is credited too: its memo is paid in goods.
    exchanged = (part["resolution"] == EXCHANGE).to_numpy()
    before = credited["before"].to_numpy()[exchanged]
    due[exchanged] = entitled(lines, sales, row[exchanged], units[exchanged], before, in_money=False)
    extra = rng.integers(150, 900, (len(row), COMPONENT_COUNT))
    # Too little on one line, too much on the next.
    sign = np.where(row % 2 == 0, 1, -1)
    error = np.zeros_like(due)
    error[:, MERCHANDISE] = has(bits, "price") * sign * (rounded(due[:, MERCHANDISE] * 7, 100) + 3)
    error[:, TAX] = -1 * has(bits, "tax") * (rounded(due[:, TAX] * 30, 100) + 5)
    error[:, SHIPPING] = has(bits, "shipping") * extra[:, SHIPPING]
    error[:, DUTY] = has(bits, "duty") * extra[:, DUTY]
    # A wrong fee: charged where none is due.
    error[:, RESTOCKING] = -1 * has(bits, "restocking_fee") * extra[:, RESTOCKING]
    error[:, LABEL] = -1 * has(bits, "label_fee") * extra[:, LABEL]
    error[:, ADJUSTMENT] = has(bits, "rounding") * rng.choice([-1, 1], len(row))
    credited[list(DUE)] = due
    credited[list(CREDITED)] = due + error
    credited["amount"] = np.where(has(bits, "memo_off"), due.sum(axis=1), (due + error).sum(axis=1))


# -- credit memos ----------------------------------------------------------------------------------


def _make_memos(
    rng: np.random.Generator, lines: pd.DataFrame, credited: pd.DataFrame, ids: Ids
) -> pd.DataFrame:
    """Memo components: credited, case, line, memo, memo_line, component, amount, posted_at, reverses, ..."""
    size = len(credited)
    at, bits = credited["at"].to_numpy(), credited["bits"].to_numpy()
    memo = ids.take("memo", 4 * size).reshape(4, size)
    delay = rng.integers(0, DAY, size)
    partner = credited["partner"].to_numpy()
    joined = np.flatnonzero(partner >= 0)
    memo[0, joined] = memo[0, partner[joined]]
    delay[joined] = delay[partner[joined]]
    none = np.full(size, -1)
    again, back = at + delay + 2 * DAY, at + delay + 4 * DAY
    parts = [_memo(credited, ~has(bits, "memo_missing"), memo[0], at + delay, none, 1)]
    doubled = has(bits, "duplicate_memo", "duplicate_memo_reversed")
    parts.append(_memo(credited, doubled, memo[1], again, none, 1, is_duplicate=True))
    # The second memo is taken back; or the first is, and a right one follows.
    undone, anew = has(bits, "duplicate_memo_reversed"), has(bits, "memo_reversed")
    parts.append(_memo(credited, undone, memo[2], back, memo[1], -1, is_duplicate=True))
    parts.append(_memo(credited, anew, memo[2], back, memo[0], -1))
    parts.append(_memo(credited, anew, memo[3], back + HOUR, none, 1))
    memos = pd.concat(parts, ignore_index=True)
    memos["seen"] = memos["posted_at"]
    return memos


def _memo(
    credited: pd.DataFrame,
    keep: np.ndarray,
    memo: np.ndarray,
    at: np.ndarray,
    reverses: np.ndarray,
    sign: int,
    is_duplicate: bool = False,
) -> pd.DataFrame:
    chosen = np.flatnonzero(keep)
    amounts = credited[list(CREDITED)].to_numpy()[chosen] * sign
    row, component = np.nonzero(amounts)
    source = chosen[row]
    second = credited["partner"].to_numpy()[source] >= 0
    return pd.DataFrame({
        "credited": source, "line": credited["line"].to_numpy()[source],
        "case": credited["line"].to_numpy()[source], "refund": -1, "memo": memo[source],
        # Goods and their tax stand on the first line of a memo, all else on a second one.
        "memo_line": 1 + (component >= 2) + 2 * second, "component": component,
        "amount": amounts[row, component], "posted_at": at[source], "reverses": reverses[source],
        "is_duplicate": is_duplicate, "sale": -1, "bits": credited["bits"].to_numpy()[source],
        "is_first": sign > 0 and not is_duplicate,
    })  # fmt: skip


def _paying_refund(lines: pd.DataFrame, credited: pd.DataFrame, memos: pd.DataFrame) -> np.ndarray:
    """The refund that pays a memo, the first one of a joint memo; none for exchanges and store credit."""
    resolution = lines["resolution"].to_numpy()[memos["line"].to_numpy()]
    source = memos["credited"].to_numpy()
    partner = credited["partner"].to_numpy()[source]
    refund = credited["refund"].to_numpy()[np.where(partner >= 0, partner, source)]
    return np.where(resolution == REFUND, refund, -1)


# -- refunds ---------------------------------------------------------------------------------------


def _make_tenders(
    rng: np.random.Generator, lines: pd.DataFrame, credited: pd.DataFrame, ids: Ids
) -> pd.DataFrame:
    """Refund tenders: credited, case, line, refund, tender_no, amount, tender, key, created_at, ...

    `role` is 0 for the refund, 1 for a second payment of it, 2 for what follows a failed one.
    """
    row = credited["line"].to_numpy()
    resolution = lines["resolution"].to_numpy()[row]
    refunded = np.flatnonzero((resolution != EXCHANGE) & (credited["amount"] > 0))
    credited["refund"] = ids.take("refund", len(credited))
    bits = credited["bits"].to_numpy()[refunded]
    several = (bits == 0) & (rng.random(len(refunded)) < 0.08)
    several &= resolution[refunded] == REFUND
    first = credited["amount"].to_numpy()[refunded]
    second = np.where(several, rounded(first * 35, 100), 0)
    tender = pick(rng, np.array([0.6, 0.25, 0.15]), len(refunded))
    tender = np.where(resolution[refunded] == STORE_CREDIT, 3, tender)
    other = np.where(rng.random(len(refunded)) < 0.6, 4, 0)
    created = credited["at"].to_numpy()[refunded] + 30
    final = created + rng.integers(2 * HOUR, 4 * DAY, len(refunded))
    final = np.where(tender == 3, created + 5, final)
    status = np.where(has(bits, "failed", "failed_retried"), FAILED_STATUS, SUCCEEDED)
    status = np.where(has(bits, "canceled"), CANCELED, status)
    never = has(bits, "pending", "unsettled")
    base = pd.DataFrame({
        "credited": refunded, "line": row[refunded], "case": row[refunded],
        "refund": credited["refund"].to_numpy()[refunded], "tender_no": 1, "amount": first - second,
        "tender": tender, "created_at": created, "final_at": np.where(never, NEVER, final),
        "status": status, "role": 0, "sale": -1, "bits": bits,
    })  # fmt: skip
    base["key"] = base["refund"]
    split = base[several].assign(tender_no=2, amount=second[several], tender=other[several])
    return pd.concat([base, split, *_more_refunds(base, ids)], ignore_index=True)


def _more_refunds(base: pd.DataFrame, ids: Ids) -> list[pd.DataFrame]:
    """Second payments under another key, retries under the same key, refunds issued anew."""
    bits = base["bits"].to_numpy()
    paid_twice = base[has(bits, "duplicate_payment")].copy()
    paid_twice["refund"] = ids.take("refund", len(paid_twice))
    paid_twice["key"] = paid_twice["refund"]
    paid_twice["role"] = 1
    paid_twice["created_at"] += 2 * DAY
    paid_twice["final_at"] += 2 * DAY
    followed = []
    for kind in ("failed_retried", "canceled"):
        again = base[has(bits, kind)].copy()
        again["refund"] = ids.take("refund", len(again))
        again["role"] = 2
        again["created_at"] = again["final_at"] + HOUR
        again["final_at"] = again["created_at"] + DAY
        again["status"] = SUCCEEDED
        followed.append(again if kind == "failed_retried" else again.assign(key=again["refund"]))
    return [paid_twice, *followed]


# -- settlements -----------------------------------------------------------------------------------


def _make_settlements(
    rng: np.random.Generator,
    rates: Rates,
    lines: pd.DataFrame,
    credited: pd.DataFrame,
    tenders: pd.DataFrame,
) -> pd.DataFrame:
    """What the processor booked: case, line, refund, type, gross, fee, currency, booked_at, status.

    `due` are the cents that were to be paid, in the order's currency; `is_duplicate` marks a second payment.
    """
    cash = tenders[~IS_CREDIT[tenders["tender"].to_numpy()]]
    bits = cash["bits"].to_numpy()
    amount = cash["amount"].to_numpy()
    currency = lines["currency"].to_numpy()[cash["line"].to_numpy()]
    pending = has(bits, "pending")
    booked = np.where(pending, cash["created_at"] + DAY, cash["final_at"])
    fee = rounded(amount * 3, 1000) + 10
    charged = (rng.random(len(cash)) < 0.3) | has(bits, "fee_kept", "posted_net")
    status = np.where(pending, PENDING_STATUS, cash["status"])
    fee = np.where(charged & (status == SUCCEEDED) & ~has(bits, "fx"), fee, 0)
    gross = -np.where(has(bits, "fee_kept"), amount - fee, amount)
    abroad = has(bits, "fx")
    # Paid out in euro at the processor's own rate, two percent off the day's.
    rate = rounded(rates.of(currency, np.minimum(booked, 2**40)) * 102, 100)
    gross = np.where(abroad, rounded(gross * rate, RATE_ONE), gross)
    rows = pd.DataFrame({
        "line": cash["line"], "case": cash["case"], "refund": cash["refund"], "type": REFUND_ROW,
        "gross": gross, "fee": -fee, "currency": np.where(abroad, 0, currency), "booked_at": booked,
        "status": status, "is_duplicate": cash["role"] == 1, "due": amount, "bits": bits, "sale": -1,
    })  # fmt: skip
    rows = rows[~has(bits, "unsettled")]
    return pd.concat([rows, *_later_rows(rows)], ignore_index=True)


def _later_rows(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Refunds that fail after they had succeeded, chargebacks beside refunds, rows settled twice."""
    failed = rows[has(rows["bits"], "failed_later")].copy()
    failed["type"] = FAILURE_ROW
    failed["gross"] = -failed["gross"]
    failed["fee"] = 0
    failed["booked_at"] += 3 * DAY
    charged = rows[has(rows["bits"], "chargeback")].copy()
    charged["type"] = CHARGEBACK_ROW
    charged["fee"] = -1500
    charged["booked_at"] += 5 * DAY
    charged["is_duplicate"] = True
    twice = rows[has(rows["bits"], "settled_twice")].copy()
    twice["booked_at"] += DAY
    twice["is_duplicate"] = True
    return [failed, charged, twice]


def _with_batches(rows: pd.DataFrame, rates: Rates, ids: Ids) -> pd.DataFrame:
    """Add one fee row and one payout row per day and currency: a batch nets to its payout."""
    rows = rows.assign(net=rows["gross"] + rows["fee"], day=rows["booked_at"] // DAY)
    live = rows[(rows["booked_at"] < NEVER) & (rows["status"] == SUCCEEDED)]
    batches = live.groupby(["day", "currency"], as_index=False)["net"].sum()
    fees = _batch_rows(batches, FEE_ROW, gross=np.zeros(len(batches), int), fee=-25)
    payouts = _batch_rows(batches, PAYOUT_ROW, gross=batches["net"].to_numpy() - 25, fee=0)
    rows = pd.concat([rows, fees, payouts], ignore_index=True)
    rows = rows.sort_values(["booked_at", "type"], kind="stable", ignore_index=True)
    rows["id"] = ids.take("settlement", len(rows))
    rows["batch"] = ids.block
    rows["seen"] = rows["booked_at"]
    abroad = np.isin(rows["currency"], (2, 3))  # dollars and kronor are settled in euro
    spread = rates.of(rows["currency"].to_numpy(), np.minimum(rows["booked_at"], 2**40))
    rows["settled_rate"] = np.where(abroad, spread - spread // 200, RATE_ONE)
    rows["settled"] = rounded(rows["net"] * rows["settled_rate"], RATE_ONE)
    rows["settled_currency"] = np.where(abroad, 0, rows["currency"])
    return rows


def _batch_rows(batches: pd.DataFrame, kind: int, gross: np.ndarray, fee: int) -> pd.DataFrame:
    return pd.DataFrame({
        "line": -2, "case": -2, "refund": -1, "type": kind, "gross": gross, "fee": fee, "sale": -1,
        "currency": batches["currency"], "booked_at": batches["day"] * DAY + DAY - 600, "due": 0,
        "status": SUCCEEDED, "is_duplicate": False, "bits": 0, "net": gross + fee, "day": batches["day"],
    })  # fmt: skip


__all__ = ["COMPONENTS", "IS_CREDIT", "STATUSES", "TENDERS", "TYPES", "Money", "make_money"]
