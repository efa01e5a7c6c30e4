"""How customers behave, what is found in their parcels, and how often money goes wrong.

`TYPICAL` is what published surveys say of shops that sell online (see this folder's README); `DENSE` holds
every case that a pipeline may meet, often enough that a company of 2,000 order lines shows each.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Habits:
    """Shares are of one; weights stand in the order of the lists that they choose from.

    `repair_parts` is what the parts of a repair cost at most, in whole units of its currency.
    `late_requests` is the share of requests after the return window; None lets them come whenever.
    `uneven_exchanges` is the share of exchanges for something dearer or cheaper.
    `has_every_case` asks for each fate and each plan of money defects at least once.
    """

    return_share: tuple[float, ...]
    bad_lot_share: float
    serials: tuple[float, ...]
    findings: tuple[float, ...]
    paths: tuple[float, ...]
    inspection_minutes: tuple[int, int]
    repair_minutes: tuple[int, int]
    repair_parts: int
    instant_refunds: float
    money_defects: float
    goodwill_complete: float
    late_requests: float | None
    uneven_exchanges: float
    opens_on_sundays: bool
    has_every_case: bool


DENSE = Habits(
    return_share=(0.20, 0.18, 0.09, 0.07, 0.06, 0.04),
    bad_lot_share=0.6,
    serials=(0.94, 0.03, 0.015, 0.015),
    findings=(0.96, 0.02, 0.02),
    paths=(0.69, 0.05, 0.03, 0.04, 0.02, 0.02, 0.04, 0.03, 0.02, 0.04, 0.01),
    inspection_minutes=(1, 45),
    repair_minutes=(9, 120),
    repair_parts=45,
    instant_refunds=0.12,
    money_defects=0.2,
    goodwill_complete=0.7,
    late_requests=None,
    uneven_exchanges=0.3,
    opens_on_sundays=True,
    has_every_case=True,
)
TYPICAL = Habits(
    return_share=(0.30, 0.30, 0.10, 0.15, 0.07, 0.07),
    bad_lot_share=0.35,
    serials=(0.992, 0.003, 0.002, 0.003),
    findings=(0.99, 0.005, 0.005),
    paths=(0.80, 0.04, 0.02, 0.03, 0.02, 0.01, 0.02, 0.02, 0.005, 0.02, 0.005),
    inspection_minutes=(1, 9),
    repair_minutes=(5, 25),
    repair_parts=15,
    instant_refunds=0.03,
    money_defects=0.02,
    goodwill_complete=0.95,
    late_requests=0.02,
    uneven_exchanges=0.1,
    opens_on_sundays=False,
    has_every_case=False,
)
