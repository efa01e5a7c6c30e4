"""Returned stock rolls forward: what lay there, plus what came, less what left, is what was counted."""

from __future__ import annotations

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night

FEED = "wms_returned_stock"


def assets(night: Night) -> list[Asset]:
    """One asset, one row a counted day, site and SKU that is off; none where no count came."""
    if not night.active(FEED) or not {"wms_return_receipts", "wms_dispositions"} <= night.contracts.keys():
        return []
    return [checks.asset("core/returned_stock", {"files": night.file_ids(FEED)})]
