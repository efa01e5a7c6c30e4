"""Rows and amounts of raw and quarantine, counted anew, beside what the ledger says became of each file."""

from __future__ import annotations

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night


def assets(night: Night) -> list[Asset]:
    """Two assets over all feeds that brought files: of each file its rows, and what raw holds of them."""
    found = []
    if brought := [f.file_id for f in night.files if f.status in ("loaded", "superseded")]:
        found.append(checks.asset("landed/balance", {"brought_files": checks.ids(brought)}))
    feeds = [
        {"name": feed, "amount": contract.amount, "files": night.file_ids(feed)}
        for feed, contract in night.contracts.items()
        if night.active(feed)
    ]
    if feeds:
        found.append(checks.asset("landed/totals", {"feeds": feeds}))
    return found
