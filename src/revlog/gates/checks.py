"""Checks as files: an asset is a folder of `expectations/checks`, its rows and each check a query in it.

A file begins with comments. In `rows.sql`: `asset` (what messages call it), `key`, `holds`; in every other
file, which is named for its check: `severity`, `meaning` (what is expected), `advice`. A check is a query on
`batch`, the asset's rows, and what it finds is at fault. What differs from night to night is a {{ value }}.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity
from jinja2 import Environment, StrictUndefined, Template
from psycopg import sql

from revlog.builds.domains import DOMAINS
from revlog.config.settings import ROOT
from revlog.gates.asset import Asset, no_rows

FOLDER = ROOT / "expectations" / "checks"
ROWS = "rows.sql"
OF_ROWS, OF_CHECK = {"asset", "key", "holds"}, {"severity", "meaning", "advice"}
FIELD = re.compile(r"^-- ([a-z]+): (.+)$")
CONTINUED = "--     "


def asset(
    folder: str,
    values: Mapping[str, Any],
    *,
    suite: str = "",
    expectations: Sequence[Expectation] = (),
    without: Iterable[str] = (),
) -> Asset:
    """Return the asset of a folder such as `landed/silence`, with all its checks and GX's own `expectations`.

    The suite is named for the folder (`landed.silence`) unless `suite` does. Checks named in `without` do not
    apply tonight. Raises ValueError where a file's head lacks something or a value is not given.
    """
    head, rows = read(f"{folder}/{ROWS}", values)
    checks = [_check(f"{folder}/{name}.sql", values) for name in _checks(folder) if name not in without]
    return Asset(
        head["asset"],
        suite or folder.replace("/", "."),
        # GX takes no query that begins with `with`.
        f"select t.* from (\n{rows}\n) as t",
        [*checks, *expectations],
        _names(head["key"]),
        _names(head["holds"]) if "holds" in head else DOMAINS,
    )


def read(path: str, values: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Return the head and the query of a file below `expectations/checks`, both with the night's values."""
    head, query = parts(FOLDER / path)
    return {name: _rendered(text, values) for name, text in head.items()}, _rendered(query, values)


@cache
def parts(file: Path) -> tuple[dict[str, str], str]:
    """Return the head and the query of a file as they are written."""
    lines = file.read_text(encoding="utf-8").splitlines()
    first = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    head = _head(lines[:first])
    known, needed = (OF_ROWS, OF_ROWS - {"holds"}) if file.name == ROWS else (OF_CHECK, OF_CHECK - {"advice"})
    if head.keys() - known or needed - head.keys():
        raise ValueError(f"{file.name} begins with {', '.join(head)}; it needs {', '.join(sorted(needed))}")
    return head, "\n".join(lines[first:])


def _rendered(text: str, values: Mapping[str, Any]) -> str:
    return _template(text).render(values).strip()


def _check(path: str, values: Mapping[str, Any]) -> Expectation:
    head, query = read(path, values)
    return no_rows(
        Path(path).stem,
        query,
        severity=FailureSeverity(head["severity"]),
        description=head["meaning"],
        advice=head.get("advice", ""),
    )


def _checks(folder: str) -> list[str]:
    return sorted(p.stem for p in (FOLDER / folder).glob("*.sql") if p.name != ROWS)


@cache
def _template(text: str) -> Template:
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(text)


def _head(comments: list[str]) -> dict[str, str]:
    head: dict[str, str] = {}
    name = ""
    for line in comments:
        if found := FIELD.match(line):
            name = found[1]
            head[name] = found[2]
        elif name and line.startswith(CONTINUED):
            head[name] += f" {line.removeprefix(CONTINUED).strip()}"
        else:
            name = ""
    return head


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def text_literal(value: str | None) -> str:
    """A text as SQL writes it."""
    return "null::text" if value is None else sql.Literal(value).as_string()


def texts(values: Iterable[str]) -> str:
    """An array of texts as SQL writes it."""
    return f"array[{', '.join(text_literal(value) for value in values)}]::text[]"


def ids(values: Iterable[int]) -> str:
    """An array of numbers as SQL writes it."""
    return f"array[{', '.join(map(str, values))}]::bigint[]"


def date(value: dt.date | None) -> str:
    """A date as SQL writes it."""
    return "null::date" if value is None else f"date '{value.isoformat()}'"


def number(value: float | None) -> str:
    """A number to three digits as SQL writes it."""
    return "null::numeric" if value is None else f"{value:.3f}::numeric"
