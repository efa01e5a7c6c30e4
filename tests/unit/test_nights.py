"""What is kept of each night as files, and for how long."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from revlog.outputs.files import FOR_ALL
from revlog.reports import nights

DAY = dt.date(2026, 3, 10)


def test_the_night_before_is_the_newest_that_is_older(tmp_path: Path) -> None:
    page = tmp_path / "scorecard.html"
    for back in (0, 3, 5):
        nights.keep(page, DAY - dt.timedelta(days=back), {"overdue": str(back)}, FOR_ALL)
    found = nights.before(page, DAY)
    assert (found.date, found.figures) == (dt.date(2026, 3, 7), {"overdue": "3"})
    assert nights.before(page, dt.date(2026, 3, 5)).date is None


def test_thirty_one_nights_are_kept(tmp_path: Path) -> None:
    page = tmp_path / "scorecard.html"
    for number in range(33):
        nights.keep(page, DAY + dt.timedelta(days=number), {}, FOR_ALL)
    kept = sorted(path.stem for path in (tmp_path / nights.FOLDER).iterdir())
    assert (len(kept), kept[0], kept[-1]) == (31, "2026-03-12", "2026-04-11")


def test_a_night_that_can_not_be_read_is_passed_over(tmp_path: Path) -> None:
    page = tmp_path / "scorecard.html"
    nights.keep(page, dt.date(2026, 3, 8), {"overdue": "8"}, FOR_ALL)
    (tmp_path / nights.FOLDER / "2026-03-09.json").write_text("[torn")
    assert nights.before(page, DAY).date == dt.date(2026, 3, 8)
