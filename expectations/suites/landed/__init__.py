"""Gate 1: the rows and files that the night brought."""

from __future__ import annotations

from expectations.asset import Asset
from expectations.night import Night
from expectations.suites.landed import feeds, files, totals


def assets(night: Night) -> list[Asset]:
    """All assets of the landed gate."""
    return [*files.assets(night), *totals.assets(night), *feeds.assets(night)]
