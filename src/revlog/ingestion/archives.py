"""Packed files: gzip, and ZIP with one plain file in it. What unpacks without end is refused."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from typing import IO, cast

from revlog.values.reasons import FileRejected, Rejection

# Endings of packed files.
PACKED = (".gz", ".zip")
# Text packs 5 to 20 times; a bomb a thousand times and more.
MAX_RATIO = 200
# Below this size the ratio says nothing.
HARMLESS_BYTES = 16 << 20
MAX_BYTES = 64 << 30
# A workbook of a hundred sheets with pictures has some hundreds.
MAX_MEMBERS = 10_000
BROKEN = (
    EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError,
    struct.error, OverflowError,
)  # fmt: skip


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


def unpacked_limit(size: int) -> int:
    """Bytes that a file of `size` bytes may unpack to."""
    return min(MAX_BYTES, max(HARMLESS_BYTES, size * MAX_RATIO))


def safe_members(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """Members of an archive of `size` bytes whose parts belong together, such as a workbook.

    Raises FileRejected for too many, encrypted or repeated members, for links and names that lead
    outside, and where all together are larger than `unpacked_limit`.
    """
    members = [m for m in archive.infolist() if not m.is_dir()]
    if len(members) > MAX_MEMBERS or len({m.filename for m in members}) != len(members):
        raise unsafe(f"{len(members)} entries, or one twice")
    _refuse_prefix(members)
    for member in members:
        _refuse_member(member)
    total = sum(m.file_size for m in members)
    if total > unpacked_limit(size):
        raise unsafe(f"it unpacks to {total:,} bytes, more than {unpacked_limit(size):,}")
    return members


def _only_member(file: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(file)
    members = archive.infolist()
    if len(members) != 1:
        raise _refused(f"{len(members)} entries instead of one file")
    _refuse_prefix(members)
    _refuse_member(members[0])
    return archive.open(members[0])


def _refuse_prefix(members: list[zipfile.ZipInfo]) -> None:
    """Of two archives one behind the other only the last would be read."""
    if members and all(m.header_offset for m in members):
        raise _refused("something stands in front of it, such as another archive")


def _refuse_member(member: zipfile.ZipInfo) -> None:
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    parts = member.filename.replace("\\", "/").split("/")
    if is_link or member.is_dir() or ".." in parts or parts[0] in ("", "~") or ":" in parts[0]:
        raise _refused("its entry {} is a link, a folder or leads outside", repr(member.filename))
    if member.flag_bits & 1:
        raise _refused("it is encrypted")


def unsafe(what: str) -> FileRejected:
    """The rejection of a file that packs its content itself."""
    return FileRejected(Rejection.UNSAFE_ARCHIVE, f"{what}; export it anew, or as CSV")


def _refused(what: str, quoted: str = "") -> FileRejected:
    return FileRejected(
        Rejection.UNSAFE_ARCHIVE, f"{what}; pack exactly one plain file, or deliver it unpacked", quoted
    )


class _Capped(io.RawIOBase):
    """Reads an unpacking stream up to the caps."""

    def __init__(self, inner: IO[bytes], outer: IO[bytes], size: int) -> None:
        self._inner, self._outer = inner, outer
        self._limit = unpacked_limit(size)
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            got = self._inner.read(len(buffer))
        except BROKEN as error:
            raise _refused("it can't be unpacked: {}", str(error)) from error
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
