"""Feed contracts: one YAML a feed, the single source of its table, parser and checks.

A contract says what a row means (grain, key, mode, columns). Its layouts say how a company's files
spell it. A company's own layouts lie in `ingestion/layouts/<company>/<feed>.yml` and replace the
contract's `layouts:` when LAYOUTS names that company.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from warehouse.settings import settings

CONTRACTS = Path(__file__).parent / "contracts"
LAYOUTS = Path(__file__).parent / "layouts"
STANDARD = "standard"  # the layouts in the contracts themselves

ColumnType = Literal[
    "id", "text", "code", "currency", "integer", "money", "price", "rate",
    "boolean", "date", "timestamp", "list",
]  # fmt: skip
SQL_TYPES: dict[str, str] = {
    "id": "text", "text": "text", "code": "text", "currency": "text", "integer": "bigint",
    "money": "numeric(18,2)", "price": "numeric(18,4)", "rate": "numeric(20,8)",
    "boolean": "boolean", "date": "date", "timestamp": "timestamptz", "list": "text[]",
}  # fmt: skip


# Digits and letters of strptime's directives in a file name.
_DATE_PARTS = {
    "%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{2}", "%d": r"\d{2}", "%H": r"\d{2}",
    "%M": r"\d{2}", "%S": r"\d{2}", "%j": r"\d{3}", "%b": r"[A-Za-z]{3}",
}  # fmt: skip


class ContractError(ValueError):
    """A contract or layout can't be used; the message names the file and the field."""


class Strict(BaseModel):
    """Base of all parts of a contract: a misspelt key is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class NegativeRule(Strict):
    """Negative only where `column` is one of `among`, or where `or_filled` has a value."""

    column: str
    among: tuple[str, ...] = Field(alias="in")
    or_filled: str | None = None


class Column(Strict):
    """One column: canonical name is the key in `columns`."""

    type: ColumnType
    description: str
    required: bool = False
    pii: Literal["pseudonym", "direct"] | None = None
    negative: Literal["never", "allowed"] | NegativeRule | None = None
    currency: str = "currency"
    values: tuple[str, ...] | None = None
    pattern: str | None = None
    max_length: int = 1000
    zone_column: str | None = None

    @property
    def negative_rule(self) -> Literal["never", "allowed"] | NegativeRule:
        """As declared; undeclared amounts and prices are never negative, other numbers may be."""
        if self.negative is not None:
            return self.negative
        return "never" if self.type in ("money", "price") else "allowed"

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                pc.match_substring_regex(pa.array([""]), value)
            except pa.ArrowInvalid as error:
                raise ValueError(f"pattern {value!r} is no RE2 expression: {error}") from error
        return value


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
        from ingestion.times import check_format

        return check_format(value)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in zoneinfo.available_timezones():
            raise ValueError(f"{value!r} is no time zone of the IANA database")
        return value


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
    number of the row among those with equal columns A and B.
    """

    constant: str | None = None
    concat: tuple[str, ...] | None = None
    separator: str = "-"
    product: tuple[str, str] | None = None
    decimals: int = 2
    ordinal: Literal["record", "within_key"] | None = None
    ordinal_of: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Derived:
        ways = (self.constant, self.concat, self.product, self.ordinal, self.ordinal_of)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of constant, concat, product, ordinal, ordinal_of")
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


