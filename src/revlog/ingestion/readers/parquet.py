"""Parquet, read batch by batch. Types become text exactly; what no text can say is set apart."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from revlog.contracts.contract import Contract
from revlog.ingestion.archives import unpacked_limit, unsafe
from revlog.ingestion.chunk import Chunk, Source, told_apart
from revlog.ingestion.header import label, places
from revlog.ingestion.readers.encoding import refuse_other_formats
from revlog.ingestion.readers.typed import Target, bad_row, seekable, table_row_text, targets
from revlog.ingestion.uses import uses
from revlog.values.reasons import FileRejected, Reason, Rejection
from revlog.values.text import Mask, as_array, data, is_valid, mask, without

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
# A footer begins with its version: field 1, a whole number (Thrift, compact protocol).
FOOTER_START = b"\x15"
SCANNED_BYTES = 4 << 20
# Days since 1970 of the years 1 to 9999, which calendars have.
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
FAR = "beyond the years 1 to 9999"
BATCH_ROWS = 32_768
# Pages are read through a buffer: else a whole row group lies in memory, however large it is.
BUFFER_BYTES = 1 << 20
# Whole numbers that doubles and floats tell apart.
EXACT_WHOLE = {pa.float64(): 2**53, pa.float32(): 2**24, pa.float16(): 2**11}
OWN_METADATA = ("ARROW:schema", "pandas")

Faults = list[tuple[Mask, Reason]]


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the rows of a Parquet file; raises FileRejected where it is broken, cut or nested."""
    refuse_other_formats(source.scan.head, allowed=MAGIC)
    with seekable(source) as file:
        _refuse_other_ends(source.scan.head, file)
        _refuse_several(file)
        try:
            yield from _ParquetFile(file, source.scan.size, contract, layout_name).chunks()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise FileRejected(
                Rejection.MALFORMED, "it can't be read: {}; ask for the file again", str(error)[:400]
            ) from error


def _refuse_other_ends(head: bytes, file: IO[bytes]) -> None:
    file.seek(0, 2)
    file.seek(max(0, file.tell() - 4))
    end = file.read(4)
    file.seek(0)
    if ENCRYPTED in (head[:4], end):
        raise FileRejected(Rejection.NOT_THIS_FORMAT, "the Parquet file is encrypted; export it plain")
    if head[:4] != MAGIC:
        raise FileRejected(Rejection.NOT_THIS_FORMAT, "no Parquet file; ask for the export again")
    if end != MAGIC:
        raise FileRejected(Rejection.TRUNCATED, "its footer is missing: it was cut off; ask for it again")


def _refuse_several(file: IO[bytes]) -> None:
    """Raise FileRejected where the file begins with another one: only the last one's footer would be read."""
    rest, start = b"", 0
    file.seek(0)
    while block := file.read(SCANNED_BYTES):
        data = rest + block
        at = data.find(MAGIC + MAGIC)
        while at >= 0:
            if _is_end(file, start - len(rest) + at):
                raise FileRejected(
                    Rejection.MALFORMED,
                    "it is several Parquet files, one behind the other; deliver them apart",
                )
            at = data.find(MAGIC + MAGIC, at + 1)
        start += len(block)
        rest = data[-(2 * len(MAGIC) - 1) :]
    file.seek(0)


def _is_end(file: IO[bytes], at: int) -> bool:
    """True where a footer and its length stand in front of the mark at `at`, as at the end of a file."""
    here = file.tell()
    file.seek(max(0, at - 4))
    size = int.from_bytes(file.read(4), "little")
    file.seek(max(0, at - 4 - size))
    first = file.read(1)
    file.seek(here)
    return 0 < size <= at - 4 - len(MAGIC) and first == FOOTER_START


