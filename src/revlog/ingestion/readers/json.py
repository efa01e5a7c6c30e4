"""One JSON document: its records are streamed, those of an array one after the other.

Line numbers are those on which the items of the outermost array on the way to the records begin.
"""

from __future__ import annotations

import codecs
import json as standard
from collections.abc import Iterator
from typing import IO, Any

from revlog.contracts.contract import Contract
from revlog.ingestion.chunk import Chunk, Source
from revlog.ingestion.readers.encoding import refuse_other_formats
from revlog.ingestion.readers.jsonl import JsonRecords, NotAllowedError
from revlog.values.reasons import FileRejected, Rejection

BLOCK_CHARACTERS = 1 << 18
# A larger value lies in memory as a whole; a document of many records has them in an array.
MAX_CHARACTERS = 128 << 20
_SPACE = " \t\r\n"


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the records of a document; raises FileRejected where it is not one, or is cut off."""
    refuse_other_formats(source.scan.head)
    layout = contract.layouts[layout_name]
    for is_streamed in (True, False):
        with source.open() as file:
            document = _Document(_Text(file, layout.encoding), JsonRecords(contract, layout_name))
            try:
                yield from document.chunks(is_streamed)
                return
            except _NeedsAllError:  # it is raised before the first chunk
                continue


class _Text:
    """The document's text: what has been read of it and not been used, and on which line that is."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        name = encoding.lower().replace("_", "-")
        self.file, self.encoding = file, encoding
        self.decoder = codecs.getincrementaldecoder("utf-8-sig" if name.startswith("utf-8") else name)()
        self.text, self.at, self.line, self.is_whole = "", 0, 1, False

    def more(self) -> bool:
        """Read on; False at the end."""
        if self.is_whole:
            return False
        size = max(BLOCK_CHARACTERS, len(self.text) - self.at)  # a long value is not parsed over and over
        block = self.file.read(size)
        self.is_whole = not block
        try:
            self.text = self.text[self.at :] + self.decoder.decode(block, final=self.is_whole)
        except UnicodeDecodeError as error:
            raise FileRejected(
                Rejection.ENCODING,
                f"it is not in the declared {self.encoding}: {error.reason}; declare the encoding or export "
                "anew",
            ) from error
        self.at = 0
        if len(self.text) > MAX_CHARACTERS:
            raise FileRejected(
                Rejection.MALFORMED,
                f"the value at line {self.line} is too large; name the way to the records with `record`",
            )
        return True

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.line += self.text[self.at] == "\n"
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def take(self, expected: str) -> str:
        """Use the next character, which is one of `expected`."""
        found = self.peek()
        if not found or found not in expected:
            raise self.broken(f"{found!r} instead of {' or '.join(expected)}" if found else "")
        self.at += 1
        return found

    def value(self, decoder: standard.JSONDecoder) -> Any:
        """Use the next value; what no row may hold comes as NotAllowedError."""
        self.peek()
        while True:
            try:
                found, end = decoder.raw_decode(self.text, self.at)
                # A number may go on in what is not read yet.
                if end < len(self.text) or not self.more():
                    self.line += self.text.count("\n", self.at, end)
                    self.at = end
                    return found
            except NotAllowedError as error:
                self.value(standard.JSONDecoder())  # where it ends
                return error
            except RecursionError as error:
                raise self.broken("nested too deeply") from error
            except standard.JSONDecodeError as error:
                if not self.more():
                    raise self.broken(str(error.msg)) from error

    def broken(self, detail: str) -> FileRejected:
        """The rejection of a document that is none, or ends too early."""
        if (self.is_whole and self.text[self.at :].strip(_SPACE) == "") or not detail:
            return FileRejected(
                Rejection.TRUNCATED, f"it breaks off in line {self.line}; ask for the file again"
            )
        return FileRejected(
            Rejection.MALFORMED, f"line {self.line} is no JSON: {detail}; ask for the file again"[:300]
        )


class _NeedsAllError(Exception):
    """A field climbs out of the outermost array: what stands behind the array is needed, too."""


class _Document:
    """State of one pass."""

    def __init__(self, text: _Text, records: JsonRecords) -> None:
        self.text, self.records, self.paths = text, records, records.paths

    def chunks(self, is_streamed: bool = True) -> Iterator[Chunk]:
        if not self.text.peek():
            raise FileRejected(Rejection.EMPTY_FILE, "the document has no content; ask for the file again")
        items = self._items(0) if is_streamed else iter([(self.text.line, self._value(), 0)])
        for line, item, done in items:
            if isinstance(item, NotAllowedError):
                self.records.record += 1
                self.records.refuse(item.reason, line, "", str(item))
            else:
                self.records.take(item, done, line)
            if self.records.is_full:
                yield self.records.chunk()
        if self.text.peek():
            raise self.text.broken("something stands behind the document")
        self.records.finish()
        yield self.records.chunk()

    def _items(self, done: int) -> Iterator[tuple[int, Any, int]]:
        """Line and value of what holds the records, `done` steps below the top."""
        start = self.text.peek()
        if start == "{" and done < len(self.paths.steps):
            yield from self._entered(done)
            return
        if self.paths.climbs > len(self.paths.steps) - done:
            raise _NeedsAllError
        if start != "[":
            line, value = self.text.line, self._value()
            self.paths.is_reached |= done == len(self.paths.steps)
            if value is not None:  # null is an array without items
                yield line, value, done
            return
        self.text.take("[")
        if self.text.peek() == "]":
            self.text.take("]")
            self.paths.is_reached |= done == len(self.paths.steps)
            return
        while True:
            self.text.peek()
            yield self.text.line, self._value(), done
            if self.text.take(",]") == "]":
                return

    def _entered(self, done: int) -> Iterator[tuple[int, Any, int]]:
        """Go into an object, and past all that is not on the way."""
        self.text.take("{")
        step, seen = self.paths.steps[done], 0
        while self.text.peek() != "}":
            key = self._value()
            self.text.take(":")
            if key == step:
                seen += 1
                yield from self._items(done + 1)
            else:
                self._value()
            if self.text.peek() != "}":
                self.text.take(",")
        self.text.take("}")
        if seen > 1:
            raise FileRejected(Rejection.MALFORMED, f"{step!r} stands {seen} times in one object")

    def _value(self) -> Any:
        return self.text.value(self.records.decoder)
