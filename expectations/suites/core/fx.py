"""Exchange rates: recent enough to convert with."""

from __future__ import annotations

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night


def assets(night: Night) -> list[Asset]:
    """One asset, one row a currency; none where the feed is not carried."""
    if "erp_fx_rates" not in night.contracts:
        return []
    return [checks.asset("core/fx", {"business_date": checks.date(night.business_date)})]
