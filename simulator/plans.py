"""What may go wrong with the money of one return: single defects, and two or three at once."""

from __future__ import annotations

import numpy as np

KINDS = (
    # what is credited
    "quantity", "price", "tax", "shipping", "duty", "restocking_fee", "label_fee", "rounding",
    # the memo
    "duplicate_memo", "memo_reversed", "duplicate_memo_reversed", "memo_missing", "memo_off",
    "in_parts", "joint_memo",
    # the payment
    "duplicate_payment", "settled_twice", "failed", "failed_retried", "failed_later", "canceled", "fx",
    "fee_kept", "pending", "unsettled", "chargeback", "never",
    # the ledger
    "unposted", "memo_unposted", "cash_unposted", "posted_late", "memo_posted_twice",
    "cash_posted_twice", "memo_misposted", "cash_misposted", "posted_net", "wrong_period",
    "posted_early",
)  # fmt: skip
# Errors in what is credited; `memo_off` confines them to the memo: the cash is right.
ERRORS = KINDS[:8]
PLANS: tuple[tuple[str, ...], ...] = (
    (),
    *((kind,) for kind in KINDS if kind not in ("memo_off", "joint_memo", "posted_early")),
    ("tax", "shipping"), ("tax", "label_fee"), ("price", "tax", "shipping"), ("price", "duty"),
    ("shipping", "duty", "restocking_fee"), ("price", "restocking_fee", "label_fee"),
    ("quantity", "shipping"), ("quantity", "tax", "label_fee"), ("quantity", "restocking_fee", "duty"),
    ("quantity", "memo_posted_twice"), ("rounding", "unsettled"), ("rounding", "cash_posted_twice"),
    ("rounding", "fee_kept"), ("rounding", "shipping"), ("rounding", "duplicate_payment"),
    ("rounding", "tax"), ("rounding", "label_fee"), ("price", "memo_off"),
    ("tax", "shipping", "memo_off"), ("tax", "memo_off", "fee_kept"), ("duty", "memo_off", "fx"),
    ("duplicate_memo", "duplicate_payment"), ("duplicate_memo", "tax"),
    ("duplicate_memo", "memo_posted_twice"), ("duplicate_memo", "failed"), ("price", "failed"),
    ("tax", "failed"), ("duplicate_payment", "shipping"), ("label_fee", "price", "fee_kept"),
    ("fx", "duty"), ("fx", "restocking_fee"), ("fx", "label_fee"), ("fx", "tax", "duty"),
    ("fx", "posted_late"), ("fee_kept", "tax", "duty"), ("fee_kept", "posted_net"),
    ("settled_twice", "label_fee", "restocking_fee"), ("failed_later", "cash_unposted"),
    ("failed_later", "quantity"), ("failed_later", "shipping"), ("chargeback", "wrong_period"),
    ("shipping", "memo_unposted"), ("price", "posted_late"), ("memo_misposted", "cash_misposted"),
    ("memo_missing", "unposted"), ("memo_missing", "cash_misposted"), ("unsettled", "unposted"),
    ("memo_missing", "unsettled", "posted_early"), ("restocking_fee", "pending"),
)  # fmt: skip
NEEDS = ("in_parts", "fx", "quantity")  # a property of the line, the rarest first
MOST_SHARE = 0.9  # of the refunds may have a defect
JOINT = 1 << KINDS.index("joint_memo")  # needs a second refund and so is planned apart


def has(bits: np.ndarray, *kinds: str) -> np.ndarray:
    """Which rows have any of the defects; `bits` as `bits_of` makes them."""
    mask = sum(1 << KINDS.index(kind) for kind in kinds)
    return (np.asarray(bits) & mask) != 0


def bits_of(plans: np.ndarray) -> np.ndarray:
    """Defects of each row as bits, from the number of its plan."""
    table = np.array([sum(1 << KINDS.index(kind) for kind in plan) for plan in PLANS], dtype=np.int64)
    return table[plans]


def draw(
    rng: np.random.Generator, fits: dict[str, np.ndarray], size: int, least: int, share: float
) -> np.ndarray:
    """Choose a plan for each of `size` refunds, so that a `share` of them has one.

    Every plan comes at least `least` times where there is room; `fits` says by kind (of NEEDS) which
    refunds it may befall.
    """
    chosen = np.zeros(size, dtype=np.int64)
    if size == 0:
        return chosen
    wanted = _wanted(rng, size, least, share)
    for number in sorted(range(1, len(PLANS)), key=_rarity):
        free = np.flatnonzero((chosen == 0) & _fitting(PLANS[number], fits, size))
        chosen[rng.permutation(free)[: wanted[number]]] = number
    return chosen


def _wanted(rng: np.random.Generator, size: int, least: int, share: float) -> np.ndarray:
    each = share / (len(PLANS) - 1) * size
    counts = np.floor(each + rng.random(len(PLANS))).astype(int)
    counts = np.maximum(counts, least)
    # Where there are too few refunds for all, every plan gives way alike.
    most = MOST_SHARE * size
    return counts if counts.sum() <= most else np.floor(counts * most / counts.sum()).astype(int)


def _rarity(number: int) -> tuple[int, int]:
    needs = [NEEDS.index(kind) for kind in PLANS[number] if kind in NEEDS]
    return (min(needs, default=len(NEEDS)), number)


def _fitting(plan: tuple[str, ...], fits: dict[str, np.ndarray], size: int) -> np.ndarray:
    found = np.ones(size, dtype=bool)
    for kind in plan:
        found &= fits.get(kind, True)
    return found
