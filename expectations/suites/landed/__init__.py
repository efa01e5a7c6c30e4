"""Gate 1: the rows and files that the night brought."""

from __future__ import annotations

from expectations.suites.landed import feeds, files, totals
from revlog.gates.asset import Asset
from revlog.gates.night import Night


def assets(night: Night) -> list[Asset]:
    """All assets of the landed gate."""
    return [*files.assets(night), *totals.assets(night), *feeds.assets(night)]
