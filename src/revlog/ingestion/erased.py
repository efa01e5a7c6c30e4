"""Who was erased, and is not let in again."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from revlog.ingestion.pseudonym import Pseudonyms
from revlog.values.text import Mask, mask


@dataclass(frozen=True)
class Erased:
    """Customers, and texts that named them, as keyed hashes: none of them is stored again."""

    customers: pa.StringArray
    texts: pa.StringArray

    def customers_in(self, hashes: pa.StringArray) -> Mask:
        """True for the customers who were erased."""
        return mask(pc.is_in(hashes, value_set=self.customers, skip_nulls=True))

    def texts_in(self, values: pa.StringArray) -> Mask:
        """True for the texts that named someone who was erased."""
        if not len(self.texts):
            return np.zeros(len(values), dtype=bool)
        return mask(pc.is_in(self._pseudonyms.of(values), value_set=self.texts))

    @functools.cached_property
    def _pseudonyms(self) -> Pseudonyms:
        return Pseudonyms()


NOBODY = Erased(pa.array([], pa.string()), pa.array([], pa.string()))


def read_erased(connection: psycopg.Connection[Any]) -> Erased:
    """Everybody in `ops.erasures`."""
    rows = connection.execute("select customer_id, texts from ops.erasures").fetchall()
    customers = [customer for customer, _ in rows]
    texts = sorted({text for _, found in rows for text in found})
    return Erased(pa.array(customers, pa.string()), pa.array(texts, pa.string()))
