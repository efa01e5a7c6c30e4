"""Contracts of what leaves: one YAML a feed, in `outbound/contracts` or the company's folder `outbound`.

A contract names the published table that a feed is read from, which events its rows tell, and every column
that leaves. What it does not name stays here; what is personal leaves only where it is marked and its purpose
is said.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from revlog.companies import company as companies
from revlog.config.refusal import Refusal
from revlog.config.settings import ROOT, settings
from revlog.contracts.contract import ContractError, all_feeds, load_contract, told
from revlog.contracts.layout import Strict

CONTRACTS = ROOT / "outbound" / "contracts"
NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")
PUBLISHED = re.compile(r"(marts|finance)\.[a-z][a-z0-9_]{0,55}")
# What a sentence takes from the row.
PLACE = re.compile(r"\{(\w+)\}")
ColumnType = Literal["text", "integer", "amount", "date", "timestamp", "boolean"]
# How PostgreSQL calls the columns that each type is read from, without precision.
SQL_TYPES: dict[str, tuple[str, ...]] = {
    "text": ("text", "character varying"), "integer": ("smallint", "integer", "bigint"),
    "amount": ("numeric",), "date": ("date",), "timestamp": ("timestamp with time zone",),
    "boolean": ("boolean",),
}  # fmt: skip
CURRENCY = "currency"
Value = str | int | bool


class BadContract(Refusal):
    """A contract can't be used, or does not fit what is published; the message names file and key."""


class OutboundColumn(Strict):
    """One column that leaves; its name is the key in `columns`.

    `reads` is the column of the source where that is called otherwise. `pii: pseudonym` marks what stands for
    a person, and `purpose` says what the receiver needs it for.
    """

    type: ColumnType
    description: str
    reads: str | None = None
    pii: Literal["pseudonym"] | None = None
    purpose: str = ""

    @model_validator(mode="after")
    def _is_personal_for_a_purpose(self) -> OutboundColumn:
        if bool(self.pii) != bool(self.purpose.strip()):
            raise ValueError("`pii` and `purpose` stand together: what is personal, and why it leaves")
        return self


class Event(Strict):
    """One kind of event: which rows tell it, when it happened and which columns it brings.

    It has happened where `at` is filled and the row has what `where` names: a value, one of several, or with
    `filled` any. `at_end_of: month` puts it at the last day of the month of `at`. A row that is there no
    longer withdraws what was told (`withdraw`), or is no news, as of a list of work (`nothing`). `says` is
    the sentence for people, with columns in braces.
    """

    description: str
    key: tuple[str, ...] = Field(min_length=1)
    at: str
    at_end_of: Literal["month"] | None = None
    where: dict[str, Value | tuple[Value, ...]] = Field(default_factory=dict)
    filled: tuple[str, ...] = ()
    when_gone: Literal["withdraw", "nothing"]
    columns: tuple[str, ...] = ()
    says: str = ""


