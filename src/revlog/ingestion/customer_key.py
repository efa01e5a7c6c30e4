"""The key that customer numbers are hashed with: outside the warehouse, which knows its fingerprint."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import psycopg

from revlog.config.refusal import Refusal
from revlog.config.secrets import CUSTOMER_KEY, WrongKey, first_secret, secret
from revlog.contracts.contract import CUSTOMER, all_feeds, load_contract
from revlog.database.connections import connect
from revlog.ingestion.pseudonym import pseudonym
from revlog.ingestion.raw import SOURCE_NUMBER, identity_table

Connection = psycopg.Connection[Any]
MARKED = b"fingerprint of the customer key"
HOW = "docs/how-to/personal-data.md, The key"


class UnknownCustomer(Refusal):
    """No row has the number, or its customer was erased; the message names nobody."""


def fingerprint(key: bytes) -> str:
    """What the warehouse keeps of a key: it tells keys apart and leads back to none."""
    return hmac.new(key, MARKED, hashlib.sha256).hexdigest()


def check_key(connection: Connection) -> None:
    """Raise WrongKey unless the key at hand is the one that the warehouse's customers were hashed with."""
    try:
        kept = connection.execute("select fingerprint from ops.customer_key").fetchone()
    except psycopg.errors.UndefinedTable:
        kept = None
    if kept is None:
        raise WrongKey("the warehouse knows no customer key yet; run: revlog warehouse migrate")
    _compare(kept[0], secret(CUSTOMER_KEY))


def keep_key(known_customer: str | None = None) -> None:
    """Keep the fingerprint of the first key, and hold the key at hand against it ever after.

    A warehouse with customers and no fingerprint is one of 0.1.0: there the key has to prove itself, by
    the numbers in the identity tables or by `known_customer`, a number that the warehouse has rows of.
    Raises WrongKey where it does not. Without customers any key is the first.
    """
    with connect("admin") as connection:
        connection.execute("lock table ops.customer_key in share row exclusive mode")
        if not _has_customers(connection):
            _keep(connection, first_secret(CUSTOMER_KEY))
            return
        key = secret(CUSTOMER_KEY)
        kept = connection.execute("select fingerprint from ops.customer_key").fetchone()
        if kept is not None:
            _compare(kept[0], key)
            return
        _prove(connection, key.encode(), known_customer)
        _keep(connection, key)


def _keep(connection: Connection, key: str) -> None:
    connection.execute(
        "insert into ops.customer_key (fingerprint) values (%s)"
        " on conflict (is_only) do update set fingerprint = excluded.fingerprint, kept_at = now()"
        " where customer_key.fingerprint <> excluded.fingerprint",
        [fingerprint(key.encode())],
    )


def _compare(kept: str, key: str) -> None:
    if not hmac.compare_digest(kept, fingerprint(key.encode())):
        raise WrongKey(
            "the customer key at hand is not the one that the warehouse's customers were hashed with: their"
            f" old and new rows would not join. Nothing was loaded. Restore the key: {HOW}"
        )


def _prove(connection: Connection, key: bytes, known_customer: str | None) -> None:
    pairs = list(_pairs(connection))
    wrong = sum(pseudonym(number, key) != customer for number, customer in pairs)
    if wrong:
        raise WrongKey(
            f"the customer key at hand does not lead to {wrong:,} of the {len(pairs):,} customers whose"
            f" numbers the warehouse knows: it is another key. Nothing was changed. Restore the key: {HOW}"
        )
    if pairs:
        return
    if known_customer is None:
        raise WrongKey(
            "the warehouse has customers, but no number that the customer key could prove itself by. Name a"
            " customer who has bought or returned something:"
            " revlog ingestion customer-key --known-customer NUMBER"
        )
    if not is_known(connection, pseudonym(known_customer, key)):
        raise WrongKey(f"the customer key at hand leads from that number to no row. Restore the key: {HOW}")


def _pairs(connection: Connection) -> Iterator[tuple[str, str]]:
    """Every customer whose number in the source is known, with the hash that it is stored under."""
    for feed in all_feeds():
        if load_contract(feed).names_people:
            yield from connection.execute(
                f"select distinct {SOURCE_NUMBER}, {CUSTOMER} from raw.{identity_table(feed)}"
                f" where {SOURCE_NUMBER} is not null and {CUSTOMER} is not null"
            )


def keyed_hash_of(number: str) -> str:
    """Keyed hash that the warehouse has of a customer number.

    Raises UnknownCustomer where no row has it, and for whoever was erased: their rows lead to nobody.
    """
    with connect("maintainer") as connection:
        check_key(connection)
        customer = pseudonym(number, secret(CUSTOMER_KEY).encode())
        erased = connection.execute("select from ops.erasures where customer_id = %s", [customer]).fetchone()
        if erased is not None or not is_known(connection, customer):
            raise UnknownCustomer(
                "no customer of that number is known: look the number up in its source system"
            )
    return customer


def number_columns() -> dict[str, list[str]]:
    """Columns of keyed hashes, by feed."""
    columns = {feed: load_contract(feed).columns.items() for feed in all_feeds()}
    found = {feed: [n for n, c in named if c.pii == "pseudonym"] for feed, named in columns.items()}
    return {feed: names for feed, names in found.items() if names}


def is_known(connection: Connection, customer: str) -> bool:
    """True where some row has this keyed hash."""
    return any(_has_row(connection, place, f"{column} = %s", customer) for place, column in _places())


def _has_customers(connection: Connection) -> bool:
    return any(_has_row(connection, place, f"{column} is not null") for place, column in _places())


def _places() -> Iterator[tuple[str, str]]:
    """Table and column of every place that holds keyed hashes of customers."""
    for feed, columns in number_columns().items():
        yield from ((f"raw.{feed}", f'"{column}"') for column in columns)
        if CUSTOMER in columns and load_contract(feed).restricted:
            yield f"raw.{identity_table(feed)}", CUSTOMER
    yield "ops.erasures", CUSTOMER


def _has_row(connection: Connection, place: str, condition: str, *values: str) -> bool:
    found = connection.execute(f"select from {place} where {condition} limit 1", values)
    return found.fetchone() is not None
