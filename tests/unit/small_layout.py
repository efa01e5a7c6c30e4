"""A feed of five columns, and files of a company mapped onto it by a layout alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from ingestion.contract import Contract, parse_contract
from ingestion.convert import Converted, Converter
from ingestion.readers import reader
from ingestion.readers.chunk import Scan, Source

COLUMNS = {
    "key": {"type": "id", "required": True, "description": "Key."},
    "amount": {"type": "money", "negative": "allowed", "description": "Amount."},
    "fee": {"type": "money", "negative": "allowed", "description": "Fee."},
    "at": {"type": "timestamp", "description": "When."},
    "day": {"type": "date", "description": "Day."},
}


def contract(layout: dict[str, Any], **changes: Any) -> Contract:
    """The feed with one layout, called `own`."""
    content = {
        "feed": "erp_x", "source": "erp", "title": "X", "description": "X.", "grain": "one line",
        "key": ["key"], "mode": "append", "columns": COLUMNS,
        "layouts": {"own": {"file": "x_{date}.csv", "format": "csv"} | layout},
    }  # fmt: skip
    return parse_contract(content | changes, Path("erp_x.yml"))


def converted(layout: dict[str, Any], content: str | bytes, **changes: Any) -> Converted:
    """What a file of one chunk brings."""
    feed = contract(layout, **changes)
    data = content if isinstance(content, bytes) else content.encode()
    source = Source("x", lambda: io.BytesIO(data), Scan("", len(data), data[:4096]))
    converter = Converter(feed, feed.layouts["own"])
    parts = [converter.convert(c) for c in reader(feed.layouts["own"].format)(source, feed, "own")]
    converter.finish()
    [part] = [p for p in parts if p.parsed or p.skipped] or parts[-1:]
    return part


def texts(part: Converted, name: str) -> list[str]:
    """A column of the good rows."""
    return [str(v) for v in part.rows[name].to_pylist()]


def faults(part: Converted) -> list[tuple[int, str, str | None]]:
    """Line, reason and column of the rows set apart."""
    return [(bad.line_no, str(bad.reason), bad.column) for bad in part.bad]
