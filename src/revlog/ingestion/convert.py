"""Text to typed columns, vectorised; every value that does not fit is named with its reason.

Nothing is guessed: one format a column, as the layout declares it. Amounts go from text to exact
decimals without ever being floats.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlog.contracts.contract import CUSTOMER, IDENTIFYING, NUMERIC, Column, Contract, NegativeRule
from revlog.contracts.layout import DEFAULT_FORMATS, LIST_SEPARATOR, Layout, TimeFormat
from revlog.contracts.numbers import PRECISIONS, is_negative, plain_numbers, to_decimal, to_integer
from revlog.ingestion.chunk import NAMELESS, BadRow, Chunk
from revlog.ingestion.erased import NOBODY, Erased
from revlog.ingestion.findings import Kind
from revlog.ingestion.header import check_needs, label, places, shown
from revlog.ingestion.mapping import WITH_HEADER, Mapping
from revlog.ingestion.plan import refused
from revlog.ingestion.pseudonym import Pseudonyms
from revlog.ingestion.readers.typed import table_row_text
from revlog.ingestion.sharing import Sharing
from revlog.outputs.escaping import one_line
from revlog.values import hashing, times
from revlog.values.currencies import CODES, WITH_THREE_DECIMALS, WITHOUT_DECIMALS
from revlog.values.datepatterns import tells_instant
from revlog.values.reasons import FileRejected, Reason, Rejection
from revlog.values.text import Mask, as_array, data, is_valid, lengths, mask, without
from revlog.values.withheld import WITHHELD, WITHHELD_ROW, shape
from revlog.values.zones import zones

# Names that nobody knows, of a chunk, among which one looks for what was meant.
SEEN = 1_000
# Tables are indexed by identifiers. A row of an index holds 2,704 bytes: two of them, or a whole key.
MOST_ID_BYTES, MOST_KEY_BYTES = 1_300, 2_600
THREE_DECIMALS = (19, 3)  # digits and decimals of money in currencies that have three
# What a refused row's own feed may still be asked about: a batch is checked with it.
READABLE = ("id", "code", "currency", "money")
SCIENTIFIC = r"^[+-]?\d+([.,]\d+)?[eE][+-]\d+$|^[+-]?\d+[.,]\d+[eE]\d+$"
# UTF-8 read as a one-byte encoding, and what decoders put where they gave up.
MOJIBAKE = "[ÃÂ][\u0080-\u00bf]|â[\u0080-\u00bf€]|[\u0080-\u009f\ufffd]"
# Dates this much after their file are slips of the pen, not plans.
YEAR_AHEAD = dt.timedelta(days=366)
TIMESTAMP = TimeFormat(format=DEFAULT_FORMATS["timestamp"])
DATE = TimeFormat(format=DEFAULT_FORMATS["date"])


@dataclass
class Converted:
    """Typed rows of a chunk.

    `rows` has the raw table's columns (lineage too, file id excepted); `identity` what is
    restricted of the same rows; `bad` the rows set apart; `parsed` counts all of them,
    `other_feeds` the rows that the layout's filter left to other feeds, `skipped` those that it leaves
    out, and `records` those of the file. `total` is the sum that the layout's control total states, over
    good and bad rows, with `unread` amounts that are no numbers. `text_of` gives the text of a record by its
    number.
    """

    rows: pa.Table
    identity: pa.Table | None
    bad: list[BadRow]
    parsed: int
    other_feeds: int
    control: list[list[str]]
    root: dict[str, str]
    text_of: Callable[[int], str]
    total: Decimal = Decimal(0)
    unread: int = 0
    skipped: int = 0
    records: int = 0


class Converter:
    """Converts the chunks of one file; nothing of those in `erased` is in what comes out.

    `findings` are what it is told of, whole after `finish`. `day` is the file's own.
    """

    def __init__(
        self,
        contract: Contract,
        layout: Layout,
        erased: Erased = NOBODY,
        sharing: Sharing | None = None,
        day: dt.date | None = None,
    ) -> None:
        self.contract = contract
        self.layout = layout
        self.sharing = sharing or Sharing(contract, layout)
        self.mapping = Mapping(contract, layout)
        self.erased = erased
        self.day = day
        self.findings = self.mapping.findings
        self._open: tuple[list[str], set[str]] | None = None
        self._seen: dict[str, None] = {}
        self._rows = 0

    @property
    def latest(self) -> dt.date | None:
        """Day after which nothing can be meant; None where the file's own is not known."""
        return None if self.day is None else self.day + YEAR_AHEAD

    @functools.cached_property
    def pseudonyms(self) -> Pseudonyms:
        """Keyed hashes; a feed without personal data needs no key."""
        return Pseudonyms()

    def convert(self, chunk: Chunk) -> Converted:
        """Convert one chunk; raises FileRejected where the file's columns break the contract."""
        self._seen |= dict.fromkeys(chunk.table.column_names)
        self._seen |= dict.fromkeys(islice((n for extra in chunk.extras for n in extra), SEEN))
        self._rows += chunk.table.num_rows
        self.mapping.check_header(chunk.table.column_names)
        own, others, nobodys = self._own_rows(chunk)
        rows = _Rows(self, own)
        total, unread = rows.control_total()
        bad = [self._withheld(row, chunk) for row in (*own.bad, *nobodys)] + rows.bad_rows()
        return Converted(
            rows.good(), rows.identity(), bad, own.table.num_rows + len(own.bad) + len(nobodys), others,
            own.control, own.root, rows.text_of, total, unread, chunk.skipped,
            chunk.table.num_rows + len(chunk.bad) if chunk.records is None else chunk.records,
        )  # fmt: skip

    def finish(self) -> None:
        """Raise FileRejected where no record of the file had a column that it must have."""
        if self.layout.format not in WITH_HEADER and self._rows:
            check_needs(self.contract, self.layout, self._seen)
        for (rule, name), values in self.mapping.useless().items():
            text = f"{rule} of {name} knows not one of its values: is it right?"
            self.findings.add(Kind.USELESS_RULE, text, values)

    def _own_rows(self, chunk: Chunk) -> tuple[Chunk, int, list[BadRow]]:
        """Rows that belong to this feed, where one file feeds several; how many others there are, and those
        that are nobody's, if this feed keeps them."""
        keep = self.mapping.own_rows(chunk)
        if keep.all():
            return chunk, 0, []
        nobodys = [
            self._nobodys(chunk, int(row)) for row in np.flatnonzero(self.sharing.nobodys(chunk, keep))
        ]
        index = np.flatnonzero(keep)
        kept = replace(
            chunk, table=chunk.table.filter(pa.array(keep)), line_no=chunk.line_no[keep],
            record_no=chunk.record_no[keep], raw_text=lambda row: chunk.raw_text(int(index[row])),
            extras=[chunk.extras[row] for row in index] if chunk.extras else [],
        )  # fmt: skip
        return kept, int((~keep).sum()) - len(nobodys), nobodys

    def _nobodys(self, chunk: Chunk, row: int) -> BadRow:
        place = int(chunk.line_no[row]), int(chunk.record_no[row])
        text = table_row_text(chunk.table.select(sorted(self.open_columns(chunk))), row)
        return BadRow(*place, Reason.NOBODYS_ROW, None, text, "no layout takes it or sets it apart")

    def _withheld(self, row: BadRow, chunk: Chunk) -> BadRow:
        """A row that was set apart as a whole, as much of it as may be shown."""
        if row.reason == Reason.NOBODYS_ROW:
            return row
        header, shown = chunk.table.column_names, self.open_columns(chunk)
        if shown == set(header) and not any(chunk.extras):
            return row
        is_shown = row.column is None or self.mapping.source_of(row.column, header) in shown
        return replace(row, raw_text=WITHHELD_ROW, detail=row.detail if is_shown else WITHHELD)

    def open_columns(self, chunk: Chunk) -> set[str]:
        """Columns of the file whose values may be shown: those that the feed reads and that are personal
        nowhere. What nobody knows may be anything."""
        header = chunk.table.column_names
        if self._open is None or self._open[0] != header:
            tests = {test.column for test in self.layout.rows} & set(header)
            personal = self.mapping.personal(header) | self.sharing.personal(header)
            self._open = header, (self.mapping.impersonal(header) | tests) & set(header) - personal
        return self._open[1]


