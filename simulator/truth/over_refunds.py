"""The KPI of what is paid beyond the entitlement, by match group of the reconciliation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.truth.known import KnownReturns
from simulator.truth.kpis import KpiCells, day_of


def add(cells: KpiCells, known: KnownReturns, groups: pd.DataFrame) -> None:
    """Add each group with cash on the day that its cash last moved.

    `groups` has line (-1 without any), currency, e and p in cents of it, has_p, and p_at in seconds.
    """
    groups = groups[groups["has_p"].to_numpy(dtype=bool)]
    at, currency = groups["p_at"], groups["currency"]
    over = known.euro(np.maximum(groups["p"] - np.maximum(groups["e"], 0), 0), currency, at)
    paid = known.euro(groups["p"], currency, at)
    where = known.where_of(groups["line"].to_numpy())
    awaits = known.is_counted & ~known.is_returnless & (known.received < known.expected)
    line = groups["line"].to_numpy()
    young = (line >= 0) & (awaits & (known.due_on() > known.today))[line]
    cells.put("over_refund_amount", "REFUND", day_of(at), where, over, paid, young)
