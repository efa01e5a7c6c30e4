"""Counting what a file brings: its rows by what becomes of them, amounts by currency, last event."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from revlog.contracts.contract import Contract
from revlog.ingestion.convert import Converted
from revlog.ingestion.ledger import Counts


class RowCounts:
    """The counts of one file, chunk by chunk."""

    def __init__(self, contract: Contract) -> None:
        self.counts = Counts()
        self._feed = contract.feed
        self._amount = contract.amount
        self._currency = contract.columns[contract.amount].currency if contract.amount else ""
        name = contract.time_column
        self._time = name if name and contract.columns[name].type == "timestamp" else None

    def add(self, part: Converted) -> None:
        """Take in one chunk, whose good rows are loaded."""
        counts, apart = self.counts, part.other_feeds + part.skipped + len(part.control)
        counts.parsed += part.parsed + apart
        counts.control += apart
        counts.loaded += part.rows.num_rows
        counts.quarantined += len(part.bad)
        if part.rows.num_rows:
            self._add_amounts(part.rows)
            self._note_event(pc.max(part.rows.column(self._time)).as_py() if self._time else None)

    def take_back(self, duplicate: int, conflict: int) -> None:
        """Loaded rows turned out to repeat others, or to be in conflict with them."""
        self.counts.loaded -= duplicate + conflict
        self.counts.duplicate += duplicate
        self.counts.quarantined += conflict

    def recount(self, connection: psycopg.Connection[Any], file_id: int) -> None:
        """Amounts and last event of the rows that are left in raw."""
        self.counts.amounts, self.counts.last_event = {}, None
        columns = [
            sql.Identifier(name) if name else sql.SQL(nothing)
            for name, nothing in (
                (self._currency, "null::text"),
                (self._amount, "null::numeric"),
                (self._time, "null::timestamptz"),
            )
        ]
        statement = sql.SQL("select {}, sum({}), max({}) from {} where _file_id = $1 group by 1").format(
            *columns, sql.Identifier("raw", self._feed)
        )
        for currency, amount, last in connection.execute(statement, (file_id,)):
            self._add_amount(currency, amount)
            self._note_event(last)

    def _add_amounts(self, rows: pa.Table) -> None:
        if self._amount is not None:
            sums = rows.group_by(self._currency).aggregate([(self._amount, "sum")])
            for row in sums.to_pylist():
                self._add_amount(row[self._currency], row[f"{self._amount}_sum"])

    def _add_amount(self, currency: str | None, amount: Decimal | None) -> None:
        if amount is not None:
            amounts, code = self.counts.amounts, currency or "?"
            amounts[code] = amounts.get(code, Decimal(0)) + amount

    def _note_event(self, at: dt.datetime | None) -> None:
        last = self.counts.last_event
        if at is not None and (last is None or at > last):
            self.counts.last_event = at
