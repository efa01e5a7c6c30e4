"""A layout: how one company's files look and how they spell a feed's columns."""

from __future__ import annotations

import codecs
import datetime as dt
import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from revlog.contracts.filename import FilePattern
from revlog.values.datepatterns import tells_instant

if TYPE_CHECKING:
    from revlog.contracts.selection import Selection

Negative = Literal["minus", "trailing_minus", "parentheses", "cr"]
# What the value of a column is that a SELECT made; all of it is text by then.
Kind = Literal["text", "number", "boolean", "list", "date", "timestamp", "instant"]
TYPED_FORMATS = {"date": "%Y-%m-%d", "timestamp": "%Y-%m-%dT%H:%M:%S.%f", "instant": "iso_offset"}
LIST_SEPARATOR = "\x1f"
DEFAULT_FORMATS = {"date": "%Y-%m-%d", "timestamp": "iso_offset"}


def words_as_text(value: Any) -> Any:
    """YAML reads `1`, `yes` and the like as numbers and truths where they stand unquoted as keys."""
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else value


# All of it, and what escapes of UTF-7, HZ, ISO 2022 and Python look like.
ASCII = bytes(range(128)) + b"\\u0041 +AGE- ~{ \x1b$B0l\x1b(B"


class Strict(BaseModel):
    """Base of all parts of a contract: a misspelt key is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TimeFormat(Strict):
    """How dates or times are written; `iso_offset` is ISO 8601 with an offset or Z."""

    format: str
    zone: str | None = None
    zone_column: str | None = None
    gap: Literal["shift_forward", "quarantine"] = "shift_forward"
    overlap: Literal["first", "second", "quarantine"] = "first"

    @field_validator("format")
    @classmethod
    def _readable(cls, value: str) -> str:
        from revlog.values.times import check_format

        return check_format(value)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        from revlog.values.zones import zones

        if value is not None and value not in zones():
            raise ValueError(f"{value!r} is no time zone of the IANA database")
        return value

    @property
    def is_local(self) -> bool:
        """True where the times do not say themselves how far from UTC they are."""
        return not tells_instant(self.format)


class ColumnFormat(Strict):
    """How one column is written where that is another way than the rest of the layout's."""

    format: str | None = None
    zone: str | None = None
    zone_column: str | None = None
    gap: Literal["shift_forward", "quarantine"] | None = None
    overlap: Literal["first", "second", "quarantine"] | None = None
    decimal: str | None = None
    thousands: str | None = None
    negatives: tuple[Negative, ...] | None = None
    symbols: tuple[str, ...] | None = None
    null_values: tuple[str, ...] | None = None
    booleans: dict[str, bool] | None = None
    list_separator: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_format(cls, value: Any) -> Any:
        """A text alone is the format of dates or times."""
        return {"format": value} if isinstance(value, str) else value

    @field_validator("booleans", mode="before")
    @classmethod
    def _words_are_text(cls, value: Any) -> Any:
        return words_as_text(value)

    def changes(self, layout: Layout) -> dict[str, Any]:
        """Fields of the layout that are others for the column."""
        given = self.model_dump(exclude_none=True)
        times = {name: given.pop(name) for name in TimeFormat.model_fields if name in given}
        if "zone" in times or "zone_column" in times:  # the one replaces the other
            times = {"zone": None, "zone_column": None} | times
        if times:
            for kind in ("date", "timestamp"):
                known: TimeFormat | None = getattr(layout, kind)
                before = known.model_dump() if known else {"format": DEFAULT_FORMATS[kind]}
                given[kind] = TimeFormat.model_validate(before | times)
        return given

    @model_validator(mode="after")
    def _sound(self) -> ColumnFormat:
        given = self.model_dump(exclude_none=True)
        times = {name: given[name] for name in TimeFormat.model_fields if name in given}
        TimeFormat.model_validate({"format": "iso_offset"} | times)
        return self


def is_utf16(encoding: str) -> bool:
    """True for UTF-16 of either order of bytes."""
    return codecs.lookup(encoding).name.startswith("utf-16")


class FileDate(Strict):
    """A file's day where its name does not tell it.

    Either the day of its last change, as clocks in the zone `modified` showed it; or the latest day in
    `column` of the file, which is written in `format`.
    """

    modified: str | None = None
    column: str | None = None
    format: str = "%Y-%m-%d"

    @model_validator(mode="after")
    def _one_way(self) -> FileDate:
        if (self.modified is None) == (self.column is None):
            raise ValueError("give one of `modified` (a time zone) and `column` (of the file)")
        TimeFormat(format=self.format, zone=self.modified)
        return self


