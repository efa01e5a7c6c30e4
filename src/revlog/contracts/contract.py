"""Feed contracts: one YAML a feed, the single source of its table, parser and checks.

A contract says what a row means (grain, key, mode, columns). Its layouts say how a company's files
spell it. A company's own layouts lie in `companies/<company>/<feed>.yml` and replace the contract's
`layouts:` when COMPANY names that company.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails

from revlog.companies import company as companies
from revlog.config.settings import ROOT, STANDARD, SettingsError, settings
from revlog.contracts.layout import Layout, Strict
from revlog.contracts.ready import with_ready

CONTRACTS = ROOT / "ingestion" / "contracts"

ColumnType = Literal[
    "id", "text", "code", "currency", "integer", "money", "price", "rate",
    "boolean", "date", "timestamp", "list",
]  # fmt: skip
# Types of identifiers, which tables are indexed by.
IDENTIFYING = ("id", "code", "currency")
# Money has the decimals of its currency; the loader sees to it.
SQL_TYPES: dict[str, str] = {
    "id": "text", "text": "text", "code": "text", "currency": "text", "integer": "bigint",
    "money": "numeric", "price": "numeric(18,4)", "rate": "numeric(20,8)",
    "boolean": "boolean", "date": "date", "timestamp": "timestamptz", "list": "text[]",
}  # fmt: skip
DATED = ("timestamp", "date")
NUMERIC = ("integer", "money", "price", "rate")
# Ten trillion, in whatever currency: no document of a shop reaches it, and converted or added up such
# amounts would leave the 16 digits that published tables have.
LIMITS = {"money": 10**13, "price": 10**10}
CUSTOMER = "customer_id"  # the company's number of the person that a row is about
IDENTITY = "_identity"


Fault = tuple[tuple[str, ...], str]  # the keys that lead to it, and what it is


class ContractError(ValueError):
    """A contract or layout can't be used; the message names the file and the field."""


class NegativeRule(Strict):
    """Negative only where `column` is one of `among`, or where `or_filled` has a value."""

    column: str
    among: tuple[str, ...] = Field(alias="in")
    or_filled: str | None = None


