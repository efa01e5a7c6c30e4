"""JSON lines: one object a line. Numbers stay text, so that no digit is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any, NoReturn

import numpy as np
import pyarrow as pa

from ingestion.contract import Contract
from ingestion.readers.chunk import CHUNK_ROWS, BadRow, Chunk, Source
from ingestion.readers.encoding import Decoder, refuse_other_formats
from ingestion.readers.records import MAX_RECORD_BYTES
from ingestion.reasons import FileRejected, Reason, Rejection

LIST_SEPARATOR = "\x1f"
_NUL = b"\0"


class _DuplicateKeyError(ValueError):
    pass


class _NotAllowedError(ValueError):
    """JSON by its syntax, but not by what a row may hold."""


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the objects of a JSONL file; raises FileRejected where it is not one or is cut off."""
    refuse_other_formats(source.scan.head)
    reader = _JsonlFile(contract.layouts[layout_name].encoding)
    with source.open() as file:
        yield from reader.chunks(file)
    reader.decoder.finish()


class _JsonlFile:
    """State of one pass."""

    def __init__(self, encoding: str) -> None:
        self.decoder = Decoder(encoding)
        self.record = 0
        self.names: dict[str, None] = {}
        self._decode = json.JSONDecoder(
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_int=str,
            parse_constant=_no_constant,
        ).decode
        self._clear()

    def chunks(self, file: IO[bytes]) -> Iterator[Chunk]:
        for line_no, line in enumerate(iter(lambda: file.readline(MAX_RECORD_BYTES), b""), start=1):
            if len(line) == MAX_RECORD_BYTES and not line.endswith(b"\n"):
                raise FileRejected(Rejection.MALFORMED, f"line {line_no} is longer than a megabyte")
            line = self.decoder.start(line) if line_no == 1 else line
            if not line.strip():
                continue
            self.record += 1
            self._take(line, line_no)
            if len(self.rows) + len(self.bad) >= CHUNK_ROWS:
                yield self._chunk()
        yield self._chunk()

    def _take(self, line: bytes, line_no: int) -> None:
        text = self.decoder.utf8(line).decode()
        try:
            if _NUL in line:
                raise _NotAllowedError("a NUL byte in the row")
            found = self._decode(text)
            if not isinstance(found, dict):
                raise _NotAllowedError("not an object")
            if "\\u" in text:
                _refuse_odd_characters(found)
        except (_DuplicateKeyError, _NotAllowedError) as error:
            self.bad.append(_bad_row(error, text, line_no, self.record))
            return
        except (json.JSONDecodeError, RecursionError) as error:
            raise FileRejected(
                Rejection.TRUNCATED if not line.endswith(b"\n") else Rejection.MALFORMED,
                f"line {line_no} breaks off or is not JSON: {error}; ask for the file again"[:300],
            ) from error
        self.rows.append(found)
        self.lines.append(line_no)
        self.records.append(self.record)
        self.texts.append(line)

    def _clear(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.lines: list[int] = []
        self.records: list[int] = []
        self.texts: list[bytes] = []
        self.bad: list[BadRow] = []

    def _chunk(self) -> Chunk:
        rows, texts = self.rows, self.texts
        self.names |= dict.fromkeys(name for row in rows for name in row)
        if rows and not self.names:
            raise FileRejected(Rejection.HEADER, "the objects hold no columns; ask for the export again")
        columns = {n: [_text(row.get(n)) for row in rows] for n in self.names}
        chunk = Chunk(
            pa.table({n: pa.array(values, pa.string()) for n, values in columns.items()}),
            np.array(self.lines, dtype=np.int64),
            np.array(self.records, dtype=np.int64),
            lambda row: texts[row].rstrip(b"\r\n").decode(errors="replace"),
            self.bad,
        )
        self._clear()
        return chunk


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError("a key stands twice")
    return found


def _finite(text: str) -> str:
    if "e" in text.lower() and float(text) in (float("inf"), float("-inf")):
        raise _NotAllowedError(f"{text} is beyond every number")
    return text


def _refuse_odd_characters(row: dict[str, Any]) -> None:
    """Escapes can spell what no text may hold: NUL, and half a character."""
    content = "".join(str(v) for v in row.values())
    if "\0" in content:
        raise _NotAllowedError("a NUL byte in the row")
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise _NotAllowedError("half a surrogate pair in the row") from error


def _no_constant(text: str) -> NoReturn:
    raise _NotAllowedError(f"{text} is not JSON")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return LIST_SEPARATOR.join("" if v is None else str(v) for v in value)
    return json.dumps(value, ensure_ascii=False)


def _bad_row(error: Exception, text: str, line_no: int, record: int) -> BadRow:
    if isinstance(error, _DuplicateKeyError):
        reason = Reason.DUPLICATE_JSON_KEY
    else:
        reason = Reason.NUL_BYTE if "NUL" in str(error) else Reason.BAD_JSON
    return BadRow(line_no, record, reason, None, text.rstrip("\r\n"), str(error)[:200])
