"""How long the last night was at work, beside what is usual."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from revlog.reports.snapshots import Row
from revlog.reports.tables import median

NIGHTS_USUAL = 30
# A night that took so many times the usual has to be looked at.
SLOW = 1.5


@dataclass(frozen=True)
class Work:
    """Seconds of the last night and the median of the `nights` before it, by step and in all."""

    night: dt.date | None
    seconds: float | None
    usual: float | None
    nights: int
    steps: list[Row]
    by_night: list[Row]

    @property
    def is_slow(self) -> bool:
        """True where it took much longer than usual."""
        return bool(self.usual and self.seconds and self.seconds > SLOW * self.usual)


def work_of(rows: list[Row]) -> Work:
    """The last night beside the median of those before it."""
    dates = sorted({row["business_date"] for row in rows})
    if not dates:
        return Work(None, None, None, 0, [], [])
    last, earlier = dates[-1], dates[:-1][-NIGHTS_USUAL:]
    seconds = {(row["business_date"], row["step"]): float(row["seconds"] or 0) for row in rows}
    steps = []
    for step in [row["step"] for row in rows if row["business_date"] == last and row["step"] != "all"]:
        now = seconds[last, step]
        usual = median([seconds[date, step] for date in earlier if (date, step) in seconds])
        steps.append({"step": step, "seconds": now, "usual": usual, "times": now / usual if usual else None})
    by_night = [{"night": date, "seconds": seconds.get((date, "all"), 0.0)} for date in dates]
    usual = median([seconds[date, "all"] for date in earlier if (date, "all") in seconds])
    return Work(last, seconds.get((last, "all")), usual, len(earlier), steps, by_night)
