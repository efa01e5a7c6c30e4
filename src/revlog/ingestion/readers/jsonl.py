"""JSON lines: one object a line. Numbers stay text, so that no digit is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any, NoReturn

import numpy as np
import pyarrow as pa

from revlog.contracts.contract import Contract
from revlog.ingestion.chunk import CHUNK_CHARACTERS, CHUNK_ROWS, BadRow, Chunk, Source, size_of
from revlog.ingestion.header import check_needs
from revlog.ingestion.readers.encoding import Decoder, opened, refuse_other_formats
from revlog.ingestion.readers.jsonpath import JsonPaths, Number, Row, UnfitValueError, spelled
from revlog.ingestion.readers.records import MAX_RECORD_BYTES
from revlog.ingestion.uses import uses
from revlog.values.reasons import FileRejected, Reason, Rejection

_NUL = b"\0"
# A key that is longer is no name; and where a SELECT reads any column, a file may not have any number.
MAX_NAME, MAX_COLUMNS = 500, 2_000


class NotAllowedError(ValueError):
    """JSON by its syntax, but not by what a row may hold."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the objects of a JSONL file; raises FileRejected where it is not one or is cut off."""
    refuse_other_formats(source.scan.head)
    reader = _JsonlFile(contract, layout_name)
    with opened(source, reader.records.layout.encoding) as file:
        yield from reader.chunks(file)
    reader.decoder.finish()


class JsonRecords:
    """Records of a file as they are found: kept until they make a chunk."""

    def __init__(self, contract: Contract, layout_name: str) -> None:
        self.contract, self.layout = contract, contract.layouts[layout_name]
        self.uses = uses(contract, self.layout)
        self.paths = JsonPaths(self.layout, self.uses)
        self.record = 0
        self.names: dict[str, None] = {}
        self.decoder = json.JSONDecoder(
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_int=Number,
            parse_constant=_no_constant,
        )
        self._clear()

    @property
    def is_full(self) -> bool:
        """True where there are enough for a chunk."""
        return len(self.rows) + len(self.bad) >= CHUNK_ROWS or self.held >= CHUNK_CHARACTERS

    def take(self, value: Any, done: int, line: int, text: str | None = None) -> None:
        """Add the records within a value, which lies `done` steps below the top; `text` is its line."""
        for found in self.paths.records(value, done):
            self.record += 1
            try:
                if text is None or "\\u" in text:
                    _refuse_odd_characters(found.value)
                row, extra = self.paths.row(found)
                if any(len(name) > MAX_NAME for name in (*row, *extra)):
                    raise NotAllowedError(Reason.TOO_LONG, f"a key of more than {MAX_NAME} characters")
            except UnfitValueError as error:
                shown = text or spelled(found.value)
                self.refuse(error.reason, line, shown, str(error), error.name)
                continue
            except NotAllowedError as error:
                self.refuse(error.reason, line, text or _printable(found.value), str(error))
                continue
            except RecursionError:
                self.refuse(Reason.BAD_JSON, line, text or "", "nested too deeply")
                continue
            self.rows.append(row)
            self.extras.append(extra)
            self.lines.append(line)
            self.records.append(self.record)
            self.texts.append(text or spelled(found.value))
            self.held += size_of(self.texts[-1], extra)

    def refuse(self, reason: Reason, line: int, text: str, detail: str, column: str | None = None) -> None:
        """Set a record apart, which has been counted."""
        self.bad.append(BadRow(line, self.record, reason, column, text.rstrip("\r\n"), detail[:200]))
        self.held += len(text)

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
            self._refuse_unknown()
        if len(self.names) > MAX_COLUMNS:
            raise FileRejected(
                Rejection.HEADER,
                f"more than {MAX_COLUMNS:,} different keys in its objects; name those to read under `fields`",
            )
        columns = {n: [row.get(n) for row in rows] for n in self.names}
        chunk = Chunk(
            pa.table({n: pa.array(values, pa.string()) for n, values in columns.items()}),
            np.array(self.lines, dtype=np.int64),
            np.array(self.records, dtype=np.int64),
            lambda row: texts[row].rstrip("\r\n"),
            self.bad,
            extras=self.extras,
        )
        self._clear()
        return chunk

    def _refuse_unknown(self) -> None:
        """Raise FileRejected where no object has a key that anyone knows and that must be there."""
        keys = dict.fromkeys(name for extra in self.extras for name in extra)
        if not keys:
            raise FileRejected(Rejection.HEADER, "the objects hold no columns; ask for the export again")
        check_needs(self.contract, self.layout, keys)
        self.names = dict.fromkeys(sorted(self.uses.known)[:1])  # a table of rows has some column

    def _clear(self) -> None:
        self.rows: list[Row] = []
        self.extras: list[Row] = []
        self.lines: list[int] = []
        self.records: list[int] = []
        self.texts: list[str] = []
        self.bad: list[BadRow] = []
        self.held = 0


class _JsonlFile:
    """State of one pass."""

    def __init__(self, contract: Contract, layout_name: str) -> None:
        self.decoder = Decoder(contract.layouts[layout_name].encoding)
        self.records = JsonRecords(contract, layout_name)
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
                raise NotAllowedError(Reason.NUL_BYTE, "a NUL byte in the row")
            found = self.records.decoder.decode(text)
            if not isinstance(found, dict):
                _refuse_array_of_rows(found, line_no)
                raise NotAllowedError(Reason.BAD_JSON, "not an object")
        except NotAllowedError as error:
            self.records.record += 1
            self.records.refuse(error.reason, line_no, text, str(error))
            return
        except (json.JSONDecodeError, RecursionError) as error:
            raise FileRejected(
                Rejection.TRUNCATED if not line.endswith(b"\n") else Rejection.MALFORMED,
                f"line {line_no} breaks off or is not JSON: {error}; ask for the file again"[:300],
            ) from error
        self.records.take(found, 0, line_no, text)


def _refuse_array_of_rows(found: Any, line_no: int) -> None:
    """A whole export on one line would else be one row that is refused."""
    if isinstance(found, list) and any(isinstance(item, dict) for item in found):
        raise FileRejected(
            Rejection.NOT_THIS_FORMAT,
            f"line {line_no} is an array of {len(found):,} items, not one object; the layout of one document "
            "says `format: json`",
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAllowedError(Reason.DUPLICATE_JSON_KEY, "a key stands twice")
    return found


def _finite(text: str) -> Number:
    if "e" in text.lower() and float(text) in (float("inf"), float("-inf")):
        raise NotAllowedError(Reason.BAD_JSON, "a number beyond every number")
    return Number(text)


def _refuse_odd_characters(value: Any) -> None:
    """Escapes can spell what no text may hold, in keys too: NUL, and half a character."""
    content = "".join(_characters(value))
    if "\0" in content:
        raise NotAllowedError(Reason.NUL_BYTE, "a NUL byte in the row")
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise NotAllowedError(Reason.BAD_JSON, "half a surrogate pair in the row") from error


def _no_constant(text: str) -> NoReturn:
    raise NotAllowedError(Reason.BAD_JSON, f"{text} is not JSON")


def _characters(value: Any) -> Iterator[str]:
    """All texts within a value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _characters(part)
    elif isinstance(value, list):
        for part in value:
            yield from _characters(part)


def _printable(value: Any) -> str:
    return spelled(value).encode(errors="backslashreplace").decode()
