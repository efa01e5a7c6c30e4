"""The raw tables, made from the contracts."""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from revlog.contracts.contract import CUSTOMER, IDENTITY, SQL_TYPES, Contract, all_feeds, load_contract
from revlog.database import locks, waits
from revlog.database.connections import connect
from revlog.values.withheld import WITHHELD, WITHHELD_ROW

LINEAGE = {
    "_file_id": "bigint not null",
    "_line_no": "bigint not null",
    "_record_no": "bigint not null",
    "_ordinal": "integer not null default 1",
    "_row_hash": "bigint not null",
    "_extra": "jsonb",
}
SOURCE_NUMBER = f"source_{CUSTOMER}"  # beside the names that it leads to
LINEAGE_TEXT = {
    "_file_id": "File that brought the row, in ops.file_ledger.",
    "_line_no": "Line of the file on which the row begins.",
    "_record_no": "Number of the record within the file, from 1.",
    "_ordinal": "Which of several equal rows of the file this is, from 1.",
    "_row_hash": "Fingerprint of the row's values; equal rows have equal ones.",
    "_extra": "Columns of the file that the contract does not know, as JSON.",
}


def identity_table(feed: str) -> str:
    """Table of what is restricted of a feed, readable by the auditor only."""
    return f"{feed}{IDENTITY}"


