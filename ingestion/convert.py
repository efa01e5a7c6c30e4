"""Text to typed columns, vectorised; every value that does not fit is named with its reason.

Nothing is guessed: one format a column, as the layout declares it. Amounts go from text to exact
decimals without ever being floats.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.contract import Column, Contract, Layout, NegativeRule, TimeFormat
from ingestion.currencies import CODES, WITHOUT_DECIMALS
from ingestion.pseudonym import pseudonyms
from ingestion.readers.chunk import BadRow, Chunk
from ingestion.readers.jsonl import LIST_SEPARATOR
from ingestion.reasons import FileRejected, Reason, Rejection

EARLIEST, LATEST = pd.Timestamp("1990-01-01"), pd.Timestamp("2100-01-01")
SCALES = {"money": 2, "price": 4, "rate": 8}
PRECISIONS = {"money": 18, "price": 18, "rate": 20}
NUMBER = r"^-?\d+(\.\d+)?$"
SCIENTIFIC = r"^[+-]?\d+(\.\d+)?[eE]\+\d+$|^[+-]?\d\.\d+[eE]-?\d+$"
WITHHELD = "[withheld]"

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass
class Converted:
    """Typed rows of a chunk.

    `rows` has the raw table's columns (lineage too, file id excepted); `identity` the direct
    identifiers of the same rows; `bad` the rows set apart; `key_text` one text a row that is equal
    where the keys are equal.
    """

    rows: pa.Table
    identity: pa.Table | None
    bad: list[BadRow]
    parsed: int
    control: list[list[str]]
    root: dict[str, str]
    amounts: dict[str, Decimal] = field(default_factory=dict)


class Converter:
    """Converts the chunks of one file."""

    def __init__(self, contract: Contract, layout: Layout) -> None:
        self.contract = contract
        self.layout = layout
        self.native_lists = layout.format == "jsonl"

    def convert(self, chunk: Chunk, has_nul: bool = False) -> Converted:
        """Convert one chunk; raises FileRejected where the file's columns break the contract."""
        chunk, parsed = self._own_rows(chunk)
        step = _Rows(self, chunk, has_nul)
        step.run()
        return Converted(
            step.good(), step.identity(), chunk.bad + step.bad_rows(), parsed + len(chunk.bad),
            chunk.control, chunk.root,
        )  # fmt: skip

    def _own_rows(self, chunk: Chunk) -> tuple[Chunk, int]:
        """Keep the rows that belong to this feed, where one file feeds several."""
        keep: Mask = np.ones(chunk.table.num_rows, dtype=bool)
        for test in self.layout.rows:
            values = pc.fill_null(chunk.table.column(test.column), "")
            if test.matches is not None:
                keep &= _mask(pc.match_substring_regex(values, test.matches))
            if test.not_matches is not None:
                keep &= ~_mask(pc.match_substring_regex(values, test.not_matches))
        if keep.all():
            return chunk, chunk.table.num_rows
        kept = Chunk(
            chunk.table.filter(pa.array(keep)), chunk.line_no[keep], chunk.record_no[keep],
            chunk.bad, chunk.control, chunk.root,
        )  # fmt: skip
        return kept, kept.table.num_rows


