"""The raw tables, made from the contracts."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from ingestion.contract import Contract, all_feeds, load_contract
from warehouse import locks
from warehouse.connections import connect

LINEAGE = {
    "_file_id": "bigint not null",
    "_line_no": "bigint not null",
    "_record_no": "bigint not null",
    "_ordinal": "integer not null default 1",
    "_row_hash": "bigint not null",
    "_extra": "jsonb",
}
LINEAGE_TEXT = {
    "_file_id": "File that brought the row, in ops.file_ledger.",
    "_line_no": "Line of the file on which the row begins.",
    "_record_no": "Number of the record within the file, from 1.",
    "_ordinal": "Which of several equal rows of the file this is, from 1.",
    "_row_hash": "Fingerprint of the row's values; equal rows have equal ones.",
    "_extra": "Columns of the file that the contract does not know, as JSON.",
}


def identity_table(feed: str) -> str:
    """Table of a feed's direct identifiers, readable by the auditor only."""
    return f"{feed}_identity"


def create_raw_tables() -> None:
    """Create what is missing in `raw` and add columns that contracts gained; drops nothing."""
    with connect("admin") as connection:
        for feed in all_feeds():
            for statement in table_statements(load_contract(feed)):
                connection.execute(statement)


def table_statements(contract: Contract) -> list[sql.Composed]:
    """SQL that brings raw.<feed>, its lock, and its identity table where it has one, up to date."""
    statements = _lock(contract.feed) + _table(contract.feed, LINEAGE | contract.raw_columns)
    described = {n: c.description for n, c in contract.columns.items() if c.pii != "direct"}
    statements += _comments(contract.feed, contract.description, described | LINEAGE_TEXT)
    if contract.direct_identifiers:
        columns = {"customer_id": "text not null", "source_customer_id": "text not null"}
        columns |= dict.fromkeys(contract.direct_identifiers, "text")
        columns |= {n: LINEAGE[n] for n in ("_file_id", "_line_no", "_record_no")}
        statements += _table(identity_table(contract.feed), columns)
    return statements


def index_tables(connection: psycopg.Connection[Any], contract: Contract) -> None:
    """Index the feed's tables by key and by file, once they have rows.

    Called after a load: so the first, which may bring years, is sorted into the indexes at once.
    """
    tables = {contract.feed: contract.key}
    if contract.direct_identifiers:
        tables[identity_table(contract.feed)] = ("customer_id",)
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
        sql.SQL("alter table {} add column if not exists {} {}").format(
            table, sql.Identifier(n), sql.SQL(t.removesuffix(" not null"))
        )
        for n, t in columns.items()
    ]


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
