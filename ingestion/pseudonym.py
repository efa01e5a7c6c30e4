"""Customers as keyed hashes: the key is not in the warehouse."""

from __future__ import annotations

import hashlib
import hmac

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.settings import settings

HEX_DIGITS = 32


def pseudonym(identifier: str, key: bytes) -> str:
    """Return the keyed hash (HMAC-SHA256, first 128 bits, hex) of one identifier."""
    return hmac.new(key, identifier.encode(), hashlib.sha256).hexdigest()[:HEX_DIGITS]


def pseudonyms(values: pa.Array) -> pa.Array:
    """Return the keyed hash of each identifier; null stays null. Each distinct one is hashed once."""
    key = settings().customer_key
    coded = values.dictionary_encode()
    hashed = pa.array([pseudonym(v, key) for v in coded.dictionary.to_pylist()], pa.string())
    return pc.take(hashed, coded.indices)
