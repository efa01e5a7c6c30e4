"""What the first bytes of a file give away, and its text as UTF-8."""

from __future__ import annotations

import re

from ingestion.reasons import FileRejected, Rejection

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


class Decoder:
    """Turns bytes of the declared encoding into UTF-8, and notices undeclared ones."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding.lower().replace("_", "-").removesuffix("-sig")
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
        self._note(data)
        return text.encode()

    def finish(self) -> None:
        """Raise FileRejected when every foreign character of a one-byte encoding was UTF-8."""
        if self._foreign and self._looks_utf8:
            raise self._undeclared("all its special characters are UTF-8")

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
