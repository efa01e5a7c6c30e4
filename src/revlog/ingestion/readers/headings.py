"""What lines above the rows say, such as the account that a list goes on with: columns of the rows below."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import numpy as np

from revlog.contracts.layout import Layout
from revlog.values.reasons import FileRejected, Rejection


class Headings:
    """The `headings` of a layout, and what each was last heard to say."""

    def __init__(self, layout: Layout) -> None:
        self.patterns = {name: re.compile(pattern) for name, pattern in layout.headings.items()}
        self.said: dict[str, str | None] = dict.fromkeys(layout.headings)

    def hear(self, line: str) -> None:
        """Note what a line says that is no row."""
        for name, pattern in self.patterns.items():
            found = pattern.search(line)
            if found and found[1] is not None:
                self.said[name] = found[1].strip()

    def heard(
        self, skipped: Iterable[int], kept: np.ndarray, text: Callable[[int], str]
    ) -> dict[str, list[str | None]]:
        """What is said of the `kept` rows: each heading holds for the rows below it, up to the next."""
        values: dict[str, list[str | None]] = {name: [] for name in self.patterns}
        for row in skipped if values else ():
            self._fill(values, int(np.searchsorted(kept, row)))
            self.hear(text(row))
        self._fill(values, len(kept))
        return values

    def _fill(self, values: dict[str, list[str | None]], rows: int) -> None:
        for name, column in values.items():
            column += [self.said[name]] * (rows - len(column))

    def refuse_own(self, header: Iterable[str]) -> None:
        """Raise FileRejected where the file itself has a column of that name."""
        if twice := self.said.keys() & set(header):
            raise FileRejected(
                Rejection.HEADER,
                f"the file has a column {', '.join(sorted(twice))} itself; correct `headings` in the layout",
            )

    def refuse_mute(self) -> None:
        """Raise FileRejected where rows have come, and a heading has said nothing."""
        if mute := [name for name, value in self.said.items() if value is None]:
            raise FileRejected(
                Rejection.HEADER,
                f"no line above the rows says {', '.join(mute)}; correct `headings` in the layout",
            )
