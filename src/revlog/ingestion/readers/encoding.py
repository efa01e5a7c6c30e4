"""What the first bytes of a file give away, and its text as UTF-8."""

from __future__ import annotations

import codecs
import contextlib
import io
import re
from typing import IO

from revlog.contracts.layout import is_utf16
from revlog.ingestion.chunk import Source
from revlog.values.reasons import FileRejected, Rejection

# Bytes 0x80 to 0x9f, where ISO 8859 has control characters that nobody writes, and cp1252 € and quotes.
_CONTROL_BYTES, _CONTROLS = re.compile(rb"[\x80-\x9f]"), re.compile("[\x80-\x9f]")
BOM = b"\xef\xbb\xbf"
_HTML = re.compile(rb"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_OTHER_FORMATS = {
    b"<?xml": "XML", b"PK\x03\x04": "a ZIP archive", b"\x1f\x8b": "gzip", b"PAR1": "Parquet",
    b"%PDF": "PDF",
}  # fmt: skip


def refuse_other_formats(head: bytes, allowed: bytes = b"") -> None:
    """Raise FileRejected for empty files, HTML pages and known binary formats."""
    if not head.removeprefix(BOM).strip(b" \t\r\n"):
        if not head:
            raise FileRejected(Rejection.EMPTY_FILE, "0 bytes; ask for the file again")
        return
    if _HTML.match(head.removeprefix(BOM)):
        raise FileRejected(Rejection.NOT_THIS_FORMAT, "an HTML page; ask for the export again")
    for start, name in _OTHER_FORMATS.items():
        if start != allowed and head.removeprefix(BOM).startswith(start):
            raise FileRejected(Rejection.NOT_THIS_FORMAT, f"{name}; ask for the export again")


def opened(source: Source, encoding: str) -> IO[bytes]:
    """The file's bytes; of UTF-16, in which lines and delimiters can't be found on bytes, those of UTF-8."""
    file = source.open()
    return io.BufferedReader(_Recoded(file, encoding)) if is_utf16(encoding) else file


class _Recoded(io.RawIOBase):
    """UTF-16 read as UTF-8."""

    def __init__(self, inner: IO[bytes], encoding: str) -> None:
        self._inner, self._encoding = inner, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            block = self._inner.read(len(buffer))
            try:
                self._rest = self._decoder.decode(block, final=not block).encode()
            except UnicodeError as error:
                raise FileRejected(
                    Rejection.ENCODING,
                    f"it is not in the declared {self._encoding}; declare the encoding or export anew",
                ) from error
            if not block:
                break
        found, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()


def is_iso_8859(encoding: str) -> bool:
    """True for the code pages of ISO 8859, Latin-1 among them: 0x80 to 0x9f are control characters there."""
    try:
        return codecs.lookup(encoding).name.startswith("iso8859")
    except LookupError:
        return False


def refuse_controls(text: str, encoding: str) -> None:
    """Raise FileRejected for a character that only another code page has at its place."""
    if found := _CONTROLS.search(text):
        raise _of_cp1252(ord(found[0]), encoding)


def _of_cp1252(byte: int, encoding: str) -> FileRejected:
    meant = bytes([byte]).decode("cp1252", errors="replace")
    shown = f", {meant!r} in cp1252" if meant.isprintable() and meant != "\ufffd" else ""
    return FileRejected(
        Rejection.ENCODING,
        f"byte {byte:#04x} is no character of the declared {encoding}{shown}; declare cp1252 or export anew",
    )


class Decoder:
    """Turns bytes of the declared encoding into UTF-8, and notices undeclared ones."""

    def __init__(self, encoding: str) -> None:
        plain = encoding.lower().replace("_", "-").removesuffix("-sig")
        self.encoding = "utf-8" if is_utf16(encoding) else plain  # as it is `opened`
        self._has_controls = is_iso_8859(self.encoding)
        self._foreign = False
        self._looks_utf8 = True

    def start(self, head: bytes) -> bytes:
        """Return the first bytes without their BOM; raises FileRejected for an undeclared one."""
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise self._undeclared("the file is UTF-16")
        if not head.startswith(BOM):
            return head
        if self.encoding != "utf-8":
            raise self._undeclared("the file is UTF-8")
        return head.removeprefix(BOM)

    def utf8(self, data: bytes) -> bytes:
        """Return `data` in UTF-8; raises FileRejected where it isn't in the declared encoding."""
        if data.isascii():
            return data
        try:
            text = data.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise self._undeclared(f"byte {data[error.start]:#04x} found") from error
        if self.encoding == "utf-8":
            return data
        if self._has_controls and (found := _CONTROL_BYTES.search(data)):
            self._refuse_utf8(data)
            raise _of_cp1252(found[0][0], self.encoding)
        self._note(data)
        return text.encode()

    def finish(self) -> None:
        """Raise FileRejected when every foreign character of a one-byte encoding was UTF-8."""
        if self._foreign and self._looks_utf8:
            raise self._undeclared("all its special characters are UTF-8")

    def _refuse_utf8(self, data: bytes) -> None:
        """Raise FileRejected where UTF-8 is the better reading: many of its bytes look like controls."""
        with contextlib.suppress(UnicodeDecodeError):
            data.decode()
            raise self._undeclared("its special characters are UTF-8")

    def _note(self, data: bytes) -> None:
        self._foreign = True
        if not self._looks_utf8:
            return
        try:
            data.decode()
        except UnicodeDecodeError:
            self._looks_utf8 = False

    def _undeclared(self, found: str) -> FileRejected:
        return FileRejected(
            Rejection.ENCODING,
            f"{found}, declared is {self.encoding}; declare the encoding or export anew",
        )
