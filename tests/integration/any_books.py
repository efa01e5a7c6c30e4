"""Arbitrary refund documents: any legs, currencies and periods, doubled, failed, reversed or absent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.integration.refund_books import ACCOUNTS, CLEARING, LIABILITY, Books

FIRST, DAYS = dt.date(2025, 10, 25), 110
CURRENCIES = ("EUR", "GBP", "SEK", "USD")
SETTLED = ("refund", "refund_failure", "chargeback")
TENDERS = ("card", "wallet", "bank", "store_credit", "gift_card")
STATUSES = ("pending", "requires_action", "succeeded", "failed", "canceled")
MOVED = ("pending", "succeeded", "failed", "canceled")
RESOLUTIONS = ("refund", "exchange", "store_credit", "repair", "replacement")
# Amounts that meet again make duplicates, partial payments and rounding likely; the rest is anything.
USUAL = ("100.00", "19.00", "119.00", "50.00", "59.50", "0.01", "0.00", "118.98")
HUGE = 10**12

amounts = st.one_of(
    st.sampled_from(USUAL),
    st.integers(-30_000, 30_000).map(lambda cents: str(Decimal(cents) / 100)),
    st.integers(-HUGE, HUGE).map(lambda cents: str(Decimal(cents) / 100)),
)
positive = amounts.map(lambda amount: str(abs(Decimal(amount))))
days = st.integers(0, DAYS).map(lambda day: (FIRST + dt.timedelta(days=day)).isoformat())
parts = st.dictionaries(st.sampled_from(sorted(ACCOUNTS)), amounts, min_size=1, max_size=3)
periods = st.sampled_from((None, None, "2025-11", "2026-01"))


@st.composite
def books(draw: st.DrawFn, groups: int) -> Books:
    """Documents of so many orders; most belong together, some name what nobody knows."""
    found = Books()
    for number in range(groups):
        _order(draw, found, str(number))
    return found


def _order(draw: st.DrawFn, found: Books, order: str) -> None:
    currency = draw(st.sampled_from(CURRENCIES))
    # Now and then in another currency than the sale's.
    other = st.sampled_from((*[currency] * 4, *CURRENCIES))
    lines = [f"REQ:{order}-{n}" for n in range(draw(st.integers(0, 2)))]
    for key in lines:
        _line(draw, found, key, order, currency)
    refunds = [f"RF{order}-{n}" for n in range(draw(st.integers(0, 2)))]
    line = st.sampled_from((None, *lines))
    refund = st.sampled_from((None, *refunds, f"RF{order}-?"))
    for name in refunds:
        _refund(draw, found, name, order, draw(line), draw(other))
    memos = [f"CM{order}-{n}" for n in range(draw(st.integers(0, 3)))]
    for n, name in enumerate(memos):
        reverses = draw(st.sampled_from((None, None, *memos[:n])))
        found.memo(
            name, draw(days), draw(parts), line=draw(line), refund=draw(refund), reverses=reverses,
            currency=draw(other), order=order,
        )  # fmt: skip
    for n in range(draw(st.integers(0, 3))):
        found.settle(
            f"ST{order}-{n}", draw(days), draw(amounts), draw(refund), kind=draw(st.sampled_from(SETTLED)),
            status=draw(st.sampled_from(("succeeded", "succeeded", *MOVED))), fee=draw(positive),
            currency=draw(other), order=order,
        )  # fmt: skip
    for _ in range(draw(st.integers(0, 4))):
        _journal(draw, found, order, refunds, memos, draw(other))


def _line(draw: st.DrawFn, found: Books, key: str, order: str, currency: str) -> None:
    sold = draw(st.integers(1, 3))
    net, tax = draw(positive), draw(positive)
    resolution = draw(st.sampled_from(("refund", *RESOLUTIONS)))
    found.line(key, net, tax, quantity=sold, currency=currency, resolution=resolution, order=order)
    accepted = draw(st.integers(0, sold))
    if accepted:
        found.accept(key, draw(days), units=accepted, fee_pct=draw(st.sampled_from((0, 15))))


def _refund(draw: st.DrawFn, found: Books, name: str, order: str, line: str | None, currency: str) -> None:
    for tender_no in range(1, 1 + draw(st.integers(1, 2))):
        found.refund(
            name, draw(days), draw(positive), line, draw(st.sampled_from(TENDERS)), tender_no,
            status=draw(st.sampled_from(("succeeded", *STATUSES))), currency=currency, order=order,
            key=draw(st.sampled_from((f"key {name}", f"key {order}"))),
        )  # fmt: skip


def _journal(
    draw: st.DrawFn, found: Books, order: str, refunds: list[str], memos: list[str], currency: str
) -> None:
    """A posting of a document of the order, of a number that nobody knows, or of none."""
    more: dict[str, Any] = {"period": draw(periods), "currency": currency, "order": order}
    kinds = {"memo": memos, "refund": refunds, "unknown": [f"XX{order}"], "none": [None]}
    kind = draw(st.sampled_from([name for name, numbers in kinds.items() if numbers]))
    number = draw(st.sampled_from(kinds[kind]))
    if kind == "memo" and draw(st.booleans()):
        found.post_memo(str(number), draw(days), draw(parts), **more)
        return
    amount = draw(amounts)
    both = {LIABILITY: amount, CLEARING: str(-Decimal(amount))}
    found.post(draw(days), both, number, kind, **more)
