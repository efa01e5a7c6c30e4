"""A file's day, where a column of the file tells it."""

from __future__ import annotations

import datetime as dt
from typing import IO, Protocol

from revlog.contracts.contract import Contract
from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.header import near_names, shown
from revlog.ingestion.readers import reader
from revlog.values import times
from revlog.values.reasons import FileRejected, Rejection
from revlog.values.text import as_array, trimmed


class Readable(Protocol):
    """A file that can be opened."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def layout(self) -> str:
        """Name of the layout that reads it."""

    @property
    def size(self) -> int:
        """Bytes of the file."""

    def open(self) -> IO[bytes]:
        """Open the content for reading from its start."""

    def head(self) -> bytes:
        """First bytes of the content."""


def latest_day(file: Readable, contract: Contract) -> dt.date:
    """The latest day in the column that the file's layout names, as it is written.

    Raises FileRejected where the file can't be read, or tells no day there.
    """
    rule = contract.layouts[file.layout].file_date
    assert rule is not None and rule.column is not None
    column, form = rule.column, rule.format
    source = Source(file.name, file.open, Scan("", file.size, file.head()))
    latest: dt.date | None = None
    header: dict[str, None] = {}
    for chunk in reader(contract.layouts[file.layout].format)(source, contract, file.layout):
        header |= dict.fromkeys(chunk.table.column_names)
        if column not in header:
            continue
        micros, valid = times.parse(trimmed(as_array(chunk.table.column(column))), form, as_written=True)
        valid &= ~times.range_fault(micros, valid)
        if valid.any():
            day = times.as_dates(micros[valid].max(keepdims=True), valid[valid][:1])[0].as_py()
            latest = max(latest or day, day)
    if latest is None:
        raise FileRejected(Rejection.NO_DATE, _told(contract, column, form, list(header)))
    return latest


def _told(contract: Contract, column: str, form: str, header: list[str]) -> str:
    if column in header:
        return (
            f"column {column} tells the file's day, but has no date in the format {form}; correct `file_date`"
        )
    near = shown(contract, near_names(column, header), header)
    hint = f"; near: {near}" if near else ""
    return f"column {column}, which tells the file's day, is missing{hint}; correct `file_date` in the layout"
