"""Values that come typed, from workbooks and Parquet, in the words that the layout declares.

What a file holds as a date or a number needs no format to be read. It is spelled as the layout
spells dates and numbers, so that all formats are judged by the same rules; where that would lose
something, as the seconds of a time that stands in a date column, it stays ISO text and is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any

import pyarrow as pa

from revlog.contracts.contract import Contract
from revlog.contracts.layout import DEFAULT_FORMATS, Layout
from revlog.contracts.numbers import PRECISIONS
from revlog.ingestion.chunk import BadRow, Source
from revlog.ingestion.mapping import Mapping
from revlog.values.datepatterns import tells_instant
from revlog.values.reasons import Reason
from revlog.values.withheld import WITHHELD, WITHHELD_ROW

# Nanoseconds of the smallest part that a format tells, the smallest first.
FINEST = {
    "%f": 10**3,
    "%S": 10**9,
    "%M": 60 * 10**9,
    "%H": 3600 * 10**9,
    "%I": 3600 * 10**9,
    "": 86_400 * 10**9,
}


@dataclass(frozen=True)
class Target:
    """What a column of the file feeds, and how the layout spells values of its type.

    `name` and `kind` are the contract's column and type; None for a column that it does not know.
    `is_utc` is True where the layout's times are in UTC, so that an instant can be told in them.
    """

    name: str | None
    kind: str | None
    layout: Layout
    is_utc: bool = False

    @property
    def is_id(self) -> bool:
        """True where digits are a name, not a quantity."""
        return self.kind == "id"

    @property
    def is_number(self) -> bool:
        """True where the converter expects digits as the layout writes them."""
        return self.kind == "integer" or self.kind in PRECISIONS

    @property
    def format(self) -> str:
        """How the layout writes the column's dates or times; empty where it does not say."""
        rule = {"date": self.layout.date, "timestamp": self.layout.timestamp}.get(self.kind or "")
        form = rule.format if rule else DEFAULT_FORMATS.get(self.kind or "", "")
        return form.replace("%-", "%")  # which takes two digits, too

    @property
    def words(self) -> dict[bool, str]:
        """What the layout writes for true and false."""
        words = {True: "true", False: "false"}
        if self.kind == "boolean":
            words |= {truth: word for word, truth in reversed(self.layout.booleans.items())}
        return words

    def number(self, plain: str) -> str:
        """A number with a point as the layout writes it."""
        return plain.replace(".", self.layout.decimal) if self.is_number else plain

    def is_whole(self, nanoseconds: Any) -> Any:
        """True where the column's format can tell all of a time of day (one, or an array)."""
        if not self.format or tells_instant(self.format):
            return nanoseconds < 0
        return nanoseconds % next(n for part, n in FINEST.items() if part in self.format) == 0


def targets(contract: Contract, layout: Layout, header: list[str]) -> list[Target]:
    """What each column of the file feeds, in the order of `header`."""
    mapping = Mapping(contract, layout)
    fed = {mapping.source_of(name, header): name for name in reversed(contract.columns)}
    if layout.select is not None:  # which makes the contract's columns
        fed = {}
    kinds: dict[str | None, str] = {s: "rate" for r in layout.derive.values() for s in r.product or ()}
    kinds |= {source: contract.columns[name].type for source, name in fed.items()}
    return [
        Target(
            fed.get(source),
            kinds.get(source),
            layout.spelling(fed.get(source) or ""),
            _is_utc(contract, layout, fed.get(source)),
        )
        for source in header
    ]


def _is_utc(contract: Contract, layout: Layout, name: str | None) -> bool:
    rule = layout.spelling(name or "").timestamp
    if rule is None or name is None or contract.columns[name].type != "timestamp":
        return False
    return rule.zone == "UTC" and not (rule.zone_column or contract.columns[name].zone_column)


def bad_row(
    contract: Contract, place: tuple[int, int], reason: Reason, name: str | None, detail: str,
    values: dict[str, str | None],
) -> BadRow:  # fmt: skip
    """A row that a reader sets apart; `place` is its line and record number.

    It never reaches the converter, so what is personal is withheld here: all of the row where the
    feed knows personal data at all.
    """
    is_personal = bool(contract.restricted) or (
        contract.has_pii and (name is None or contract.columns[name].pii is not None)
    )
    given = {n: v for n, v in values.items() if v is not None}
    text = WITHHELD_ROW if contract.has_pii else json.dumps(given, ensure_ascii=False)
    return BadRow(*place, reason, name, text, WITHHELD if is_personal else detail[:200])


def table_row_text(table: pa.Table, row: int) -> str:
    """One row of a chunk as text."""
    found = zip(table.column_names, table.columns, strict=True)
    return json.dumps(
        {name: text for name, c in found if (text := c[row].as_py()) is not None}, ensure_ascii=False
    )


@contextmanager
def seekable(source: Source) -> Iterator[IO[bytes]]:
    """The file opened so that it can be read from any place; unpacked onto disk where it is packed."""
    with source.open() as file:
        if file.seekable():
            yield file
            return
        with TemporaryFile() as spool:
            copyfileobj(file, spool, 1 << 20)
            spool.seek(0)
            yield spool
