"""Rows of another feed's files, for a SELECT to join."""

from __future__ import annotations

import datetime as dt
import functools

import pyarrow as pa

from revlog.contracts.contract import load_contract
from revlog.contracts.layout import Lookup
from revlog.contracts.selection import LINE, NAME, RECORD, Selection
from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.landing import LandedFile, discover
from revlog.ingestion.readers import reader
from revlog.values.reasons import FileRejected, Rejection
from revlog.values.text import as_array, trimmed

DATE = "_file_date"


def lookup(rule: Lookup, selection: Selection, until: dt.date) -> pa.Table:
    """The columns that the SELECT may read of each file in the landing zone dated up to `until`.

    Beside them stand `_file`, `_file_date`, `_record_no` and `_line_no`. Raises FileRejected where there is
    no such file yet: so the file is tried again when there is.
    """
    contract = load_contract(rule.feed)
    layout = rule.layout or next(iter(contract.layouts), "")
    if layout not in contract.layouts:
        raise FileRejected(
            Rejection.LOOKUP, f"{rule.feed} has no layout {layout!r}; correct `lookups` in the layout"
        )
    files = [f for f in discover(contract, until) if f.layout == layout and f.is_complete and f.fault is None]
    if not files:
        raise FileRejected(
            Rejection.LOOKUP,
            f"no file of {rule.feed} (layout {layout}) has landed up to {until}, and rows are looked up in "
            "it; the next run tries again",
        )
    return pa.concat_tables([_rows(f, rule.feed, selection) for f in files], promote_options="default")


@functools.lru_cache(maxsize=64)
def _rows(file: LandedFile, feed: str, selection: Selection) -> pa.Table:
    contract = load_contract(feed)
    source = Source(file.name, file.open, Scan("", file.size, file.head()))
    parts: list[pa.Table] = []
    for chunk in reader(contract.layouts[file.layout].format)(source, contract, file.layout):
        names = [n for n in chunk.table.column_names if selection.takes(n)]
        columns = {n: trimmed(as_array(chunk.table[n])) for n in names}
        size = chunk.table.num_rows
        columns |= {
            RECORD: pa.array(chunk.record_no, pa.int64()), LINE: pa.array(chunk.line_no, pa.int64()),
            NAME: pa.array([file.name] * size, pa.string()),
            DATE: pa.array([file.business_date] * size, pa.date32()),
        }  # fmt: skip
        parts.append(pa.table(columns))
    return pa.concat_tables(parts, promote_options="default")
