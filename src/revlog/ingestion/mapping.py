"""From the columns of a file to those of the contract, still as text, as the layout declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlog.contracts.contract import IDENTIFYING, Contract
from revlog.contracts.layout import Derived, Layout, RowFilter
from revlog.contracts.numbers import plain_numbers, rounded_product
from revlog.ingestion.chunk import NAMELESS, Chunk
from revlog.ingestion.findings import Findings, Kind
from revlog.ingestion.header import check_needs, refuse_repeated, shown, spellings
from revlog.values.reasons import FileRejected, Rejection
from revlog.values.text import Mask, as_array, is_valid, mask, trimmed, visible, without_empty, without_words

# In other formats a column is there when some record has it.
WITH_HEADER = ("csv", "fixed_width", "parquet", "xlsx")


class Mapping:
    """Maps the chunks of one file; counters of running numbers live as long as the file."""

    def __init__(self, contract: Contract, layout: Layout) -> None:
        self.contract = contract
        self.layout = layout
        self.findings = Findings()
        self._checked: list[str] | None = None
        # How many values each extract and map was tried on, and how many it knew.
        self._tried: Counter[tuple[str, str]] = Counter()
        self._known: Counter[tuple[str, str]] = Counter()
        self._running: dict[str, dict[tuple[str | None, ...], int]] = {}

    # -- which columns there are

    def check_header(self, header: list[str]) -> None:
        """Raise FileRejected where the file's columns break the contract."""
        if header == self._checked:
            return
        refuse_repeated(self.contract, header, self._used(header))
        if self.layout.format in WITH_HEADER:
            check_needs(self.contract, self.layout, header)
            self._check_renamed(header)
        extra = self.extra_columns(header)
        if extra and self.layout.extra_columns == "reject":
            raise FileRejected(
                Rejection.UNEXPECTED_COLUMN,
                f"columns that the contract does not know: {shown(self.contract, extra, header)}",
            )
        self._checked = header

    def _check_renamed(self, header: list[str]) -> None:
        """Raise FileRejected where one column is gone and another is new: that loses values."""
        absent = self._absent(header)
        extra = [name for name in self.extra_columns(header) if not name.startswith(NAMELESS)]
        if absent and extra and self.layout.is_canonical:
            raise FileRejected(
                Rejection.HEADER,
                f"{', '.join(absent)} missing, {shown(self.contract, extra, header)} unknown: "
                "if renamed, add aliases to the layout",
            )

    def _absent(self, header: list[str]) -> list[str]:
        return [n for n in self.contract.columns if not self._is_given(n, header)]

    def extra_columns(self, header: list[str]) -> list[str]:
        """Columns of the file that no column of the contract is made from."""
        used = self._used(header)
        return [name for name in header if name not in used]

    def _used(self, header: list[str]) -> set[str]:
        """Columns of the file that the layout makes something of."""
        tests = [*self.layout.rows, *(t for rule in self.layout.set_apart.values() for t in rule)]
        return self._read_for(self.contract.columns, header) | {test.column for test in tests}

    def impersonal(self, header: list[str]) -> set[str]:
        """Columns of the file that columns of the contract are made from, and no personal one."""
        others = [name for name, column in self.contract.columns.items() if not column.pii]
        return self._read_for(others, header) - self.personal(header)

    def personal(self, header: list[str]) -> set[str]:
        """Columns of the file that personal columns of the contract are made from."""
        names = [name for name, column in self.contract.columns.items() if column.pii]
        return self._read_for(names, header)

    def personal_sources(self) -> set[str]:
        """Every name by which the layout may read what personal columns of the contract are made from."""
        found: set[str] = set()
        for name, column in self.contract.columns.items():
            if column.pii:
                rule = self.layout.derive.get(name)
                found |= set(rule.sources if rule else spellings(self.layout, name))
        return found

    def sources_of(self, name: str, header: list[str]) -> set[str]:
        """Columns of the file that a contract column is made from."""
        return self._read_for([name], header)

    def _read_for(self, names: Iterable[str], header: list[str]) -> set[str]:
        """Columns of the file that these columns of the contract are made from."""
        found: set[str] = set()
        for name in names:
            rule = self.layout.derive.get(name)
            found |= set(rule.sources) if rule else {*filter(None, [self.source_of(name, header)])}
        return found

    def source_of(self, name: str, header: list[str]) -> str | None:
        """The file's name of a contract column; None where the file lacks it."""
        if name in self.layout.derive:
            return None
        return next((c for c in spellings(self.layout, name) if c in header), None)

    def _is_given(self, name: str, header: list[str]) -> bool:
        if rule := self.layout.derive.get(name):
            return all(source in header for source in rule.sources)
        return self.source_of(name, header) is not None

    # -- which rows are this feed's

    def own_rows(self, chunk: Chunk) -> Mask:
        """True for the rows of the file that pass every test of the layout."""
        return self.passing(self.layout.rows, chunk)

    def passing(self, tests: tuple[RowFilter, ...], chunk: Chunk) -> Mask:
        """True for the rows of the file that pass every one of these tests."""
        keep: Mask = np.ones(chunk.table.num_rows, dtype=bool)
        for test in tests:
            values = pc.fill_null(self._column(chunk, test.column), "")
            keep &= self._passes(test, values)
        return keep

    def _passes(self, test: RowFilter, values: pa.Array) -> Mask:
        found: Mask = np.ones(len(values), dtype=bool)
        if test.matches is not None:
            found &= mask(pc.match_substring_regex(values, test.matches))
        if test.not_matches is not None:
            found &= ~mask(pc.match_substring_regex(values, test.not_matches))
        if test.among is not None:
            found &= mask(pc.is_in(values, value_set=pa.array(test.among, pa.string())))
        return found

    # -- text of the contract's columns

    def columns(self, chunk: Chunk) -> dict[str, pa.StringArray]:
        """Text of each contract column, cleaned, null where nothing is there."""
        header = chunk.table.column_names
        self.check_header(header)
        found: dict[str, pa.StringArray] = {}
        for name, column in self.contract.columns.items():
            source = self.source_of(name, header)
            if name in self.layout.derive:
                found[name] = self._derived(name, self.layout.derive[name], chunk)
            elif source is None:
                found[name] = pa.nulls(chunk.table.num_rows, pa.string())
            else:
                words = self.layout.spelling(name).null_values
                found[name] = without_words(self._trimmed(chunk, source), words)
            if column.type in IDENTIFYING or name in self.contract.key:
                found[name] = self._visible(name, found[name])
            found[name] = self._mended(name, found[name])
        return found

    def _visible(self, name: str, values: pa.StringArray) -> pa.StringArray:
        """An identifier without what nobody sees: else two that look the same would be two."""
        plain, changed = visible(values)
        if changed.any():
            self.findings.add(Kind.INVISIBLE, f"invisible characters taken out of {name}", int(changed.sum()))
        return plain

    def _column(self, chunk: Chunk, source: str) -> pa.StringArray:
        """A column as the file has it; in formats without a header some chunk may lack it."""
        if source not in chunk.table.column_names:
            return pa.nulls(chunk.table.num_rows, pa.string())
        return as_array(chunk.table.column(source))

    def _read(self, chunk: Chunk, source: str) -> pa.StringArray:
        return without_words(self._trimmed(chunk, source), self.layout.null_values)

    def _trimmed(self, chunk: Chunk, source: str) -> pa.StringArray:
        values = self._column(chunk, source)
        return trimmed(values) if self.layout.strip else without_empty(values)

    def _mended(self, name: str, values: pa.StringArray) -> pa.StringArray:
        if name in self.layout.extract:
            given = len(values) - values.null_count
            values = pc.struct_field(pc.extract_regex(values, f"(?:{self.layout.extract[name]})"), [0])
            self._note("extract", name, given, len(values) - values.null_count)
        if name in self.layout.float_ids:
            values = pc.replace_substring_regex(values, r"^(\d+)\.0+$", r"\1")
        if name in self.layout.upper:
            values = pc.utf8_upper(values)
        if codes := self.layout.value_maps.get(name):
            values = self._mapped(name, values, codes)
        return values

    def _mapped(self, name: str, values: pa.StringArray, codes: dict[str, str]) -> pa.StringArray:
        found = pc.index_in(values, value_set=pa.array(codes.keys(), pa.string()))
        is_code = pc.is_in(values, value_set=pa.array(codes.values(), pa.string()))
        given = len(values) - values.null_count
        self._note("value_maps", name, given, int((mask(is_code) | is_valid(found)).sum()))
        return pc.coalesce(pc.take(pa.array(codes.values(), pa.string()), found), values)

    def _note(self, rule: str, name: str, tried: int, known: int) -> None:
        self._tried[rule, name] += tried
        self._known[rule, name] += known

    def useless(self) -> dict[tuple[str, str], int]:
        """Extracts and maps that knew no value of the file, with the number of values."""
        tried = {rule: n for rule, n in self._tried.items() if n and rule[1] not in self.layout.optional}
        return {rule: n for rule, n in tried.items() if not self._known[rule]}

    def _derived(self, name: str, rule: Derived, chunk: Chunk) -> pa.StringArray:
        if rule.constant is not None:
            return pa.array([rule.constant] * chunk.table.num_rows, pa.string())
        if rule.ordinal == "record":
            return pa.array(chunk.record_no).cast(pa.string())
        if rule.ordinal == "within_key":
            return self._numbered(name, self._key_sources(name), chunk)
        if rule.ordinal_of:
            return self._numbered(name, rule.ordinal_of, chunk)
        if rule.concat:
            return self._joined(rule, [self._part(p, chunk) for p in rule.concat])
        left, right = (plain_numbers(self._read(chunk, p), self.layout)[0] for p in rule.product or ())
        return rounded_product(left, right, rule.decimals)

    def _joined(self, rule: Derived, parts: list[pa.StringArray]) -> pa.StringArray:
        """The parts end to end; a stump would be another key, so where one is empty the whole is."""
        if rule.if_empty is not None:
            parts = [pc.fill_null(part, rule.if_empty) for part in parts]
        joined = pc.binary_join_element_wise(*parts, rule.separator, null_handling="emit_null")
        return joined if rule.default is None else pc.fill_null(joined, rule.default)

    def _part(self, source: str, chunk: Chunk) -> pa.StringArray:
        if source == "#record":
            return pa.array(chunk.record_no).cast(pa.string())
        if source.startswith("#ordinal_of:"):
            return self._numbered(source, tuple(source.removeprefix("#ordinal_of:").split("+")), chunk)
        return self._read(chunk, source)

    def _key_sources(self, name: str) -> tuple[str, ...]:
        return tuple(self.layout.columns.get(k, k) for k in self.contract.key if k != name)

    def _numbered(self, name: str, group: tuple[str, ...], chunk: Chunk) -> pa.StringArray:
        """1, 2, 3 … of the rows with equal `group` columns, in the order of the file."""
        seen = self._running.setdefault(name, {})
        numbers: list[str] = []
        for key in zip(*(self._read(chunk, g).to_pylist() for g in group), strict=True):
            seen[key] = seen.get(key, 0) + 1
            numbers.append(str(seen[key]))
        return pa.array(numbers, pa.string())
