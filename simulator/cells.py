"""Sums by key that stay small however many rows are added."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

KEEP_ROWS = 300_000


@dataclass
class Cells:
    """Sums by integer key columns, kept small by adding up now and then."""

    keys: tuple[str, ...]
    sums: tuple[str, ...]
    parts: list[pd.DataFrame] = field(default_factory=list)
    rows: int = 0  # added since they were last summed

    def add(self, frame: pd.DataFrame) -> None:
        """Add rows; columns `keys`, `sums`."""
        if len(frame):
            self.parts.append(frame)
            self.rows += len(frame)
        if self.rows > KEEP_ROWS:
            self.table()

    def _sum(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.groupby(list(self.keys), as_index=False)[list(self.sums)].sum()

    def table(self) -> pd.DataFrame:
        """All cells so far."""
        if not self.parts:
            return pd.DataFrame(columns=[*self.keys, *self.sums])
        self.parts = [self._sum(pd.concat(self.parts, ignore_index=True))]
        self.rows = 0
        return self.parts[0]
