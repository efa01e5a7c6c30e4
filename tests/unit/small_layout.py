"""A feed of five columns, onto which a layout alone maps a company's files."""

from __future__ import annotations

from typing import Any

from revlog.contracts.contract import Contract
from tests.unit.one_file import OneFile, contract_of

COLUMNS = {
    "key": {"type": "id", "required": True, "description": "Key."},
    "amount": {"type": "money", "negative": "allowed", "description": "Amount."},
    "fee": {"type": "money", "negative": "allowed", "description": "Fee."},
    "at": {"type": "timestamp", "description": "When."},
    "day": {"type": "date", "description": "Day."},
}


def contract(layout: dict[str, Any], **changes: Any) -> Contract:
    """The feed with one layout, called `own`."""
    return contract_of({"file": "x_{date}.csv"} | layout, **({"key": ["key"], "columns": COLUMNS} | changes))


def read(layout: dict[str, Any], content: str | bytes, **changes: Any) -> OneFile:
    """What a file brings."""
    return OneFile(contract(layout, **changes), content)


def texts(file: OneFile, name: str) -> list[str]:
    """A column of the good rows."""
    return [str(value) for value in file.column(name)]
