"""Erasing people: what names them is deleted and never stored again, whatever is replayed.

Their purchases and returns stay under the keyed hash, which then leads to nobody. Texts of others that
name them are found by what the identity tables know of them, and kept out by a keyed hash of the text.
Files in the landing zone and backups are not reached.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from revlog.config.secrets import customer_key
from revlog.contracts.contract import CUSTOMER, IDENTITY, all_feeds, load_contract
from revlog.database import locks
from revlog.database.connections import connect
from revlog.ingestion.customer_key import check_key, is_known, number_columns
from revlog.ingestion.pseudonym import HEX_DIGITS, pseudonym
from revlog.ingestion.raw import SOURCE_NUMBER, identity_table, tables
from revlog.values.withheld import WITHHELD, WITHHELD_ROW

Connection = psycopg.Connection[Any]
HASH = re.compile(rf"hash:([0-9a-f]{{{HEX_DIGITS}}})")
# A person has fewer numbers; more are merged where a whole file was merged into one by mistake.
MOST_NUMBERS = 20
# What is shorter, and no mix of letters and digits, stands in texts that name somebody else.
SHORTEST = 5


class NotErased(ValueError):
    """Nothing was erased; the message says why, and names nobody."""


@dataclass
class Erasure:
    """What was found of one person: rows by table."""

    customers: list[str]
    erased: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [", ".join(f"hash:{customer}" for customer in self.customers)]
        for what, rows in (("erased", self.erased), ("kept under the hash", self.kept)):
            found = ", ".join(f"{place} {n:,}" for place, n in sorted(rows.items()) if n)
            lines.append(f"  {what}: {found or 'no row'}")
        return "\n".join(lines)


def erase(given: Sequence[str], reason: str, most_numbers: int = MOST_NUMBERS) -> list[Erasure]:
    """Erase the people whom the company's own customer numbers, or `hash:` and a keyed hash, name.

    All of them or, with NotErased, none: where one is unknown, the reason names one, or more than
    `most_numbers` numbers are merged. Waits for loads. May be repeated: who was erased before is known.
    """
    if not reason.strip():
        raise NotErased("nothing was erased: say why; the reason is kept for good")
    with _alone() as connection:
        people = [_person(connection, customer.strip(), most_numbers) for customer in given]
        for person in people:
            person.refuse_in(reason)
        return [person.erase(reason) for person in people]


def uphold() -> Erasure | None:
    """Erase again whoever is in `ops.erasures`, and the numbers that have been merged with theirs since.

    No load lets them in; this mends what came another way, such as a backup of before.
    """
    with _alone() as connection:
        before = {c for (c,) in connection.execute("select customer_id from ops.erasures")}
        if not before:
            return None
        customers = _merged(connection, before, len(before) + MOST_NUMBERS)
        person = _Person(connection, customers, _names(connection, customers))
        return person.erase("merged with a customer who was erased")


def hash_numbers() -> None:
    """Hash the numbers that 0.1.0 wrote into `ops.erasures` where a number was given for a hash."""
    with connect("admin") as connection:
        plain = connection.execute(
            "delete from ops.erasures where customer_id !~ '^[0-9a-f]{32}$'"
            " returning customer_id, erased_at, reason"
        ).fetchall()
        for number, erased_at, reason in plain:
            connection.execute(
                "insert into ops.erasures (customer_id, erased_at, reason) values (%s, %s, %s)"
                " on conflict do nothing",
                [pseudonym(number, customer_key()), erased_at, reason],
            )


@contextmanager
def _alone() -> Iterator[Connection]:
    """A transaction beside which nothing is loaded: a load has read before whom to keep out."""
    with connect("maintainer") as connection:
        check_key(connection)
        for feed in all_feeds():
            locks.take(connection, locks.feed(feed), tell=print)
        yield connection


# -- who it is, and what is known of them


def _person(connection: Connection, given: str, most_numbers: int) -> _Person:
    found = HASH.fullmatch(given)
    customer = found[1] if found else pseudonym(given, customer_key())
    if not is_known(connection, customer):
        what = f"the keyed hash {customer}" if found else "that customer number"
        raise NotErased(
            f"nothing was erased: no row and no earlier erasure has {what}. Look it up in the source system."
            " A keyed hash is written hash: and its 32 hexadecimal digits"
        )
    customers = _merged(connection, {customer}, most_numbers)
    names = _names(connection, customers)
    return _Person(connection, customers, names if found else names | {given})


def _merged(connection: Connection, customers: set[str], most: int) -> list[str]:
    """The numbers with all that they were ever merged with, either way."""
    found, new = set(customers), set(customers)
    while new:
        near = {
            hashed
            for link in _links()
            for row in connection.execute(link, {"new": list(new)})
            for hashed in row
        }
        new = near - found
        found |= new
    if len(found) > most:
        raise NotErased(
            f"nothing was erased: {len(found):,} customer numbers are merged with one another. If they are"
            f" one person's, say so: --most-numbers {len(found)}"
        )
    return sorted(found)


def _links() -> list[str]:
    """Statements that find pairs of numbers of one person, of which one is new."""
    return [
        f'select distinct {CUSTOMER}, "{name}" from raw.{feed} where "{name}" is not null'
        f' and ({CUSTOMER} = any(%(new)s) or "{name}" = any(%(new)s))'
        for feed in all_feeds()
        for name, column in load_contract(feed).columns.items()
        if column.same_person
    ]


def _names(connection: Connection, customers: list[str]) -> set[str]:
    """Numbers and direct identifiers in the rows of these customers."""
    found: set[str] = set()
    for table, names in _direct_columns().items():
        texts = ", ".join(f'cast("{name}" as text)' for name in (SOURCE_NUMBER, *names))
        rows = connection.execute(
            f"select distinct btrim(v) from raw.{table}, unnest(array[{texts}]) as v"
            f" where {CUSTOMER} = any(%s) and btrim(v) <> ''",
            [customers],
        )
        found |= {name for (name,) in rows}
    return found


def _direct_columns() -> dict[str, list[str]]:
    """Columns that name a person, by identity table."""
    contracts = [load_contract(feed) for feed in all_feeds()]
    return {
        identity_table(c.feed): [name for name, column in c.columns.items() if column.pii == "direct"]
        for c in contracts
        if c.names_people
    }


# -- what goes


class _Text(NamedTuple):
    """A column of text that may name somebody: what is put instead, and in which rows."""

    relation: str
    column: str
    instead: str | None
    rows: str = "true"


class _Person:
    """One person's numbers and names, and the transaction that erases them."""

    def __init__(self, connection: Connection, customers: list[str], names: set[str]) -> None:
        self.connection = connection
        self.names = names
        self.texts: set[str] = set()
        self.found = Erasure(customers)
        self.parameters = {"customers": customers, "telling": _any_of(filter(_is_telling, names))}

    def refuse_in(self, reason: str) -> None:
        """Raise NotErased where the reason, which stays, names the person."""
        if self._rows("select where %(reason)s ~* %(names)s", reason=reason, names=_any_of(self.names)):
            raise NotErased("nothing was erased: the reason names the customer, and it is kept for good")

    def erase(self, reason: str) -> Erasure:
        """Delete and withhold, and remember whom and what to keep out."""
        stored = tables(self.connection)
        for table, columns in stored.items():
            if table.endswith(IDENTITY) and CUSTOMER in columns:
                self._change(table, f"delete from raw.{table} where {CUSTOMER} = any(%(customers)s)")
            if "_extra" in columns:
                self._forget_extras(table, CUSTOMER in columns)
        for text in _texts_of_others(stored):
            self._withhold(text)
        self._withhold_findings()
        self._forget_readable()
        self._remember(reason)
        self._count_kept()
        return self.found

    def _forget_extras(self, table: str, has_customer: bool) -> None:
        """Columns that no contract knows: all in rows of the person, in others those that name the person."""
        for part in ("key", "value"):
            self._keep_out(
                f"select e.{part} from raw.{table}, jsonb_each_text(_extra) as e"
                f" where e.{part} ~* %(telling)s"
            )
        naming = "(e.key ~* %(telling)s or e.value #>> '{}' ~* %(telling)s) is true"
        self._change(
            f"{table}._extra",
            f"update raw.{table} set _extra = (select jsonb_object_agg(e.key, e.value)"
            f"   from jsonb_each(_extra) as e where not {naming})"
            f" where exists (select from jsonb_each(_extra) as e where {naming})",
        )
        if has_customer:
            self._change(
                f"{table}._extra",
                f"update raw.{table} set _extra = null"
                f" where {CUSTOMER} = any(%(customers)s) and _extra is not null",
            )

    def _withhold(self, text: _Text) -> None:
        naming = f'"{text.column}" ~* %(telling)s and {text.rows}'
        self._keep_out(f'select "{text.column}" from {text.relation} where {naming}')
        self._change(
            f"{text.relation.removeprefix('raw.')}.{text.column}",
            f'update {text.relation} set "{text.column}" = %(instead)s where {naming}',
            instead=text.instead,
        )

    def _withhold_findings(self) -> None:
        """Columns that were unknown stand in the ledger by their names."""
        self._change(
            "ops.file_ledger.findings",
            "update ops.file_ledger set findings = (select jsonb_agg("
            "   case when f.value ->> 'text' ~* %(telling)s then f.value || %(withheld)s else f.value end"
            "   order by f.ordinality) from jsonb_array_elements(findings) with ordinality as f)"
            " where findings::text ~* %(telling)s",
            withheld=Jsonb({"text": WITHHELD}),
        )

    def _forget_readable(self) -> None:
        """What could be read of refused rows; with their text it is kept out of a replay, too."""
        self._change(
            "ops.quarantine.readable",
            "update ops.quarantine set readable = null where readable::text ~* %(telling)s",
        )

    def _keep_out(self, texts: str) -> None:
        """Remember these texts: a replay of the old files would bring them again."""
        key = customer_key()
        self.texts |= {pseudonym(text, key) for (text,) in self._rows(texts) if text is not None}

    def _remember(self, reason: str) -> None:
        self.connection.execute(
            "insert into ops.erasures (customer_id, reason, texts)"
            " select customer_id, %(reason)s, %(texts)s from unnest(%(customers)s::text[]) as t (customer_id)"
            " on conflict (customer_id) do update set texts = array("
            "   select distinct t from unnest(erasures.texts || excluded.texts) as t order by t)",
            self.parameters | {"reason": reason, "texts": sorted(self.texts)},
        )

    def _count_kept(self) -> None:
        for feed, columns in number_columns().items():
            condition = " or ".join(f'"{column}" = any(%(customers)s)' for column in columns)
            ((self.found.kept[feed],),) = self._rows(f"select count(*) from raw.{feed} where {condition}")

    def _rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, self.parameters | more).fetchall()

    def _change(self, place: str, statement: str, **more: Any) -> None:
        self.found.erased[place] += self.connection.execute(statement, self.parameters | more).rowcount


