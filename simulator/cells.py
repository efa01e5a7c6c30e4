"""Sums by key that stay small however many rows are added."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

KEEP_ROWS = 200_000


class Cells:
    """Sums by integer key columns; the keys of a row are one number, so that adding up is sorting.

    `keys` gives the number of bits that each key needs: no key is negative. Sums are exact integers.
    """

    def __init__(self, keys: Mapping[str, int], sums: tuple[str, ...]) -> None:
        self.keys, self.sums = dict(keys), sums
        self.code = np.zeros(0, dtype=np.int64)
        self.values = np.zeros((len(sums), 0), dtype=np.int64)
        self.parts: list[tuple[np.ndarray, np.ndarray]] = []  # summed each, not yet with the others
        self.rows = 0

    def add(self, rows: Mapping[str, np.ndarray | int]) -> None:
        """Add rows; columns `keys`, `sums`, single values count for all rows."""
        code = self._code(rows)
        values = np.stack([np.broadcast_to(rows[name], code.shape) for name in self.sums])
        if len(code):
            self.parts.append(_summed(code, values.astype(np.int64)))
            self.rows += len(self.parts[-1][0])
        # Cells are summed anew only when as much has come: each a few times, however many blocks.
        if self.rows > max(KEEP_ROWS, len(self.code)):
            self._sum()

    def _code(self, rows: Mapping[str, np.ndarray | int]) -> np.ndarray:
        columns = np.broadcast_arrays(*(np.asarray(rows[name], dtype=np.int64) for name in self.keys))
        code = np.zeros(columns[0].shape, dtype=np.int64)
        for column, (name, bits) in zip(columns, self.keys.items(), strict=True):
            if len(column) and not 0 <= column.min() <= column.max() < 1 << bits:
                raise ValueError(f"{name} is from {column.min()} to {column.max()}, but has {bits} bits")
            code = (code << bits) | column
        return code

    def _sum(self) -> None:
        parts = [(self.code, self.values), *self.parts]
        self.parts, self.rows = [], 0
        self.code, self.values = _summed(
            np.concatenate([code for code, _ in parts]),
            np.concatenate([values for _, values in parts], axis=1),
        )

    def table(self) -> pd.DataFrame:
        """All cells so far, in the order of the keys."""
        if self.parts:
            self._sum()
        columns: dict[str, np.ndarray] = {}
        rest = self.code
        for name, bits in reversed(self.keys.items()):
            columns[name] = rest & ((1 << bits) - 1)
            rest = rest >> bits
        ordered = {name: columns[name] for name in self.keys}
        return pd.DataFrame({**ordered, **dict(zip(self.sums, self.values, strict=True))})


def _summed(code: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(code, kind="stable")
    code = code[order]
    starts = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1]])[: len(code)])
    if len(starts) == 0:
        return code, values
    return code[starts], np.add.reduceat(values[:, order], starts, axis=1)
