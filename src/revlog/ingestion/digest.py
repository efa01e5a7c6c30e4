"""The hash of the bytes that a reader has read, taken while it reads them."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import Executor, Future
from typing import IO, Any

# Bytes handed to the hash at a time; hashing runs beside, in a thread of its own.
BLOCK = 1 << 20


class Digest(io.RawIOBase):
    """A stream that hands on what `inner` gives and hashes it; it is read from start to end, once."""

    def __init__(self, inner: IO[bytes], beside: Executor) -> None:
        self._inner, self._beside = inner, beside
        self._hash = hashlib.sha256()
        self._last: Future[Any] | None = None
        self._is_whole = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what fits into `buffer`."""
        block = self._inner.read(len(buffer))
        buffer[: len(block)] = block
        self._take(block)
        return len(block)

    def sha256(self) -> str:
        """Hash of all of the content; what the reader left is read now."""
        while not self._is_whole:
            self._take(self._inner.read(BLOCK))
        self._wait()
        return self._hash.hexdigest()

    def end(self) -> None:
        """Close the file; `close` is what readers do, and leaves it open for the hash of all of it."""
        self._inner.close()

    def _take(self, block: bytes) -> None:
        self._wait()  # one block at a time, so that memory stays bounded
        self._is_whole = not block
        self._last = self._beside.submit(self._hash.update, block)

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()