def tables(connection: psycopg.Connection[Any]) -> dict[str, dict[str, str]]:
    """Tables of raw with their columns and types; also those of feeds that are no more."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = 'raw' order by table_name, ordinal_position"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def create_raw_tables() -> None:
    """Create what is missing in `raw`, add columns that contracts gained, and say who may do what.

    Drops nothing but columns that contracts have come to restrict, whose values move. Each feed is a step
    of its own that asks for its locks briefly.
    """
    contracts = [load_contract(feed) for feed in all_feeds()]
    with connect("admin", autocommit=True) as connection:
        for contract in contracts:
            waits.patiently(
                connection,
                f"bringing raw.{contract.feed} up to date",
                partial(_bring_up_to_date, connection, contract),
            )
        # What has no contract any more is nobody's but the auditor's.
        nobody = "revoke all on all tables in schema raw from loader, transformer, validator"
        rights = [sql.SQL(nobody).format(), *(right for contract in contracts for right in grants(contract))]
        waits.patiently(connection, "granting rights on raw", partial(waits.take_turns, connection, rights))


def _bring_up_to_date(connection: psycopg.Connection[Any], contract: Contract, seconds: float) -> None:
    statements = table_statements(contract)
    newly_restricted = _newly_restricted(connection, contract)
    if newly_restricted:
        # Before anything is moved, so that nothing is moved in vain.
        lock = sql.SQL("lock table {} in access exclusive mode").format(sql.Identifier("raw", contract.feed))
        statements = [lock, *statements]
    waits.take_turns(connection, statements, seconds)
    if newly_restricted:
        _move(connection, contract, newly_restricted)


def table_statements(contract: Contract) -> list[sql.Composed]:
    """SQL that brings raw.<feed>, its lock, and its identity table where it has one, up to date."""
    statements = _lock(contract.feed) + _table(contract.feed, LINEAGE | contract.raw_columns)
    described = {n: c.description for n, c in contract.columns.items() if n in contract.raw_columns}
    statements += _comments(contract.feed, contract.description, described | LINEAGE_TEXT)
    if contract.restricted:
        name = identity_table(contract.feed)
        statements += _table(name, identity_columns(contract))
        described = {n: contract.columns[n].description for n in contract.restricted}
        statements += _comments(name, f"What is restricted of raw.{contract.feed}.", described)
    return statements


def identity_columns(contract: Contract) -> dict[str, str]:
    """Columns of the identity table: whose row it is, what is restricted, file and line."""
    columns = {CUSTOMER: "text"} if CUSTOMER in contract.columns else {}
    columns |= {SOURCE_NUMBER: "text"} if contract.names_people else {}
    columns |= {n: SQL_TYPES[contract.columns[n].type] for n in contract.restricted}
    return columns | {n: LINEAGE[n] for n in ("_file_id", "_line_no", "_record_no")}


def grants(contract: Contract) -> list[sql.Composed]:
    """Who may do what: builds and gates read rows; identities only the auditor reads.

    The loader writes both, the maintainer erases in both.
    """
    tables = {contract.feed: ("select, insert", "transformer, validator, auditor")}
    if contract.restricted:
        tables[identity_table(contract.feed)] = ("insert", "auditor")
    return [
        sql.SQL(statement).format(sql.Identifier("raw", table))
        for table, (loading, readers) in tables.items()
        for statement in (
            f"grant {loading} on {{}} to loader",
            f"grant select on {{}} to {readers}",
            "grant select, update, delete on {} to maintainer",
        )
    ]


def _newly_restricted(connection: psycopg.Connection[Any], contract: Contract) -> list[str]:
    """Columns that raw.<feed> holds openly although the contract restricts them by now."""
    held = {
        table: {name for (name,) in connection.execute(_COLUMNS, [table])}
        for table in (contract.feed, identity_table(contract.feed))
    }
    there, moved = held.values()
    return [n for n in contract.restricted if n in there and n not in moved]


_COLUMNS = "select column_name from information_schema.columns where table_schema = 'raw' and table_name = %s"


def _move(connection: psycopg.Connection[Any], contract: Contract, columns: list[str]) -> None:
    """Move what came before a column was restricted to the identity table, except of the erased.

    What was refused then was shown with these values: it is withheld from now on.
    """
    raw, own = f"raw.{contract.feed}", f"raw.{identity_table(contract.feed)}"
    kept = ", ".join([*({CUSTOMER} & contract.columns.keys()), "_file_id", "_line_no", "_record_no"])
    shown = {n: list(contract.columns[n].shown) for n in columns}
    names = ", ".join(f'"{n}"' for n in columns)
    values = ", ".join(f'case when "{n}" <> all(%({n})s) then "{n}" end' for n in columns)
    erased = (
        f"{CUSTOMER} in (select customer_id from ops.erasures)" if CUSTOMER in contract.columns else "false"
    )
    connection.execute(
        f"insert into {own} ({kept}, {names}) select {kept}, {values} from {raw}"
        f" where num_nonnulls({values}) > 0 and ({erased}) is not true",
        shown,
    )
    for name in columns:
        if shown[name]:
            connection.execute(
                f'update {raw} set "{name}" = %s where "{name}" <> all(%s)', [WITHHELD, shown[name]]
            )
        else:
            connection.execute(f'alter table {raw} drop column "{name}"')
    connection.execute(
        "update ops.quarantine set raw_text = %s, detail = %s, readable = null where feed = %s",
        [WITHHELD_ROW, WITHHELD, contract.feed],
    )


def index_tables(connection: psycopg.Connection[Any], contract: Contract) -> None:
    """Index the feed's tables by key and by file, once they have rows.

    Called after a load: so the first, which may bring years, is sorted into the indexes at once.
    """
    tables = {contract.feed: contract.key}
    if contract.restricted:
        own = (CUSTOMER,) if CUSTOMER in contract.columns else ("_file_id", "_record_no")
        tables[identity_table(contract.feed)] = own
    for name, key in tables.items():
        connection.execute("select ops.index_raw($1, $2)", (name, list(key)))


def _lock(feed: str) -> list[sql.Composed]:
    table = sql.Identifier("locks", locks.feed(feed).table)
    return [
        sql.SQL("create table if not exists {} ()").format(table),
        sql.SQL("grant update on {} to loader, maintainer").format(table),
    ]


def _table(name: str, columns: dict[str, str]) -> list[sql.Composed]:
    table = sql.Identifier("raw", name)
    body = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in _packed(columns).items()
    )
    statements = [sql.SQL("create table if not exists {} ({})").format(table, body)]
    return statements + [
        sql.SQL("call ops.add_column({}, {}, {})").format(f"raw.{name}", n, t.removesuffix(" not null"))
        for n, t in columns.items()
    ] + [
        sql.SQL(_WITHOUT_SCALE).format(sql.Literal(f"raw.{name}"), sql.Literal(n))
        for n, t in columns.items()
        if t == "numeric"
    ]  # fmt: skip


# Amounts had two decimals whatever their currency; nothing is rewritten.
_WITHOUT_SCALE = """
do $$ begin
    if exists (
        select from pg_attribute where attrelid = {0}::regclass and attname = {1} and atttypmod <> -1
    ) then
        execute format('alter table %s alter column %I type numeric', {0}, {1});
    end if;
end $$
"""


def _packed(columns: dict[str, str]) -> dict[str, str]:
    """The columns with those first that PostgreSQL aligns to 8 bytes, so that no row is padded."""
    aligned = ("bigint", "timestamptz")
    return dict(sorted(columns.items(), key=lambda item: not item[1].startswith(aligned)))


def _comments(name: str, description: str, columns: dict[str, str]) -> list[sql.Composed]:
    table = sql.Identifier("raw", name)
    statements = [sql.SQL("comment on table {} is {}").format(table, sql.Literal(description))]
    return statements + [
        sql.SQL("comment on column {} is {}").format(sql.Identifier("raw", name, column), sql.Literal(text))
        for column, text in columns.items()
    ]
