"""JSON lines: one object a line. Numbers stay text, so that no digit is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from ingestion.contract import Contract
from ingestion.readers.chunk import CHUNK_ROWS, BadRow, Chunk, Source
from ingestion.reasons import FileRejected, Reason, Rejection

LIST_SEPARATOR = "\x1f"


class _DuplicateKey(ValueError):
    pass


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the objects of a JSONL file; raises FileRejected where it is not one or is cut off."""
    _refuse_other_formats(source)
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    bad: list[BadRow] = []
    record = 0
    records: list[int] = []
    with source.open() as file:
        for line_no, line in enumerate(file, start=1):
            text = _decoded(line, line_no)
            if not text.strip():
                continue
            record += 1
            try:
                rows.append(_object(text))
            except (ValueError, RecursionError) as error:
                if not line.endswith(b"\n") and isinstance(error, json.JSONDecodeError):
                    raise FileRejected(
                        Rejection.TRUNCATED, f"line {line_no} breaks off; ask for the file again"
                    ) from error
                bad.append(_bad_row(error, text, line_no, record))
                continue
            lines.append(line_no)
            records.append(record)
            if len(rows) >= CHUNK_ROWS:
                yield _chunk(rows, lines, records, bad)
                rows, lines, records, bad = [], [], [], []
    if record and len(bad) == record:
        raise FileRejected(Rejection.NOT_THIS_FORMAT, "no line is a JSON object")
    yield _chunk(rows, lines, records, bad)


def _refuse_other_formats(source: Source) -> None:
    start = source.scan.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64]
    if not source.scan.size:
        raise FileRejected(Rejection.EMPTY_FILE, "0 bytes; ask for the file again")
    if start and not start.startswith(b"{"):
        raise FileRejected(
            Rejection.NOT_THIS_FORMAT,
            f"expected one JSON object a line, the file begins with {start[:20]!r}",
        )


def _decoded(line: bytes, line_no: int) -> str:
    try:
        return line.decode("utf-8-sig" if line_no == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise FileRejected(Rejection.ENCODING, f"line {line_no} is not UTF-8: {error}") from error


def _object(text: str) -> dict[str, Any]:
    found = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_float=_finite,
        parse_int=str,
        parse_constant=_no_constant,
    )
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return {name: _text(value) for name, value in found.items()}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKey("a key stands twice")
    return found


def _finite(text: str) -> str:
    if float(text) in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return text


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return LIST_SEPARATOR.join(str(v) for v in value)
    return json.dumps(value, ensure_ascii=False)


def _bad_row(error: Exception, text: str, line_no: int, record: int) -> BadRow:
    reason = Reason.DUPLICATE_JSON_KEY if isinstance(error, _DuplicateKey) else Reason.BAD_JSON
    return BadRow(line_no, record, reason, None, text.rstrip("\r\n"), str(error)[:200])


def _chunk(
    rows: list[dict[str, Any]], lines: list[int], records: list[int], bad: list[BadRow]
) -> Chunk:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({n: pa.array([row.get(n) for row in rows], pa.string()) for n in names})
    return Chunk(table, np.array(lines, dtype=np.int64), np.array(records, dtype=np.int64), bad)
