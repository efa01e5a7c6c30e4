"""The file ledger: did every feed come, whole, in its usual volume, with few bad rows?"""

from __future__ import annotations

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night

ASSETS = (
    "silence", "files", "unclaimed", "findings", "missing_feeds", "volume", "endings", "quarantine",
)  # fmt: skip
NO_VOLUME = "(null::text, null::date, null::bigint, null::numeric, null::numeric, null::text)"
NO_ENDING = "(null::text, null::date, null::numeric, null::numeric)"


def assets(night: Night) -> list[Asset]:
    """Assets on `ops.file_ledger` and `ops.quarantine`."""
    values = _values(night)
    return [checks.asset(f"landed/{name}", values) for name in ASSETS]


def _values(night: Night) -> dict[str, str]:
    layouts = [(feed, layout) for feed, contract in night.contracts.items() for layout in contract.layouts]
    return {
        "business_date": checks.date(night.business_date),
        "occasional": checks.texts(n for n, c in night.contracts.items() if c.cadence == "occasional"),
        "loaded_files": checks.ids(f.file_id for f in night.files if f.status == "loaded"),
        "feeds_of_layouts": checks.texts(feed for feed, _ in layouts),
        "layouts": checks.texts(layout for _, layout in layouts),
        "volumes": _volumes(night),
        "endings": _endings(night),
    }


def _volumes(night: Night) -> str:
    """Rows of SQL's `values`: what each feed brought for a date, and what is usual."""
    rows = [
        f"({checks.text_literal(v.feed)}, {checks.date(v.business_date)}, {v.rows}::bigint,"
        f" {checks.number(v.low)}, {checks.number(v.high)}, {checks.text_literal(v.basis)})"
        for v in night.volumes
    ]
    return ", ".join(rows or [NO_VOLUME])


def _endings(night: Night) -> str:
    """Rows of SQL's `values`: when each feed's day ended, and from when on that is usual."""
    rows = [
        f"({checks.text_literal(e.feed)}, {checks.date(e.business_date)},"
        f" {checks.number(e.last_minute)}, {checks.number(e.earliest)})"
        for e in night.endings
    ]
    return ", ".join(rows or [NO_ENDING])
