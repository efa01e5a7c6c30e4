"""Rows of one file that share a key: repetitions, older versions, conflicts, or true repeats.

A first pass only keeps one number a key; where two are equal, a second pass looks at those rows and
decides by their values, and the file is sent once more without the losers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ingestion.contract import Contract
from ingestion.convert import Converted
from ingestion.hashing import Numbers, row_numbers
from ingestion.ledger import Counts
from ingestion.readers.chunk import BadRow
from ingestion.reasons import Reason

FIRST_KEYS = 1 << 16


class Repeats:
    """Keys seen in a file, and once they are resolved, what becomes of their rows."""

    def __init__(self, contract: Contract, losers: _Losers | None = None) -> None:
        self.contract = contract
        self.losers = losers
        self._keys: Numbers = np.empty(FIRST_KEYS, dtype=np.uint64)
        self._count = 0
        self._twice: Numbers | None = None

    def look(self, rows: pa.Table) -> None:
        """Remember the keys of some rows; nothing once the repetitions are known."""
        if self.losers is not None or not rows.num_rows:
            return
        numbers = self.numbers(rows)
        needed = self._count + len(numbers)
        if needed > len(self._keys):
            self._keys.resize(max(needed, 2 * len(self._keys)), refcheck=False)
        self._keys[self._count : needed] = numbers
        self._count = needed

    def numbers(self, rows: pa.Table) -> Numbers:
        """One number a row, equal where keys are equal."""
        columns = (rows.column(name).combine_chunks() for name in self.contract.key)
        return row_numbers(columns)

    def found(self) -> bool:
        """True when some key may stand twice."""
        if self.losers is not None:
            return False
        return bool(len(self.twice()))

    def twice(self) -> Numbers:
        """Numbers of the keys that stand twice or more."""
        if self._twice is None:
            keys = self._keys[: self._count]
            keys.sort()
            self._twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
            self._keys = np.empty(0, dtype=np.uint64)
        return self._twice

    def take_out(self, part: Converted, counts: Counts) -> tuple[pa.Table, list[BadRow]]:
        """Rows to load and rows to quarantine of a chunk; repetitions are counted."""
        if self.losers is None or not self.losers.concern(part.rows):
            return part.rows, part.bad
        return self.losers.take_out(part, counts, ", ".join(self.contract.key))


@dataclass
class _Losers:
    """By record number: rows that repeat, rows in conflict, and the ordinals of true repeats."""

    duplicate: set[int]
    conflict: set[int]
    ordinals: dict[int, int]

    def concern(self, rows: pa.Table) -> bool:
        known = self.duplicate | self.conflict | self.ordinals.keys()
        return any(r in known for r in rows["_record_no"].to_pylist())

    def take_out(self, part: Converted, counts: Counts, key: str) -> tuple[pa.Table, list[BadRow]]:
        records = part.rows["_record_no"].to_pylist()
        lines = part.rows["_line_no"].to_pylist()
        bad = list(part.bad)
        for line, record in zip(lines, records, strict=True):
            counts.duplicate += record in self.duplicate
            if record in self.conflict:
                text = part.text_of(record)
                bad.append(BadRow(line, record, Reason.CONFLICTING_DUPLICATE, key, text, "key stands twice"))
        out = self.duplicate | self.conflict
        rows = part.rows.filter(pa.array([r not in out for r in records]))
        if self.ordinals:
            ordinals = [self.ordinals.get(r, 1) for r in rows["_record_no"].to_pylist()]
            at = rows.column_names.index("_ordinal")
            rows = rows.set_column(at, "_ordinal", pa.array(ordinals, pa.int32()))
        return rows, bad


def resolve(contract: Contract, parts: Iterable[Converted], seen: Repeats) -> Repeats:
    """Read the file again and decide about the rows whose key stands twice."""
    rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    wanted = [*contract.key, *filter(None, [contract.version]), "_row_hash", "_record_no"]
    for part in parts:
        if not part.rows.num_rows:
            continue
        hit = np.isin(seen.numbers(part.rows), seen.twice())
        few = part.rows.select(list(dict.fromkeys(wanted))).filter(pa.array(hit))
        for row in few.to_pylist():
            rows.setdefault(tuple(row[k] for k in contract.key), []).append(row)
    losers = _Losers(set(), set(), {})
    for group in rows.values():
        _decide(contract, group, losers)
    return Repeats(contract, losers)


def _decide(contract: Contract, rows: list[dict[str, Any]], losers: _Losers) -> None:
    """Judge the rows of one key, which come in the order of the file."""
    if len(rows) < 2:
        return
    if contract.duplicates == "keep_all":
        losers.ordinals |= {row["_record_no"]: n for n, row in enumerate(rows, start=1)}
        return
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["_row_hash"] in first:
            losers.duplicate.add(row["_record_no"])
        else:
            first[row["_row_hash"]] = row
    if len(first) < 2:
        return
    winner = _newest(list(first.values()), contract.version)
    contenders = {row["_record_no"] for row in first.values()}
    if winner is None:
        losers.conflict |= contenders
    else:
        losers.duplicate |= contenders - {winner}


def _newest(rows: list[dict[str, Any]], version: str | None) -> int | None:
    """Record number of the one row with the greatest version; None where there is no such row."""
    if version is None or any(row[version] is None for row in rows):
        return None
    greatest = max(row[version] for row in rows)
    newest = [row["_record_no"] for row in rows if row[version] == greatest]
    return newest[0] if len(newest) == 1 else None
