"""Whether a real retailer's days would be held when whole, and caught when their file was cut off."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from revlog.config.settings import ROOT
from revlog.gates.night import RECENT_DAYS, earliest_usual_end

FILES = Path(os.environ.get("ONLINE_RETAIL") or ROOT.parent / "shared" / "data" / "online_retail")
pytestmark = pytest.mark.skipif(
    not FILES.is_dir(), reason=f"the retailer's files are not in {FILES}; set ONLINE_RETAIL"
)


@pytest.fixture(scope="module")
def days() -> list[list[float]]:
    """Minutes into the day of every row, a list a day, in the order of the file."""
    found = []
    for file in sorted(FILES.glob("*.csv")):
        at = pd.to_datetime(pd.read_csv(file, usecols=["InvoiceDate"])["InvoiceDate"])
        found.append((at.dt.hour * 60.0 + at.dt.minute).tolist())
    return found


def _held(days: list[list[float]], share: float) -> list[bool]:
    """Whether each day would be held, were only the first `share` of its rows there."""
    held = []
    for number, minutes in enumerate(days):
        past = [max(day) for day in days[:number]][-RECENT_DAYS:]
        earliest = earliest_usual_end(past)
        if earliest is not None:
            held.append(max(minutes[: int(share * len(minutes))]) < earliest)
    return held


def test_no_whole_day_is_held(days: list[list[float]]) -> None:
    held = _held(days, 1.0)
    assert len(held) > 60
    assert not any(held)


@pytest.mark.parametrize(("share", "caught"), [(0.3, 0.95), (0.5, 0.85)])
def test_most_files_that_were_cut_off_are_held(days: list[list[float]], share: float, caught: float) -> None:
    held = _held(days, share)
    assert sum(held) >= caught * len(held)
