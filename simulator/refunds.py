"""The flow of money back: refund tenders, credit memos, settlements, and what goes wrong in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.company import (
    CUSTOMER_FAULT,
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
    quota,
    rounded,
)
from simulator.orders import Block
from simulator.returns import BLIND, BLIND_ORDER, LOST, NORMAL, RETURNLESS, Goods

DEFECTS = (
    "none", "duplicate_memo", "duplicate_payment", "duplicate_both", "failed", "failed_retried",
    "quantity", "price", "tax", "shipping", "duty", "restocking_fee", "label_fee", "fx", "fee_kept",
    "rounding", "memo_reversed", "duplicate_memo_reversed", "memo_missing", "pending", "chargeback",
    "failed_later", "never", "unsettled",
)  # fmt: skip
(NONE, DUP_MEMO, DUP_PAID, DUP_BOTH, FAILED, RETRIED, QUANTITY, PRICE, TAX, SHIPPING, DUTY,
 RESTOCKING, LABEL, FX, FEE_KEPT, ROUNDING, REVERSED, DUP_REVERSED, MEMO_MISSING, PENDING,
 CHARGEBACK, FAILED_LATER, NEVER_PAID, UNSETTLED) = range(24)  # fmt: skip
DEFECT_WEIGHTS = np.array([0.80] + [0.009] * 23)

COMPONENTS = (
    "merchandise", "tax", "shipping", "duty", "restocking_fee", "return_label_fee", "adjustment",
)  # fmt: skip
C_MERCHANDISE, C_TAX, C_SHIPPING, C_DUTY, C_RESTOCKING, C_LABEL, C_ADJUSTMENT = range(7)
TENDERS = ("card", "wallet", "bank", "store_credit", "gift_card")
IS_CREDIT = np.array([False, False, False, True, True])
STATUSES = ("pending", "succeeded", "failed", "canceled")
PENDING_STATUS, SUCCEEDED, FAILED_STATUS, CANCELED = range(4)
TYPES = ("refund", "refund_failure", "chargeback", "fee", "payout")


@dataclass
class Money:
    """Refund tenders, memo components and settlements of one block; `line` is -1 for goodwill."""

    tenders: pd.DataFrame
    memos: pd.DataFrame
    settlements: pd.DataFrame
    credited: pd.DataFrame


def entitled(lines: pd.DataFrame, row: np.ndarray, units: np.ndarray) -> dict[int, np.ndarray]:
    """Cents that accepted units entitle to, by component: share of net, of tax, less the fee.

    Exchange, repair and replacement give goods, not money: 0.
    """
    part = lines.iloc[row]
    sold = np.maximum(part["sold"].to_numpy(), 1)
    paid = np.isin(part["resolution"], (REFUND, STORE_CREDIT)) & (part["sale"] >= 0).to_numpy()
    net = rounded(part["net"].to_numpy() * units, sold) * paid
    tax = rounded(part["tax"].to_numpy() * units, sold) * paid
    owes_fee = CUSTOMER_FAULT[part["reason"].to_numpy()] & (part["resolution"] == REFUND).to_numpy()
    # What nobody restocks costs no restocking fee; a blind parcel gives no reason.
    owes_fee &= ~np.isin(part["path"], (BLIND_ORDER, RETURNLESS))
    fee = rounded(net * part["fee_pct"].to_numpy(), 100) * owes_fee
    return {C_MERCHANDISE: net, C_TAX: tax, C_RESTOCKING: -fee}


def make_money(seed: int, rates: Rates, block: Block, sales: pd.DataFrame, goods: Goods, ids: Ids) -> Money:
    """Credit and refund the block's returns, with the defects that reconciliation looks for."""
    rng = np.random.default_rng([seed, 5, block.number])
    credited = _make_credited(rng, goods)
    memos = _make_memos(rng, goods.lines, credited, ids)
    tenders = _make_tenders(rng, goods.lines, credited, ids)
    memos["refund"] = _paying_refund(goods.lines, credited, memos)
    settlements = _make_settlements(rng, rates, goods.lines, credited, tenders)
    more = _goodwill(rng, sales, goods.lines, ids)
    tenders = pd.concat([tenders, more.tenders], ignore_index=True)
    settlements = pd.concat([settlements, more.settlements], ignore_index=True)
    memos = pd.concat([memos, more.memos], ignore_index=True)
    return Money(tenders, memos, _with_batches(settlements, rates, ids), credited)