class _ParquetFile:
    """State of one pass: the columns and what they feed, and how many rows came before."""

    def __init__(self, file: IO[bytes], size: int, contract: Contract, layout_name: str) -> None:
        self.contract, self.layout = contract, contract.layouts[layout_name]
        self.file = pq.ParquetFile(
            file, pre_buffer=False, buffer_size=BUFFER_BYTES, coerce_int96_timestamp_unit="us"
        )
        self.limit = unpacked_limit(size)
        self.names = told_apart(self.file.schema_arrow.names)
        self.targets = targets(contract, self.layout, self.names)
        at = places(self.names)
        self.labels = [label(contract, name, at) for name in self.names]
        # Columns are read by name: where one stands twice, or has a dot (a way into it), all of them are.
        is_repeated = self.names != self.file.schema_arrow.names or any("." in n for n in self.names)
        wants_all = self.layout.extra_columns != "ignore" or is_repeated or self.layout.select is not None
        known = uses(contract, self.layout).known
        self.kept = [
            i for i, target in enumerate(self.targets) if target.kind or wants_all or self.names[i] in known
        ]
        self.mark = (self.layout.control and self.layout.control.first_column) or None
        self.records = 0

    def chunks(self) -> Iterator[Chunk]:
        # Even without rows: the columns are to be checked, before a value of them is read.
        yield self._chunk([pa.array([], pa.string()) for _ in self.names], [], 0)
        self._refuse_types()
        self._refuse_bomb()
        unpacked = 0
        for batch in self.file.iter_batches(BATCH_ROWS, columns=self._wanted(), use_threads=False):
            unpacked += batch.nbytes
            if unpacked > self.limit:
                raise unsafe(f"it unpacks to more than {self.limit:,} bytes")
            yield self._converted(batch)
        if self.records != self.file.metadata.num_rows:
            raise FileRejected(
                Rejection.MALFORMED,
                f"the footer tells of {self.file.metadata.num_rows} rows, {self.records} were read; "
                "ask for the file again",
            )

    def _wanted(self) -> list[str] | None:
        """Names to read; None for all, which also works where a name has a dot."""
        return None if len(self.kept) == len(self.names) else [self.names[i] for i in self.kept]

    def _refuse_types(self) -> None:
        for i in self.kept:
            kind = self.file.schema_arrow.field(i).type
            if pa.types.is_nested(kind) or pa.types.is_duration(kind) or pa.types.is_interval(kind):
                raise FileRejected(
                    Rejection.COLUMN_TYPE,
                    f"column {self.labels[i]} is a {{}}; export plain columns, lists as text",
                    str(kind),
                )

    def _refuse_bomb(self) -> None:
        metadata = self.file.metadata
        # Not asked column by column: a garbled footer would then end the process (Arrow 26).
        total = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        # A run of equal values takes no room in the file, but at least a byte a value in memory.
        total = max(total, metadata.num_rows * metadata.num_columns)
        if total > self.limit:
            raise unsafe(f"it unpacks to {total:,} bytes or more, allowed are {self.limit:,}")

    # -- one batch

    def _converted(self, batch: pa.RecordBatch) -> Chunk:
        columns: list[pa.Array] = []
        apart: dict[int, tuple[Reason, str | None, str]] = {}
        for place, values in zip(self.kept, batch.columns, strict=True):
            target = self.targets[place]
            text, faults = _as_text(values, target, self.labels[place])
            columns.append(text)
            for bad, reason in [*faults, (_holds_nul(text), Reason.NUL_BYTE)]:
                for row in np.flatnonzero(bad).tolist():
                    apart.setdefault(row, (reason, target.name, repr(text[row].as_py())))
        return self._chunk(columns, list(apart.items()), batch.num_rows)

    def _chunk(
        self, columns: list[pa.Array], apart: list[tuple[int, tuple[Reason, str | None, str]]], rows: int
    ) -> Chunk:
        names = self.names if len(columns) == len(self.names) else self._wanted()
        table = pa.Table.from_arrays(columns, names=names)
        numbers = self.records + 1 + np.arange(rows, dtype=np.int64)
        self.records += rows
        keep = np.ones(rows, dtype=bool)
        keep[[row for row, _ in apart]] = False
        control = self._control_rows(table)
        keep &= ~control
        bad = [
            bad_row(self.contract, (int(numbers[row]),) * 2, reason, name, detail, _values(table, row))
            for row, (reason, name, detail) in sorted(apart)
            if not control[row]
        ]
        kept = table if keep.all() else table.filter(pa.array(keep))
        return Chunk(
            kept, numbers[keep], numbers[keep], lambda row: table_row_text(kept, row), bad,
            [[c[row].as_py() or "" for c in table.columns] for row in np.flatnonzero(control).tolist()],
            self._metadata(),
        )  # fmt: skip

    def _control_rows(self, table: pa.Table) -> Mask:
        if self.mark is None or not table.num_rows:
            return np.zeros(table.num_rows, dtype=bool)
        return mask(pc.equal(pc.utf8_trim_whitespace(table.column(0)), self.mark))

    def _metadata(self) -> dict[str, str]:
        """What the writer says of the file: its own keys and values."""
        found = self.file.metadata.metadata or {}
        texts = {k.decode(errors="replace"): v.decode(errors="replace") for k, v in found.items()}
        return {k: v for k, v in texts.items() if k not in OWN_METADATA}


