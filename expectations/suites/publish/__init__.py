"""To be filled."""

from expectations.asset import Asset
from expectations.night import Night


def assets(night: Night) -> list[Asset]:
    """All assets of the gate."""
    return []
