"""The file ledger: what is known of each file, and which file's rows count.

All of a file's statements go through one connection, so that ledger, raw and quarantine are one
transaction. Its cursors are raw: parameters are numbered, `$1`, as PostgreSQL does.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, LiteralString

import psycopg

from revlog.contracts.contract import Contract
from revlog.contracts.layout import Layout
from revlog.database import locks
from revlog.ingestion.chunk import Scan
from revlog.ingestion.findings import Findings
from revlog.ingestion.landing import LandedFile
from revlog.ingestion.sharing import Shares
from revlog.ingestion.supersession import Sighting, Verdict, changes

BROUGHT = "('loaded', 'superseded', 'duplicate')"


@dataclass
class Counts:
    """Rows of one file: parsed = loaded + quarantined + duplicate + control."""

    parsed: int = 0
    loaded: int = 0
    quarantined: int = 0
    duplicate: int = 0
    control: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    last_event: dt.datetime | None = None
    shares: Shares = field(default_factory=Shares)

    def balance(self) -> None:
        """Raise ArithmeticError where a row was lost or invented."""
        accounted = self.loaded + self.quarantined + self.duplicate + self.control
        if self.parsed != accounted:
            raise ArithmeticError(
                f"{self.parsed} rows parsed but {accounted} accounted for; nothing was loaded"
            )


class Ledger:
    """The ledger of one feed, over an open connection with raw cursors."""

    def __init__(self, connection: psycopg.Connection[Any], contract: Contract, run_date: dt.date) -> None:
        self.connection = connection
        self.feed = contract.feed
        # A full feed shows the whole table as of a day: the same content on another day says anew.
        self.is_full = contract.mode == "full"
        self.run_date = run_date

    # -- what is known

    def finished(self) -> set[tuple[str, str, str]]:
        """Layout, name and look of files that need not be read again."""
        rows = self._all(
            f"select layout, name, seen_as from ops.file_ledger where feed = $1 and status in {BROUGHT}"
            " and seen_extract_at is not null and seen_as is not null",
            (self.feed,),
        )
        return {(layout, name, look) for layout, name, look in rows}

    def holder(
        self, file: LandedFile, hashes: list[str], but: int | None = None
    ) -> tuple[int, str, dt.datetime] | None:
        """File id, name and extract time of the file, `but` one, whose content has one of these hashes."""
        found = self._one(
            "select file_id, name, seen_extract_at from ops.file_ledger"
            " where feed = $1 and layout = $2 and content_sha256 = any($3)"
            " and file_id is distinct from $4 and ($5::date is null or business_date = $5)"
            " and status in ('loaded', 'superseded')",
            (self.feed, file.layout, hashes, but, file.business_date if self.is_full else None),
        )
        return (int(found[0]), str(found[1]), found[2]) if found else None

    def knows_size(self, file: LandedFile) -> bool:
        """True where a file of this size has come before, so that its content may have, too."""
        found = self._one(
            "select from ops.file_ledger where feed = $1 and layout = $2 and size_bytes = $3 limit 1",
            (self.feed, file.layout, file.size),
        )
        return found is not None

    def entry(self, file: LandedFile, sha256: str) -> int | None:
        """File id of the entry with this name and content, or of the name's deferred entry."""
        found = self._one(
            "select file_id from ops.file_ledger where feed = $1 and layout = $2 and name = $3"
            " and (content_sha256 = $4 or status = 'deferred')"
            " order by (content_sha256 = $4) desc, file_id limit 1",
            (self.feed, file.layout, file.name, sha256),
        )
        return int(found[0]) if found else None

    def status(self, file_id: int) -> str:
        """Status of a file."""
        return str(self._one("select status from ops.file_ledger where file_id = $1", (file_id,))[0])

    # -- what is written

    def adopt(self, layouts: dict[str, Layout]) -> None:
        """Write files of a layout that is no more under the one that takes them now: it was renamed."""
        gone = self._all(
            "select distinct layout, name from ops.file_ledger where feed = $1 and layout <> all($2)",
            (self.feed, list(layouts)),
        )
        for layout, name in gone:
            takers = [n for n, candidate in layouts.items() if candidate.takes(name)]
            if len(takers) == 1:
                self._do(
                    "update ops.file_ledger set layout = $4 where feed = $1 and layout = $2 and name = $3",
                    (self.feed, layout, name, takers[0]),
                )

    def brought(self, name: str) -> bool:
        """True where a file of this name has brought rows."""
        found = self._one(
            "select from ops.file_ledger where feed = $1 and name = $2 and status in ('loaded', 'superseded')"
            " and seen_extract_at is not null limit 1",
            (self.feed, name),
        )
        return found is not None

    def release(self, file: LandedFile) -> None:
        """Give up what the files of this name brought, in the transaction that loads it anew.

        Their rows stay in raw and count no more; they supersede nothing.
        """
        locks.take(self.connection, locks.LEDGER)
        self._do(
            "update ops.file_ledger set status = 'superseded', reason = 'loaded again',"
            " content_sha256 = 'again:' || file_id || ':' || content_sha256,"
            " seen_extract_at = null, changed_seq = nextval('ops.ledger_seq')"
            " where feed = $1 and layout = $2 and name = $3 and status in ('loaded', 'superseded')"
            " and seen_extract_at is not null",
            (self.feed, file.layout, file.name),
        )

    def note(self, file: LandedFile, sha256: str, size: int, status: str, reason: str | None) -> int:
        """Write or rewrite the entry of a file that brings no rows; returns its id."""
        found = self.entry(file, sha256)
        if found is None or self.status(found) in ("loaded", "superseded"):
            found = self._insert(file, sha256, size, status)
        self._do(
            "update ops.file_ledger set status = $2, reason = $3, content_sha256 = $4,"
            " size_bytes = $5, run_date = $6, modified_at = $7, findings = '[]',"
            " finished_at = clock_timestamp(), rows_parsed = 0, rows_loaded = 0,"
            " rows_quarantined = 0, rows_duplicate = 0, rows_control = 0 where file_id = $1",
            (found, status, reason, sha256, size, self.run_date, file.modified_at),
        )
        return found

    def open(self, file: LandedFile, scan: Scan) -> int:
        """Begin the entry of a file that will bring rows; returns its id."""
        found = self.entry(file, scan.sha256)
        if found is None:
            return self._insert(file, scan.sha256, scan.size, "loaded")
        self._do(
            "update ops.file_ledger set status = 'loaded', reason = null, content_sha256 = $2,"
            " size_bytes = $3, modified_at = $4, started_at = clock_timestamp() where file_id = $1",
            (found, scan.sha256, scan.size, file.modified_at),
        )
        return found

    def reopen(self, file_id: int) -> None:
        """Begin with a content that has come before: when its file was read is when it was last."""
        self._do("update ops.file_ledger set started_at = clock_timestamp() where file_id = $1", (file_id,))

    def identify(self, file_id: int, sha256: str) -> None:
        """Write which content a file had."""
        self._do("update ops.file_ledger set content_sha256 = $2 where file_id = $1", (file_id, sha256))

    def close(
        self, file_id: int, file: LandedFile, extract_at: dt.datetime, counts: Counts,
        findings: Findings,
    ) -> str:  # fmt: skip
        """Write counts and place, and say which contents count now; returns this file's status."""
        counts.balance()
        self._do(
            "update ops.file_ledger set rows_parsed = $2, rows_loaded = $3, rows_quarantined = $4,"
            " rows_duplicate = $5, rows_control = $6, amounts = $7, reason = $8, last_event_at = $9,"
            " findings = $10, rows_shared = $11"
            " where file_id = $1",
            (
                file_id, counts.parsed, counts.loaded, counts.quarantined, counts.duplicate,
                counts.control, json.dumps({k: str(v) for k, v in sorted(counts.amounts.items())}),
                findings.text(), counts.last_event, json.dumps(findings.rows()),
                json.dumps({"taken": counts.shares.taken, "set_apart": counts.shares.set_apart}),
            ),
        )  # fmt: skip
        return self.settle(file_id, file, extract_at)

    def settle(self, file_id: int, file: LandedFile, extract_at: dt.datetime) -> str:
        """Write the file's place in file order and elect what counts; returns its status.

        The lock is held until the commit, so that numbers of changes are committed in their order.
        """
        locks.take(self.connection, locks.LEDGER)
        self._do(
            "update ops.file_ledger set seen_extract_at = $2, extract_at = coalesce(extract_at, $2),"
            " seen_modified_at = greatest(seen_modified_at, $3), seen_as = $5, seen_changed_at = $6,"
            " run_date = $4, finished_at = clock_timestamp(),"
            " changed_seq = case when status = 'loaded' and changed_seq is null"
            " then nextval('ops.ledger_seq') else changed_seq end where file_id = $1",
            (file_id, extract_at, file.modified_at, self.run_date, file.look, file.changed_at),
        )
        for verdict in changes(self._linked(file_id)):
            self._apply(verdict)
        return self.status(file_id)

    def _linked(self, file_id: int) -> list[Sighting]:
        """Every sighting that shares a name or a content with this one, or with one that does."""
        content = "content_sha256" + (" || business_date" if self.is_full else "")
        rows = self._all(
            "with recursive brought as ("
            f"  select *, {content} as content from ops.file_ledger"
            f"  where feed = $2 and status in {BROUGHT} and seen_extract_at is not null"
            "    and layout = (select layout from ops.file_ledger where file_id = $1)"
            "), linked as ("
            "  select name, content from brought where file_id = $1"
            "  union"
            "  select b.name, b.content from linked as l"
            "  inner join brought as b on b.name = l.name or b.content = l.content)"
            " select b.file_id, b.name, b.content, b.content_sha256, b.seen_extract_at,"
            "   b.seen_modified_at, b.extract_at, b.modified_at, b.status,"
            "   coalesce(b.seen_changed_at, b.seen_modified_at)"
            " from brought as b inner join linked as l"
            "   on l.name = b.name and l.content = b.content",
            (file_id, self.feed),
        )
        return [
            Sighting(
                row[0], row[1], row[2], (row[4], row[5], row[3]), (row[6], row[7], row[3]),
                row[8], holds_rows=row[8] != "duplicate", changed_at=row[9],
            )
            for row in rows
        ]  # fmt: skip

    def _apply(self, verdict: Verdict) -> None:
        self._do(
            "update ops.file_ledger set"
            " changed_seq = case when 'loaded' in (status, $2)"
            "   then nextval('ops.ledger_seq') else changed_seq end,"
            " reason = case $2 when 'superseded' then 'another content under this name is newer'"
            "   when status then reason end,"
            " status = $2, extract_at = $3, modified_at = $4 where file_id = $1",
            (verdict.file_id, verdict.status, verdict.place[0], verdict.place[1]),
        )

    def _insert(self, file: LandedFile, sha256: str, size: int, status: str) -> int:
        found = self._one(
            "insert into ops.file_ledger (feed, layout, name, content_sha256, size_bytes,"
            " business_date, modified_at, status, run_date, started_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp()) returning file_id",
            (
                self.feed, file.layout, file.name, sha256, size, file.business_date,
                file.modified_at, status, self.run_date,
            ),
        )  # fmt: skip
        return int(found[0])

    # -- statements

    def _all(self, statement: LiteralString, parameters: tuple[Any, ...]) -> list[Any]:
        return self.connection.execute(statement, parameters).fetchall()

    def _one(self, statement: LiteralString, parameters: tuple[Any, ...]) -> Any:
        return self.connection.execute(statement, parameters).fetchone()

    def _do(self, statement: LiteralString, parameters: tuple[Any, ...]) -> None:
        self.connection.execute(statement, parameters)
