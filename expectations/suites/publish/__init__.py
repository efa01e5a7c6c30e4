"""Gate 3: what will be published, beside core and beside what is published now."""

from __future__ import annotations

from expectations.suites.publish import kpi_daily, refund_reconciliation, tables
from revlog.gates.asset import Asset
from revlog.gates.night import Night


def assets(night: Night) -> list[Asset]:
    """All assets of the publish gate."""
    return [*tables.assets(night), *kpi_daily.assets(night), *refund_reconciliation.assets(night)]
