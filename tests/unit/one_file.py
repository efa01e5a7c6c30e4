"""One file of bytes through reader and converter, without a database."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from revlog.contracts.contract import Contract, parse_contract
from revlog.ingestion.chunk import BadRow, Scan, Source
from revlog.ingestion.convert import Converted, Converter
from revlog.ingestion.reshape import rows_of

COLUMNS = {
    "order_no": {"type": "id", "required": True, "description": "Order."},
    "line_no": {"type": "integer", "description": "Line."},
    "sku": {"type": "id", "description": "SKU."},
    "note": {"type": "text", "description": "Note."},
    "serial_nos": {"type": "list", "description": "Serial numbers."},
    "amount": {"type": "money", "negative": "allowed", "description": "Amount."},
    "currency": {"type": "currency", "description": "Currency."},
    "is_void": {"type": "boolean", "description": "Void."},
    "sold_on": {"type": "date", "description": "Day."},
    "sold_at": {"type": "timestamp", "description": "When."},
    "place": {"type": "text", "description": "Zone."},
}


def contract_of(layout: dict[str, Any], **changes: Any) -> Contract:
    """A contract of the columns above, whose files look as `layout` says."""
    content = {
        "feed": "erp_x", "source": "erp", "title": "X", "description": "X.", "grain": "one line",
        "key": ["order_no"], "mode": "append", "columns": COLUMNS,
        "layouts": {"own": {"file": "x_{date}", "format": "csv"} | layout},
    }  # fmt: skip
    return parse_contract(content | changes, Path("erp_x.yml"))


class OneFile:
    """What became of a file: typed rows by column, rows set apart, and what it is told of."""

    def __init__(self, contract: Contract, content: bytes | str) -> None:
        data = content.encode() if isinstance(content, str) else content
        source = Source("x", lambda: io.BytesIO(data), Scan("", len(data), data[:4096]))
        layout = contract.layouts["own"]
        converter = Converter(contract, layout)
        chunks = rows_of(source, contract, "own")
        self.parts: list[Converted] = [converter.convert(chunk) for chunk in chunks]
        converter.finish()
        self.findings = converter.findings
        self.bad: list[BadRow] = [bad for part in self.parts for bad in part.bad]

    def column(self, name: str) -> list[Any]:
        return [value for part in self.parts for value in part.rows[name].to_pylist()]

    @property
    def faults(self) -> list[tuple[int, str, str | None]]:
        return [(b.line_no, str(b.reason), b.column) for b in self.bad]

    @property
    def rows(self) -> int:
        return sum(part.rows.num_rows for part in self.parts)

    @property
    def skipped(self) -> int:
        return sum(part.skipped for part in self.parts)

    @property
    def control(self) -> list[list[str]]:
        return [row for part in self.parts for row in part.control]

    @property
    def told(self) -> list[str]:
        return [f"{f['kind']}: {f['text']}" for f in self.findings.rows()]


def read(content: bytes | str, contract: Contract | None = None, **layout: Any) -> OneFile:
    return OneFile(contract or contract_of(layout), content)


@pytest.fixture(autouse=True)
def customer_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """To be imported by modules that read files."""
    monkeypatch.setenv("REVLOG_SECRET_CUSTOMER_KEY", "test")
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))