def _goodwill(rng: np.random.Generator, sales: pd.DataFrame, lines: pd.DataFrame, ids: Ids) -> Money:
    """Refunds of outbound shipping without any return: they belong to no return line."""
    kept = (sales["shipped_at"] < NEVER) & (sales["shipping"] > 0)
    kept &= ~np.isin(np.arange(len(sales)), lines["sale"])
    wanted = max(1, round(len(lines) * 0.004))
    sale = rng.permutation(np.flatnonzero(kept))[:wanted]
    at = sales["shipped_at"].to_numpy()[sale] + rng.integers(4 * DAY, 12 * DAY, len(sale))
    amount, refund = sales["shipping"].to_numpy()[sale], ids.take("refund", len(sale))
    common = {"line": -1, "sale": sale, "refund": refund, "is_duplicate": False}
    memos = pd.DataFrame({
        **common, "credited": -1, "memo": ids.take("memo", len(sale)), "component": C_SHIPPING,
        "amount": amount, "posted_at": at, "seen": at, "reverses": -1,
    })  # fmt: skip
    tenders = pd.DataFrame({
        **common, "credited": -1, "tender_no": 1, "amount": amount, "tender": 0, "key": refund,
        "created_at": at, "final_at": at + DAY, "status": SUCCEEDED, "role": 0,
    }).drop(columns="is_duplicate")  # fmt: skip
    settlements = pd.DataFrame({
        **common, "origin": -1, "type": 0, "gross": -amount, "fee": 0, "booked_at": at + DAY,
        "currency": sales["currency"].to_numpy()[sale], "status": SUCCEEDED,
    })  # fmt: skip
    return Money(tenders, memos, settlements, pd.DataFrame())


# -- what is credited when -------------------------------------------------------------------------


def _make_credited(rng: np.random.Generator, goods: Goods) -> pd.DataFrame:
    """One row per return line that is credited: line, units, at, defect, amounts by component."""
    lines, receipts = goods.lines, goods.receipts
    size, path = len(lines), lines["path"].to_numpy()
    received = np.bincount(receipts["line"], receipts["quantity"], size).astype(np.int64)
    last = np.zeros(size, dtype=np.int64)
    np.maximum.at(last, receipts["line"].to_numpy(), receipts["received_at"].to_numpy())
    at = last + rng.integers(4 * HOUR, 6 * DAY, size)
    units = received.copy()
    instant = (path == NORMAL) & (lines["resolution"] == REFUND).to_numpy() & (rng.random(size) < 0.12)
    instant |= (path == LOST) & (rng.random(size) < 0.5)
    at = np.where(instant, lines["dropped_at"].to_numpy() + HOUR, at)
    units = np.where(instant, lines["authorized"], units)
    returnless = path == RETURNLESS
    at = np.where(returnless, np.minimum(lines["decided_at"].to_numpy(), 2**60) + 600, at)
    units = np.where(returnless, lines["quantity"], units)
    paid = np.isin(lines["resolution"], (REFUND, STORE_CREDIT, EXCHANGE))
    row = np.flatnonzero((units > 0) & paid & (path != BLIND))
    credited = pd.DataFrame({"line": row, "units": units[row], "at": at[row]})
    credited["defect"] = _defects(rng, lines, credited, received, instant)
    credited = credited[credited["defect"] != NEVER_PAID].reset_index(drop=True)
    _add_components(rng, lines, credited)
    return credited


