"""What a file costs to read grows with its size, whatever it holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from revlog.ingestion.chunk import CHUNK_CHARACTERS
from tests.unit.one_file import COLUMNS, OneFile, contract_of, customer_key

__all__ = ["customer_key"]
XML: dict[str, Any] = {"format": "xml", "record": "row", "fields": {"order_no": "no", "note": "../of"}}
PERSONAL = COLUMNS | {"customer_id": {"type": "id", "description": "Customer.", "pii": "pseudonym"}}


def _attributes(count: int) -> OneFile:
    given = " ".join(f'a{n}="{n}"' for n in range(count))
    return OneFile(contract_of(XML), f"<rows><of/><row {given}><no>1</no></row></rows>")


def _keys_beside_persons(count: int) -> OneFile:
    """A key of its own on each line, which may be a name: a message tells its place."""
    content = "".join(json.dumps({"order_no": str(n), f"key {n}": n}) + "\n" for n in range(count))
    return OneFile(contract_of({"format": "jsonl"}, columns=PERSONAL), content)


def _seconds(read: Callable[[int], OneFile], size: int) -> float:
    """The best of three: what else the machine did is not the reader's."""
    found = []
    for _ in range(3):
        started = time.process_time()
        read(size)
        found.append(time.process_time() - started)
    return min(found)


@pytest.mark.parametrize("read", [_attributes, _keys_beside_persons])
def test_four_times_as_many_names_cost_no_square(read: Callable[[int], OneFile]) -> None:
    """A square would be sixteen times as much."""
    assert _seconds(read, 20_000) < 9 * _seconds(read, 5_000)


def _lines() -> OneFile:
    lines = [json.dumps({"order_no": str(n), "note": "x", "blob": "y" * 900_000}) for n in range(60)]
    return OneFile(contract_of({"format": "jsonl"}), "\n".join(lines) + "\n")


def _climbing() -> OneFile:
    """What stands around the records comes with each of them."""
    rows = "".join(f"<row><no>{n}</no></row>" for n in range(60))
    return OneFile(
        contract_of(XML), f"<file><order><of>x</of><blob>{'y' * 900_000}</blob>{rows}</order></file>"
    )


@pytest.mark.parametrize("read", [_lines, _climbing])
def test_long_rows_wait_in_smaller_chunks(read: Callable[[], OneFile]) -> None:
    found = read()
    assert found.rows == 60
    rows = [part.rows.num_rows for part in found.parts]
    assert max(rows) * 900_000 < 1.2 * CHUNK_CHARACTERS