class _Rows:
    """One chunk under conversion: columns done so far, and the first fault of each row."""

    def __init__(self, owner: Converter, chunk: Chunk, has_nul: bool) -> None:
        self.contract, self.layout, self.owner = owner.contract, owner.layout, owner
        self.chunk = chunk
        self.size = chunk.table.num_rows
        self.has_nul = has_nul
        self.text = self._named()
        self.done: dict[str, pa.Array] = {}
        self.fault: Mask = np.zeros(self.size, dtype=bool)
        self.faults: dict[int, tuple[Reason, str, str]] = {}

    def run(self) -> None:
        for name, column in self.contract.columns.items():
            values = self.text[name]
            self._general_checks(name, column, values)
            self.done[name] = self._typed(name, column, values)
        for name, column in self.contract.columns.items():
            self._negatives(name, column)
            self._decimals_of_currency(name, column)

    # -- columns of the file to columns of the contract

    def _named(self) -> dict[str, pa.Array]:
        """Text of each contract column, cleaned, null where nothing is there."""
        found: dict[str, pa.Array] = {}
        header = self.chunk.table.column_names
        if self.size or header:
            self._check_header(header)
        for name in self.contract.columns:
            source = self._source_of(name, header)
            if source is not None:
                found[name] = self._clean(self.chunk.table.column(source), name)
            elif name not in self.layout.derive:
                found[name] = pa.nulls(self.size, pa.string())
        for name in self.layout.derive:
            found[name] = self._derived(name)
        return found

    def _source_of(self, name: str, header: list[str]) -> str | None:
        for candidate in (self.layout.columns.get(name, name), *self.layout.aliases.get(name, ())):
            if candidate in header and name not in self.layout.derive:
                return candidate
        return None

    def _check_header(self, header: list[str]) -> None:
        twice = {name for name in header if header.count(name) > 1}
        if twice:
            raise FileRejected(Rejection.HEADER, f"columns stand twice: {sorted(twice)}")
        if self.layout.format == "jsonl" and not self.size:
            return
        missing = [
            n for n, c in self.contract.columns.items()
            if c.required and n not in self.layout.derive and self._source_of(n, header) is None
        ]  # fmt: skip
        # An object may leave out a key: then its rows lack the value, not the file its column.
        if missing and self.layout.format != "jsonl":
            raise FileRejected(
                Rejection.HEADER,
                f"required columns are missing: {missing}; the file has {header[:30]}. If the "
                "export renamed them, add an alias to the layout",
            )
        extra = self._extra_columns(header)
        if extra and self.layout.extra_columns == "reject":
            raise FileRejected(
                Rejection.UNEXPECTED_COLUMN, f"columns that the contract does not know: {extra}"
            )

    def _extra_columns(self, header: list[str]) -> list[str]:
        used = {self._source_of(n, header) for n in self.contract.columns}
        return [name for name in header if name not in used]

    def _clean(self, values: pa.ChunkedArray, name: str) -> pa.Array:
        array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        if self.layout.strip:
            array = pc.utf8_trim_whitespace(array)
        if name in self.layout.upper:
            array = pc.utf8_upper(array)
        if name in self.layout.float_ids:
            array = pc.replace_substring_regex(array, r"^(\d+)\.0$", r"\1")
        empty = pc.equal(array, "")
        if pc.any(empty).as_py():
            array = pc.if_else(empty, pa.scalar(None, pa.string()), array)
        return array

    def _derived(self, name: str) -> pa.Array:
        rule = self.layout.derive[name]
        if rule.constant is not None:
            return pa.array([rule.constant] * self.size, pa.string())
        if rule.ordinal:
            return pa.array([str(n) for n in self.chunk.record_no], pa.string())
        if rule.concat:
            parts = [self._part(p) for p in rule.concat]
            return pc.binary_join_element_wise(*parts, rule.separator, null_handling="skip")
        parts = [self._clean(self.chunk.table.column(p), "") for p in rule.product or ()]
        rows = zip(*(p.to_pylist() for p in parts), strict=True)
        return pa.array([_product(row, rule.decimals) for row in rows], pa.string())

    def _part(self, source: str) -> pa.Array:
        if source == "#record":
            return pa.array([str(n) for n in self.chunk.record_no], pa.string())
        if source == "#file_date":
            return pa.nulls(self.size, pa.string())
        return self._clean(self.chunk.table.column(source), "")

    # -- checks of any column

    def _general_checks(self, name: str, column: Column, values: pa.Array) -> None:
        if self.has_nul:
            self._note(_mask(pc.match_substring(values, "\x00")), Reason.NUL_BYTE, name)
        self._note(
            _mask(pc.greater(pc.utf8_length(values), column.max_length)), Reason.TOO_LONG, name
        )
        if column.required and values.null_count and column.type != "boolean":
            self._note(_mask(pc.is_null(values)), Reason.MISSING_VALUE, name)
        if column.values:
            known = _mask(pc.is_in(values, value_set=pa.array(column.values)))
            self._note(~known & _mask(pc.is_valid(values)), Reason.VALUE_NOT_ALLOWED, name)
        if column.pattern:
            fits = _mask(pc.match_substring_regex(values, f"^(?:{column.pattern})$"))
            self._note(~fits & _mask(pc.is_valid(values)), Reason.PATTERN_MISMATCH, name)

    def _note(self, mask: Mask, reason: Reason, column: str, detail: str = "") -> None:
        new = mask & ~self.fault
        if new.any():
            for row in np.flatnonzero(new):
                self.faults[int(row)] = (reason, column, detail)
            self.fault |= new

    # -- typed columns

    def _typed(self, name: str, column: Column, values: pa.Array) -> pa.Array:
        if column.type == "id":
            self._note(
                _mask(pc.match_substring_regex(values, SCIENTIFIC)), Reason.SCIENTIFIC_ID, name
            )
            if name in self.layout.float_ids:
                self._note(_mask(pc.match_substring(values, ".")), Reason.SCIENTIFIC_ID, name)
        if column.pii == "pseudonym":
            return pseudonyms(values)
        if column.type == "currency":
            known = _mask(pc.is_in(values, value_set=pa.array(CODES)))
            self._note(~known & _mask(pc.is_valid(values)), Reason.UNKNOWN_CURRENCY, name)
        if column.type in ("id", "text", "code", "currency"):
            return values
        if column.type == "integer":
            return self._integer(name, values)
        if column.type in SCALES:
            return self._decimal(name, values, SCALES[column.type], PRECISIONS[column.type])
        if column.type == "boolean":
            return self._boolean(name, column, values)
        if column.type == "date":
            return self._date(name, values)
        if column.type == "timestamp":
            return self._timestamp(name, values)
        return self._list(values)

    def _number_text(self, name: str, values: pa.Array) -> pa.Array:
        """The layout's spelling of numbers, as plain digits with a point; null where it is none."""
        layout = self.layout
        if not layout.thousands and layout.decimal == ".":
            plain = values
        else:
            mark, point = re.escape(layout.thousands or ""), re.escape(layout.decimal)
            grouped = rf"^[-(]?\d{{1,3}}({mark}\d{{3}})+({point}\d+)?( CR|-|\))?$" if mark else None
            ungrouped = rf"^[-(]?\d+({point}\d+)?( CR|-|\))?$"
            fits = pc.match_substring_regex(values, ungrouped)
            if grouped:
                fits = pc.or_(fits, pc.match_substring_regex(values, grouped))
            plain = pc.if_else(fits, values, pa.scalar("?", pa.string()))
            if layout.thousands:
                plain = pc.replace_substring(plain, layout.thousands, "")
            plain = pc.replace_substring(plain, layout.decimal, ".")
        bad = _mask(pc.invert(pc.match_substring_regex(plain, NUMBER)))
        if not bad.any():
            return plain
        # Trailing minus, CR and parentheses are negative where the number is otherwise plain.
        plain = pc.replace_substring_regex(plain, r"^\((\d+(?:\.\d+)?)\)$", r"-\1")
        plain = pc.replace_substring_regex(plain, r"^(\d+(?:\.\d+)?)(?:-| CR)$", r"-\1")
        bad = _mask(pc.invert(pc.match_substring_regex(plain, NUMBER)))
        self._note(bad, Reason.NOT_A_NUMBER, name)
        return pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), plain)

    def _integer(self, name: str, values: pa.Array) -> pa.Array:
        plain = self._number_text(name, values)
        plain = pc.replace_substring_regex(plain, r"\.0+$", "")
        broken = _mask(pc.match_substring(plain, "."))
        self._note(broken, Reason.NOT_A_NUMBER, name)
        huge = _mask(pc.greater(pc.utf8_length(plain), 15))
        self._note(huge, Reason.NUMBER_OUT_OF_RANGE, name)
        plain = pc.if_else(pa.array(broken | huge), pa.scalar(None, pa.string()), plain)
        numbers = plain.cast(pa.int64())
        return pc.negate(numbers) if name in self.layout.negate else numbers

    def _decimal(self, name: str, values: pa.Array, scale: int, precision: int) -> pa.Array:
        plain = self._number_text(name, values)
        wanted = pa.decimal128(precision, scale)
        try:
            numbers = plain.cast(wanted)
        except pa.ArrowInvalid:
            plain = pc.replace_substring_regex(plain, rf"(\.\d{{{scale}}})0+$", r"\1")
            fine = _mask(pc.match_substring_regex(plain, rf"\.\d{{{scale + 1},}}$"))
            self._note(fine, Reason.TOO_MANY_DECIMALS, name)
            whole = precision - scale
            huge = _mask(pc.match_substring_regex(plain, rf"^-?0*[1-9]\d{{{whole},}}"))
            self._note(huge, Reason.NUMBER_OUT_OF_RANGE, name)
            plain = pc.if_else(pa.array(fine | huge), pa.scalar(None, pa.string()), plain)
            plain = pc.replace_substring_regex(plain, r"^(-?)0+(\d)", r"\1\2")
            numbers = plain.cast(wanted)
        return pc.negate(numbers) if name in self.layout.negate else numbers

    def _boolean(self, name: str, column: Column, values: pa.Array) -> pa.Array:
        words = self.layout.booleans
        text = pc.fill_null(values, "")
        index = pc.index_in(text, value_set=pa.array(list(words), pa.string()))
        unknown = _mask(pc.is_null(index))
        empty = _mask(pc.equal(text, ""))
        self._note(unknown & ~empty, Reason.BAD_BOOLEAN, name)
        if column.required:
            self._note(unknown & empty, Reason.MISSING_VALUE, name)
        return pc.take(pa.array(list(words.values()), pa.bool_()), index)

    def _date(self, name: str, values: pa.Array) -> pa.Array:
        form = self.layout.date or TimeFormat(format="%Y-%m-%d")
        times = _once_each(values, lambda text: _strict_times(text, form.format))
        self._note(_mask(pc.is_valid(values)) & times.isna().to_numpy(), Reason.BAD_DATE, name)
        self._note(_outside(times), Reason.DATE_OUT_OF_RANGE, name)
        return pa.array(times.where(~_outside(times)), pa.timestamp("s")).cast(pa.date32())

    def _timestamp(self, name: str, values: pa.Array) -> pa.Array:
        form = self.layout.timestamp or TimeFormat(format="iso_offset")
        if form.format == "iso_offset":
            times = _instants(values)
        else:
            local = _strict_times(values.to_pandas(), form.format)
            times = self._in_utc(name, local, form)
        missing = _mask(pc.is_valid(values)) & times.isna().to_numpy()
        self._note(missing, Reason.BAD_TIMESTAMP, name)
        outside = _outside(times.dt.tz_localize(None))
        self._note(outside, Reason.DATE_OUT_OF_RANGE, name)
        self.done[f"{name}_local"] = self._original(values, form)
        return pa.array(times.where(~outside), pa.timestamp("us", "UTC"))

    def _original(self, values: pa.Array, form: TimeFormat) -> pa.Array:
        """The text as it came, where it says more than the UTC time does."""
        if form.zone == "UTC":
            return pa.nulls(self.size, pa.string())
        return values

    def _in_utc(self, name: str, local: pd.Series, form: TimeFormat) -> pd.Series:
        if form.zone_column is None:
            return self._localised(name, local, form.zone or "UTC", form)
        zones = self.text[form.zone_column].to_pandas()
        found = pd.Series(pd.NaT, index=local.index, dtype="datetime64[us, UTC]")
        for zone in zones.dropna().unique():
            rows = (zones == zone).to_numpy()
            try:
                found[rows] = self._localised(name, local[rows], str(zone), form)
            except Exception:  # an unknown zone: pandas and zoneinfo raise various
                continue
        return found

    def _localised(self, name: str, local: pd.Series, zone: str, form: TimeFormat) -> pd.Series:
        if form.overlap == "quarantine":
            ambiguous: Any = "NaT"
        else:
            ambiguous = np.full(len(local), form.overlap == "first")
        gap: Any = "shift_forward" if form.gap == "shift_forward" else "NaT"
        there = local.dt.tz_localize(zone, ambiguous=ambiguous, nonexistent=gap)
        if form.overlap == "quarantine" or form.gap == "quarantine":
            lost = (there.isna() & local.notna()).to_numpy()
            if len(lost) == self.size:
                self._note(lost, Reason.AMBIGUOUS_TIME, name)
        return there.dt.tz_convert("UTC").dt.as_unit("us")

    def _list(self, values: pa.Array) -> pa.Array:
        separator = LIST_SEPARATOR if self.owner.native_lists else self.layout.list_separator
        return pc.split_pattern(values, separator)

    # -- checks across columns

    def _negatives(self, name: str, column: Column) -> None:
        if column.negative == "allowed" or column.type not in (*SCALES, "integer"):
            return
        mask = _mask(pc.equal(pc.sign(self.done[name]), -1))
        rule = column.negative
        if isinstance(rule, NegativeRule) and mask.any():
            kinds = pc.is_in(self.text[rule.column], value_set=pa.array(rule.among))
            mask &= ~_mask(kinds)
            if rule.or_filled:
                mask &= ~_mask(pc.is_valid(self.text[rule.or_filled]))
        self._note(mask, Reason.NEGATIVE_NOT_ALLOWED, name)

    def _decimals_of_currency(self, name: str, column: Column) -> None:
        if column.type != "money" or column.currency not in self.text:
            return
        whole = _mask(pc.is_in(self.text[column.currency], value_set=pa.array(WITHOUT_DECIMALS)))
        if whole.any():
            amounts = self.done[name]
            broken = _mask(pc.not_equal(amounts, pc.cast(pc.floor(amounts), amounts.type)))
            self._note(broken & whole, Reason.TOO_MANY_DECIMALS, name)

    # -- results

    def good(self) -> pa.Table:
        keep = ~self.fault
        columns = {n: self.done[n] for n in self.contract.raw_columns}
        columns["_line_no"] = pa.array(self.chunk.line_no, pa.int64())
        columns["_record_no"] = pa.array(self.chunk.record_no, pa.int64())
        columns["_ordinal"] = pa.array(np.ones(self.size, dtype=np.int32))
        columns["_extra"] = self._extra()
        table = pa.table(columns)
        return table if keep.all() else table.filter(pa.array(keep))

    def identity(self) -> pa.Table | None:
        if not self.contract.direct_identifiers:
            return None
        columns = {
            "customer_id": self.done["customer_id"],
            "source_customer_id": self.text["customer_id"],
        }
        columns |= {n: self.done[n] for n in self.contract.direct_identifiers}
        columns["_line_no"] = pa.array(self.chunk.line_no, pa.int64())
        columns["_record_no"] = pa.array(self.chunk.record_no, pa.int64())
        return pa.table(columns).filter(pa.array(~self.fault))

    def bad_rows(self) -> list[BadRow]:
        return [
            BadRow(
                int(self.chunk.line_no[row]), int(self.chunk.record_no[row]), reason, column,
                self._raw_text(row), detail,
            )
            for row, (reason, column, detail) in sorted(self.faults.items())
        ]  # fmt: skip

    def _extra(self) -> pa.Array:
        names = self._extra_columns(self.chunk.table.column_names)
        if not names or self.layout.extra_columns != "keep":
            return pa.nulls(self.size, pa.string())
        rows = self.chunk.table.select(names).to_pylist()
        return pa.array([json.dumps(r, ensure_ascii=False) for r in rows], pa.string())

    def _raw_text(self, row: int) -> str:
        """The row as it came, but for what names a person."""
        header = self.chunk.table.column_names
        hidden = {self._source_of(n, header) for n, c in self.contract.columns.items() if c.pii}
        values = {
            n: WITHHELD if n in hidden else self.chunk.table.column(n)[row].as_py() for n in header
        }
        if self.layout.format != "csv":
            return json.dumps(values, ensure_ascii=False).replace("\\u0000", "\\\\0")
        line = io.StringIO()
        writer = csv.writer(line, delimiter=self.layout.delimiter, lineterminator="")
        writer.writerow(["" if v is None else v.replace("\x00", "\\0") for v in values.values()])
        return line.getvalue()


