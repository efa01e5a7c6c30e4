"""The scorecards' templates: one file with its style, its scripts and its data inside."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from revlog.metrics.definitions import BASES, LEVELS
from revlog.outputs import escaping
from revlog.outputs.escaping import html_environment
from revlog.reports.kpi_cards import part_value
from revlog.reports.libraries import scripts
from revlog.reports.tables import Table
from revlog.reports.units import counted

TEMPLATES = Path(__file__).parent / "templates"
# The faintest of several shades of one colour.
FAINTEST = 0.22


def render(name: str, **given: Any) -> str:
    """A template with everything inside, so that the page is one file and opens offline."""
    style = Markup((TEMPLATES / "scorecard.css").read_text(encoding="utf-8"))
    ours = [Markup(text) for text in scripts()]
    return _environment().get_template(name).render(
        style=style, scripts=ours, bases=BASES, levels=LEVELS, **given
    )  # fmt: skip


@functools.cache
def _environment() -> Environment:
    filters = {
        "counted": _counted, "day": _day, "hours": _hours, "fade": _fade, "part_value": part_value,
        "json": _json, "where": _where, "table_id": table_id,
    }  # fmt: skip
    found = html_environment(TEMPLATES, filters, scripts=" ".join(map(_hash, scripts())))
    # The spreadsheets' rule has one owner; the page's script asks for it.
    found.globals["csv_rule"] = {
        "evaluated": escaping.EVALUATED.pattern, "number": escaping.NUMBER.pattern,
    }  # fmt: skip
    return found


def _hash(text: str) -> str:
    """A script by its hash: the page's policy lets these run and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def table_id(table: Table) -> str:
    """Where the table is on its page."""
    return f"rows-{table.name}"


def _json(value: object) -> Markup:
    """Data for the page's script, within a `script` that is no program: no text can end the element."""
    return Markup(escaping.script(value))


def _where(value: object) -> str:
    """Values that a link filters a table by, as an attribute."""
    return json.dumps(value, ensure_ascii=False)


def _counted(value: Decimal | int) -> str:
    return counted(Decimal(value))


def _day(value: dt.date) -> str:
    return f"{value.day} {value:%B %Y}"


def _hours(value: int | None) -> str:
    return "a time not reached yet" if value is None else f"{value:,} h ({value / 24:.1f} d)"


def _fade(place: int, count: int) -> str:
    """Opacity of one of several shades, from the strongest on."""
    return f"{1 - (1 - FAINTEST) * place / max(count - 1, 1):.2f}"
