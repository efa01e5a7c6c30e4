"""Gate 2: what became of the night's rows on their way through staging to core."""

from __future__ import annotations

from expectations.suites.core import (
    codes,
    fct_return_line,
    fx,
    implausible,
    layers,
    refund_flows,
    returned_stock,
)
from revlog.gates.asset import Asset
from revlog.gates.night import Night


def assets(night: Night) -> list[Asset]:
    """All assets of the core gate."""
    return [
        *layers.assets(night),
        *refund_flows.assets(night),
        *returned_stock.assets(night),
        *fx.assets(night),
        *codes.assets(night),
        *fct_return_line.assets(night),
        *implausible.assets(night),
    ]