class Column(Strict):
    """One column: canonical name is the key in `columns`.

    `shown` are the words of a free text that name nobody: raw keeps those. `same_person` marks a
    customer number that stands for the same person as the row's own. What is none of `values` is quarantined,
    or with `other_values: carry` loaded as it is and told. `zero: never` is for numbers of which
    none means nothing, `most` bounds what can be meant, `one_where_same` names two columns between which the
    number is 1 where they are the same. `differs_from` names what the value leads away from. `future` is for
    what may lie more than a year after the file's day.

    `references` are the columns whose values it holds, as feed.column: rows that share a value are computed
    together, and what a row of a whole table says changes the rows that name it: those from the day `as_of`
    of their own on, or only while the document that `where_unknown` names is not there. A value that
    `gathers` many orders (a journal, a serial number) reaches them only when a row with it came or went.
    `unit` begins the name of the unit of recomputation that a document is where no order is known.
    """

    type: ColumnType
    description: str
    required: bool = False
    pii: Literal["pseudonym", "direct", "free_text"] | None = None
    shown: tuple[str, ...] = ()
    same_person: bool = False
    negative: Literal["never", "allowed"] | NegativeRule | None = None
    zero: Literal["never"] | None = None
    most: int | None = Field(None, gt=0)
    one_where_same: tuple[str, str] | None = None
    differs_from: str | None = None
    future: bool = False
    currency: str = "currency"
    values: tuple[str, ...] | None = None
    other_values: Literal["quarantine", "carry"] = "quarantine"
    pattern: str | None = None
    max_length: int = 1000
    zone_column: str | None = None
    references: tuple[str, ...] = ()
    as_of: str | None = None
    where_unknown: tuple[str, ...] = ()
    gathers: bool = False
    unit: str | None = None

    @field_validator("references", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @property
    def negative_rule(self) -> Literal["never", "allowed"] | NegativeRule:
        """As declared; undeclared amounts and prices are never negative, other numbers may be."""
        if self.negative is not None:
            return self.negative
        return "never" if self.type in ("money", "price") else "allowed"

    @property
    def limit(self) -> int | None:
        """What no number of the column reaches beyond, either way; None where anything fits."""
        return self.most if self.most is not None else LIMITS.get(self.type)

    @property
    def is_restricted(self) -> bool:
        """True where a value may name a person: it goes to the identity table, not to raw."""
        return self.pii in ("direct", "free_text")

    @model_validator(mode="after")
    def _marks_fit(self) -> Column:
        if self.shown and self.pii != "free_text":
            raise ValueError("`shown` is for `pii: free_text` only")
        if self.other_values == "carry" and (self.values is None or self.pii):
            raise ValueError("`other_values: carry` is for columns that list `values` and name nobody")
        if self.same_person and self.pii != "pseudonym":
            raise ValueError("`same_person` is for `pii: pseudonym` only")
        if self.pii in ("pseudonym", "free_text") and SQL_TYPES[self.type] != "text":
            raise ValueError(f"a keyed hash or free text can't be of type {self.type}")
        if (self.zero or self.most or self.one_where_same) and self.type not in NUMERIC:
            raise ValueError("`zero`, `most` and `one_where_same` are for numbers only")
        if self.future and self.type not in DATED:
            raise ValueError("`future` is for dates and timestamps only")
        if (self.as_of or self.where_unknown) and not self.references:
            raise ValueError("`as_of` and `where_unknown` are for columns with `references`")
        return self

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                pc.match_substring_regex(pa.array([""]), value)
            except pa.ArrowInvalid as error:
                raise ValueError(f"pattern {value!r} is no RE2 expression: {error}") from error
        return value


class Contract(Strict):
    """One feed: what a row means, whatever the file looks like.

    `converted_on` are the days of its staging model whose exchange rates convert amounts that hang on a row,
    each with the column of their currency; `any` where another table decides the currency.
    """

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
    converted_on: dict[str, str] = Field(default_factory=dict)
    columns: dict[str, Column]
    layouts: dict[str, Layout]

    @model_validator(mode="after")
    def _names_exist(self, info: ValidationInfo) -> Contract:
        faults = list(self.faults())
        if faults and not (info.context or {}).get("keeps_faults"):
            raise ValueError("; ".join(text for _, text in faults))
        return self

    def faults(self) -> Iterator[Fault]:
        """What its parts say that does not fit together, each with the keys that lead to it."""
        named = {*self.key, *filter(None, [self.version, self.amount])}
        if unknown := named - self.columns.keys():
            yield ("key",), f"key, version or amount names unknown columns {sorted(unknown)}"
        for name, column in self.columns.items():
            for text in self._column_faults(name, column):
                yield ("columns", name), text
        yield from self._mark_faults()
        for name, layout in self.layouts.items():
            for keys, text in self._layout_faults(layout):
                yield ("layouts", name, *keys), f"layout {name}: {text}"

    def _mark_faults(self) -> Iterator[Fault]:
        """Personal data can be found by the customer's number, and nothing else leans on them."""
        customer = self.columns.get(CUSTOMER)
        if customer is not None and customer.pii != "pseudonym":
            yield ("columns", CUSTOMER), f"column {CUSTOMER}: a customer's number must be `pii: pseudonym`"
        needing = [n for n, c in self.columns.items() if c.pii == "direct" or c.same_person]
        if needing and customer is None:
            text = f"{', '.join(needing)}: who is named here can't be told without a {CUSTOMER}"
            yield ("columns", needing[0]), text
        leaning = {*self.key, *filter(None, [self.version, self.amount])} & {*self.restricted}
        if leaning:
            yield ("key",), f"{', '.join(sorted(leaning))}: key, version and amount can't be restricted"
        if not re.match(r"^[a-z][a-z0-9_]{0,50}$", self.feed) or self.feed.endswith(IDENTITY):
            text = f"feed {self.feed!r}: lower case letters, digits and _, and no end in {IDENTITY}"
            yield ("feed",), text

    def _column_faults(self, name: str, column: Column) -> Iterator[str]:
        if not re.match(r"^[a-z][a-z0-9_]{0,55}$", name):
            yield f"column {name!r}: names are lower case letters, digits and _"
        if name in self.key and not column.required:
            yield f"column {name}: a key column must be `required: true`"
        others = [*filter(None, [column.zone_column, column.differs_from]), *(column.one_where_same or ())]
        if isinstance(column.negative, NegativeRule):
            others += [column.negative.column, *filter(None, [column.negative.or_filled])]
        if unknown := set(others) - self.columns.keys():
            yield f"column {name} refers to unknown columns {sorted(unknown)}"

    def _layout_faults(self, layout: Layout) -> Iterator[Fault]:
        for key, names in layout.mapped.items():
            if unknown := sorted(set(names) - self.columns.keys()):
                yield (key,), f"`{key}` names unknown columns {unknown}"
        known = self.columns if layout.select is None else {}
        if wanted := [n for n in layout.optional if n in known and known[n].required]:
            yield ("optional",), f"the contract requires {wanted}: they can't be optional"
        without = [
            n
            for n, c in self.columns.items()
            if c.type == "timestamp" and not c.zone_column and layout.spelling(n).lacks_zone
        ]
        if without:
            yield (
                ("timestamp",),
                f"{', '.join(without)} in local time need `timestamp: {{zone: …}}`, such as Europe/Berlin, "
                "or UTC; or a zone_column",
            )
        if layout.format == "fixed_width" and layout.select is None:
            yield from self._place_faults(layout)

    def _place_faults(self, layout: Layout) -> Iterator[Fault]:
        """A file of fixed width has no header: what neither `widths` nor `headings` name is in no file."""
        places = layout.widths.keys() | layout.headings.keys()
        for name, column in self.columns.items():
            spellings = {layout.columns.get(name, name), *layout.aliases.get(name, ())}
            if column.required and name not in layout.derive and not spellings & places:
                yield ("widths",), f"widths has no place for the required column {name}"

    @property
    def restricted(self) -> tuple[str, ...]:
        """Columns that name a person, or may: they are in the feed's identity table only."""
        return tuple(n for n, c in self.columns.items() if c.is_restricted)

    @property
    def names_people(self) -> bool:
        """True where the feed tells which number is whose: it has direct identifiers."""
        return any(c.pii == "direct" for c in self.columns.values())

    @property
    def has_pii(self) -> bool:
        """True when some column is personal."""
        return any(c.pii for c in self.columns.values())

    @property
    def time_column(self) -> str | None:
        """Column that says when a row came about: its version, else its first time; None without one."""
        if self.version:
            return self.version
        dated = [n for n in self.raw_columns if n in self.columns and self.columns[n].type in DATED]
        required = [n for n in dated if self.columns[n].required]
        return next(iter(required or dated), None)

    @property
    def raw_columns(self) -> dict[str, str]:
        """Columns of raw.<feed> and their SQL types, lineage columns excluded."""
        found: dict[str, str] = {}
        for name, column in self.columns.items():
            if column.is_restricted and not column.shown:
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
    """Read one contract with the layouts of the company that COMPANY (or `company`) names.

    Raises ContractError naming the file and the field at fault, or the feeds that exist.
    """
    return _read(feed, company or settings().company)


def feeds(source: str | None = None) -> list[str]:
    """Names of the feeds that the company carries, of one source or of all, in name order."""
    names, company = all_feeds(), settings().company
    if not takes_standard(company):
        own = company_folder(company)
        names = [n for n in names if (own / f"{n}.yml").exists()]
    return [n for n in names if source is None or n.startswith(f"{source}_")]


def lacks_column(feed: str, column: str) -> bool:
    """Whether the company carries the feed, and none of its layouts gives the column.

    A contract that can't be used gives all of them: nothing is known of it.
    """
    if feed not in feeds():
        return False
    try:
        layouts = load_contract(feed).layouts.values()
    except ContractError:
        return False
    return not any(layout.gives(column) for layout in layouts)


def sound_contracts() -> list[Contract]:
    """Contracts of the feeds that the company carries, but for those that can't be used."""
    found: list[Contract] = []
    for feed in feeds():
        with contextlib.suppress(ContractError):
            found.append(load_contract(feed))
    return found


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
        if own.exists():
            content, path = content | _own(feed, own), own
        elif not takes_standard(company):
            # A feed that the company does not carry has a table, and nothing to load.
            content["layouts"] = {}
    return parse_contract(content, path)


def takes_standard(company: str) -> bool:
    """True where the company's systems write every feed as the contracts say."""
    try:
        return company == STANDARD or companies.load(company).layouts == STANDARD
    except SettingsError as error:
        raise ContractError(str(error)) from error


def company_folder(company: str) -> Path:
    """Folder with the layouts of a company; raises ContractError where there is none."""
    try:
        return companies.folder(company)
    except SettingsError as error:
        raise ContractError(str(error)) from error


def _own(feed: str, path: Path) -> dict[str, Any]:
    """A company's file of a feed, with the layouts of systems that it takes in."""
    content = _yaml(path)
    faults: list[str] = []
    whole = with_ready(
        feed, content.get("layouts"), lambda keys, text: faults.append(f"{'.'.join(keys)}: {text}")
    )
    if faults:
        raise ContractError(f"{path.name}: " + "; ".join(faults))
    return content | ({"layouts": whole} if "layouts" in content else {})


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise ContractError(f"{path.name}: a mapping is expected at the top")
    return content


def told(error: ErrorDetails) -> str:
    """What a model says of a value; of one that YAML took for another, why."""
    if error["type"] == "string_type" and isinstance(error["input"], bool):
        return "YAML reads No, Yes, On, Off and the like as truths: put the word in quotes"
    return error["msg"]


def parse_contract(content: dict[str, Any], path: Path) -> Contract:
    """Check the content of a contract file; `path` is for the message."""
    try:
        return Contract.model_validate(content)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {told(e)}" for e in error.errors()]
        raise ContractError(f"{path.name}: " + "; ".join(lines)) from error
