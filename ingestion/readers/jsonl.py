"""JSON lines: one object a line. Numbers stay text, so that no digit is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any, NoReturn

import numpy as np
import pyarrow as pa

from ingestion.contract import Contract
from ingestion.layout import Layout
from ingestion.readers.chunk import CHUNK_ROWS, BadRow, Chunk, Source
from ingestion.readers.encoding import Decoder, refuse_other_formats
from ingestion.readers.jsonpath import AmbiguousValueError, JsonPaths
from ingestion.readers.records import MAX_RECORD_BYTES
from ingestion.reasons import FileRejected, Reason, Rejection

_NUL = b"\0"


class _DuplicateKeyError(ValueError):
    pass


class _NotAllowedError(ValueError):
    """JSON by its syntax, but not by what a row may hold."""


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the objects of a JSONL file; raises FileRejected where it is not one or is cut off."""
    refuse_other_formats(source.scan.head)
    reader = _JsonlFile(contract.layouts[layout_name])
    with source.open() as file:
        yield from reader.chunks(file)
    reader.decoder.finish()


class JsonRecords:
    """Records of a file as they are found: kept until they make a chunk."""

    def __init__(self, layout: Layout) -> None:
        self.paths = JsonPaths(layout)
        self.record = 0
        self.names: dict[str, None] = {}
        self.decoder = json.JSONDecoder(
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_int=str,
            parse_constant=_no_constant,
        )
        self._clear()

    @property
    def is_full(self) -> bool:
        """True where there are enough for a chunk."""
        return len(self.rows) + len(self.bad) >= CHUNK_ROWS

    def take(self, value: Any, done: int, line: int, text: str | None = None) -> None:
        """Add the records within a value, which lies `done` steps below the top; `text` is its line."""
        for found in self.paths.records(value, done):
            self.record += 1
            shown = text or json.dumps(found.value, ensure_ascii=False)
            try:
                self.rows.append(self.paths.row(found))
            except AmbiguousValueError as error:
                self.refuse(Reason.REPEATED_ELEMENT, line, shown, str(error), error.name)
                continue
            self.lines.append(line)
            self.records.append(self.record)
            self.texts.append(shown)

    def refuse(self, reason: Reason, line: int, text: str, detail: str, column: str | None = None) -> None:
        """Set a record apart, which has been counted."""
        self.bad.append(BadRow(line, self.record, reason, column, text.rstrip("\r\n"), detail[:200]))

    def finish(self) -> None:
        """Raise FileRejected where the way to the records leads nowhere."""
        way = "/".join(self.paths.steps)
        if way and not self.paths.is_reached:
            raise FileRejected(Rejection.HEADER, f"nothing lies at {way!r}; correct `record` in the layout")

    def chunk(self) -> Chunk:
        """What has been added since the last one."""
        rows, texts = self.rows, self.texts
        self.names |= dict.fromkeys(name for row in rows for name in row)
        if rows and not self.names:
            raise FileRejected(Rejection.HEADER, "the objects hold no columns; ask for the export again")
        columns = {n: [row.get(n) for row in rows] for n in self.names}
        chunk = Chunk(
            pa.table({n: pa.array(values, pa.string()) for n, values in columns.items()}),
            np.array(self.lines, dtype=np.int64),
            np.array(self.records, dtype=np.int64),
            lambda row: texts[row].rstrip("\r\n"),
            self.bad,
        )
        self._clear()
        return chunk

    def _clear(self) -> None:
        self.rows: list[dict[str, str | None]] = []
        self.lines: list[int] = []
        self.records: list[int] = []
        self.texts: list[str] = []
        self.bad: list[BadRow] = []


class _JsonlFile:
    """State of one pass."""

    def __init__(self, layout: Layout) -> None:
        self.decoder = Decoder(layout.encoding)
        self.records = JsonRecords(layout)
        self.lines = 0

    def chunks(self, file: IO[bytes]) -> Iterator[Chunk]:
        for line_no, line in enumerate(iter(lambda: file.readline(MAX_RECORD_BYTES), b""), start=1):
            if len(line) == MAX_RECORD_BYTES and not line.endswith(b"\n"):
                raise FileRejected(Rejection.MALFORMED, f"line {line_no} is longer than a megabyte")
            line = self.decoder.start(line) if line_no == 1 else line
            if not line.strip():
                continue
            self.lines += 1
            self._take(line, line_no)
            if self.records.is_full:
                yield self.records.chunk()
        if self.lines:
            self.records.finish()
        yield self.records.chunk()

    def _take(self, line: bytes, line_no: int) -> None:
        text = self.decoder.utf8(line).decode()
        try:
            if _NUL in line:
                raise _NotAllowedError("a NUL byte in the row")
            found = self.records.decoder.decode(text)
            if not isinstance(found, dict):
                raise _NotAllowedError("not an object")
            if "\\u" in text:
                _refuse_odd_characters(found)
        except (_DuplicateKeyError, _NotAllowedError) as error:
            self.records.record += 1
            self.records.refuse(_reason(error), line_no, text, str(error))
            return
        except (json.JSONDecodeError, RecursionError) as error:
            raise FileRejected(
                Rejection.TRUNCATED if not line.endswith(b"\n") else Rejection.MALFORMED,
                f"line {line_no} breaks off or is not JSON: {error}; ask for the file again"[:300],
            ) from error
        self.records.take(found, 0, line_no, text)


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


def _reason(error: Exception) -> Reason:
    if isinstance(error, _DuplicateKeyError):
        return Reason.DUPLICATE_JSON_KEY
    return Reason.NUL_BYTE if "NUL" in str(error) else Reason.BAD_JSON
