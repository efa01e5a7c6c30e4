"""What a sound layout says in vain: keys that its format does not read, rules that nothing can reach."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from revlog.contracts.contract import SQL_TYPES, Column, Contract, Fault, all_feeds
from revlog.contracts.functions import sandbox_of
from revlog.contracts.layout import Layout, RowFilter
from revlog.contracts.numbers import PRECISIONS
from revlog.contracts.selection import FILE, LINE, NAME, RECORD
from revlog.ingestion.plan import ROWS, MissingColumnError, plan
from revlog.values.currencies import CODES
from revlog.values.reasons import FileRejected
from revlog.values.text import mask

_LINES = {"csv", "fixed_width", "xlsx"}
_PATHS = {"xml", "json", "jsonl"}
# Keys that only some formats read.
FORMATS = {
    "delimiter": {"csv"}, "quote": {"csv"}, "encoding": {"csv", "fixed_width", "json", "jsonl"},
    "widths": {"fixed_width"}, "sheet": {"xlsx"}, "header_row": {"csv", "xlsx"}, "names": {"csv", "xlsx"},
    "skip": _LINES, "headings": _LINES, "record": _PATHS, "fields": _PATHS,
}  # fmt: skip
_NUMBERS = ("integer", *PRECISIONS)
# Keys that only columns of some types read.
TYPES = {
    "decimal": _NUMBERS, "thousands": _NUMBERS, "negatives": _NUMBERS, "symbols": _NUMBERS,
    "booleans": ("boolean",), "list_separator": ("list",), "date": ("date",), "timestamp": ("timestamp",),
    "format": ("date", "timestamp"), "zone": ("date", "timestamp"), "zone_column": ("timestamp",),
    "gap": ("timestamp",), "overlap": ("timestamp",),
}  # fmt: skip
_WHOLE_LAYOUT = (
    "decimal", "thousands", "negatives", "symbols", "booleans", "list_separator", "date", "timestamp",
)  # fmt: skip


def lint(contract: Contract, layout: Layout) -> Iterator[Fault]:
    """Faults of one layout, each with the keys that lead to it."""
    yield from _unread_keys(layout)
    yield from _unread_formats(contract, layout)
    yield from _unreachable_rows(layout)
    yield from _unreachable_words(contract, layout)
    yield from _overruled(layout)
    yield from _unknown_lookups(layout)
    if any(layout.faults()):  # what else is missing may follow from them
        return
    yield from _missing(contract, layout)
    if layout.selection is not None:
        yield from _unbound(contract, layout)


def _unread_keys(layout: Layout) -> Iterator[Fault]:
    for key, formats in FORMATS.items():
        if key in layout.model_fields_set and layout.format not in formats:
            yield (key,), f"`{key}` means nothing for {layout.format}; it is for {_listed(formats)}"
    if layout.headings and not layout.skip and layout.header_row == 1:
        yield ("headings",), "they are read where `skip` or `header_row` leave lines out, and here none do"
    control = layout.control
    if control and control.first_column and layout.format in _PATHS:
        yield ("control",), f"{layout.format} has no rows that state totals; give root_count or root_total"
    if control and (control.root_count or control.root_total) and layout.format not in ("xml", "parquet"):
        yield ("control",), f"{layout.format} has no root that states totals; give first_column"
    if control and not (control.first_column or control.root_count or control.root_total):
        yield ("control",), "it says of no row and of no root that it states totals"
    if control and (control.total_column or control.root_total) and not control.total_of:
        yield ("control",), "a total is stated, but not of which column: give total_of"


def _unread_formats(contract: Contract, layout: Layout) -> Iterator[Fault]:
    types = {column.type for column in contract.columns.values()}
    for key in _WHOLE_LAYOUT:
        if key in layout.model_fields_set and not types & {*TYPES[key]}:
            yield (key,), f"`{key}` reads nothing: the feed has no column of type {_listed(TYPES[key])}"
    rule = layout.timestamp
    if rule is not None and not rule.is_local and (rule.zone or rule.zone_column):
        yield ("timestamp",), f"a zone reads nothing: {rule.format} tells the instant"
    for name, own in layout.formats.items():
        kind = contract.columns[name].type if name in contract.columns else ""
        for key in own.model_fields_set:
            if kind and kind not in TYPES.get(key, (kind,)):
                yield ("formats", name), f"`{key}` reads nothing in {name}, which is of type {kind}"
    for name in layout.negate:
        if name in contract.columns and contract.columns[name].type not in _NUMBERS:
            yield ("negate",), f"{name} is no number"
    for key in ("float_ids", "upper"):
        for name in getattr(layout, key):
            if name in contract.columns and SQL_TYPES[contract.columns[name].type] != "text":
                yield (key,), f"{name} is no text"


def _unknown_lookups(layout: Layout) -> Iterator[Fault]:
    for name, rule in layout.lookups.items():
        if rule.feed not in all_feeds():
            yield ("lookups", name), f"there is no feed {rule.feed}"


def _unreachable_rows(layout: Layout) -> Iterator[Fault]:
    apart = [("set_apart", test) for tests in layout.set_apart.values() for test in tests]
    for key, test in [*(("rows", test) for test in layout.rows), *apart]:
        if test.matches is None and test.not_matches is None and test.among is None:
            yield (key,), f"the test of {test.column} asks nothing: give matches, not_matches or in"
    for test in layout.rows:
        if test.among is not None and not _reachable(layout, test):
            yield ("rows",), f"no row can pass: none of the values of {test.column} passes every test of it"
        if test.matches is not None and test.matches in _forbidden(layout, test.column):
            yield ("rows",), f"no row can pass: {test.column} must match {test.matches!r} and must not"


def _reachable(layout: Layout, listed: RowFilter) -> bool:
    values = pa.array(listed.among or (), pa.string())
    keep = pa.array([True] * len(values), pa.bool_())
    for test in layout.rows:
        if test.column != listed.column:
            continue
        if test.matches is not None:
            keep = pc.and_(keep, pc.match_substring_regex(values, test.matches))
        if test.not_matches is not None:
            keep = pc.and_(keep, pc.invert(pc.match_substring_regex(values, test.not_matches)))
        if test.among is not None:
            keep = pc.and_(keep, pc.is_in(values, value_set=pa.array(test.among, pa.string())))
    return bool(mask(keep).any())


def _forbidden(layout: Layout, column: str) -> set[str | None]:
    return {test.not_matches for test in layout.rows if test.column == column}


def _unreachable_words(contract: Contract, layout: Layout) -> Iterator[Fault]:
    for name, words in layout.value_maps.items():
        column = contract.columns.get(name)
        for word, meaning in words.items():
            if name in layout.upper and word != word.upper():
                yield ("value_maps", name), f"{word!r} is never met: `upper` makes it {word.upper()!r} before"
            if column is not None and (text := _unfit(column, meaning)):
                yield ("value_maps", name), f"{word!r} becomes {meaning!r}, {text}"
    for name, rule in layout.derive.items():
        column = contract.columns.get(name)
        if column is None or rule.constant is None or name in layout.value_maps:
            continue
        if text := _unfit(column, rule.constant):
            yield ("derive", name), f"{rule.constant!r} is {text}"


def _unfit(column: Column, value: str) -> str | None:
    """Why no row with this value can be loaded."""
    if column.values and value not in column.values:
        return f"none of the contract's values: {', '.join(column.values)}"
    if column.type == "currency" and value not in CODES:
        return "no currency of ISO 4217"
    if column.pattern and not re.fullmatch(column.pattern, value):
        return f"not of the contract's pattern {column.pattern}"
    return None


def _overruled(layout: Layout) -> Iterator[Fault]:
    for name in layout.derive:
        for key in ("columns", "aliases"):
            if name in getattr(layout, key):
                yield (key, name), f"{name} is made by `derive`: what stands here is never read"


def _known_columns(layout: Layout) -> tuple[str, list[str]] | None:
    """The key in which the layout itself names the columns of the file, and these."""
    for key in ("widths", "names", "fields"):
        if columns := list(getattr(layout, key)):
            return key, [*columns, *layout.headings]
    return None


def _missing(contract: Contract, layout: Layout) -> Iterator[Fault]:
    """What the layout reads of columns that can't be there."""
    known = _known_columns(layout)
    has_others = layout.format in _PATHS and layout.extra_columns != "ignore"
    if known is None or layout.select is not None or has_others:
        return
    key, columns = known
    for name, column in contract.columns.items():
        spellings = {layout.columns.get(name, name), *layout.aliases.get(name, ())}
        if column.required and name not in layout.derive and not spellings & {*columns}:
            yield (key,), f"no column of the file feeds {name}, which the contract requires"
    for name, rule in layout.derive.items():
        for source in rule.sources:
            if source not in columns:
                yield ("derive", name), f"the file has no column {source}"
    for test in layout.rows:
        if test.column not in columns:
            yield ("rows",), f"the file has no column {test.column}"


def _unbound(contract: Contract, layout: Layout) -> Iterator[Fault]:
    """What the SELECT can't be, as far as the layout names the columns that it reads."""
    known = _known_columns(layout)
    assert layout.selection is not None
    if known is None or layout.lookups:
        return
    types = dict.fromkeys(known[1], pa.string()) | {RECORD: pa.int64(), LINE: pa.int64(), NAME: pa.string()}
    empty = pa.table({name: pa.array([], kind) for name, kind in types.items()})
    with sandbox_of(layout) as connection:
        connection.register(FILE, empty)
        connection.register(ROWS, empty)
        try:
            made = plan(connection, layout.selection).columns
        except MissingColumnError as error:
            yield ("select",), f"there is no column {error.name}"
            return
        except FileRejected as error:
            yield ("select",), error.detail
            return
    for name, column in contract.columns.items():
        spellings = {layout.columns.get(name, name), *layout.aliases.get(name, ())}
        if column.required and name not in layout.derive and not spellings & made.keys():
            yield ("select",), f"it yields no {name}, which the contract requires"


def _listed(names: set[str] | tuple[str, ...]) -> str:
    return ", ".join(sorted(names))