def _defects(
    rng: np.random.Generator,
    lines: pd.DataFrame,
    credited: pd.DataFrame,
    received: np.ndarray,
    instant: np.ndarray,
) -> np.ndarray:
    """Draw what goes wrong; lines refunded before the receipt, or in part, have enough of their own."""
    part = lines.iloc[credited["line"].to_numpy()]
    defect = np.zeros(len(part), dtype=int)
    cash = np.flatnonzero(
        (part["resolution"] == REFUND).to_numpy()
        & ~np.isin(part["path"], (LOST, BLIND_ORDER))
        & (credited["units"].to_numpy() == received[credited["line"]])
        & ~instant[credited["line"]]
    )
    # What needs a property of the line goes first to lines that have it.
    for kind, fits in (
        (QUANTITY, part["sold"].to_numpy() > 1),
        (FX, part["currency"].to_numpy() > 0),
    ):
        free = cash[fits[cash] & (defect[cash] == NONE)]
        wanted = max(2, round(DEFECT_WEIGHTS[kind] * len(cash)))
        defect[rng.permutation(free)[:wanted]] = kind
    weights = DEFECT_WEIGHTS.copy()
    weights[[QUANTITY, FX]] = 0
    rest = cash[defect[cash] == NONE]
    drawn = quota(rng, weights, len(rest))
    defect[rest] = np.where(np.isin(drawn, (QUANTITY, FX)), NONE, drawn)
    return defect


def _add_components(rng: np.random.Generator, lines: pd.DataFrame, credited: pd.DataFrame) -> None:
    row, defect = credited["line"].to_numpy(), credited["defect"].to_numpy()
    part = lines.iloc[row]
    units = credited["units"].to_numpy()
    over = np.where(units < part["sold"], units + 1, units - 1)
    units = np.where(defect == QUANTITY, over, units)
    credited["units"] = units
    amounts = entitled(lines, row, units)
    exchanged = (part["resolution"] == EXCHANGE).to_numpy()
    sold = part["sold"].to_numpy()
    net = np.where(exchanged, rounded(part["net"] * units, sold), amounts[C_MERCHANDISE])
    tax = np.where(exchanged, rounded(part["tax"] * units, sold), amounts[C_TAX])
    extra = rng.integers(150, 900, len(row))
    # Too little on one line, too much on the next.
    sign = np.where(row % 2 == 0, 1, -1)
    credited["c0"] = net + np.where(defect == PRICE, sign * (rounded(net * 7, 100) + 3), 0)
    credited["c1"] = tax + np.where(defect == TAX, -rounded(tax * 30, 100) - 5, 0)
    credited["c2"] = np.where(defect == SHIPPING, extra, 0)
    credited["c3"] = np.where(defect == DUTY, extra, 0)
    # A wrong fee: charged where none is due.
    credited["c4"] = amounts[C_RESTOCKING] - np.where(defect == RESTOCKING, extra, 0)
    credited["c5"] = np.where(defect == LABEL, -rng.integers(199, 699, len(row)), 0)
    credited["c6"] = np.where(defect == ROUNDING, rng.choice([-1, 1], len(row)), 0)
    credited["amount"] = credited[[f"c{number}" for number in range(7)]].sum(axis=1)


# -- credit memos ----------------------------------------------------------------------------------


def _make_memos(
    rng: np.random.Generator, lines: pd.DataFrame, credited: pd.DataFrame, ids: Ids
) -> pd.DataFrame:
    """Memo components: line, memo, component, amount, posted_at, reverses, is_duplicate, undone_at."""
    size = len(credited)
    at, defect = credited["at"].to_numpy(), credited["defect"].to_numpy()
    memo = ids.take("memo", 4 * size).reshape(4, size)
    delay = rng.integers(0, DAY, size)
    none = np.full(size, -1)
    again, back = at + delay + 2 * DAY, at + delay + 4 * DAY
    parts = [_memo(credited, defect != MEMO_MISSING, memo[0], at + delay, none, 1)]
    doubled = np.isin(defect, (DUP_MEMO, DUP_BOTH, DUP_REVERSED))
    parts.append(_memo(credited, doubled, memo[1], again, none, 1, is_duplicate=True))
    # The second memo is taken back; or the first is, and a right one follows.
    parts.append(_memo(credited, defect == DUP_REVERSED, memo[2], back, memo[1], -1, is_duplicate=True))
    parts.append(_memo(credited, defect == REVERSED, memo[2], back, memo[0], -1))
    parts.append(_memo(credited, defect == REVERSED, memo[3], back + HOUR, none, 1))
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
    amounts = credited[[f"c{number}" for number in range(7)]].to_numpy()[chosen] * sign
    row, component = np.nonzero(amounts)
    return pd.DataFrame(
        {
            "credited": chosen[row],
            "line": credited["line"].to_numpy()[chosen[row]],
            "refund": -1,
            "memo": memo[chosen[row]],
            "component": component,
            "amount": amounts[row, component],
            "posted_at": at[chosen[row]],
            "reverses": reverses[chosen[row]],
            "is_duplicate": is_duplicate,
            "sale": -1,
        }
    )