def _texts_of_others(stored: dict[str, dict[str, str]]) -> Iterator[_Text]:
    """Where rows of others may name the person.

    Another customer may have the same name: among names only those of nobody's number are there.
    """
    direct = _direct_columns()
    for table in filter(lambda name: name.endswith(IDENTITY), stored):
        for name, kind in stored[table].items():
            if kind == "text" and name not in (CUSTOMER, SOURCE_NUMBER):
                rows = f"{CUSTOMER} is null" if name in direct.get(table, ()) else "true"
                yield _Text(f"raw.{table}", name, None, rows)
    yield _Text("ops.quarantine", "raw_text", WITHHELD_ROW)
    yield _Text("ops.quarantine", "detail", WITHHELD)
    yield _Text("ops.file_ledger", "reason", WITHHELD)


def _is_telling(name: str) -> bool:
    is_mixed = any(c.isdigit() for c in name) and any(c.isalpha() for c in name)
    return len(name) >= SHORTEST or is_mixed


def _any_of(names: Iterable[str]) -> str | None:
    """PostgreSQL's expression for any of these as whole words; None, which matches nothing, for none."""
    escaped = [re.sub(r"([^\w\s])", r"\\\1", name) for name in sorted(names)]
    return rf"(^|[^[:alnum:]])({'|'.join(escaped)})($|[^[:alnum:]])" if escaped else None
