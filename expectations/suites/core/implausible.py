"""Records that contradict themselves or others: told by rule and number, and never held for."""

from __future__ import annotations

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night


def assets(night: Night) -> list[Asset]:
    """One asset, one row a source system; of each feed the rules that records of the night's units break."""
    return [checks.asset("core/implausible", {"touched_units": night.touched_units})]