def _mask(values: Any) -> Mask:
    """A boolean array with null as False."""
    filled = pc.fill_null(values, False)
    if isinstance(filled, pa.ChunkedArray):
        filled = filled.combine_chunks()
    found: Mask = filled.to_numpy(zero_copy_only=False).astype(bool)
    return found


def _once_each(values: pa.Array, parse: Any) -> pd.Series:
    """Parse each distinct text once: dates repeat."""
    coded = values.dictionary_encode()
    parsed = parse(coded.dictionary.to_pandas())
    index = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    extended = pd.concat([parsed, pd.Series([pd.NaT])], ignore_index=True).astype(parsed.dtype)
    return extended.iloc[np.where(index < 0, len(parsed), index)].reset_index(drop=True)


def _strict_times(text: pd.Series, form: str) -> pd.Series:
    """Parse `text` by one format, every digit in its place; NaT otherwise."""
    pattern = re.sub(r"%[YmdHMS]", lambda m: r"\d{4}" if m[0] == "%Y" else r"\d{2}", re.escape(
        form).replace(r"\%", "%"))  # fmt: skip
    array = pa.array(text, pa.string())
    fits = _mask(pc.match_substring_regex(array, f"^{pattern}$"))
    clean = pd.Series(array.to_pandas()).where(fits)
    return pd.to_datetime(clean, format=form, errors="coerce").astype("datetime64[us]")


def _instants(values: pa.Array) -> pd.Series:
    """Parse ISO 8601 instants that carry an offset; NaT otherwise."""
    form = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$"
    fits = _mask(pc.match_substring_regex(values, form))
    clean = pd.Series(values.to_pandas()).where(fits)
    return pd.to_datetime(clean, format="ISO8601", utc=True, errors="coerce").astype(
        "datetime64[us, UTC]"
    )


def _outside(times: pd.Series) -> Mask:
    found: Mask = ((times < EARLIEST) | (times >= LATEST)).to_numpy()
    return found


def _product(row: tuple[str | None, ...], decimals: int) -> str | None:
    """Exact product of numbers in text, rounded half up; the text itself where one is no number."""
    try:
        total = Decimal(1)
        for value in row:
            total *= Decimal(value or "")
        return str(total.quantize(Decimal(1).scaleb(-decimals), rounding="ROUND_HALF_UP"))
    except InvalidOperation:
        return next((v for v in row if v), None)
