"""Files through the ready layouts of a system, without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from revlog.ingestion.chunk import BadRow, Scan, Source
from revlog.ingestion.control import Stated, check_control
from revlog.ingestion.convert import Converter
from revlog.ingestion.preview import PREVIEW_KEY, LocalFile, candidates
from revlog.ingestion.pseudonym import Pseudonyms
from revlog.ingestion.reshape import rows_of

Row = dict[str, Any]


@dataclass
class Brought:
    """What one file brings to one feed."""

    rows: list[Row] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    left_out: int = 0

    def sums(self, by: str, of: str) -> dict[Any, Decimal]:
        found: dict[Any, Decimal] = {}
        for row in self.rows:
            found[row[by]] = found.get(row[by], Decimal(0)) + (row[of] or 0)
        return found

    def counts(self, by: str) -> Counter[Any]:
        return Counter(row[by] for row in self.rows)

    def total(self, of: str, where: Callable[[Row], bool] = lambda row: True) -> Any:
        return sum(row[of] or 0 for row in self.rows if where(row))


def brought(system: str, path: Path, feed: str) -> Brought:
    """Read a file with the layout of a system that takes its name."""
    [(contract, layout)] = [c for c in candidates(path, system) if c[0].feed == feed]
    file, found, stated = LocalFile(path, layout), Brought(), Stated()
    converter = Converter(contract, contract.layouts[layout])
    converter.pseudonyms = Pseudonyms(PREVIEW_KEY)
    source = Source(path.name, file.open, Scan("", file.size, file.head()))
    for chunk in rows_of(source, contract, layout):
        part = converter.convert(chunk)
        stated.add(part)
        found.rows += part.rows.to_pylist()
        found.bad += part.bad
        found.left_out += part.skipped + part.other_feeds + len(part.control)
    converter.finish()
    check_control(contract.layouts[layout], stated)
    keys = [tuple(row[name] for name in contract.key) for row in found.rows]
    assert len(keys) == len(set(keys)), "two rows share a key"
    return found
