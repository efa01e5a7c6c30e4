"""Packed files: gzip, and ZIP with one plain file in it. What unpacks without end is refused."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from typing import IO, cast

from ingestion.reasons import FileRejected, Rejection

# Text packs 5 to 20 times; a bomb a thousand times and more.
MAX_RATIO = 200
# Below this size the ratio says nothing.
HARMLESS_BYTES = 16 << 20
MAX_BYTES = 64 << 30
BROKEN = (EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def unpacked(file: IO[bytes], name: str, size: int) -> IO[bytes]:
    """The content of a file that may be packed; `size` is that of the packed file.

    Raises FileRejected for archives that are broken, hold anything but one plain file, or unpack to
    more than MAX_RATIO times their size; the last while reading.
    """
    lowered = name.lower()
    try:
        if lowered.endswith(".gz"):
            return io.BufferedReader(_Capped(cast("IO[bytes]", gzip.GzipFile(fileobj=file)), file, size))
        if lowered.endswith(".zip"):
            return io.BufferedReader(_Capped(_only_member(file), file, size))
    except BROKEN as error:
        raise _refused(f"it can't be unpacked: {error}") from error
    return file


def _only_member(file: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(file)
    members = archive.infolist()
    if len(members) != 1:
        raise _refused(f"{len(members)} entries instead of one file")
    member = members[0]
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    parts = member.filename.replace("\\", "/").split("/")
    if is_link or member.is_dir() or ".." in parts or parts[0] in ("", "~") or ":" in parts[0]:
        raise _refused(f"its entry {member.filename!r} is a link, a folder or leads outside")
    if member.flag_bits & 1:
        raise _refused("it is encrypted")
    return archive.open(member)


def _refused(what: str) -> FileRejected:
    return FileRejected(
        Rejection.UNSAFE_ARCHIVE, f"{what}; pack exactly one plain file, or deliver it unpacked"
    )


class _Capped(io.RawIOBase):
    """Reads an unpacking stream up to the caps."""

    def __init__(self, inner: IO[bytes], outer: IO[bytes], size: int) -> None:
        self._inner, self._outer = inner, outer
        self._limit = min(MAX_BYTES, max(HARMLESS_BYTES, size * MAX_RATIO))
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            got = self._inner.read(len(buffer))
        except BROKEN as error:
            raise _refused(f"it can't be unpacked: {error}") from error
        self._read += len(got)
        if self._read > self._limit:
            raise _refused(f"it unpacks to more than {self._limit:,} bytes")
        buffer[: len(got)] = got
        return len(got)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            self._outer.close()
        super().close()
