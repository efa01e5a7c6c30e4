"""What a file is told of though it loads: counted by kind and column, in the ledger and for the gate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from revlog.outputs.escaping import one_line

# A file may have thousands of columns that nobody knows; beyond these they are only counted.
MOST = 20


class Kind(StrEnum):
    """What there is to tell."""

    UNKNOWN_COLUMN = "unknown_column"
    UNKNOWN_VALUE = "unknown_value"
    MOJIBAKE = "mojibake"
    INVISIBLE = "invisible"
    USELESS_RULE = "useless_rule"
    COPY = "copy"


# These hold the night until someone has looked: a column is empty or wrong all through.
CRITICAL = {Kind.USELESS_RULE}


@dataclass(frozen=True)
class Finding:
    """One thing to tell; `text` names column or rule, and no value but codes of feeds that name nobody."""

    kind: Kind
    text: str


class Findings:
    """The findings of one file with the rows that each is about."""

    def __init__(self) -> None:
        self._rows: Counter[Finding] = Counter()
        self._further: Counter[Kind] = Counter()

    def add(self, kind: Kind, text: str, rows: int) -> None:
        """Take in one finding on some rows; 0 for the file itself."""
        finding = Finding(kind, one_line(text)[:200])
        if finding in self._rows or sum(f.kind == kind for f in self._rows) < MOST:
            self._rows[finding] += rows
        else:
            self._further[kind] += 1

    def text(self) -> str | None:
        """All of them in one line for people; None where there are none."""
        parts = [f.text + (f": {rows:,} rows" if rows else "") for f, rows in self._rows.items()]
        parts += [f"{count:,} times more {kind.replace('_', ' ')}" for kind, count in self._further.items()]
        return f"warning: {'; '.join(parts)}" if parts else None

    def rows(self) -> list[dict[str, Any]]:
        """For the ledger: kind, text, rows, and whether it holds the night."""
        return [
            {"kind": f.kind.value, "text": f.text, "rows": rows, "is_critical": f.kind in CRITICAL}
            for f, rows in self._rows.items()
        ]