class OutboundContract(Strict):
    """One feed: for whom it is, from which published table it comes, and what leaves by it.

    `destination` is what it may be sent to: `http` posts each event by itself, `files` puts those of a night
    into files of `format`. `known_by_status` are answers, such as 409, by which the receiver has the event.
    """

    feed: str
    title: str
    description: str
    audience: str
    owner: Literal["erp", "wms", "crm", "finance", "pipeline"]
    source: str
    destination: Literal["http", "files"]
    format: Literal["jsonl", "csv"] = "jsonl"
    known_by_status: tuple[int, ...] = ()
    columns: dict[str, OutboundColumn]
    events: dict[str, Event] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> OutboundContract:
        if faults := list(self._faults()):
            raise ValueError("; ".join(faults))
        return self

    @property
    def domain(self) -> str:
        """Domain that the source is published in: marts or finance."""
        return self.source.partition(".")[0]

    @property
    def table(self) -> str:
        """Name of the source within its domain."""
        return self.source.partition(".")[2]

    @property
    def personal(self) -> tuple[str, ...]:
        """Columns that stand for a person."""
        return tuple(name for name, column in self.columns.items() if column.pii)

    def columns_of(self, event: str) -> dict[str, OutboundColumn]:
        """Columns that an event brings, in the order of the contract."""
        named = self.events[event].columns or tuple(self.columns)
        return {name: column for name, column in self.columns.items() if name in named}

    def sources_of(self, event: str) -> set[str]:
        """Columns of the source that an event asks for without sending them."""
        found = self.events[event]
        return {*found.key, found.at, *found.where, *found.filled}

    def _faults(self) -> Iterator[str]:
        if not NAME.fullmatch(self.feed):
            yield f"feed {self.feed!r}: lower case letters, digits and _"
        if not PUBLISHED.fullmatch(self.source):
            yield f"source {self.source!r}: only published tables leave, marts.… or finance.…"
        for name in (*self.columns, *self.events):
            if not NAME.fullmatch(name):
                yield f"{name!r}: lower case letters, digits and _"
        for name, event in self.events.items():
            for fault in self._event_faults(name, event):
                yield f"event {name}: {fault}"
        yield from self._personal_faults()

    def _event_faults(self, name: str, event: Event) -> Iterator[str]:
        if unknown := sorted(set(event.columns) - self.columns.keys()):
            yield f"brings unknown columns {unknown}"
        if self.format == "csv" and event.columns:
            yield "a CSV file has one header: all its events bring all columns"
        brought = self.columns_of(name)
        if missing := sorted(set(PLACE.findall(event.says)) - brought.keys()):
            yield f"`says` names {missing}, which it does not bring"
        amounts = [n for n, column in brought.items() if column.type == "amount"]
        if amounts and CURRENCY not in brought:
            yield f"{amounts[0]} is an amount without a column `{CURRENCY}` beside it"

    def _personal_faults(self) -> Iterator[str]:
        """What a feed marks as personal keeps its mark on the way out."""
        marks = personal_columns()
        for name, column in self.columns.items():
            mark = marks.get(column.reads or name)
            if mark in ("direct", "free_text"):
                yield f"column {name}: {column.reads or name} may name a person, and never leaves"
            elif mark and not column.pii:
                yield (
                    f"column {name} stands for a person: leave it out, or mark it `pii: {mark}` and say in"
                    " `purpose` what the receiver needs it for"
                )
        for name, event in self.events.items():
            for part in (*event.key, *event.where):
                if part in marks and part not in {c.reads or n for n, c in self.columns.items() if c.pii}:
                    yield f"event {name}: {part} stands for a person, and its key would tell it"


@functools.cache
def personal_columns() -> dict[str, str]:
    """Names of columns that the contracts of ingestion mark as personal, each with its strictest mark."""
    strictness = ("pseudonym", "free_text", "direct")
    found: dict[str, str] = {}
    for feed in all_feeds():
        for name, column in _marked(feed):
            if name not in found or strictness.index(column) > strictness.index(found[name]):
                found[name] = column
    return found


def _marked(feed: str) -> Iterator[tuple[str, str]]:
    try:
        columns = load_contract(feed, "standard").columns
    except ContractError as error:
        raise BadContract(f"what is personal can't be told: {error}") from error
    for name, column in columns.items():
        if column.pii and not column.shown:
            yield name, column.pii


def load(feed: str) -> OutboundContract:
    """Read the contract of a feed, the company's own where it has one. Raises BadContract."""
    for folder in _folders():
        path = folder / f"{feed}.yml"
        if path.is_file():
            return read(path)
    raise BadContract(f"no feed is called {feed!r}; there are {', '.join(feeds())}")


def feeds() -> list[str]:
    """Names of all feeds that have a contract, in name order."""
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.yml")})


def read(path: Path) -> OutboundContract:
    """Read one file. Raises BadContract with the file and each key at fault."""
    try:
        found = OutboundContract.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise BadContract(f"{path.name} is no YAML: {error}") from error
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {told(e)}".lstrip(": ") for e in error.errors()]
        raise BadContract(f"outbound contract {path.name}: {'; '.join(lines)}") from error
    if found.feed != path.stem:
        raise BadContract(f"outbound contract {path.name}: feed {found.feed} belongs into {found.feed}.yml")
    return found


def _folders() -> list[Path]:
    """Where contracts lie, the company's own first."""
    return [companies.folder(settings().company) / companies.OUTBOUND, CONTRACTS]
