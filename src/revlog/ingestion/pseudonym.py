"""Customers as keyed hashes: the key is not in the warehouse."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlog.config.secrets import customer_key
from revlog.values.hashing import row_numbers
from revlog.values.text import data, is_valid, lengths, mask

HEX_DIGITS = 32
REMEMBERED = 400_000  # identifiers, some 30 MB where a file has as many
USUAL_BYTES = 24  # of one identifier, on average
SLOTS = 1 << 22  # many more than identifiers, so that few share one
Hashes = np.ndarray[Any, np.dtype[np.uint8]]  # rows of HEX_DIGITS characters
_BLOCK = 64  # bytes that SHA-256 takes at a time


def pseudonym(identifier: str, key: bytes) -> str:
    """Return the keyed hash (HMAC-SHA256, first 128 bits, hex) of one identifier."""
    return keyed_hashes(key)([identifier]).hex()


def keyed_hashes(key: bytes) -> Callable[[list[str]], bytes]:
    """HMAC-SHA256 (RFC 2104) under `key`, its two halves prepared once.

    The function found takes identifiers and returns their hashes end to end, 16 bytes each.
    """
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded)).copy
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in padded)).copy

    def hashed(identifiers: list[str]) -> bytes:
        found = []
        for text in identifiers:
            first, second = inner(), outer()
            first.update(text.encode())
            second.update(first.digest())
            found.append(second.digest()[: HEX_DIGITS // 2])
        return b"".join(found)

    return hashed


class Pseudonyms:
    """Keyed hashes of columns; identifiers repeat, so the last ones are remembered.

    An identifier's 64-bit number leads to a slot, the slot to the identifier last put there, and only
    if that is the same its hash is taken: whole columns at a time, and never the wrong one.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._hash = keyed_hashes(customer_key() if key is None else key)
        # Place of an identifier plus one; pages of zeros take no memory before they are written.
        self._slots = np.zeros(SLOTS, dtype=np.int32)
        self._known = _Known()

    def of(self, values: pa.StringArray) -> pa.StringArray:
        """Return the keyed hash of each identifier; null stays null."""
        if not values.null_count:
            return _as_text(self._each(values))
        filled = is_valid(values)
        places = pa.array(np.cumsum(filled) - 1, mask=~filled)
        return pc.take(_as_text(self._each(values.drop_null())), places)

    def _each(self, values: pa.StringArray) -> Hashes:
        places = self._slots[_slots_of(values)] - 1
        there = self._known.identifiers().take(pa.array(places, mask=places < 0))
        found = self._known.hashes[places]
        new = ~mask(pc.equal(there, values))
        if new.any():
            coded = values.filter(pa.array(new)).dictionary_encode()
            found[new] = self._learn(coded.dictionary)[coded.indices.to_numpy()]
        return found

    def _learn(self, identifiers: pa.StringArray) -> Hashes:
        text = self._hash(identifiers.to_pylist()).hex().encode()
        hashes = np.frombuffer(text, np.uint8).reshape(-1, HEX_DIGITS)
        if not self._known.has_room(identifiers):
            self._slots[:] = self._known.count = 0
        if self._known.has_room(identifiers):
            first = self._known.count
            self._known.append(identifiers, hashes)
            self._slots[_slots_of(identifiers)] = np.arange(first, self._known.count) + 1
        return hashes


class _Known:
    """Identifiers and their hashes, appended in place."""

    def __init__(self) -> None:
        self.count = 0
        self.hashes: Hashes = np.empty((REMEMBERED, HEX_DIGITS), dtype=np.uint8)
        self._text = np.empty(REMEMBERED * USUAL_BYTES, dtype=np.uint8)
        self._starts = np.zeros(REMEMBERED + 1, dtype=np.int32)

    def identifiers(self) -> pa.StringArray:
        """A view of the identifiers."""
        buffers = pa.py_buffer(self._starts), pa.py_buffer(self._text)
        return pa.StringArray.from_buffers(self.count, *buffers)

    def has_room(self, more: pa.StringArray) -> bool:
        """True when `more` can be appended."""
        size = int(self._starts[self.count]) + len(data(more))
        return self.count + len(more) <= REMEMBERED and size <= len(self._text)

    def append(self, identifiers: pa.StringArray, hashes: Hashes) -> None:
        """Add identifiers with their hashes."""
        first, last = self.count, self.count + len(identifiers)
        ends = self._starts[first] + np.cumsum(lengths(identifiers))
        self._starts[first + 1 : last + 1] = ends
        self._text[self._starts[first] : self._starts[last]] = np.frombuffer(data(identifiers), np.uint8)
        self.hashes[first:last] = hashes
        self.count = last


def _slots_of(identifiers: pa.StringArray) -> np.ndarray[Any, np.dtype[np.intp]]:
    return (row_numbers([identifiers]) & np.uint64(SLOTS - 1)).astype(np.intp)


def _as_text(hashes: Hashes) -> pa.StringArray:
    starts = np.arange(0, HEX_DIGITS * len(hashes) + 1, HEX_DIGITS, dtype=np.int32)
    return pa.StringArray.from_buffers(len(hashes), pa.py_buffer(starts), pa.py_buffer(hashes))