class _Rows:
    """One chunk under conversion: columns done so far, and the first fault of each row."""

    def __init__(self, owner: Converter, chunk: Chunk) -> None:
        self.contract, self.layout, self.mapping = owner.contract, owner.layout, owner.mapping
        self.owner, self.erased, self.findings = owner, owner.erased, owner.findings
        self.chunk = chunk
        self.size = chunk.table.num_rows
        self.text = self.mapping.columns(chunk)
        self.done: dict[str, pa.Array] = {}
        self.fault: Mask = np.zeros(self.size, dtype=bool)
        self.faults: dict[int, tuple[Reason, str]] = {}
        self.units: dict[tuple[str, tuple[str, ...]], Mask] = {}
        for name, column in self.contract.columns.items():
            self._check_text(name, column, self.text[name])
            self.done[name] = self._typed(name, column, self.text[name])
        self._check_key()
        for name, column in self.contract.columns.items():
            self._check_range(name, column)
            self._check_sign(name, column)
            self._check_sense(name, column)
            self._check_minor_unit(name, column)

    # -- checks of any text

    def _check_text(self, name: str, column: Column, values: pa.StringArray) -> None:
        if column.required and values.null_count and column.type != "boolean":
            self._note(~is_valid(values), Reason.MISSING_VALUE, name)
        sizes = lengths(values)
        if self.size and int(sizes.max()) > column.max_length:  # bytes; characters may be fewer
            self._note(mask(pc.greater(pc.utf8_length(values), column.max_length)), Reason.TOO_LONG, name)
        if column.type in IDENTIFYING and self.size and int(sizes.max()) > MOST_ID_BYTES:
            self._note(sizes > MOST_ID_BYTES, Reason.TOO_LONG, name)
        broken = self._mojibake(name, values)
        if column.pattern:
            fits = mask(pc.match_substring_regex(values, f"^(?:{column.pattern})$"))
            misfit = ~fits & is_valid(values)
            self._note(misfit & broken, Reason.MOJIBAKE, name)
            self._note(misfit, Reason.PATTERN_MISMATCH, name)
        elif broken.any():
            self.findings.add(Kind.MOJIBAKE, f"mojibake in {name}", int(broken.sum()))
        if column.values:
            known = mask(pc.is_in(values, value_set=pa.array(column.values, pa.string())))
            self._other_values(name, column, values, ~known & is_valid(values))

    def _other_values(self, name: str, column: Column, values: pa.StringArray, other: Mask) -> None:
        if column.other_values == "quarantine":
            self._note(other, Reason.VALUE_NOT_ALLOWED, name)
        elif other.any():
            for count in pc.value_counts(values.filter(pa.array(other))).to_pylist():
                word = "a word" if self.contract.has_pii else repr(count["values"])
                text = f"{word} in {name} is none that the contract knows, carried as it is"
                self.findings.add(Kind.UNKNOWN_VALUE, text, count["counts"])

    def _mojibake(self, name: str, values: pa.StringArray) -> Mask:
        if bytes(data(values)).isascii():
            return np.zeros(self.size, dtype=bool)
        return mask(pc.match_substring_regex(values, MOJIBAKE))

    def _note(self, bad: Mask, reason: Reason, column: str) -> None:
        """Remember the fault of each row that has none yet."""
        new = bad & ~self.fault
        if new.any():
            self.faults |= dict.fromkeys(np.flatnonzero(new).tolist(), (reason, column))
            self.fault |= new

    # -- typed columns

    def _spelling(self, name: str) -> Layout:
        """How the column is written."""
        source = self.mapping.source_of(name, self.chunk.table.column_names)
        return self.layout.spelling(name, self.chunk.kinds.get(source or "", "text"))

    def _typed(self, name: str, column: Column, values: pa.StringArray) -> pa.Array:
        if column.type == "id":
            self._note(self._scientific(values), Reason.SCIENTIFIC_ID, name)
        if column.pii == "pseudonym":
            return self.owner.pseudonyms.of(values)
        if column.type == "currency":
            known = mask(pc.is_in(values, value_set=pa.array(CODES)))
            self._note(~known & is_valid(values), Reason.UNKNOWN_CURRENCY, name)
        if column.type == "integer" or column.type in PRECISIONS:
            return self._number(name, column, values)
        if column.type == "boolean":
            return self._boolean(name, column, values)
        if column.type == "date":
            return self._date(name, values)
        if column.type == "timestamp":
            return self._timestamp(name, values)
        if column.type == "list":
            native = self.layout.format in ("json", "jsonl")
            separator = self._spelling(name).list_separator
            return pc.split_pattern(values, LIST_SEPARATOR if native else separator)
        return values

    def _scientific(self, values: pa.StringArray) -> Mask:
        raw = bytes(data(values))
        if b"e" not in raw and b"E" not in raw:
            return np.zeros(self.size, dtype=bool)
        return mask(pc.match_substring_regex(values, SCIENTIFIC))

    def _number(self, name: str, column: Column, values: pa.StringArray) -> pa.Array:
        plain, faults = plain_numbers(values, self._spelling(name))
        if column.type == "integer":
            numbers, more = to_integer(plain)
        else:
            fits = THREE_DECIMALS if self._has_three_decimals(column) else PRECISIONS[column.type]
            numbers, more = to_decimal(plain, fits)
        for bad, reason in (*faults, *more):
            self._note(bad, reason, name)
        return pc.negate(numbers) if name in self.layout.negate else numbers

    def _boolean(self, name: str, column: Column, values: pa.StringArray) -> pa.Array:
        words = self._spelling(name).booleans
        index = pc.index_in(pc.fill_null(values, ""), value_set=pa.array(words, pa.string()))
        unknown = ~is_valid(index)
        self._note(unknown & is_valid(values), Reason.BAD_BOOLEAN, name)
        if column.required:
            self._note(unknown & ~is_valid(values), Reason.MISSING_VALUE, name)
        return pc.take(pa.array(words.values(), pa.bool_()), index)

    def _date(self, name: str, values: pa.StringArray) -> pa.Array:
        rule = self._spelling(name).date or DATE
        # A day is the one that is written, unless a zone is named in which the instant is to be seen.
        micros, valid = times.parse(values, rule.format, as_written=rule.zone is None)
        self._note(is_valid(values) & ~valid, Reason.BAD_DATE, name)
        outside = times.range_fault(micros, valid, self._latest(name))
        self._note(outside, Reason.DATE_OUT_OF_RANGE, name)
        valid &= ~outside
        if rule.zone is not None and tells_instant(rule.format):
            micros = times.in_zone(micros, rule.zone)
        return times.as_dates(micros, valid)

    def _timestamp(self, name: str, values: pa.StringArray) -> pa.Array:
        rule = self._spelling(name).timestamp or TIMESTAMP
        micros, valid = times.parse(values, rule.format)
        self._note(is_valid(values) & ~valid, Reason.BAD_TIMESTAMP, name)
        outside = times.range_fault(micros, valid, self._latest(name))
        self._note(outside, Reason.DATE_OUT_OF_RANGE, name)
        valid &= ~outside
        if not tells_instant(rule.format):
            micros, valid = self._in_utc(name, micros, valid, rule)
        is_utc = rule.zone == "UTC" and rule.zone_column is None
        # The text as it came, where it says more than the time in UTC does.
        self.done[f"{name}_local"] = pa.nulls(self.size, pa.string()) if is_utc else values
        return times.as_timestamps(micros, valid)

    def _latest(self, name: str) -> dt.date | None:
        """Day after which no value of the column lies; None where only the calendar ends it."""
        return None if self.contract.columns[name].future else self.owner.latest

    def _in_utc(
        self, name: str, micros: times.Instants, valid: Mask, rule: TimeFormat
    ) -> tuple[times.Instants, Mask]:
        zone_column = self.contract.columns[name].zone_column or rule.zone_column
        if zone_column is None and rule.zone is None:
            raise refused(f"{name} is a local time and no zone is named: set `timestamp: {{zone: …}}`")
        if zone_column is None:
            utc, lost = times.to_utc(micros, valid, str(rule.zone), rule.gap, rule.overlap)
            self._note(lost, Reason.AMBIGUOUS_TIME, name)
            return utc, valid & ~lost
        named = self.text[zone_column].to_numpy(zero_copy_only=False)
        utc, placed = np.zeros_like(micros), np.zeros(self.size, dtype=bool)
        for zone in set(named.tolist()) & zones():
            here = valid & (named == zone)
            found, lost = times.to_utc(micros, here, zone, rule.gap, rule.overlap)
            self._note(lost, Reason.AMBIGUOUS_TIME, name)
            utc[here], placed[here] = found[here], ~lost[here]
        self._note(valid & ~placed, Reason.BAD_TIMESTAMP, name)
        return utc, placed

    # -- checks across columns

    def _check_key(self) -> None:
        sizes = {name: lengths(self.text[name]) for name in self.contract.key}
        whole = np.sum(list(sizes.values()), axis=0)
        if self.size and int(whole.max()) > MOST_KEY_BYTES:
            longest = max(sizes, key=lambda name: int(sizes[name].max()))
            self._note(whole > MOST_KEY_BYTES, Reason.TOO_LONG, longest)

    def _check_sign(self, name: str, column: Column) -> None:
        rule = column.negative_rule
        if rule == "allowed" or not (column.type == "integer" or column.type in PRECISIONS):
            return
        negative = is_negative(self.done[name])
        if isinstance(rule, NegativeRule) and negative.any():
            negative &= ~mask(pc.is_in(self.text[rule.column], value_set=pa.array(rule.among, pa.string())))
            if rule.or_filled:
                negative &= ~is_valid(self.text[rule.or_filled])
        self._note(negative, Reason.NEGATIVE_NOT_ALLOWED, name)

    def _check_range(self, name: str, column: Column) -> None:
        """Numbers are no larger, either way, than can be meant."""
        if column.limit is None or column.type not in NUMERIC:
            return
        span = pc.min_max(self.done[name]).as_py()
        if span["max"] is not None and max(span["max"], -span["min"]) > column.limit:
            limit = pa.scalar(Decimal(column.limit))
            beyond = pc.or_(pc.greater(self.done[name], limit), pc.less(self.done[name], pc.negate(limit)))
            self._note(mask(beyond), Reason.NUMBER_OUT_OF_RANGE, name)

    def _check_sense(self, name: str, column: Column) -> None:
        """Values that are written well and can't be meant."""
        if column.zero == "never":
            self._note(self._is(name, 0), Reason.ZERO_NOT_ALLOWED, name)
        if column.one_where_same:
            left, right = (self.text[other] for other in column.one_where_same)
            is_other = is_valid(self.done[name]) & ~self._is(name, 1)
            self._note(mask(pc.equal(left, right)) & is_other, Reason.RATE_TO_ITSELF, name)
        if column.differs_from:
            same = mask(pc.equal(self.text[name], self.text[column.differs_from]))
            self._note(same, Reason.NAMES_ITSELF, name)

    def _is(self, name: str, number: int) -> Mask:
        """Rows in which the column is this number."""
        numbers = self.done[name]
        return mask(pc.equal(numbers, pa.scalar(Decimal(number))))

    def _has_three_decimals(self, column: Column) -> bool:
        """True where some row's amounts may have three decimals."""
        return column.type == "money" and bool(self._of_unit(column.currency, WITH_THREE_DECIMALS).any())

    def _check_minor_unit(self, name: str, column: Column) -> None:
        """Amounts have no more decimals than their currency: two, but for some that have none or three."""
        if column.type != "money":
            return
        amounts = self.done[name]
        whole = self._of_unit(column.currency, WITHOUT_DECIMALS)
        if whole.any():
            broken = mask(pc.not_equal(amounts, pc.floor(amounts).cast(amounts.type)))
            self._note(broken & whole, Reason.TOO_MANY_DECIMALS, name)
        if amounts.type.scale > PRECISIONS["money"][1]:
            fine = mask(pc.not_equal(amounts, pc.round(amounts, PRECISIONS["money"][1])))
            three = self._of_unit(column.currency, WITH_THREE_DECIMALS)
            self._note(fine & ~three, Reason.TOO_MANY_DECIMALS, name)

    def _of_unit(self, currency: str, codes: tuple[str, ...]) -> Mask:
        """Rows whose currency is one of these; looked up once for all amounts in it."""
        if (currency, codes) not in self.units:
            given = self.text.get(currency)
            nowhere = np.zeros(self.size, dtype=bool)
            self.units[currency, codes] = nowhere if given is None else mask(pc.is_in(given, pa.array(codes)))
        return self.units[currency, codes]

    # -- results

    def control_total(self) -> tuple[Decimal, int]:
        """Sum of the column that the control total is stated for, and how many are no number."""
        name = self.layout.control.total_of if self.layout.control else None
        if name is None:
            return Decimal(0), sum(1 for _ in self.chunk.bad)
        lost = is_valid(self.text[name]) & ~is_valid(self.done[name])
        total = pc.sum(self.done[name]).as_py() or Decimal(0)
        return total, int(lost.sum()) + len(self.chunk.bad)

    def good(self) -> pa.Table:
        """Typed rows without a fault."""
        columns = {n: self._open(n) for n in self.contract.raw_columns}
        columns["_line_no"] = pa.array(self.chunk.line_no, pa.int64())
        columns["_record_no"] = pa.array(self.chunk.record_no, pa.int64())
        columns["_ordinal"] = pa.array(np.ones(self.size, dtype=np.int32))
        columns["_row_hash"] = pa.array(hashing.row_numbers(self._content()).view(np.int64))
        columns["_extra"] = self._extra()
        return self._without_faults(pa.table(columns))

    def identity(self) -> pa.Table | None:
        """What is restricted of the same rows, where there is any; None where the feed has none."""
        if not self.contract.restricted:
            return None
        columns: dict[str, pa.Array] = {}
        if self.contract.names_people:
            columns["source_customer_id"] = self.text[CUSTOMER]
        columns |= {n: self._restricted(n) for n in self.contract.restricted}
        keep = np.any([is_valid(values) for values in columns.values()], axis=0) & ~self._are_erased()
        if CUSTOMER in self.contract.columns:
            columns[CUSTOMER] = self.done[CUSTOMER]
        columns["_line_no"] = pa.array(self.chunk.line_no, pa.int64())
        columns["_record_no"] = pa.array(self.chunk.record_no, pa.int64())
        return pa.table(columns).filter(pa.array(keep & ~self.fault))

    def _are_erased(self) -> Mask:
        """Rows of someone who was erased, under this number or one that it is merged with."""
        found: Mask = np.zeros(self.size, dtype=bool)
        for name, column in self.contract.columns.items():
            if name == CUSTOMER or column.same_person:
                found |= self.erased.customers_in(self.done[name])
        return found

    def _open(self, name: str) -> pa.Array:
        """A column as raw has it: of free text only the words that name nobody."""
        column = self.contract.columns.get(name)
        if column is None or not column.shown:
            return self.done[name]
        return pc.if_else(pa.array(self._is_free(name, column)), WITHHELD, self.done[name])

    def _is_free(self, name: str, column: Column) -> Mask:
        """Rows whose text is none of the `shown` words."""
        values = self.done[name]
        return is_valid(values) & ~mask(pc.is_in(values, value_set=pa.array(column.shown, pa.string())))

    def _restricted(self, name: str) -> pa.Array:
        """A column as the identity table has it: without what named someone who was erased."""
        column, values = self.contract.columns[name], self.done[name]
        if column.shown:
            values = without(values, ~self._is_free(name, column))
        gone = self.erased.texts_in(self.text[name])
        if column.pii == "direct":  # someone else's name may be the same; they have their own number
            gone &= ~is_valid(self.done[CUSTOMER])
        return without(values, gone)

    def _without_faults(self, table: pa.Table) -> pa.Table:
        return table if not self.fault.any() else table.filter(pa.array(~self.fault))

    def _content(self) -> list[pa.Array]:
        """What makes two rows equal: every column, restricted ones under their keyed hash."""
        found: list[pa.Array] = []
        for name, column in self.contract.columns.items():
            if column.is_restricted:
                found.append(self.owner.pseudonyms.of(self.text[name]))
            else:
                found.append(self.text[name] if column.type == "list" else self.done[name])
        return found

    def _extra(self) -> pa.Array:
        """Columns that the contract does not know, as JSON; beside personal ones they may be, too."""
        if self.chunk.extras:
            return self._extra_by_row(self.chunk.extras)
        header = self.chunk.table.column_names
        names = [n for n in self.mapping.extra_columns(header) if not self._is_nothing(n)]
        if not names or self.layout.extra_columns != "keep":
            return pa.nulls(self.size, pa.json_())
        labels = self._labels(names, header)
        for told in labels:
            self.findings.add(Kind.UNKNOWN_COLUMN, f"unknown column {told}", self.size)
        hidden = self.owner.sharing.personal(header)
        columns = [
            self._extra_values(as_array(self.chunk.table.column(n)), n in hidden).to_pylist() for n in names
        ]
        return _as_json([dict(zip(labels, values, strict=True)) for values in zip(*columns, strict=True)])

    def _is_nothing(self, name: str) -> bool:
        """True for a column without a name and without a value, such as a delimiter too many makes."""
        values = self.chunk.table.column(name)
        return name.startswith(NAMELESS) and values.null_count == len(values)

    def _extra_by_row(self, extras: list[dict[str, str | None]]) -> pa.Array:
        """The same where each row has names of its own."""
        counts = Counter(name for extra in extras for name in extra)
        if not counts or self.layout.extra_columns == "ignore":
            return pa.nulls(self.size, pa.json_())
        names, header = list(counts), [*self.chunk.table.column_names, *counts]
        if self.layout.extra_columns == "reject":
            raise FileRejected(
                Rejection.UNEXPECTED_COLUMN,
                f"columns that the contract does not know: {shown(self.contract, names, header)}",
            )
        labels = dict(zip(names, self._labels(names, header), strict=True))
        for name, rows in counts.items():
            self.findings.add(Kind.UNKNOWN_COLUMN, f"unknown column {labels[name]}", rows)
        given = [(name, value) for extra in extras for name, value in extra.items()]
        hidden = self.owner.sharing.personal(header)
        personal = np.array([name in hidden for name, _ in given], dtype=bool)
        flat = pa.array([value for _, value in given], pa.string())
        values = iter(self._extra_values(flat, personal).to_pylist())
        return _as_json([{labels[name]: next(values) for name in extra} or None for extra in extras])

    def _labels(self, names: list[str], header: list[str]) -> list[str]:
        """What to call these columns: by place where a name may be a person's, or was an erased one's."""
        gone = self.erased.texts_in(pa.array(names, pa.string()))
        at = places(header)
        return [
            at[name] if is_gone else one_line(label(self.contract, name, at))
            for name, is_gone in zip(names, gone, strict=True)
        ]

    def _extra_values(self, values: pa.StringArray, personal: Mask | bool) -> pa.StringArray:
        """The values without those that are `personal`, or may be, or were an erased one's."""
        personal = is_valid(values) & (personal | self.contract.has_pii)
        hidden = personal | self.erased.texts_in(values)
        return pc.if_else(pa.array(hidden), WITHHELD, values) if hidden.any() else values

    def bad_rows(self) -> list[BadRow]:
        """The rows with a fault, each with its place, column, value and text."""
        return [
            BadRow(
                int(self.chunk.line_no[row]), int(self.chunk.record_no[row]), reason, column,
                self._raw_text(row), self._detail(row, column), self._readable(row, column),
            )
            for row, (reason, column) in sorted(self.faults.items())
        ]  # fmt: skip

    def _detail(self, row: int, column: str) -> str:
        """The value at fault, unless it is personal; beside restricted columns only its shape."""
        header = self.chunk.table.column_names
        sources = self.mapping.sources_of(column, header)
        if self.contract.columns[column].pii or sources & self.owner.sharing.personal(header):
            return WITHHELD
        value = self.text[column][row].as_py()
        if value is None:
            return "empty"
        return shape(value) if self.contract.restricted else repr(value)[:200]

    def _readable(self, row: int, fault: str) -> str | None:
        """Numbers, codes and amounts of the row but the one at fault; nothing of feeds that name people."""
        if self.contract.has_pii:
            return None
        header = self.chunk.table.column_names
        hidden = self.owner.sharing.personal(header)
        values = {
            name: str(value)
            for name, column in self.contract.columns.items()
            if name != fault and column.type in READABLE
            and not self.mapping.sources_of(name, header) & hidden
            and (value := self.done[name][row].as_py()) is not None
        }  # fmt: skip
        return json.dumps(values, ensure_ascii=False).replace("\\u0000", "")

    def text_of(self, record: int) -> str:
        """Text of a record of this chunk by its number."""
        return self._raw_text(int(np.searchsorted(self.chunk.record_no, record)))

    def _raw_text(self, row: int) -> str:
        """The row as it came, but for what is personal.

        A delimiter too many moves a name into any column: beside restricted columns nothing is shown.
        """
        if self.contract.restricted:
            return WITHHELD_ROW
        header = self.chunk.table.column_names
        shown = self.owner.open_columns(self.chunk)
        if shown == set(header) and not (self.chunk.extras and self.chunk.extras[row]):
            return self.chunk.raw_text(row)
        return json.dumps(
            {
                name: value if name in shown else WITHHELD
                for name in header
                if (value := self.chunk.table.column(name)[row].as_py()) is not None
            },
            ensure_ascii=False,
        )


def _as_json(rows: list[dict[str, str | None]] | list[dict[str, str | None] | None]) -> pa.Array:
    """One JSON object a row; null where there is none."""
    texts = [None if row is None else json.dumps(row, ensure_ascii=False) for row in rows]
    return pa.array(texts, pa.string()).cast(pa.json_())
