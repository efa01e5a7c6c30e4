"""Gate 2: what became of the night's rows on their way through staging to core."""

from __future__ import annotations

from expectations.asset import Asset
from expectations.night import Night
from expectations.suites.core import (
    codes,
    fct_return_line,
    fx,
    implausible,
    passage,
    refund_flows,
    returned_stock,
)


def assets(night: Night) -> list[Asset]:
    """All assets of the core gate."""
    return [
        *passage.assets(night),
        *refund_flows.assets(night),
        *returned_stock.assets(night),
        *fx.assets(night),
        *codes.assets(night),
        *fct_return_line.assets(night),
        *implausible.assets(night),
    ]