def _paying_refund(lines: pd.DataFrame, credited: pd.DataFrame, memos: pd.DataFrame) -> np.ndarray:
    """The refund that pays a memo; none for exchanges and store credit."""
    resolution = lines["resolution"].to_numpy()[memos["line"].to_numpy()]
    refund = credited["refund"].to_numpy()[memos["credited"].to_numpy()]
    return np.where(resolution == REFUND, refund, -1)


# -- refunds ---------------------------------------------------------------------------------------


def _make_tenders(
    rng: np.random.Generator, lines: pd.DataFrame, credited: pd.DataFrame, ids: Ids
) -> pd.DataFrame:
    """Refund tenders: credited, line, refund, tender_no, amount, tender, key, created_at, final_at, status.

    `role` is 0 for the refund, 1 for a second payment of it, 2 for the retry of a failed one.
    """
    row = credited["line"].to_numpy()
    resolution = lines["resolution"].to_numpy()[row]
    refunded = np.flatnonzero((resolution != EXCHANGE) & (credited["amount"] > 0))
    credited["refund"] = ids.take("refund", len(credited))
    defect = credited["defect"].to_numpy()
    several = np.isin(defect[refunded], (NONE,)) & (rng.random(len(refunded)) < 0.08)
    several &= resolution[refunded] == REFUND
    first = credited["amount"].to_numpy()[refunded]
    second = np.where(several, rounded(first * 35, 100), 0)
    tender = pick(rng, np.array([0.6, 0.25, 0.15]), len(refunded))
    tender = np.where(resolution[refunded] == STORE_CREDIT, 3, tender)
    other = np.where(rng.random(len(refunded)) < 0.6, 4, 0)
    created = credited["at"].to_numpy()[refunded] + 30
    final = created + rng.integers(2 * HOUR, 4 * DAY, len(refunded))
    final = np.where(tender == 3, created + 5, final)
    status = np.where(np.isin(defect[refunded], (FAILED, RETRIED)), FAILED_STATUS, SUCCEEDED)
    never = np.isin(defect[refunded], (PENDING, UNSETTLED))
    base = pd.DataFrame({
        "credited": refunded, "line": row[refunded], "refund": credited["refund"].to_numpy()[refunded],
        "tender_no": 1, "amount": first - second, "tender": tender, "created_at": created,
        "final_at": np.where(never, NEVER, final), "status": status, "role": 0,
    })  # fmt: skip
    base["key"] = base["refund"]
    base["sale"] = -1
    split = base[several].assign(tender_no=2, amount=second[several], tender=other[several])
    return pd.concat([base, split, *_more_refunds(base, defect, ids)], ignore_index=True)


def _more_refunds(base: pd.DataFrame, defect: np.ndarray, ids: Ids) -> list[pd.DataFrame]:
    """Second payments under another key, and retries of failed ones under the same key."""
    kind = defect[base["credited"].to_numpy()]
    paid_twice = base[np.isin(kind, (DUP_PAID, DUP_BOTH))].copy()
    paid_twice["refund"] = ids.take("refund", len(paid_twice))
    paid_twice["key"] = paid_twice["refund"]
    paid_twice["role"] = 1
    paid_twice["created_at"] += 2 * DAY
    paid_twice["final_at"] += 2 * DAY
    retried = base[kind == RETRIED].copy()
    retried["refund"] = ids.take("refund", len(retried))
    retried["role"] = 2
    retried["created_at"] = retried["final_at"] + HOUR
    retried["final_at"] = retried["created_at"] + DAY
    retried["status"] = SUCCEEDED
    return [paid_twice, retried]