class Control(Strict):
    """Where a file states its own row count or total.

    Either in a row of its own, whose first column is `first_column` and whose other columns are
    counted from 1; or at the root: attributes of an XML root, or the key-value metadata of Parquet.
    """

    first_column: str | None = None
    count_column: int | None = None
    total_column: int | None = None
    total_of: str | None = None
    root_count: str | None = None
    root_total: str | None = None


class ExtractAt(Strict):
    """Where a file states when it was extracted, as ISO 8601 with offset."""

    root_attribute: str | None = None
    control_column: int | None = None


class Derived(Strict):
    """A column that the file lacks: a constant, or made from other source columns.

    In `concat`, `#record` is the number of the record in the file and `#ordinal_of:A+B` the running
    number of the row among those with equal columns A and B. Where a part is empty the whole is, unless
    `if_empty` stands in for the part, or `default` for the whole.
    """

    constant: str | None = None
    concat: tuple[str, ...] | None = None
    separator: str = "-"
    if_empty: str | None = None
    default: str | None = None
    product: tuple[str, str] | None = None
    decimals: int = 2
    ordinal: Literal["record", "within_key"] | None = None
    ordinal_of: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Derived:
        ways = (self.constant, self.concat, self.product, self.ordinal, self.ordinal_of)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of constant, concat, product, ordinal, ordinal_of")
        if None not in (self.if_empty, self.default):
            raise ValueError("`if_empty` fills a part and `default` the whole: give one of them")
        if not self.concat and (self.if_empty, self.default) != (None, None):
            raise ValueError("`if_empty` and `default` belong to `concat`")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """Columns of the file that the value is made from."""
        parts = (*(self.concat or ()), *(self.product or ()), *(self.ordinal_of or ()))
        groups = [p.removeprefix("#ordinal_of:").split("+") if ":" in p else [p] for p in parts]
        return tuple(name for group in groups for name in group if not name.startswith("#"))


class RowFilter(Strict):
    """Rows of the file that belong to this feed: all of the given tests hold."""

    column: str
    matches: str | None = None
    not_matches: str | None = None
    among: tuple[str, ...] | None = Field(default=None, alias="in")

    @field_validator("matches", "not_matches")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            pc.match_substring_regex(pa.array([""]), value)  # raises ArrowInvalid, a ValueError
        return value


class Lookup(Strict):
    """Rows of another feed's files in the landing zone, as they stand there, for a SELECT to join."""

    feed: str
    layout: str | None = None


