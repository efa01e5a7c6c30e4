"""What a file would bring, told without the warehouse: rows by fate, reasons, a sample, sums and days."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlog.contracts.contract import Contract, ContractError, all_feeds, load_contract
from revlog.ingestion.archives import unpacked
from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.control import Stated, check_control, extract_time
from revlog.ingestion.convert import Converted, Converter
from revlog.ingestion.examples import Examples
from revlog.ingestion.filedate import latest_day
from revlog.ingestion.landing import HEAD_BYTES, day_of
from revlog.ingestion.pseudonym import Pseudonyms
from revlog.ingestion.reshape import rows_of
from revlog.ingestion.row_counts import RowCounts
from revlog.outputs.escaping import one_line
from revlog.values.hashing import row_numbers
from revlog.values.reasons import FileRejected

SAMPLE_ROWS = 5
# Customers are shown as hashes that stand for nobody: the warehouse's own key is not asked for.
PREVIEW_KEY = b"preview"


@dataclass(frozen=True)
class LocalFile:
    """A file anywhere on this machine, as a layout would read it."""

    path: Path
    layout: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size

    def open(self) -> IO[bytes]:
        """Open the content for reading from its start, unpacked where the file is packed."""
        return unpacked(self.path.open("rb"), self.name, self.size)

    def head(self) -> bytes:
        """First bytes of the content."""
        with self.open() as content:
            return content.read(HEAD_BYTES)


@dataclass
class Preview:
    """What one layout makes of a file."""

    feed: str
    layout: str
    day: dt.date | None = None
    rejected: str | None = None
    counted: RowCounts | None = None
    examples: Examples = field(default_factory=Examples)
    findings: str | None = None
    sample: list[dict[str, Any]] = field(default_factory=list)
    amounts: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    ranges: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    filled: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def lines(self) -> Iterator[str]:
        """The preview for people."""
        yield f"{self.feed}, layout {self.layout}" + (f", of {self.day}" if self.day else "")
        if self.rejected is not None:
            yield f"  would be rejected: {self.rejected}"
        if self.counted is None:
            return
        counts = self.counted.counts
        yield (
            f"  {counts.parsed:,} rows: {counts.loaded:,} load, {counts.quarantined:,} are quarantined, "
            f"{counts.control:,} are totals, of other feeds or left out"
        )
        yield from (f"  quarantined: {line}" for line in self.examples.lines())
        if self.repeated:
            yield f"  {self.repeated:,} rows have the key of another: the loader keeps one or sets them apart"
        if self.findings:
            yield f"  {self.findings}"
        for (name, currency), total in sorted(self.amounts.items()):
            yield f"  sum of {name}: {total:,} {currency}"
        for name, (first, last) in self.ranges.items():
            yield f"  {name}: {first} to {last}"
        empty = [name for name in self.filled if counts.loaded and not self.filled[name]]
        if empty:
            yield f"  always empty: {', '.join(empty)}"
        for number, row in enumerate(self.sample, start=1):
            yield f"  row {number}: " + one_line(", ".join(f"{n}={_shown(v)}" for n, v in row.items()))


def candidates(
    path: Path, company: str, feed: str | None = None, layout: str | None = None
) -> list[tuple[Contract, str]]:
    """Contracts of a company with the layouts that take a file of this name; of a named feed all.

    Raises LookupError where there is none, with the names that layouts take. What is wrong with the layouts
    of another feed is no matter where one is found.
    """
    contracts: list[Contract] = []
    broken: ContractError | None = None
    for name in [feed] if feed else all_feeds():
        try:
            contracts.append(load_contract(name, company))
        except ContractError as error:
            broken = broken or error
    named = [(c, name) for c in contracts for name in c.layouts if layout in (None, name)]
    found = [(c, name) for c, name in named if c.layouts[name].takes(path.name)]
    if not found and broken is not None:
        raise broken
    if not found and feed is None:
        patterns = "\n".join(f"  {c.feed}, {n}: {c.layouts[n].file}" for c, n in named)
        raise LookupError(
            f"no layout of {company} takes files called {path.name}; name the feed with --feed to read it "
            f"nevertheless. There are\n{patterns}"
        )
    if not (found or named):
        raise LookupError(f"{company} has no layout {layout or ''} of {feed}")
    return found or named


def preview(path: Path, contract: Contract, layout_name: str) -> Preview:
    """Read a file as the loader would; nothing is written."""
    layout = contract.layouts[layout_name]
    found = Preview(contract.feed, layout_name)
    file = LocalFile(path, layout_name)
    converter = Converter(contract, layout)
    converter.pseudonyms = Pseudonyms(PREVIEW_KEY)
    stated, keys = Stated(), []
    try:
        modified = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        found.day = day_of(layout, path.name, modified)
        if layout.file_date is not None and layout.file_date.column is not None:
            found.day = latest_day(file, contract)
        converter.day = found.day
        source = Source(path.name, file.open, Scan("", file.size, file.head()))
        found.counted = RowCounts(contract)
        for chunk in rows_of(source, contract, layout_name):
            part = converter.convert(chunk)
            stated.add(part)
            _add(found, contract, part)
            if part.rows.num_rows:
                keys.append(row_numbers(part.rows[n].combine_chunks() for n in contract.key))
        converter.finish()
        check_control(layout, stated)
        extract_time(layout, stated)
        if not stated.records and contract.empty_file == "alert":
            found.rejected = "no rows, and the contract allows no empty day"
    except FileRejected as error:
        found.rejected = str(error)
    found.findings = converter.findings.text()
    found.repeated = _repeated(keys)
    return found


def _add(found: Preview, contract: Contract, part: Converted) -> None:
    assert found.counted is not None
    found.counted.add(part)
    found.examples.add(part.bad)
    rows = part.rows
    shown = [n for n in contract.columns if n in rows.column_names]
    if len(found.sample) < SAMPLE_ROWS:
        found.sample += (
            rows.select(["_line_no", *shown]).slice(0, SAMPLE_ROWS - len(found.sample)).to_pylist()
        )
    for name in shown:
        column, kind = rows[name], contract.columns[name].type
        found.filled[name] += rows.num_rows - column.null_count
        if kind == "money":
            _add_sums(found, rows, name, contract.columns[name].currency)
        if kind in ("date", "timestamp") and column.null_count < rows.num_rows:
            _widen(found.ranges, name, column)


def _add_sums(found: Preview, rows: pa.Table, name: str, currency: str) -> None:
    if currency not in rows.column_names:
        return
    for row in rows.group_by(currency).aggregate([(name, "sum")]).to_pylist():
        if row[f"{name}_sum"] is not None:
            key = (name, row[currency] or "?")
            found.amounts[key] = found.amounts.get(key, Decimal(0)) + row[f"{name}_sum"]


def _widen(ranges: dict[str, tuple[Any, Any]], name: str, column: pa.ChunkedArray) -> None:
    ends = pc.min_max(column).as_py()
    first, last = ranges.get(name, (ends["min"], ends["max"]))
    ranges[name] = (min(first, ends["min"]), max(last, ends["max"]))


def _repeated(keys: list[Any]) -> int:
    numbers = np.concatenate(keys) if keys else np.empty(0, np.uint64)
    return len(numbers) - len(np.unique(numbers))


def _shown(value: Any) -> str:
    return "" if value is None else str(value)[:60]
