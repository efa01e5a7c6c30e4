"""The figures of each night as its page showed them, so that the next night's page can say what changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from revlog.outputs.files import write_text
from revlog.outputs.nights import too_old

FOLDER = "nights"


@dataclass(frozen=True)
class Night:
    """Figures of an earlier night by their name; without a night, none."""

    date: dt.date | None = None
    figures: Mapping[str, str] = field(default_factory=dict)


def before(page: Path, date: dt.date | None) -> Night:
    """The night before `date` whose figures are kept beside the page; an unreadable file is none."""
    if date is None:
        return Night()
    for path in reversed(_kept(page)):
        if path.stem < date.isoformat():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                return Night(dt.date.fromisoformat(path.stem), {str(k): str(v) for k, v in found.items()})
            except (OSError, ValueError, AttributeError):
                continue
    return Night()


def keep(page: Path, date: dt.date | None, figures: Mapping[str, str], mode: int) -> None:
    """Keep the night's figures beside the page, in place of an earlier run's, and drop the oldest nights.

    Raises NotWritten.
    """
    if date is None:
        return
    write_text(page.parent / FOLDER / f"{date}.json", json.dumps(figures, indent=0, sort_keys=True), mode)
    for old in too_old(_kept(page)):
        old.unlink(missing_ok=True)


def _kept(page: Path) -> list[Path]:
    return sorted((page.parent / FOLDER).glob("????-??-??.json"))