def _values(table: pa.Table, row: int) -> dict[str, str | None]:
    return {n: c[row].as_py() for n, c in zip(table.column_names, table.columns, strict=True)}


# -- types to text


def _as_text(values: pa.Array, target: Target, name: str) -> tuple[pa.StringArray, Faults]:
    """Text of a column, null where nothing is there, and which of its values have none."""
    values = _plain(values)
    kind = values.type
    if pa.types.is_floating(kind):
        return _floats(values, target)
    if pa.types.is_decimal(kind):
        return _decimals(values, target)
    no_ids = is_valid(values) & target.is_id
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        far = _is_far(values)
        text = _moments(without(values, far), target)
        if far.any():
            text = pc.if_else(pa.array(far), FAR, text)
        return text, [
            (no_ids, Reason.DATE_AS_ID),
            (far & (target.kind is not None), Reason.DATE_OUT_OF_RANGE),
        ]
    if pa.types.is_boolean(kind):
        text = pc.if_else(values, target.words[True], target.words[False])
        return text, [(no_ids, Reason.BAD_BOOLEAN)]
    if pa.types.is_null(kind):
        return pa.nulls(len(values), pa.string()), []
    if pa.types.is_integer(kind):
        return values.cast(pa.string()), []
    if pa.types.is_time(kind):
        text = pc.replace_substring_regex(values.cast(pa.string()), r"\.0+$", "")
        return text, [(no_ids, Reason.DATE_AS_ID)]
    return _texts(values, name), []


def _plain(values: pa.Array) -> pa.Array:
    """Without the ways of Arrow to hold the same values: dictionaries, runs, extensions."""
    if isinstance(values, pa.ExtensionArray):
        is_uuid = str(values.type) == "extension<arrow.uuid>"
        values = pa.array([v and str(v) for v in _uuids(values)]) if is_uuid else values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values


def _uuids(values: pa.ExtensionArray) -> list[UUID | None]:
    return [None if v is None else UUID(bytes=v) for v in values.storage.to_pylist()]


def _texts(values: pa.Array, name: str) -> pa.StringArray:
    try:
        text = values.cast(pa.string())  # bytes without a declared type, too: old writers do so
        text.validate(full=True)
    except pa.ArrowInvalid as error:
        raise FileRejected(
            Rejection.ENCODING, f"column {name} is not UTF-8: {error}; export anew"[:300]
        ) from error
    except pa.ArrowNotImplementedError as error:
        raise FileRejected(
            Rejection.COLUMN_TYPE, f"column {name} is a {values.type}, which has no text; export it as text"
        ) from error
    return as_array(text)


def _floats(values: pa.Array, target: Target) -> tuple[pa.StringArray, Faults]:
    """The shortest digits that give the same number; whole numbers without a point."""
    limit = EXACT_WHOLE[values.type]
    values = values if values.type != pa.float16() else values.cast(pa.float32())
    numbers = values.to_numpy(zero_copy_only=False)
    there = is_valid(values)
    finite = np.isfinite(numbers) & there
    whole = finite & (np.floor(np.where(finite, numbers, 0.5)) == numbers) & (np.abs(numbers) < limit)
    digits = pa.array(np.where(whole, numbers, 0).astype(np.int64)).cast(pa.string())
    text = pc.if_else(pa.array(whole), digits, values.cast(pa.string()))
    text = _in_digits(text, numbers, limit)
    faults = [(there & ~finite, Reason.NOT_A_NUMBER)] if target.kind else []
    if target.is_id:  # 1.1 may have been 1.10
        faults.append((finite & ~whole & (np.abs(numbers) < limit), Reason.SCIENTIFIC_ID))
    return _spelled(text, target), faults