class Layout(Strict):
    """How one company's files spell a feed."""

    file: str
    format: Literal["csv", "fixed_width", "json", "jsonl", "parquet", "xlsx", "xml"]
    folder: str | None = None
    file_date: FileDate | None = None
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str | None = None
    negatives: tuple[Negative, ...] = ("minus",)
    symbols: tuple[str, ...] = ()
    null_values: tuple[str, ...] = ()
    list_separator: str = "|"
    strip: bool = True
    upper: tuple[str, ...] = ()
    booleans: dict[str, bool] = {"true": True, "false": False}
    timestamp: TimeFormat | None = None
    date: TimeFormat | None = None
    formats: dict[str, ColumnFormat] = {}
    columns: dict[str, str] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    optional: tuple[str, ...] = ()
    derive: dict[str, Derived] = {}
    negate: tuple[str, ...] = ()
    float_ids: tuple[str, ...] = ()
    extract: dict[str, str] = {}
    value_maps: dict[str, dict[str, str]] = {}
    rows: tuple[RowFilter, ...] = ()
    set_apart: dict[str, tuple[RowFilter, ...]] = {}
    extra_columns: Literal["keep", "ignore", "reject"] = "keep"
    control: Control | None = None
    extract_at: ExtractAt | None = None
    record: str | None = None
    fields: dict[str, str] = {}
    select: str | None = None
    lookups: dict[str, Lookup] = {}
    widths: dict[str, tuple[int, int]] = {}
    sheet: str | None = None
    header_row: int = 1
    names: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    headings: dict[str, str] = {}
    _spellings: dict[tuple[str, Kind], Layout] = PrivateAttr(default_factory=dict)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        """Lines and delimiters are found on the bytes, so those of ASCII must stand for themselves.

        UTF-16, as SAP and Excel write it, is turned into UTF-8 before.
        """
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError(f"{value!r} is no encoding that is known") from None
        try:
            is_plain = is_utf16(value) or ASCII.decode(value) == ASCII.decode("ascii")
        except (LookupError, ValueError):
            is_plain = False
        if not is_plain:
            raise ValueError(f"{value!r} can't be read: export in UTF-8, or in a code page such as cp1252")
        return value

    @field_validator("booleans", "value_maps", mode="before")
    @classmethod
    def _words_are_text(cls, value: Any) -> Any:
        return words_as_text(value)

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> Layout:
        faults = list(self.faults())
        if faults and not (info.context or {}).get("keeps_faults"):
            raise ValueError("; ".join(f"{key}: {text}" for key, text in faults))
        return self

    def faults(self) -> Iterator[tuple[str, str]]:
        """What its keys say that does not fit together, each with the key at fault."""
        yield from self._file_faults()
        if self.format == "xml" and not (self.record and self.fields):
            yield "format", "an XML layout needs `record` (a tag) and `fields` (column: path)"
        yield from self._path_faults()
        if self.thousands is not None and self.thousands == self.decimal:
            yield "thousands", "it is the decimal sign, too"
        if self.folder is not None and ".." in self.folder.split("/"):
            yield "folder", "it lies within the landing zone"
        for name, tests in self.set_apart.items():
            if not tests:
                yield "set_apart", f"{name} has no test: it would take each row"
        if self.format == "fixed_width":
            yield from self._width_faults()
        if self.header_row < 1:
            yield "header_row", "it counts the rows of a sheet, or the lines of a file, from 1"
        if self.select is None and self.lookups:
            yield "lookups", "they are for `select`"
        if self.select is not None and self.format in ("json", "jsonl") and not self.fields:
            yield "select", "over JSON it needs `fields`, the columns of `file` and their paths"
        if len(self.delimiter) != 1:
            yield "delimiter", "it is one character"
        if len(self.quote) > 1:
            yield "quote", "it is one character or none"
        if not (self.delimiter + self.quote).isascii() or self.delimiter in ("\r", "\n", "\0", self.quote):
            yield "delimiter", "it and the quote are two characters of ASCII, and no line ends"
        try:
            _ = self.selection
        except ValueError as error:
            yield "select", str(error)

    def _file_faults(self) -> Iterator[tuple[str, str]]:
        try:
            self.name_pattern.check()
        except ValueError as error:
            yield "file", str(error)
            return
        if self.name_pattern.is_dated == (self.file_date is not None):
            yield (
                "file",
                "the pattern needs {date} or {date:%Y-%m-%d}, or the layout `file_date`: one of them tells a "
                "file's day",
            )

    def _path_faults(self) -> Iterator[tuple[str, str]]:
        """Paths that lead nowhere in any file."""
        for name, path in self.fields.items():
            if "" in path.split("/"):
                yield "fields", f"{name}: {path!r} has a step that leads nowhere"
        if self.format != "xml":
            return
        if self.record and re.search(r"[/@\[\]]", self.record):
            yield "record", f"{self.record!r} is no tag: of XML it names the element alone, wherever it lies"
        for name, path in self.fields.items():
            *before, last = path.split("/")
            if any(step.startswith("@") for step in before) or last == "@":
                yield "fields", f"{name}: an attribute is the last step of a path, with its name"
            if re.search(r"\[(?![1-9][0-9]*\]|@)", path):
                yield "fields", f"{name}: {path!r} has a step that leads nowhere: places count from [1]"

    def _width_faults(self) -> Iterator[tuple[str, str]]:
        if not self.widths:
            yield "widths", "a fixed_width layout needs `widths` (column: [first, number of characters])"
        free, before = 1, "the start"
        for name, (first, size) in sorted(self.widths.items(), key=lambda item: item[1]):
            if first < free or size < 1:
                yield "widths", f"{name} [{first}, {size}] overlaps {before} or has no characters"
            free, before = first + size, name

    @property
    def mapped(self) -> dict[str, tuple[str, ...]]:
        """Columns of the contract that it names, by the key that names them."""
        keys: tuple[str, ...] = (
            "columns", "aliases", "derive", "negate", "float_ids", "upper", "extract", "value_maps",
            "formats",
        )  # fmt: skip
        if self.select is None:  # else these are columns of the file
            keys = (*keys, "fields", "optional")
        found = {key: tuple(getattr(self, key)) for key in keys}
        if self.control and self.control.total_of:
            found["control"] = (self.control.total_of,)
        if self.timestamp and self.timestamp.zone_column:
            found["timestamp"] = (self.timestamp.zone_column,)
        return found

    @property
    def selection(self) -> Selection | None:
        """The SELECT that reshapes the file's rows; None without one."""
        from revlog.contracts.selection import selection

        return None if self.select is None else selection(self.select, tuple(self.lookups))

    @field_validator("skip")
    @classmethod
    def _compiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            try:
                re.compile(pattern.encode())
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return value

    @field_validator("headings")
    @classmethod
    def _finds_a_value(cls, value: dict[str, str]) -> dict[str, str]:
        for name, pattern in value.items():
            try:
                groups = re.compile(pattern.encode()).groups
            except re.error as error:
                raise ValueError(f"{name}: {pattern!r} is no regular expression: {error}") from error
            if groups != 1:
                raise ValueError(f"{name}: put the value into one group, as in Account: ([0-9]+)")
        return value

    @field_validator("extract")
    @classmethod
    def _has_named_group(cls, value: dict[str, str]) -> dict[str, str]:
        for column, pattern in value.items():
            if not re.search(r"\(\?P<\w+>", pattern):
                raise ValueError(f"{column}: give the value a named group, as in C(?P<no>[0-9]+)")
            pc.extract_regex(pa.array([""]), pattern)
        return value

    @property
    def is_canonical(self) -> bool:
        """True when the file is expected to spell every column as the contract does."""
        return not (self.columns or self.derive or self.select) and self.extra_columns == "keep"

    def gives(self, column: str) -> bool:
        """Whether its files may hold a column of the contract.

        A layout that says where columns stand names those that it has; any other spells them as the contract.
        """
        if self.select is not None:
            return re.search(rf"\b{re.escape(column)}\b", self.select) is not None
        if not (self.columns or self.derive):
            return True
        return any(column in names for names in self.mapped.values())

    @property
    def lacks_zone(self) -> bool:
        """True where times are local, and no zone is named."""
        rule = self.timestamp
        return rule is not None and rule.is_local and not (rule.zone or rule.zone_column)

    @property
    def named(self) -> set[str]:
        """Columns for which the layout says where they stand in the file."""
        return {*self.columns, *self.fields}

    @functools.cached_property
    def name_pattern(self) -> FilePattern:
        """The names of the layout's files."""
        return FilePattern(self.file)

    def takes(self, name: str) -> bool:
        """True for names of the layout's files."""
        return self.name_pattern.dates_of(name) is not None

    def business_date(self, name: str) -> dt.date | None:
        """Business date in a file's name; None where the name is not of this layout, or tells none."""
        return self.name_pattern.day_of(name)

    def spelling(self, column: str, kind: Kind = "text") -> Layout:
        """The layout as it holds for one column of the contract.

        What a SELECT typed (any other `kind` than text) is written in one way, whatever the layout says.
        """
        own = self.formats.get(column)
        if own is None and kind == "text":
            return self
        if (column, kind) not in self._spellings:
            layout = self if own is None else self._changed(own.changes(self))
            self._spellings[column, kind] = layout if kind == "text" else layout._typed(kind)
        return self._spellings[column, kind]

    def _typed(self, kind: Kind) -> Layout:
        plain: dict[str, Any] = {
            "decimal": ".", "thousands": None, "negatives": ("minus",), "symbols": (), "null_values": (),
            "booleans": {"true": True, "false": False}, "list_separator": LIST_SEPARATOR,
        }  # fmt: skip
        if form := TYPED_FORMATS.get(kind):
            for name in ("date", "timestamp"):
                rule: TimeFormat | None = getattr(self, name)
                plain[name] = TimeFormat.model_validate(
                    (rule.model_dump() if rule else {}) | {"format": form}
                )
        return self._changed(plain)

    def _changed(self, fields: dict[str, Any]) -> Layout:
        changed = self.model_copy(update=fields)
        changed._spellings = {}
        return changed
