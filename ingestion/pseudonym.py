"""Customers as keyed hashes: the key is not in the warehouse."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pyarrow as pa

from ingestion.text import each_once
from warehouse.settings import settings

HEX_DIGITS = 32
REMEMBERED = 250_000  # identifiers, some 40 MB
_BLOCK = 64  # bytes that SHA-256 takes at a time


def pseudonym(identifier: str, key: bytes) -> str:
    """Return the keyed hash (HMAC-SHA256, first 128 bits, hex) of one identifier."""
    return keyed_hash(key)(identifier)


def keyed_hash(key: bytes) -> Callable[[str], str]:
    """HMAC-SHA256 (RFC 2104) under `key`, its two halves prepared once."""
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded))
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in padded))

    def hashed(text: str) -> str:
        first, second = inner.copy(), outer.copy()
        first.update(text.encode())
        second.update(first.digest())
        return second.hexdigest()[:HEX_DIGITS]

    return hashed


class Pseudonyms:
    """Keyed hashes of columns; identifiers repeat, so the last ones are remembered."""

    def __init__(self) -> None:
        self._hash = keyed_hash(settings().customer_key)
        self._known: dict[str | None, str | None] = {None: None}

    def of(self, values: pa.StringArray) -> pa.StringArray:
        """Return the keyed hash of each identifier; null stays null."""
        if len(self._known) > REMEMBERED:
            self._known = {None: None}
        return each_once(values, self._one)

    def _one(self, text: str | None) -> str | None:
        found = self._known.get(text)
        if found is None and text is not None:
            found = self._known[text] = self._hash(text)
        return found
