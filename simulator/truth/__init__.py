"""The exact truth of the KPIs, from the company's own state as it is known on a business date.

Nothing here reads a file or shares code with the pipeline. Cents, units and hours are integers.
"""

from __future__ import annotations

from simulator.truth.known import KnownReturns, total
from simulator.truth.kpis import money

__all__ = ["KnownReturns", "money", "total"]