# -- settlements -----------------------------------------------------------------------------------


def _make_settlements(
    rng: np.random.Generator,
    rates: Rates,
    lines: pd.DataFrame,
    credited: pd.DataFrame,
    tenders: pd.DataFrame,
) -> pd.DataFrame:
    """What the processor booked: line, refund, type, gross, fee, currency, booked_at, status, tender row.

    `origin` is the row of the tender that it belongs to; `is_duplicate` marks a second payment.
    """
    cash = tenders[~IS_CREDIT[tenders["tender"].to_numpy()]]
    defect = credited["defect"].to_numpy()[cash["credited"].to_numpy()]
    amount = cash["amount"].to_numpy()
    origin = cash.index.to_numpy()
    currency = lines["currency"].to_numpy()[cash["line"].to_numpy()]
    pending = defect == PENDING
    booked = np.where(pending, cash["created_at"] + DAY, cash["final_at"])
    fee = rounded(amount * 3, 1000) + 10
    fee = np.where((rng.random(len(cash)) < 0.3) | (defect == FEE_KEPT), fee, 0)
    status = np.where(pending, PENDING_STATUS, cash["status"])
    fee = np.where((status == SUCCEEDED) & (defect != FX), fee, 0)
    gross = -np.where(defect == FEE_KEPT, amount - fee, amount)
    abroad = defect == FX
    # Paid out in euro at the processor's own rate, two percent off the day's.
    rate = rounded(rates.of(currency, np.minimum(booked, 2**40)) * 102, 100)
    gross = np.where(abroad, rounded(gross * rate, RATE_ONE), gross)
    rows = pd.DataFrame({
        "line": cash["line"], "refund": cash["refund"], "origin": origin, "type": 0, "gross": gross,
        "fee": -fee, "currency": np.where(abroad, 0, currency), "booked_at": booked,
        "status": status, "is_duplicate": cash["role"] == 1,
    })  # fmt: skip
    rows = rows[(defect != UNSETTLED)]
    kinds = defect[defect != UNSETTLED]
    settlements = pd.concat([rows, *_reversed_rows(rows, kinds)], ignore_index=True)
    return settlements.assign(sale=-1)


def _reversed_rows(rows: pd.DataFrame, defect: np.ndarray) -> list[pd.DataFrame]:
    """Refunds that fail after they had succeeded, and chargebacks beside refunds."""
    failed = rows[(defect == FAILED_LATER)].copy()
    failed["type"] = 1
    failed["gross"] = -failed["gross"]
    failed["fee"] = 0
    failed["booked_at"] += 3 * DAY
    charged = rows[(defect == CHARGEBACK)].copy()
    charged["type"] = 2
    charged["fee"] = -1500
    charged["booked_at"] += 5 * DAY
    return [failed, charged]


def _with_batches(rows: pd.DataFrame, rates: Rates, ids: Ids) -> pd.DataFrame:
    """Add one fee row and one payout row per day and currency: a batch nets to its payout."""
    rows = rows.assign(net=rows["gross"] + rows["fee"], day=rows["booked_at"] // DAY)
    live = rows[(rows["booked_at"] < NEVER) & (rows["status"] == SUCCEEDED)]
    batches = live.groupby(["day", "currency"], as_index=False)["net"].sum()
    fees = _batch_rows(batches, 3, gross=np.zeros(len(batches), int), fee=-25)
    payouts = _batch_rows(batches, 4, gross=batches["net"].to_numpy() - 25, fee=0)
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
        "line": -2, "refund": -1, "origin": -1, "type": kind, "gross": gross, "fee": fee, "sale": -1,
        "currency": batches["currency"], "booked_at": batches["day"] * DAY + DAY - 600,
        "status": SUCCEEDED, "is_duplicate": False, "net": gross + fee, "day": batches["day"],
    })  # fmt: skip
