"""One file that feeds several feeds: whose its rows are, which are set apart, and what of it is personal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from revlog.contracts.contract import Contract, sound_contracts
from revlog.contracts.layout import Layout
from revlog.ingestion.chunk import Chunk
from revlog.ingestion.landing import within
from revlog.ingestion.mapping import WITH_HEADER, Mapping
from revlog.values.text import Mask


@dataclass(frozen=True)
class Other:
    """Another feed, and its layout, that takes rows of the same file."""

    contract: Contract
    layout: Layout
    layout_name: str

    @property
    def mapping(self) -> Mapping:
        """How its columns are made; a file's own, since it counts."""
        return Mapping(self.contract, self.layout)

    def takes(self, chunk: Chunk) -> Mask:
        """True for its rows. What can't be told from here is taken to be its own: it says so itself."""
        names = {test.column for test in self.layout.rows}
        if self.layout.select is not None or not names <= set(chunk.table.column_names):
            return np.ones(chunk.table.num_rows, dtype=bool)
        return self.mapping.own_rows(chunk)

    def personal(self, header: list[str]) -> set[str]:
        """Columns of the file that its personal ones are made from, or may be: SQL does not say from which.

        In documents also what holds a personal value, or lies in one. Each feed reads them from a record of
        its own, so the names of steps tell, not the paths.
        """
        is_by_sql = self.layout.select is not None
        if not self.contract.has_pii:
            return set()
        if self.layout.format in WITH_HEADER:
            return set(header) if is_by_sql else self.mapping.personal(header)
        sources = self.layout.fields if is_by_sql else self.mapping.personal_sources()
        return self.mapping.personal(header) | self._in_documents(header, sources)

    def _in_documents(self, header: list[str], sources: Iterable[str]) -> set[str]:
        ways = [self._way(source) for source in sources]
        on_a_way = {step for way in ways for step in way}
        ends = {way[-1] for way in ways if way}
        return {n for n in header if ends & set(steps := _steps(n)) or on_a_way & set(steps[-1:])}

    def _way(self, source: str) -> list[str]:
        """Steps from the file's top to what the layout reads under this name."""
        return [*_steps(self.layout.record or ""), *_steps(self.layout.fields.get(source, source))]


def _steps(path: str) -> list[str]:
    """Steps of a path down, without the place of one among several."""
    return [step.partition("[")[0] for step in path.split("/") if step not in ("", ".", "..")]


@dataclass
class Shares:
    """What became of the rows of one file that the feed does not take, counted by whose they are."""

    taken: Counter[str] = field(default_factory=Counter)
    set_apart: Counter[str] = field(default_factory=Counter)


class Sharing:
    """The feeds that one file feeds, seen from one of them."""

    def __init__(
        self,
        contract: Contract,
        layout: Layout,
        layout_name: str = "",
        others: tuple[Other, ...] | None = None,
    ) -> None:
        self.own = Other(contract, layout, layout_name)
        self.others = others or ()
        self.shares = Shares()
        # One of the feeds keeps what is nobody's: else it would be refused in each of them. Who does not know
        # the others can't tell.
        own = (contract.feed, layout_name)
        self.is_keeper = others is not None and all(
            own <= (other.contract.feed, other.layout_name) for other in others
        )

    def anew(self) -> Sharing:
        """The same before the first row, for another pass."""
        return Sharing(self.own.contract, self.own.layout, self.own.layout_name, self.others)

    def nobodys(self, chunk: Chunk, own: Mask) -> Mask:
        """True for rows that no feed takes and no layout sets apart; counts whose the others are."""
        nobody: Mask = ~own
        if not self.is_keeper or self.own.layout.select is not None or not nobody.any():
            return np.zeros(len(own), dtype=bool)
        at = np.flatnonzero(nobody)
        rest = Chunk(chunk.table.filter(pa.array(nobody)), chunk.line_no[at], chunk.record_no[at], str)
        free: Mask = np.ones(len(at), dtype=bool)
        for other in self.others:
            taken = other.takes(rest)
            self._count(self.shares.taken, other.contract.feed, taken)
            free &= ~taken
        for feed in (self.own, *self.others):
            for name, tests in feed.layout.set_apart.items():
                apart = feed.mapping.passing(tests, rest) & free
                self._count(self.shares.set_apart, name, apart)
                free &= ~apart
        found: Mask = np.zeros(len(own), dtype=bool)
        found[at[free]] = True
        return found

    def personal(self, header: list[str]) -> set[str]:
        """Columns that are personal in some other feed of the file."""
        return set().union(*(other.personal(header) for other in self.others))

    @staticmethod
    def _count(counter: Counter[str], name: str, rows: Mask) -> None:
        if rows.any():
            counter[name] += int(rows.sum())


def sharing(contract: Contract, layout_name: str, name: str) -> Sharing:
    """The sharing of a file of this name, which a layout of the feed takes."""
    layout = contract.layouts[layout_name]
    folders = set(within(contract, layout))
    others = tuple(
        Other(other, candidate, key)
        for other in sound_contracts()
        for key, candidate in other.layouts.items()
        if (other.feed, key) != (contract.feed, layout_name)
        and folders & set(within(other, candidate))
        and candidate.takes(name)
    )
    return Sharing(contract, layout, layout_name, others)
