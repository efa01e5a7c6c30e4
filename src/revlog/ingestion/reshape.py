"""The rows of a file as its layout's SELECT makes them.

A SELECT that makes each row of one row of the file runs on its chunks; any other on the whole file, which
waits in DuckDB meanwhile, on disk where it is large.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from revlog.contracts.contract import Contract
from revlog.contracts.functions import sandbox_of
from revlog.contracts.layout import Layout
from revlog.contracts.selection import FILE, LINE, NAME, RECORD, Selection
from revlog.ingestion.chunk import CHUNK_ROWS, BadRow, Chunk, Source
from revlog.ingestion.header import near_names, shown
from revlog.ingestion.lookups import lookup
from revlog.ingestion.plan import ROWS, MissingColumnError, Plan, plan, quoted, refused, told
from revlog.ingestion.readers import reader
from revlog.ingestion.readers.typed import WITHHELD, bad_row, table_row_text
from revlog.values.reasons import FileRejected, Reason, Rejection
from revlog.values.text import as_array, trimmed, without_empty, without_words
from revlog.values.withheld import WITHHELD_ROW

if TYPE_CHECKING:
    import duckdb

# Each is searched for by halves; where there are more, it is the layout that is wrong.
MAX_FAULTS = 500
_CODES = {reason.value: reason for reason in Reason}
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Fault = tuple[int, str | None, str]  # number of the record, column of the result, and what DuckDB says


def rows_of(
    source: Source, contract: Contract, layout_name: str, until: dt.date = dt.date.max
) -> Iterator[Chunk]:
    """Yield the rows of a file as they stand there, or as the layout's SELECT makes them.

    Files that are looked up are those dated up to `until`. Raises FileRejected where the file can't be read,
    and where the SELECT can't run on it.
    """
    layout = contract.layouts[layout_name]
    chunks = reader(layout.format)(source, contract, layout_name)
    if layout.selection is None:
        yield from chunks
        return
    with sandbox_of(layout) as connection:
        for name, rule in layout.lookups.items():
            connection.register(name, lookup(rule, layout.selection, until))
        reshaping = _Reshaping(connection, contract, layout, layout.selection, source.name)
        run = reshaping.by_rows if layout.selection.is_row_by_row else reshaping.as_whole
        yield from run(chunks)
        reshaping.finish()


class _Reshaping:
    """State of one pass."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, layout: Layout,
        selection: Selection, file: str,
    ) -> None:  # fmt: skip
        self.connection, self.contract, self.layout, self.file = connection, contract, layout, file
        self.selection = selection
        self.header: list[str] = []
        self.columns: list[str] = []
        self.plan: Plan | None = None
        self.seen: set[str] = set()
        self.made = 0
        self.faults = 0

    # -- what the SELECT reads

    def _frame(self, chunk: Chunk) -> pa.Table:
        """The chunk's columns that the SELECT may read, cleaned, with where each row comes from."""
        if self.plan is None:
            self.header = chunk.table.column_names
            self.columns = self._readable(self.header)
        clean = trimmed if self.layout.strip else without_empty
        size = chunk.table.num_rows
        there = set(chunk.table.column_names)
        self.seen |= there
        columns: dict[str, pa.Array] = {}
        for name in self.columns:
            # In formats without a header a chunk may lack a column of the layout.
            values = as_array(chunk.table[name]) if name in there else pa.nulls(size, pa.string())
            columns[name] = without_words(clean(values), self.layout.null_values)
        columns[RECORD] = pa.array(chunk.record_no, pa.int64())
        columns[LINE] = pa.array(chunk.line_no, pa.int64())
        columns[NAME] = pa.array([self.file] * size, pa.string())
        return pa.table(columns)

    def _readable(self, header: list[str]) -> list[str]:
        """Columns of the file that the SELECT may read; those that files may lack are there, empty."""
        names = list(self.layout.fields) or [*header, *(n for n in self.layout.optional if n not in header)]
        read = [name for name in names if self.selection.takes(name)]
        by_plain: dict[str, list[str]] = {}
        for name in read:
            by_plain.setdefault(name.casefold(), []).append(name)
        alike = [names for names in by_plain.values() if len(names) > 1]
        if alike:
            raise refused(f"SQL can't tell the columns {' and '.join(alike[0])} apart")
        return read

    def _planned(self) -> Plan:
        try:
            return plan(self.connection, self.selection)
        except MissingColumnError as error:
            names = list(self.layout.fields) or self.header
            near = ", ".join(near_names(error.name, names))
            hint = f"near: {near}" if near else f"the file has {shown(self.contract, names, names)}"
            raise refused(f"there is no column {error.name}; {hint}") from error

    def finish(self) -> None:
        """Raise FileRejected where no record of the file has a field that the SELECT reads."""
        unseen = [n for n in self.columns if n not in self.seen and n not in self.layout.optional]
        if unseen and self.seen:
            raise FileRejected(
                Rejection.HEADER,
                f"required columns are missing: {', '.join(unseen)}; correct `fields` in the layout, or name "
                "under `optional` what files may lack",
            )

    # -- row by row

    def by_rows(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Run the SELECT on each chunk."""
        for chunk in chunks:
            frame = self._frame(chunk)
            if self.plan is None:
                self.connection.register(FILE, frame)
                self.plan = self._planned()
            made, faults = self._made(frame)
            records = made[RECORD].to_numpy()
            origin = self._origins(records, chunk.record_no)
            bad = self._set_apart(chunk) + self._bad_rows(frame, faults)
            yield self._chunk(
                made, chunk.line_no[origin], replace(chunk, bad=bad),
                chunk.table.num_rows - len(faults) - len(np.unique(origin)),
                _Texts(chunk, origin) if self._reads_all(chunk) else None,
            )  # fmt: skip

    def _reads_all(self, chunk: Chunk) -> bool:
        """True where the SELECT names every column of the file; what nobody reads may be anything."""
        names = self.selection.names
        return (
            names is not None
            and all(column.lower() in names for column in chunk.table.column_names)
            and not any(chunk.extras)
        )

    def _set_apart(self, chunk: Chunk) -> list[BadRow]:
        """Rows that the reader refused, as much of them as may be shown."""
        if self._reads_all(chunk):
            return chunk.bad
        return [replace(row, raw_text=WITHHELD_ROW) for row in chunk.bad]

    def _made(self, frame: pa.Table) -> tuple[pa.Table, list[Fault]]:
        """Result of the SELECT over some rows, and those rows on which it fails, found by halves."""
        import duckdb

        self.connection.register(FILE, frame)
        try:
            return self.connection.sql(self._plan.query).to_arrow_table(), []
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            if frame.num_rows == 1:
                fault = self._fault(frame, error)
                return self._made(frame[:0])[0], [fault]
        except duckdb.Error as error:
            raise refused(told(error)) from error
        half = frame.num_rows // 2
        (first, some), (second, others) = self._made(frame[:half]), self._made(frame[half:])
        return pa.concat_tables([first, second]), [*some, *others]

    def _fault(self, frame: pa.Table, error: Exception) -> Fault:
        self.faults += 1
        if self.faults > MAX_FAULTS:
            detail = self._told(error)
            raise refused(
                f"it fails on more than {MAX_FAULTS} rows, in line {frame[LINE][0].as_py()}: {detail}"
            )
        return frame[RECORD][0].as_py(), self._column_at_fault(), told(error)

    def _column_at_fault(self) -> str | None:
        """The column of the result that can't be computed; None where it is the row."""
        import duckdb

        for name in self._plan.columns:
            try:
                self.connection.sql(f"select {quoted(name)} from ({self.selection.text})").fetchall()
            except duckdb.Error:
                return name
        return None

    def _bad_rows(self, frame: pa.Table, faults: list[Fault]) -> list[BadRow]:
        if not faults:
            return []
        places = dict(zip(frame[RECORD].to_pylist(), frame[LINE].to_pylist(), strict=True))
        index = {record: at for at, record in enumerate(places)}
        source = frame.drop_columns([RECORD, LINE, NAME])
        if self.selection.names is not None:
            source = source.select([n for n in source.column_names if n.lower() in self.selection.names])
        found: list[BadRow] = []
        for record, column, text in faults:
            code, _, value = text.partition(": ")
            known = column if column in self.contract.columns else None
            reason, detail = (_CODES[code], value) if code in _CODES else (Reason.SELECT_ERROR, text)
            row = source.slice(index[record], 1).to_pylist()[0]
            detail = WITHHELD if self.contract.has_pii else detail
            found.append(bad_row(self.contract, (places[record], record), reason, known, detail, row))
        return found

    # -- the file as a whole

    def as_whole(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Keep all rows, and run the SELECT at the end; what is no row goes its way at once."""
        count = 0
        for chunk in chunks:
            frame = self._frame(chunk)
            self._keep(frame)
            count = max(count, int(chunk.record_no.max(initial=0)))
            nothing = pa.table({n: pa.array([], pa.string()) for n in self._plan.columns})
            bad = self._set_apart(chunk)
            yield self._chunk(nothing, chunk.line_no[:0], replace(chunk, bad=bad), 0, None)
        seen = np.zeros(count + 1, dtype=bool)
        for batch in self._results():
            records = batch[RECORD].to_numpy()
            self._origins(records, np.arange(count + 1))
            seen[records] = True
            yield self._chunk(batch, batch[LINE].to_numpy(), None, 0, None)
        yield self._left_out(seen)

    def _keep(self, frame: pa.Table) -> None:
        self.connection.register("part", frame)
        if self.plan is None:
            self.connection.execute(f"create temp table {ROWS} as select * from part")
            self._show(None)
            self.plan = self._planned()
        else:
            self.connection.execute(f"insert into {ROWS} select * from part")
        self.connection.unregister("part")

    def _show(self, up_to: int | None) -> None:
        """Let the SELECT see the rows up to a record, or all."""
        where = "" if up_to is None else f" where {RECORD} <= {up_to}"
        self.connection.execute(f"create or replace temp view {FILE} as select * from {ROWS}{where}")

    def _results(self) -> Iterator[pa.Table]:
        import duckdb

        try:
            for batch in self.connection.sql(self._plan.query).to_arrow_reader(CHUNK_ROWS):
                yield pa.Table.from_batches([batch])
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            raise self._refused_whole(error) from error
        except duckdb.Error as error:
            raise refused(told(error)) from error

    def _refused_whole(self, error: Exception) -> FileRejected:
        """Where several rows make one, a row that can't be read is not left out: the rest would be wrong."""
        line = self._line_at_fault()
        column = self._column_at_fault()
        place = f"column {column}, " if column else ""
        return refused(f"it fails in {place}line {line}: {self._told(error)}")

    def _line_at_fault(self) -> int:
        """Line of the first row with which the SELECT fails."""
        records = self._values(f"select {RECORD} from {ROWS} order by 1")
        low, high = 0, 1
        while high < len(records) and not self._fails(records[high - 1]):
            low, high = high, 2 * high
        high = min(high, len(records))
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._fails(records[middle - 1]) else (middle, high)
        self._fails(records[high - 1])
        return self._values(f"select {LINE} from {ROWS} where {RECORD} = {records[high - 1]}")[0]

    def _fails(self, up_to: int) -> bool:
        import duckdb

        self._show(up_to)
        try:
            for _ in self.connection.sql(self._plan.query).to_arrow_reader(CHUNK_ROWS):
                pass
        except duckdb.Error:
            return True
        return False

    def _values(self, query: str) -> list[int]:
        return [value for (value,) in self.connection.sql(query).fetchall()]

    def _left_out(self, seen: np.ndarray) -> Chunk:
        """An empty chunk that counts the rows of the file of which none was made."""
        kept = self._values(f"select count(*) from {ROWS}")[0]
        nothing = pa.table({n: pa.array([], pa.string()) for n in self._plan.columns})
        return self._chunk(nothing, np.empty(0, np.int64), None, kept - int(seen.sum()), None)

    # -- both

    @property
    def _plan(self) -> Plan:
        assert self.plan is not None
        return self.plan

    def _told(self, error: Exception) -> str:
        """What DuckDB says, where it can't hold what names a person."""
        if not self.contract.has_pii:
            return told(error)[:300]
        kind = str(error).partition(" Error:")[0]
        return f"{kind}; its words are withheld, since they may name a person"

    def _origins(self, records: Numbers, known: Numbers) -> Numbers:
        """Index in `known` of the records that rows were made of."""
        at = np.searchsorted(known, records).clip(max=max(len(known) - 1, 0))
        if len(records) and not (len(known) and (known[at] == records).all()):
            raise refused(f"it yields a {RECORD} that the file does not have")
        return at

    def _chunk(
        self, made: pa.Table, lines: Numbers, given: Chunk | None, left_out: int,
        texts: Callable[[int], str] | None,
    ) -> Chunk:  # fmt: skip
        """The made rows, numbered, with what else the chunk of the file brought."""
        table = made.select(list(self._plan.columns)).combine_chunks()
        numbers = self.made + 1 + np.arange(table.num_rows, dtype=np.int64)
        self.made += table.num_rows
        chunk = Chunk(
            table, lines, numbers, texts or (lambda row: table_row_text(table, row)), skipped=left_out,
            kinds=self._plan.columns, records=0,
        )  # fmt: skip
        if given is None:
            return chunk
        # Rows set apart are numbered with those that were made, since both may be quarantined.
        bad = [replace(row, record_no=self.made + at) for at, row in enumerate(given.bad, start=1)]
        self.made += len(bad)
        return replace(
            chunk, bad=bad, control=given.control, root=given.root, skipped=given.skipped + left_out,
            records=given.table.num_rows + len(given.bad),
        )  # fmt: skip


class _Texts:
    """Text of the row of the file that each made row comes from."""

    def __init__(self, chunk: Chunk, origin: Numbers) -> None:
        self.chunk, self.origin = chunk, origin

    def __call__(self, row: int) -> str:
        return self.chunk.raw_text(int(self.origin[row]))