class Layout(Strict):
    """How one company's files spell a feed."""

    file: str
    format: Literal["csv", "fixed_width", "jsonl", "parquet", "xlsx", "xml"]
    folder: str | None = None
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str | None = None
    negatives: tuple[Literal["minus", "trailing_minus", "parentheses", "cr"], ...] = ("minus",)
    null_values: tuple[str, ...] = ()
    list_separator: str = "|"
    strip: bool = True
    upper: tuple[str, ...] = ()
    booleans: dict[str, bool] = {"true": True, "false": False}
    timestamp: TimeFormat | None = None
    date: TimeFormat | None = None
    columns: dict[str, str] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    derive: dict[str, Derived] = {}
    negate: tuple[str, ...] = ()
    float_ids: tuple[str, ...] = ()
    extract: dict[str, str] = {}
    value_maps: dict[str, dict[str, str]] = {}
    rows: tuple[RowFilter, ...] = ()
    extra_columns: Literal["keep", "ignore", "reject"] = "keep"
    control: Control | None = None
    extract_at: ExtractAt | None = None
    record: str | None = None
    fields: dict[str, str] = {}
    widths: dict[str, tuple[int, int]] = {}
    sheet: str | None = None
    header_row: int = 1

    @field_validator("booleans", "value_maps", mode="before")
    @classmethod
    def _words_are_text(cls, value: Any) -> Any:
        """YAML reads `1`, `yes` and the like as numbers and truths where they stand unquoted."""
        return {str(k): v for k, v in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _sound(self) -> Layout:
        if not re.search(r"\{date(:[^}]+)?\}", self.file):
            raise ValueError("the file pattern needs {date} or {date:%Y-%m-%d}")
        if self.format == "xml" and not (self.record and self.fields):
            raise ValueError("an XML layout needs `record` (a tag) and `fields` (column: path)")
        if self.format == "fixed_width":
            self._check_widths()
        if self.header_row < 1:
            raise ValueError("header_row counts the sheet's rows from 1")
        if len(self.delimiter) != 1 or len(self.quote) > 1:
            raise ValueError("delimiter is one character, quote one or none")
        return self

    def _check_widths(self) -> None:
        if not self.widths:
            raise ValueError("a fixed_width layout needs `widths` (column: [first, number of characters])")
        free, before = 1, "the start"
        for name, (first, size) in sorted(self.widths.items(), key=lambda item: item[1]):
            if first < free or size < 1:
                raise ValueError(f"widths: {name} [{first}, {size}] overlaps {before} or has no characters")
            free, before = first + size, name

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
        return not (self.columns or self.derive) and self.extra_columns == "keep"

    @functools.cached_property
    def name_pattern(self) -> re.Pattern[str]:
        """Regular expression of the file name; group `date` holds the business date's text."""
        parts = re.split(r"(\{date[^}]*\}|\*)", self.file)
        return re.compile("".join(self._part(p) for p in parts) + r"\Z", re.DOTALL)

    @functools.cached_property
    def date_format(self) -> str:
        """strptime format of the date in the file name."""
        found = re.search(r"\{date(?::([^}]*))?\}", self.file)
        return (found and found[1]) or "%Y%m%d"

    def business_date(self, name: str) -> dt.date | None:
        """Business date in a file's name; None where the name is not of this layout."""
        found = self.name_pattern.match(re.sub(r"\.(gz|zip)$", "", name, flags=re.IGNORECASE))
        if not found:
            return None
        try:
            return dt.datetime.strptime(found["date"], self.date_format).date()
        except ValueError:
            return None

    def _part(self, part: str) -> str:
        if part == "*":
            return r"[^/]*"
        if part.startswith("{date"):
            pieces = re.findall(r"%.|[^%]+", self.date_format)
            return f"(?P<date>{''.join(_DATE_PARTS.get(p, re.escape(p)) for p in pieces)})"
        return re.escape(part)


class Contract(Strict):
    """One feed: what a row means, whatever the file looks like."""

    feed: str
    source: Literal["erp", "wms", "crm"]
    title: str
    description: str
    grain: str
    key: tuple[str, ...]
    mode: Literal["append", "delta", "full"]
    version: str | None = None
    empty_file: Literal["load", "alert"] = "load"
    duplicates: Literal["keep_one", "keep_all"] = "keep_one"
    amount: str | None = None
    cadence: Literal["daily", "occasional"] = "daily"
    columns: dict[str, Column]
    layouts: dict[str, Layout]

    @model_validator(mode="after")
    def _names_exist(self) -> Contract:
        named = {*self.key, *filter(None, [self.version, self.amount])}
        if unknown := named - self.columns.keys():
            raise ValueError(f"key, version or amount names unknown columns {sorted(unknown)}")
        for layout in self.layouts.values():
            mapped = {
                *layout.columns, *layout.aliases, *layout.derive, *layout.fields, *layout.negate,
                *layout.float_ids, *layout.upper, *layout.extract, *layout.value_maps,
            }  # fmt: skip
            if layout.control and layout.control.total_of:
                mapped.add(layout.control.total_of)
            if unknown := mapped - self.columns.keys():
                raise ValueError(f"a layout maps unknown columns {sorted(unknown)}")
            if layout.format == "fixed_width":
                self._check_places(layout)
        for name, column in self.columns.items():
            self._check_column(name, column)
        if self.direct_identifiers and self.columns.get("customer_id", None) is None:
            raise ValueError("a feed with direct identifiers needs a column customer_id")
        return self

    def _check_places(self, layout: Layout) -> None:
        """A file of fixed width has no header: what `widths` does not name is in no file."""
        for name, column in self.columns.items():
            spellings = {layout.columns.get(name, name), *layout.aliases.get(name, ())}
            if column.required and name not in layout.derive and not spellings & layout.widths.keys():
                raise ValueError(f"widths has no place for the required column {name}")

    def _check_column(self, name: str, column: Column) -> None:
        if not re.match(r"^[a-z][a-z0-9_]{0,55}$", name):
            raise ValueError(f"column {name!r}: names are lower case letters, digits and _")
        if name in self.key and not column.required:
            raise ValueError(f"column {name}: a key column must be `required: true`")
        others = [column.zone_column] if column.zone_column else []
        if isinstance(column.negative, NegativeRule):
            others += [column.negative.column, *filter(None, [column.negative.or_filled])]
        if unknown := set(others) - self.columns.keys():
            raise ValueError(f"column {name} refers to unknown columns {sorted(unknown)}")

    @property
    def direct_identifiers(self) -> tuple[str, ...]:
        """Columns that name a person; they never reach the feed's raw table."""
        return tuple(n for n, c in self.columns.items() if c.pii == "direct")

    @property
    def has_pii(self) -> bool:
        """True when some column is personal."""
        return any(c.pii for c in self.columns.values())

    @property
    def time_column(self) -> str | None:
        """Column that says when a row came about: its version, else its first time; None without one."""
        if self.version:
            return self.version
        dated = [n for n, c in self.columns.items() if c.type in ("timestamp", "date")]
        required = [n for n in dated if self.columns[n].required]
        return next(iter(required or dated), None)

    @property
    def raw_columns(self) -> dict[str, str]:
        """Columns of raw.<feed> and their SQL types, lineage columns excluded."""
        found: dict[str, str] = {}
        for name, column in self.columns.items():
            if column.pii == "direct":
                continue
            found[name] = SQL_TYPES[column.type]
            if column.type == "timestamp":
                found[f"{name}_local"] = "text"
        return found

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns that hold free or coded text."""
        return tuple(n for n, c in self.columns.items() if SQL_TYPES[c.type] == "text")


def load_contract(feed: str, company: str | None = None) -> Contract:
    """Read one contract with the layouts of the company that LAYOUTS (or `company`) names.

    Raises ContractError naming the file and the field at fault, or the feeds that exist.
    """
    return _read(feed, company or settings().layouts)


def feeds(source: str | None = None) -> list[str]:
    """Names of the feeds that the company carries, of one source or of all, in name order."""
    names = all_feeds()
    if settings().layouts != STANDARD:
        own = company_folder(settings().layouts)
        names = [n for n in names if (own / f"{n}.yml").exists()]
    return [n for n in names if source is None or n.startswith(f"{source}_")]


def all_feeds() -> list[str]:
    """Names of every feed that has a contract, carried or not."""
    return sorted(path.stem for path in CONTRACTS.glob("*.yml"))


@functools.cache
def _read(feed: str, company: str) -> Contract:
    path = CONTRACTS / f"{feed}.yml"
    if not path.exists():
        raise ContractError(f"no contract for feed {feed!r}; there are {', '.join(all_feeds())}")
    content = _yaml(path)
    if company != STANDARD:
        own = company_folder(company) / f"{feed}.yml"
        # A feed that the company does not carry has a table, and nothing to load.
        content |= _yaml(own) if own.exists() else {"layouts": {}}
        path = own if own.exists() else path
    return parse_contract(content, path)


def company_folder(company: str) -> Path:
    """Folder with the layouts of a company; raises ContractError where there is none."""
    folder = LAYOUTS / company
    if not folder.is_dir():
        known = sorted(p.name for p in LAYOUTS.glob("*") if p.is_dir())
        raise ContractError(
            f"LAYOUTS={company!r} names no folder of layouts; there are "
            f"{', '.join([STANDARD, *known])}, or give a path"
        )
    return folder


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise ContractError(f"{path.name}: a mapping is expected at the top")
    return content


def parse_contract(content: dict[str, Any], path: Path) -> Contract:
    """Check the content of a contract file; `path` is for the message."""
    try:
        return Contract.model_validate(content)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ContractError(f"{path.name}: " + "; ".join(lines)) from error
