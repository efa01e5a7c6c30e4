"""`refund_reconciliation` and `refund_exceptions`: everything re-adds, to the cent."""

from __future__ import annotations

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night

FOLDERS = ("reconciliation_classes", "reconciliation_legs", "reconciliation_unexplained")


def assets(night: Night) -> list[Asset]:
    """Three assets; none before both tables are there."""
    if not {"build.refund_reconciliation", "build.refund_exceptions"} <= night.relations:
        return []
    values = {"as_of": checks.date(night.as_of)}
    return [checks.asset(f"publish/{folder}", values) for folder in FOLDERS]
