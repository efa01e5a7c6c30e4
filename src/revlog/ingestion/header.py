"""A file's columns beside those that its contract and layout name: what is missing, and what is near it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from revlog.contracts.contract import Contract
from revlog.contracts.layout import Layout
from revlog.outputs.escaping import one_line
from revlog.values.reasons import FileRejected, Rejection

# Names that a message lists; a file may have thousands.
LISTED = 20
# A name that software gives; "Ada Grün" and "ada@example.com" are none, but "Ada" may be either.
TECHNICAL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The best of three, alike by this much, as difflib measures it.
NEAR, LIKENESS = 3, 0.6


@dataclass(frozen=True)
class Need:
    """A column that files must have, under one of these names; `purpose` says what for."""

    names: tuple[str, ...]
    purpose: str


def needs(contract: Contract, layout: Layout) -> list[Need]:
    """What the contract requires and what the layout names, but for columns that it calls optional."""
    found = [Need((test.column,), "rows") for test in layout.rows]
    found += [Need((test.column,), "set_apart") for rule in layout.set_apart.values() for test in rule]
    for name in _placing(contract, layout):
        found.append(Need(spellings(layout, name), f"the zone of {name}"))
    for name, column in contract.columns.items():
        if rule := layout.derive.get(name):
            if name not in layout.optional:
                found += [Need((source,), name) for source in rule.sources]
        elif column.required or (name not in layout.optional and name in layout.named):
            found.append(Need(spellings(layout, name), name))
    return list({need.names: need for need in reversed(found)}.values())[::-1]


def spellings(layout: Layout, name: str) -> tuple[str, ...]:
    """Names that a contract column may have in a file."""
    return (layout.columns.get(name, name), *layout.aliases.get(name, ()))


def _placing(contract: Contract, layout: Layout) -> Iterator[str]:
    """Columns with the zone of local times, where the layout reads any."""
    for name, column in contract.columns.items():
        rule = layout.spelling(name).timestamp
        if column.type != "timestamp" or rule is None or not rule.is_local:
            continue
        zone = column.zone_column or rule.zone_column
        if zone and zone not in layout.derive:
            yield zone


def check_needs(contract: Contract, layout: Layout, header: Iterable[str]) -> None:
    """Raise FileRejected where a column is missing; names it, and what the file has that is near."""
    there = dict.fromkeys(header)
    missing = [need for need in needs(contract, layout) if not there.keys() & set(need.names)]
    if not missing:
        return
    raise FileRejected(
        Rejection.HEADER,
        f"required columns are missing: {', '.join(_told(contract, need, list(there)) for need in missing)}; "
        f"{_file_has(contract, list(there))}. Correct the layout or add aliases to it; what files may lack "
        "it names under `optional`",
    )


def _told(contract: Contract, need: Need, header: list[str]) -> str:
    name, at = need.names[0], places(header)
    near = near_names(name, header)
    told = [repr(n) if label(contract, n, at) == n else at[n] for n in near]
    about = [f"{name!r} in the layout"] if need.purpose != name else []
    about += [f"the file has {', '.join(told)}"] if near else []
    return need.purpose + (f" ({', '.join(about)})" if about else "")


def near_names(name: str, header: list[str]) -> list[str]:
    """Columns of the file that are spelled nearly like `name`, whatever their case."""
    plain = {h.casefold(): h for h in reversed(header)}
    return [plain[n] for n in difflib.get_close_matches(name.casefold(), plain, NEAR, LIKENESS)]


def _file_has(contract: Contract, header: list[str]) -> str:
    """The file's columns; of a feed with personal data their number, since a row may stand in their place."""
    if contract.has_pii:
        known = sum(name in contract.columns for name in header)
        hint = "; the line with the names may be missing" if not known else ""
        return f"the file has {len(header)} columns, {known} of them named as in the contract{hint}"
    return f"the file has {listed(header)}"


def listed(names: Iterable[str]) -> str:
    """Some names, and how many there are beside them."""
    every = [one_line(name)[:100] for name in names]
    more = f" and {len(every) - LISTED:,} more" if len(every) > LISTED else ""
    return ", ".join(every[:LISTED]) + more


def shown(contract: Contract, names: Iterable[str], header: list[str]) -> str:
    """Columns of a file for a message, each by its `label`."""
    at = places(header)
    return listed(label(contract, name, at) for name in names)


def label(contract: Contract, name: str, at: dict[str, str]) -> str:
    """A column by its name, or by its place where the name may be a person's.

    A file without its header line, and a key of a record, bring anything as a name.
    """
    is_plain = not contract.restricted and TECHNICAL.fullmatch(name)
    return name if is_plain or not contract.has_pii else at[name]


def places(header: list[str]) -> dict[str, str]:
    """What to call the columns of a file by their place; there may be as many as rows."""
    return {name: f"no. {number}" for number, name in reversed([*enumerate(header, start=1)])}


def refuse_repeated(contract: Contract, header: list[str], used: set[str]) -> None:
    """Raise FileRejected where a name that stands twice (`told_apart`) is used as if it stood once."""
    twice = [n for n in header if n in used and f"{n} [2]" in header and f"{n} [2]" not in used]
    if twice:
        raise FileRejected(
            Rejection.HEADER,
            f"columns stand twice: {shown(contract, twice, header)}; say in the layout what the second is, "
            "called by its name with [2] behind it, or correct the file",
        )
