"""`kpi_daily`: rates within their bounds, totals as in core, and no leap since the last night."""

from __future__ import annotations

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night

# Days before the business date that are counted again in core; after a full build all days are.
RECENT_DAYS = 2


def assets(night: Night) -> list[Asset]:
    """Three assets; none before `build.kpi_daily` is there, the last once it is published."""
    if "build.kpi_daily" not in night.relations:
        return []
    folders = ["kpi_rates", "kpi_totals"]
    if "marts.kpi_daily" in night.relations:
        folders.append("kpi_leaps")
    as_of = checks.date(night.as_of)
    values = {
        "as_of": as_of,
        "since": f"{as_of} - {RECENT_DAYS}" if night.touched_units else "date '-infinity'",
        "is_full": "false" if night.touched_units else "true",
    }
    return [checks.asset(f"publish/{folder}", values) for folder in folders]
