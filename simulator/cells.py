"""Sums by key that stay small however many rows are added."""

from __future__ import annotations

import numpy as np
import pandas as pd

KEEP_ROWS = 300_000


class Cells:
    """Sums by integer key columns, kept small by adding up now and then."""

    def __init__(self, keys: tuple[str, ...], sums: tuple[str, ...]) -> None:
        self.keys, self.sums = list(keys), list(sums)
        self.cells = pd.DataFrame(columns=[*keys, *sums], dtype=np.int64)
        self.parts: list[pd.DataFrame] = []  # not yet in the cells
        self.rows = 0

    def add(self, frame: pd.DataFrame) -> None:
        """Add rows; columns `keys`, `sums`."""
        if len(frame):
            self.parts.append(frame)
            self.rows += len(frame)
        # Cells are summed anew only when as much has come: each a few times, however many blocks.
        if self.rows > max(KEEP_ROWS, len(self.cells)):
            self.table()

    def table(self) -> pd.DataFrame:
        """All cells so far, in the order of the keys."""
        if self.parts:
            rows = pd.concat([self.cells, *self.parts], ignore_index=True)
            self.cells = rows.groupby(self.keys, as_index=False)[self.sums].sum()
            self.parts, self.rows = [], 0
        return self.cells
