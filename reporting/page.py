"""The scorecards' templates, and how they write numbers, days and changes for people."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from outputs.escaping import html_environment
from reporting import tiles
from reporting.charts import spark
from reporting.figures import counted, shown
from reporting.snapshots import Row

TEMPLATES = Path(__file__).parent / "templates"
# The faintest of several shades of one colour.
FAINTEST = 0.22


def look(figure: int, text: str, kind: str, part: str) -> dict[str, str]:
    """What to look at first: figure, words, how bad it is, and the part of the page that has more."""
    return {"figure": f"{figure:,}", "text": text, "kind": kind, "part": part}


def most(rows: Iterable[Row], name: str) -> int:
    """Greatest of a column, to scale bars by; 1 where there are none."""
    return max((int(row[name]) for row in rows), default=1) or 1


def render(name: str, **given: Any) -> str:
    """A template with its style inside, so that the page is one file."""
    style = Markup((TEMPLATES / "scorecard.css").read_text(encoding="utf-8"))
    return _environment().get_template(name).render(style=style, **given)


@functools.cache
def _environment() -> Environment:
    filters = {
        "counted": _counted, "ratio": shown, "unit": _unit, "day": _day, "month": _month, "hours": _hours,
        "spark": spark, "verdict": _verdict, "difference": _difference, "sum_of": _sum_of, "fade": _fade,
    }  # fmt: skip
    return html_environment(TEMPLATES, filters)


def _counted(value: Decimal | int) -> str:
    return counted(Decimal(value))


def _unit(line: tiles.Line, unit: str) -> str:
    return tiles.suffix(unit, line.currency) if line.ratio is not None or line.numerator else ""


def _day(value: dt.date) -> str:
    return f"{value.day} {value:%B %Y}"


def _month(value: dt.date) -> str:
    return f"{value:%b %Y}" if value.day == 1 else f"{value.day} {value:%b %Y}"


def _hours(value: int | None) -> str:
    return "a time not reached yet" if value is None else f"{value:,} h"


def _verdict(change: tiles.Change, better: str) -> str:
    """Whether the month is better (good) or worse (bad) than those before it."""
    if not change.difference:
        return "soft"
    return "good" if (change.difference > 0) == (better == "up") else "bad"


def _difference(change: tiles.Change, unit: str) -> str:
    """By how much a month differs from those before: points of a plain ratio, else percent of it."""
    if unit == "ratio":
        size = f"{abs(change.difference) * 100:.1f} points"
    else:
        size = f"{abs(change.difference / change.before):.0%}" if change.before else ""
    if size in ("0.0 points", "0%"):
        return "as before"
    return f"{'▲' if change.difference > 0 else '▼'} {size}"


def _sum_of(parts: list[tiles.Part]) -> Decimal:
    return sum((part.line.numerator for part in parts), Decimal(0))


def _fade(place: int, count: int) -> str:
    """Opacity of one of several shades, from the strongest on."""
    return f"{1 - (1 - FAINTEST) * place / max(count - 1, 1):.2f}"
