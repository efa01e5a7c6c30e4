"""The file ledger: what is known of each file, and which file's rows count.

All of a file's statements go through one ADBC connection, so that ledger, raw and quarantine are one
transaction. ADBC takes one statement per call and numbers its parameters.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ingestion.landing import LandedFile
from ingestion.readers.chunk import Scan

# Makes changed_seq follow the order of commits: a build that reads up to a number misses nothing.
LEDGER_LOCK = 720_002


@dataclass
class Counts:
    """Rows of one file: parsed = loaded + quarantined + duplicate + control."""

    parsed: int = 0
    loaded: int = 0
    quarantined: int = 0
    duplicate: int = 0
    control: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    def balance(self) -> None:
        """Raise ArithmeticError where a row was lost or invented."""
        accounted = self.loaded + self.quarantined + self.duplicate + self.control
        if self.parsed != accounted:
            raise ArithmeticError(
                f"{self.parsed} rows parsed but {accounted} accounted for; nothing was loaded"
            )


class Ledger:
    """The ledger of one feed, over an open ADBC connection."""

    def __init__(self, connection: Any, feed: str, run_date: dt.date) -> None:
        self.connection = connection
        self.feed = feed
        self.run_date = run_date

    def known(self, file: LandedFile, scan: Scan) -> tuple[int, str, str] | None:
        """File id, status and name of an earlier file with this content; loaded ones first."""
        return self._one(
            "select file_id, status, name from ops.file_ledger"
            " where feed = $1 and layout = $2 and content_sha256 = $3"
            " order by (status in ('loaded', 'superseded')) desc, (name = $4) desc, file_id limit 1",
            (self.feed, file.layout, scan.sha256, file.name),
        )

    def entry(self, file: LandedFile, sha256: str) -> int | None:
        """File id of the entry with this name and content, or of the name's deferred entry."""
        found = self._one(
            "select file_id from ops.file_ledger where feed = $1 and layout = $2 and name = $3"
            " and (content_sha256 = $4 or status = 'deferred') order by file_id desc limit 1",
            (self.feed, file.layout, file.name, sha256),
        )
        return found[0] if found else None

    def note(
        self, file: LandedFile, sha256: str, size: int, status: str, reason: str | None
    ) -> int:
        """Write or rewrite the entry of a file that brings no rows; returns its id."""
        found = self.entry(file, sha256)
        if found is None:
            found = self._insert(file, sha256, size, status)
        self._do(
            "update ops.file_ledger set status = $2, reason = $3, content_sha256 = $4,"
            " size_bytes = cast($5 as text)::bigint, run_date = cast($6 as text)::date,"
            " finished_at = clock_timestamp(), rows_parsed = 0, rows_loaded = 0,"
            " rows_quarantined = 0, rows_duplicate = 0, rows_control = 0 where file_id = $1",
            (found, status, reason, sha256, str(size), self.run_date.isoformat()),
        )
        return found

    def open(self, file: LandedFile, scan: Scan) -> int:
        """Begin the entry of a file that will bring rows; returns its id."""
        found = self.entry(file, scan.sha256)
        if found is None:
            return self._insert(file, scan.sha256, scan.size, "loaded")
        self._do(
            "update ops.file_ledger set status = 'loaded', reason = null, content_sha256 = $2,"
            " size_bytes = cast($3 as text)::bigint, modified_at = cast($4 as text)::timestamptz,"
            " started_at = clock_timestamp() where file_id = $1",
            (found, scan.sha256, str(scan.size), file.modified_at.isoformat()),
        )
        return found

    def close(
        self, file_id: int, file: LandedFile, extract_at: dt.datetime, counts: Counts
    ) -> None:
        """Write the counts, number the change, and say which content under the name counts."""
        counts.balance()
        self._do(
            "update ops.file_ledger set rows_parsed = $2, rows_loaded = $3, rows_quarantined = $4,"
            " rows_duplicate = $5, rows_control = $6, amounts = cast($7 as text)::jsonb,"
            " extract_at = cast($8 as text)::timestamptz, run_date = cast($9 as text)::date,"
            " finished_at = clock_timestamp() where file_id = $1",
            (
                file_id, counts.parsed, counts.loaded, counts.quarantined, counts.duplicate,
                counts.control, json.dumps({k: str(v) for k, v in counts.amounts.items()}),
                extract_at.isoformat(), self.run_date.isoformat(),
            ),
        )  # fmt: skip
        self._do("select pg_advisory_xact_lock(cast($1 as bigint))", (LEDGER_LOCK,))
        self._elect(file)

    def _elect(self, file: LandedFile) -> None:
        """Of all contents under one name the greatest in file order counts, the others don't."""
        self._do(
            "with ranked as ("
            "  select file_id, case when row_number() over ("
            "      order by extract_at desc, modified_at desc, content_sha256 desc) = 1"
            "    then 'loaded' else 'superseded' end as elected"
            "  from ops.file_ledger where feed = $1 and layout = $2 and name = $3"
            "    and status in ('loaded', 'superseded'))"
            " update ops.file_ledger as f set status = r.elected,"
            "   reason = case when r.elected = 'superseded' then 'another content under this name"
            " is newer' end, changed_seq = nextval('ops.ledger_seq')"
            " from ranked as r where r.file_id = f.file_id"
            "   and (f.status <> r.elected or f.changed_seq is null)",
            (self.feed, file.layout, file.name),
        )

    def _insert(self, file: LandedFile, sha256: str, size: int, status: str) -> int:
        found = self._one(
            "insert into ops.file_ledger (feed, layout, name, content_sha256, size_bytes,"
            " business_date, modified_at, status, run_date, started_at)"
            " values ($1, $2, $3, $4, cast($5 as text)::bigint, cast($6 as text)::date,"
            " cast($7 as text)::timestamptz, $8, cast($9 as text)::date, clock_timestamp())"
            " returning file_id",
            (
                self.feed, file.layout, file.name, sha256, str(size),
                file.business_date.isoformat(), file.modified_at.isoformat(), status,
                self.run_date.isoformat(),
            ),
        )  # fmt: skip
        assert found is not None
        return int(found[0])

    def _one(self, statement: str, parameters: tuple[Any, ...]) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchone()

    def _do(self, statement: str, parameters: tuple[Any, ...]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
