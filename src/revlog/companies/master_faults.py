"""Every fault of a company's tables, with file and line, by the rules that the seeds' properties declare."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from revlog.companies.company import OUTBOUND, PROFILE
from revlog.companies.found import Found
from revlog.companies.master import SEEDS, Row, Table, in_force, rows, tables
from revlog.values.currencies import CODES
from revlog.values.zones import zones

FIRST_LINE = 1
END = "9999-12-31"  # the day on which what still holds ends
READ = f"a company's files are {PROFILE}, <feed>.yml and <table>.csv"
NOTES = (".md", ".txt")
_TRUTHS = ("true", "false")


@dataclass(frozen=True)
class Line:
    """A row of a file, and the line on which it begins."""

    number: int
    row: Row


def faults(company: Path) -> list[Found]:
    """Faults of every file in the folder that is no YAML, by file and line."""
    collected: list[Found] = []
    for path in sorted(company.iterdir()):
        if path.suffix in (".yml", ".yaml", *NOTES) or path.name.startswith("."):
            continue
        if path.name == OUTBOUND and path.is_dir():
            continue
        if path.suffix != ".csv" or not path.is_file():
            collected.append(Found.of(path, FIRST_LINE, f"it is not read: {READ}"))
        elif (table := tables().get(path.stem)) is None or table.takes is None:
            collected.append(Found.of(path, FIRST_LINE, _not_a_table(path.stem)))
        else:
            collected += (Found.of(path, line, text) for line, text in _of_table(table, path))
    return sorted(set(collected))


def _not_a_table(name: str) -> str:
    if name in tables():
        return f"{name} is the product's own: a company's file of it is not read"
    own = [table.name for table in tables().values() if table.takes]
    return f"no table is called {name}; {_near(name, own)}"


def _of_table(table: Table, path: Path) -> Iterator[tuple[int, str]]:
    lines: list[Line] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as content:
            reader = csv.reader(content, strict=True)
            header = next(reader, [])
            yield from ((FIRST_LINE, text) for text in _of_header(table, header))
            before = reader.line_num
            for values in reader:
                number, before = before + 1, reader.line_num
                if len(values) not in (0, len(header)):
                    yield number, f"{len(values)} values, the header has {len(header)} columns"
                elif values:
                    lines.append(Line(number, dict(zip(header, values, strict=True))))
    except UnicodeDecodeError:
        yield FIRST_LINE, "it is not in UTF-8: save it so"
        return
    except csv.Error as error:
        yield reader.line_num, f"no CSV: {error}"
        return
    for line in lines:
        for column, value in line.row.items():
            if column in table.columns and (text := _of_value(table, column, value, path.parent)):
                yield line.number, f"{column}: {text}"
    if not table.columns.keys() - {*header}:
        yield from _of_rows(table, lines)


def _of_header(table: Table, header: list[str]) -> Iterator[str]:
    missing = [name for name in table.columns if name not in header]
    if missing:
        yield f"the columns {', '.join(missing)} are missing; {table.name} has {','.join(table.columns)}"
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            yield f"the column {name!r} stands twice"
        if name not in table.columns:
            yield f"{table.name} has no column {name!r}; {_near(name, list(table.columns))}"


def _of_value(table: Table, column: str, value: str, company: Path) -> str | None:
    """What is wrong with a value, or None."""
    meta = table.columns[column].get("config", {}).get("meta", {})
    if value != value.strip():
        return f"{value!r} has space around it"
    if not value:
        return None if meta.get("optional") else "a value is missing"
    if value in meta.get("or", ()):
        return None
    if text := _of_type(table.types[column], value) or _of_kind(meta.get("is_a"), value):
        return text
    reference = meta.get("of") or table.references.get(column)
    if reference is None:
        return (
            f"{value!r} is not one of {', '.join(meta['or'])}"
            if "or" in meta and "is_a" not in meta
            else None
        )
    name, field = reference.split(".")
    known = _known(name, field, company) + list(meta.get("or", ()))
    return None if value in known else f"{value!r} is not in {name}; {_near(value, known)}"


def _of_type(kind: str, value: str) -> str | None:
    if kind == "date":
        return None if _is_date(value) else f"{value!r} is no date: write it as 2026-01-31"
    if kind == "boolean":
        return None if value in _TRUTHS else f"{value!r} is not true or false"
    if kind == "integer":
        return None if re.fullmatch("[0-9]{1,9}", value) else f"{value!r} is no whole number from 0 on"
    if kind.startswith("numeric"):
        return _of_number(kind, value)
    return None


def _of_number(kind: str, value: str) -> str | None:
    digits, decimals = (int(part) for part in re.findall("[0-9]+", kind))
    try:
        number = Decimal(value)
    except InvalidOperation:
        return f"{value!r} is no number, such as 12.50"
    if not (number.is_finite() and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value)):
        return f"{value!r} is no number from 0 on, such as 12.50"
    if number >= Decimal(10) ** (digits - decimals):
        return f"{value!r} is too large: {digits - decimals} digits before the point"
    is_exact = number == number.quantize(Decimal(1).scaleb(-decimals))
    return None if is_exact else f"{value!r} has more than {decimals} decimals"


def _of_kind(kind: str | None, value: str) -> str | None:
    if kind == "currency" and value not in CODES:
        return f"{value!r} is no currency of ISO 4217"
    if kind == "country" and not re.fullmatch("[A-Z]{2}", value):
        return f"{value!r} is no country of two capital letters (ISO 3166), such as DE"
    if kind == "zone" and value not in zones():
        return f"{value!r} is no time zone of the IANA database; {_near(value, sorted(zones()))}"
    return None


def _of_rows(table: Table, lines: list[Line]) -> Iterator[tuple[int, str]]:
    """What is wrong between rows: keys held twice, a member with two names, versions that do not meet."""
    yield from _held_twice(table, lines)
    yield from _named_twice(table, lines)
    if table.name == "return_policies":
        yield from _versions_apart(lines)


def _held_twice(table: Table, lines: list[Line]) -> Iterator[tuple[int, str]]:
    holds = defaultdict(list)
    for line in lines:
        first, last = (line.row.get(name, "") for name in ("valid_from", "valid_to"))
        if first and _is_date(first) and _is_date(last) and first >= last:
            yield line.number, f"it ends ({last}) before it begins ({first})"
        elif table.key:
            holds[tuple(line.row[name] for name in table.key)].append(line)
    for key, same in holds.items():
        same.sort(key=lambda line: (line.row.get("valid_from", ""), line.number))
        for before, line in pairwise(same):
            if not table.has_validity or line.row["valid_from"] < before.row["valid_to"]:
                told = ", ".join(f"{n} {v}" for n, v in zip(table.key, key, strict=True))
                yield (
                    max(line.number, before.number),
                    f"{told} stands in line {min(line.number, before.number)}, too",
                )


def _named_twice(table: Table, lines: list[Line]) -> Iterator[tuple[int, str]]:
    """Members, such as a channel, that other rows give another label: the dimension has one."""
    for column, node in table.columns.items():
        label = node.get("config", {}).get("meta", {}).get("has_one")
        if label is None:
            continue
        taken = {tuple(line.row[name] for name in table.key) for line in lines}
        shipped = [
            row for row in rows(SEEDS / f"{table.name}.csv") if tuple(row[n] for n in table.key) not in taken
        ]
        labels = {row[column]: (row[label], "as the product ships it") for row in shipped}
        for line in lines:
            known, where = labels.setdefault(line.row[column], (line.row[label], f"in line {line.number}"))
            if known != line.row[label]:
                yield (
                    line.number,
                    f"{line.row[column]} is called {line.row[label]!r} here and {known!r} {where}",
                )


def _versions_apart(lines: list[Line]) -> Iterator[tuple[int, str]]:
    """Each version of the policy begins where the one before ends, and has a row for everything."""
    versions: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        versions[line.row["valid_from"], line.row["valid_to"], line.row["policy"]].append(line)
    ordered = sorted(versions)
    for (_, end, policy), following in zip(ordered, [*ordered[1:], None], strict=True):
        begins = following[0] if following else END
        if end != begins:
            number = versions[following][0].number if following else versions[ordered[-1]][0].number
            yield (
                number,
                f"{policy} ends on {end}, what follows begins on {begins}: sales have two policies, or none",
            )
    for (_, _, policy), of_version in versions.items():
        if not any((line.row["product_category"], line.row["reason"]) == ("*", "*") for line in of_version):
            yield (
                of_version[0].number,
                f"{policy} has no row with * as category and reason: other returns have no policy",
            )


def _known(name: str, field: str, company: Path) -> list[str]:
    """Values of a column of a table as it is in force for the company."""
    return [row[field] for row in in_force(tables()[name], company) if row.get(field)]


def _is_date(value: str) -> bool:
    try:
        return dt.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _near(value: str, known: list[str]) -> str:
    plain = {re.sub("[^a-z0-9]", "", word.lower()): word for word in known}
    near = difflib.get_close_matches(re.sub("[^a-z0-9]", "", value.lower()), list(plain), n=3)
    words = [plain[word] for word in near]
    return (
        f"near: {', '.join(words)}"
        if words
        else f"there are {', '.join(dict.fromkeys(known[:20])) or 'none'}"
    )
