"""All KPIs of one business date, added up over blocks."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from simulator.company import Items, Rates
from simulator.truth import (
    claims,
    costs,
    cycle_spans,
    over_refunds,
    receipts,
    refunds,
    requests,
    sales,
    stock,
)
from simulator.truth.known import KnownReturns
from simulator.truth.kpis import KpiCells

# What one block's returns add to the cells; each takes the cells and the known returns.
SUBJECTS = (sales.add, receipts.add, costs.add, refunds.add, requests.add, claims.add)


class KpiTruth:
    """KPI cells and cycle-time spans of one business date, added up over blocks."""

    def __init__(self) -> None:
        self.cells = KpiCells()
        self.spans = cycle_spans.make_spans()
        self.outflow = stock.make_outflow()

    def add(self, known: KnownReturns) -> None:
        """Add what is known of one block."""
        for subject in SUBJECTS:
            subject(self.cells, known)
        cycle_spans.add(self.cells, self.spans, known)
        stock.add_outflow(self.outflow, known)

    def add_groups(self, known: KnownReturns, groups: pd.DataFrame) -> None:
        """Add one block's match groups, as `simulator.groups.group_legs` gives them."""
        over_refunds.add(self.cells, known, groups)

    def add_stock(self, items: Items, rates: Rates, snapshots: pd.DataFrame) -> None:
        """Add the snapshots of returned stock, once all blocks are in."""
        stock.add(self.cells, self.outflow, items, rates, snapshots)

    def kpi_daily(self) -> pa.Table:
        """The KPI cells as published, all as text."""
        return pa.concat_tables(self.cells.published())
