"""Other ways in which the same export may arrive: shuffled, in parts, repeated, wrong at first.

Whatever the way, the end must be the same: a correct pipeline's tables, cell by cell.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

HOUR = 3600
# Whole tables, and files that state totals, can't be split or cut by lines.
FULL = ("erp_items", "crm_customers")
WITH_TOTALS = ("erp_payment_settlements", "wms_carrier_invoices")


@dataclass(frozen=True)
class Drop:
    """One file to be put into a landing zone: its source folder, name, content and time."""

    source: str
    name: str
    content: bytes
    modified_at: float

    def put(self, landing: Path) -> Path:
        """Write the file and its marker; returns its path."""
        folder = landing / self.source
        folder.mkdir(parents=True, exist_ok=True)
        path, marker = folder / self.name, folder / f"{self.name}.done"
        path.write_bytes(self.content)
        marker.touch()
        for each in (path, marker):
            os.utime(each, (self.modified_at, self.modified_at))
        return path


def drops(files: Iterable[Path]) -> list[Drop]:
    """The files as they are, in their order."""
    return [Drop(path.parent.name, path.name, path.read_bytes(), path.stat().st_mtime) for path in files]


def shuffled(given: Iterable[Drop], seed: int) -> list[Drop]:
    """The same files in another order."""
    listed = list(given)
    return [listed[index] for index in np.random.default_rng(seed).permutation(len(listed))]


def can_be_cut(drop: Drop) -> bool:
    """True for files of lines that stand each for itself."""
    is_lines = drop.name.endswith((".jsonl", ".csv"))
    return is_lines and not drop.name.startswith((*FULL, *WITH_TOTALS))


def split(drop: Drop, parts: int) -> list[Drop]:
    """The rows of a file in several files `…_part1`, `…_part2`; whole where it can't be cut."""
    if not can_be_cut(drop):
        return [drop]
    header, rows = _lines(drop)
    stem, suffix = Path(drop.name).stem, Path(drop.name).suffix
    size = max(1, -(-len(rows) // parts))
    pieces = [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]
    return [
        replace(drop, name=f"{stem}_part{number}{suffix}", content=b"".join([*header, *piece]))
        for number, piece in enumerate(pieces, start=1)
    ]


def again(drop: Drop) -> Drop:
    """The same content an hour later under another name."""
    stem, suffix = Path(drop.name).stem, Path(drop.name).suffix
    return replace(drop, name=f"{stem}_again{suffix}", modified_at=drop.modified_at + HOUR)


def wrong_first(drop: Drop) -> list[Drop]:
    """A first version of an hour earlier, without every third row, then the file itself.

    Both have the same name: load between the two. Just the file itself where it can't be cut.
    """
    if not can_be_cut(drop):
        return [drop]
    header, rows = _lines(drop)
    kept = [row for number, row in enumerate(rows) if number % 3]
    first = replace(drop, content=b"".join([*header, *kept]), modified_at=drop.modified_at - HOUR)
    return [first, drop] if kept and first.content != drop.content else [drop]


def _lines(drop: Drop) -> tuple[list[bytes], list[bytes]]:
    lines = drop.content.splitlines(keepends=True)
    return (lines[:1], lines[1:]) if drop.name.endswith(".csv") else ([], lines)