def _in_digits(text: pa.StringArray, numbers: Any, limit: int) -> pa.StringArray:
    """Fractions with all their digits. Beyond the limit an exponent marks numbers as inexact."""
    sizes = np.abs(numbers)
    has_exponent = mask(pc.match_substring(text, "e"))
    odd = np.where(sizes < limit, has_exponent, np.isfinite(numbers) & ~has_exponent)
    if not odd.any():
        return text
    found = zip(text.filter(pa.array(odd)).to_pylist(), sizes[odd] < limit, strict=True)
    digits = [f"{Decimal(t):f}" if is_exact else f"{Decimal(t):E}" for t, is_exact in found]
    return pc.replace_with_mask(text, pa.array(odd), pa.array(digits, pa.string()))


def _decimals(values: pa.Array, target: Target) -> tuple[pa.StringArray, Faults]:
    if values.type.scale < 0:
        values = values.cast(pa.decimal256(76, 0))
    text = _without_exponents(values)
    if target.is_number:
        return _spelled(text, target), []
    text = pc.replace_substring_regex(text, r"\.0+$", "")
    broken = mask(pc.match_substring(text, ".")) if target.is_id else np.zeros(len(text), dtype=bool)
    return text, [(broken, Reason.SCIENTIFIC_ID)]


def _without_exponents(values: pa.Array) -> pa.StringArray:
    """Digits of decimals; Arrow writes small ones with an exponent, and so a zero of many places."""
    text = values.cast(pa.string())
    odd = mask(pc.match_substring(text, "E"))
    if not odd.any():
        return text
    zero = odd & mask(pc.equal(values, pa.scalar(0, values.type)))
    text = pc.if_else(pa.array(zero), "0", text)
    small = pa.array(odd & ~zero)
    digits = [f"{Decimal(t):f}" for t in text.filter(small).to_pylist()]
    return pc.replace_with_mask(text, small, pa.array(digits, pa.string()))


def _is_far(values: pa.Array) -> Mask:
    """True for dates and times that no calendar has."""
    kind = values.type
    if pa.types.is_date(kind):
        unit = 1 if pa.types.is_date32(kind) else 86_400_000
    else:
        unit = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    whole = values.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(pa.int64())
    days = pc.fill_null(whole, 0).to_numpy() // unit
    return (days < FIRST_DAY) | (days > LAST_DAY)


def _spelled(text: pa.StringArray, target: Target) -> pa.StringArray:
    point = target.layout.decimal
    return text if point == "." or not target.is_number else pc.replace_substring(text, ".", point)


def _moments(values: pa.Array, target: Target) -> pa.StringArray:
    """Dates and times as the layout writes them, else in ISO 8601; instants with a Z."""
    if pa.types.is_date(values.type):
        days = values.cast(pa.date32())
        return pc.strftime(days, format=target.format) if target.kind == "date" else days.cast(pa.string())
    is_instant = values.type.tz is not None
    local = values.cast(pa.timestamp(values.type.unit))  # of instants: the time in UTC
    whole = target.is_whole(_nanoseconds(local)) if target.is_utc or not is_instant else False
    iso = _iso(local, "Z" if is_instant else "")
    if not np.any(whole):
        return iso
    told = pc.strftime(local.cast(pa.timestamp("s"), safe=False), format=target.format)
    return pc.if_else(pa.array(whole), told, iso)


def _iso(local: pa.TimestampArray, zone: str) -> pa.StringArray:
    """Without a fraction where it is zero."""
    text = pc.replace_substring_regex(local.cast(pa.string()), r"\.0+$", "")
    return pc.binary_join_element_wise(pc.replace_substring(text, " ", "T"), zone, "")


def _nanoseconds(local: pa.TimestampArray) -> Any:
    factor = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[local.type.unit]
    # Of the day only: the whole would not fit into 64 bits.
    return pc.fill_null(local.cast(pa.int64()), 0).to_numpy() % (86_400 * 10**9 // factor) * factor


def _holds_nul(text: pa.StringArray) -> Mask:
    if b"\0" not in bytes(data(text)):
        return np.zeros(len(text), dtype=bool)
    return mask(pc.match_substring(text, "\0"))
