"""Why rows were set apart, by reason and column, with the first of each as examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from revlog.ingestion.chunk import BadRow
from revlog.outputs.escaping import one_line
from revlog.values.reasons import MEANINGS

SHOWN = 3


class Examples:
    """Rows set apart of one file."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str | None]] = Counter()
        self._first: dict[tuple[str, str | None], list[BadRow]] = {}

    def add(self, bad: Iterable[BadRow]) -> None:
        """Take in some rows."""
        for row in bad:
            key = (str(row.reason), row.column)
            self._rows[key] += 1
            first = self._first.setdefault(key, [])
            if len(first) < SHOWN:
                first.append(row)

    def lines(self) -> list[str]:
        """A line for each reason and column, the most frequent first."""
        return [self._line(reason, column, rows) for (reason, column), rows in self._rows.most_common()]

    def _line(self, reason: str, column: str | None, rows: int) -> str:
        first = self._first[reason, column]
        shown = [f"line {row.line_no}" + (f": {row.detail}" if row.detail else "") for row in first]
        more = ", …" if rows > len(shown) else ""
        where = f" in {column}" if column else ""
        return one_line(f"{rows:,} {reason}{where} ({'; '.join(shown)}{more}). {MEANINGS[reason]}")
