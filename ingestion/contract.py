"""Feed contracts: one YAML a feed, the single source of its table, parser and checks.

A contract says what a row means (grain, key, mode, columns). Its layouts say how a company's files
spell it. A company's own layouts lie in `ingestion/layouts/<company>/<feed>.yml` and replace the
contract's `layouts:` when LAYOUTS names that company.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from warehouse.settings import settings

CONTRACTS = Path(__file__).parent / "contracts"
LAYOUTS = Path(__file__).parent / "layouts"

ColumnType = Literal[
    "id", "text", "code", "currency", "integer", "money", "price", "rate",
    "boolean", "date", "timestamp", "list",
]  # fmt: skip
SQL_TYPES: dict[str, str] = {
    "id": "text", "text": "text", "code": "text", "currency": "text", "integer": "bigint",
    "money": "numeric(18,2)", "price": "numeric(18,4)", "rate": "numeric(20,8)",
    "boolean": "boolean", "date": "date", "timestamp": "timestamptz", "list": "text[]",
}  # fmt: skip


class ContractError(ValueError):
    """A contract or layout can't be used; the message names the file and the field."""


class Strict(BaseModel):
    """Base of all parts of a contract: a misspelt key is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class NegativeRule(Strict):
    """Negative only where `column` is one of `among`, or where the column `or_filled` has a value."""

    column: str
    among: tuple[str, ...] = Field(alias="in")
    or_filled: str | None = None


class Column(Strict):
    """One column: canonical name is the key in `columns`."""

    type: ColumnType
    description: str
    required: bool = False
    pii: Literal["pseudonym", "direct"] | None = None
    negative: Literal["never", "allowed"] | NegativeRule = "allowed"
    currency: str = "currency"
    values: tuple[str, ...] | None = None
    pattern: str | None = None
    max_length: int = 1000
    zone_column: str | None = None


class TimeFormat(Strict):
    """How dates or times are written; `iso_offset` is ISO 8601 with an offset or Z."""

    format: str
    zone: str | None = None
    zone_column: str | None = None
    gap: Literal["shift_forward", "quarantine"] = "shift_forward"
    overlap: Literal["first", "second", "quarantine"] = "first"


class Control(Strict):
    """Where a file states its own row count or total."""

    first_column: str | None = None
    count_column: int | None = None
    total_column: int | None = None
    total_of: str | None = None
    root_count: str | None = None
    root_total: str | None = None


class ExtractAt(Strict):
    """Where a file states when it was extracted, if not by its name's date."""

    root_attribute: str


class Derived(Strict):
    """A column that the file lacks: a constant, or made from other source columns."""

    constant: str | None = None
    concat: tuple[str, ...] | None = None
    separator: str = "-"
    product: tuple[str, ...] | None = None
    decimals: int = 2
    ordinal: Literal["record", "within_key"] | None = None


class RowFilter(Strict):
    """Rows of the file that belong to this feed: all of the given tests hold."""

    column: str
    matches: str | None = None
    not_matches: str | None = None


class Layout(Strict):
    """How one company's files spell a feed."""

    file: str
    format: Literal["csv", "jsonl", "xml"]
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str | None = None
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
    rows: tuple[RowFilter, ...] = ()
    extra_columns: Literal["keep", "ignore", "reject"] = "keep"
    control: Control | None = None
    extract_at: ExtractAt | None = None
    record: str | None = None
    fields: dict[str, str] = {}

    @functools.cached_property
    def name_pattern(self) -> re.Pattern[str]:
        """Regular expression of the file name; group `date` holds the business date's text."""
        parts = re.split(r"(\{date[^}]*\}|\*)", self.file)
        return re.compile("".join(self._part(p) for p in parts) + "$")

    @functools.cached_property
    def date_format(self) -> str:
        """strptime format of the date in the file name."""
        found = re.search(r"\{date(?::([^}]*))?\}", self.file)
        return (found and found[1]) or "%Y%m%d"

    def business_date(self, name: str) -> dt.date | None:
        """Business date in a file's name; None where the name is not of this layout."""
        found = self.name_pattern.match(name)
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
            return r"(?P<date>[0-9-]+?)" if "-" in part else r"(?P<date>\d{8})"
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
            mapped = {*layout.columns, *layout.derive, *layout.fields, *layout.negate}
            if unknown := mapped - self.columns.keys():
                raise ValueError(f"a layout maps unknown columns {sorted(unknown)}")
        return self

    @property
    def direct_identifiers(self) -> tuple[str, ...]:
        """Columns that name a person; they never reach the feed's raw table."""
        return tuple(n for n, c in self.columns.items() if c.pii == "direct")

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


def load_contract(feed: str) -> Contract:
    """Read one contract with the layouts of the company that LAYOUTS names.

    Raises ContractError naming the file and the field at fault, or the feeds that exist.
    """
    return _read(feed, settings().layouts)


def feeds(source: str | None = None) -> list[str]:
    """Names of the feeds that the company carries, of one source or of all, in name order."""
    names = sorted(path.stem for path in CONTRACTS.glob("*.yml"))
    own = LAYOUTS / settings().layouts
    if own.is_dir():
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
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    own = LAYOUTS / company / f"{feed}.yml"
    if own.exists():
        content |= yaml.safe_load(own.read_text(encoding="utf-8"))
        path = own
    return parse_contract(content, path)


def parse_contract(content: dict[str, Any], path: Path) -> Contract:
    """Check the content of a contract file; `path` is for the message."""
    try:
        return Contract.model_validate(content)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ContractError(f"{path.name}: " + "; ".join(lines)) from error
