"""Load the files of a feed: raw rows, quarantine and ledger of one file in one transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.binary_copy import Packet, packets, send
from ingestion.contract import Contract, load_contract
from ingestion.control import Stated, check_control, extract_time
from ingestion.convert import Converted, Converter
from ingestion.customer_key import check_key
from ingestion.findings import Findings
from ingestion.landing import LandedFile, discover
from ingestion.layout import Layout
from ingestion.ledger import Counts, Ledger
from ingestion.prefetch import prefetched
from ingestion.raw import identity_table, index_tables
from ingestion.readers.chunk import BadRow, Scan, Source
from ingestion.reasons import FileRejected, Reason, Rejection
from ingestion.repeats import Keys, settle
from ingestion.reshape import rows_of
from ingestion.tally import Tally
from ingestion.withheld import WITHHELD, WITHHELD_ROW, read_erased
from warehouse import locks
from warehouse.connections import connect

MAX_RAW_TEXT = 10_000
# These rows could not be split into columns, so what is personal in them can't be told.
UNSPLIT = {
    Reason.RAGGED_ROW, Reason.BAD_JSON, Reason.DUPLICATE_JSON_KEY, Reason.NUL_BYTE, Reason.TOO_LONG,
}  # fmt: skip
Connection = psycopg.Connection[tuple[Any, ...]]
Parcel = tuple[str, str, Packet]  # schema, table, rows
TWICE = "key stands twice"


@dataclass
class FileResult:
    """What became of one file."""

    name: str
    status: str
    reason: str | None = None
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0

    def __str__(self) -> str:
        c = self.counts
        text = f"{self.name}: {self.status}"
        if self.status in ("loaded", "superseded"):
            text += f", {c.loaded:,} rows"
            text += f", {c.quarantined:,} quarantined" if c.quarantined else ""
            text += f", {c.duplicate:,} duplicate" if c.duplicate else ""
        return text + (f" ({self.reason})" if self.reason else "")


@dataclass
class FeedResult:
    """What became of a feed's files in one run; files that were done before are not in it."""

    feed: str
    files: list[FileResult] = field(default_factory=list)

    def total(self, name: str) -> int:
        """Sum of one of the counts (parsed, loaded, quarantined, duplicate, control)."""
        return sum(getattr(f.counts, name) for f in self.files)

    @property
    def rejected(self) -> list[FileResult]:
        """Files of which nothing was loaded."""
        return [f for f in self.files if f.status == "rejected"]


def load_feed(
    feed: str, business_date: dt.date, tell: Callable[[str], None] = lambda line: None
) -> FeedResult:
    """Load every file of `feed` dated up to `business_date` that is new, complete and whole.

    A rejected file does not stop the others: it is in the ledger with its reason, and the gate
    after ingestion decides. Raises only what concerns the run itself (no database, broken contract).
    """
    contract = load_contract(feed)
    result = FeedResult(feed)
    with _alone(feed, tell), _connection() as connection:
        check_key(connection)
        ledger = Ledger(connection, contract, business_date)
        finished = ledger.finished()
        connection.rollback()

        def is_done(file: LandedFile) -> bool:
            return (file.layout, file.name, file.size, file.modified_at) in finished

        for file in discover(contract, business_date, is_done):
            if is_done(file):
                continue
            started = time.perf_counter()
            done = _load_file(connection, ledger, contract, file)
            if done is None:
                continue
            done.seconds = time.perf_counter() - started
            result.files.append(done)
            tell(f"{feed}  {done}")
        index_tables(connection, contract)
        connection.commit()
    return result


def reload(
    feed: str, name: str, business_date: dt.date, tell: Callable[[str], None] = lambda line: None
) -> FeedResult:
    """Load the file called `name` anew, as after a correction of its contract or layout.

    Raises LookupError where no such file was loaded, or only as a duplicate.
    """
    with _alone(feed, tell), _connection() as connection:
        ledger = Ledger(connection, load_contract(feed), business_date)
        if not ledger.release(name):
            raise LookupError(f"a file {name!r} of {feed} brought no rows; see ops.file_ledger")
        connection.commit()
    return load_feed(feed, business_date, tell)


@contextlib.contextmanager
def _alone(feed: str, tell: Callable[[str], None]) -> Iterator[None]:
    """One load of a feed at a time, and none while a night's step reads what it changes."""
    purpose = f"load of {feed}, process {os.getpid()}"
    with (
        locks.hold(locks.NIGHT, "loader", purpose, shared=True, tell=tell),
        locks.hold(locks.feed(feed), "loader", purpose, tell=tell),
    ):
        yield


@contextlib.contextmanager
def _connection() -> Iterator[Connection]:
    connection = connect("loader", cursor_factory=psycopg.RawCursor)
    try:
        # Without it a statement outlives its killed client, and may still commit.
        connection.execute("set client_connection_check_interval = '1s'")
        connection.commit()
        yield connection
    finally:
        connection.close()


def _load_file(
    connection: Connection, ledger: Ledger, contract: Contract, file: LandedFile
) -> FileResult | None:
    """Load one file; None where it is known and nothing is to be done."""
    if not file.is_complete:
        ledger.note(file, "", file.size, "deferred", "upload in progress")
        connection.commit()
        return FileResult(file.name, "deferred", "upload in progress")
    with ThreadPoolExecutor(1, "scan") as beside:
        load = _Load(connection, ledger, contract, file, beside)
        try:
            if file.fault is not None:
                raise file.fault
            holder = load.look()
            return load.again(*holder) if holder else load.run()
        except FileRejected as error:
            connection.rollback()
            reason = (error.unquoted() if contract.has_pii else str(error))[:2000]
            ledger.note(file, load.scanned().sha256, file.size, "rejected", reason)
            connection.commit()
            return FileResult(file.name, "rejected", reason)
        except BaseException:
            connection.rollback()
            raise


class _Load:
    """The transaction that loads one file."""

    def __init__(
        self, connection: Connection, ledger: Ledger, contract: Contract, file: LandedFile, beside: Executor
    ) -> None:
        self.connection, self.ledger, self.contract = connection, ledger, contract
        self.file, self.beside = file, beside
        self.scan = Scan("", file.size, b"")
        self.scanning: Future[Scan] | None = None
        self.layout: Layout = contract.layouts[file.layout]
        self.erased = read_erased(connection)

    def look(self) -> tuple[int, str, dt.datetime] | None:
        """Scan the file; returns file id, name and extract time of who brought its content before.

        A size that the ledger has not seen means new content: its hash is taken while it is loaded.
        """
        if self.ledger.knows_size(self.file):
            self.scan = self.file.scan()
            return self.ledger.holder(self.file, self.scan.sha256)
        self.scan = Scan("", self.file.size, self.file.head())
        self.scanning = self.beside.submit(self.file.scan)
        return None

    def scanned(self) -> Scan:
        """The scan, once it is whole."""
        if self.scanning is not None:
            self.scan = self.scanning.result()
        return self.scan

    def again(self, holder: int, name: str, extract_at: dt.datetime) -> FileResult | None:
        """The content has come before: its rows are there; only who stands for it may change."""
        reason = f"same content as {name}"
        own = self.ledger.entry(self.file, self.scan.sha256)
        if name == self.file.name:
            own = holder
        if own is None:
            own = self.ledger.note(self.file, self.scan.sha256, self.scan.size, "duplicate", reason)
        declared = self.layout.extract_at is not None
        before = self.ledger.status(own)
        status = self.ledger.settle(own, self.file, extract_at if declared else self._named_time())
        self.connection.commit()
        if name == self.file.name and before == status:
            return None
        return FileResult(self.file.name, status, reason)

    def run(self) -> FileResult:
        """Send the file, settle what stands twice in it, and commit."""
        file_id = self.ledger.open(self.file, self.scan)
        tally, stated, keys = Tally(self.contract), Stated(), Keys(self.contract)
        converter = Converter(self.contract, self.layout, self.erased)
        with contextlib.closing(prefetched(self._ready(converter, file_id))) as shipments:
            for part, packed in shipments:
                stated.add(part)
                keys.look(part.rows)
                tally.add(part)
                self._send(packed)
        self._check(stated)
        if keys.may_repeat():
            self._settle_repeats(file_id, tally)
        return self._close(file_id, stated, tally.counts, converter.findings)

    def _close(self, file_id: int, stated: Stated, counts: Counts, findings: Findings) -> FileResult:
        extract_at = extract_time(self.layout, stated) or self._named_time()
        self.ledger.identify(file_id, self.scanned())
        status = self.ledger.close(file_id, self.file, extract_at, counts, findings)
        self.connection.commit()
        return FileResult(self.file.name, status, findings.text(), counts)

    def _converted(self, converter: Converter) -> Iterator[Converted]:
        source = Source(self.file.name, self.file.open, self.scan)
        for chunk in rows_of(source, self.contract, self.file.layout, self.ledger.run_date):
            yield converter.convert(chunk)
        converter.finish()

    def _named_time(self) -> dt.datetime:
        return dt.datetime.combine(self.file.business_date, dt.time(), dt.UTC)

    # -- checking

    def _settle_repeats(self, file_id: int, tally: Tally) -> None:
        """Take back the rows that lose against others of the file."""
        losers = settle(self.connection, self.contract, file_id)
        tally.take_back(len(losers.duplicate), len(losers.conflict))
        if losers.conflict:
            self._quarantine_conflicts(file_id, losers.conflict)
        if losers.duplicate or losers.conflict:
            tally.recount(self.connection, file_id)

    def _quarantine_conflicts(self, file_id: int, records: list[int]) -> None:
        """Read the file again for the text of these records."""
        wanted, key = pa.array(records, pa.int64()), ", ".join(self.contract.key)
        for part in self._converted(Converter(self.contract, self.layout, self.erased)):
            few = part.rows.filter(pc.is_in(part.rows["_record_no"], value_set=wanted))
            places = zip(few["_line_no"].to_pylist(), few["_record_no"].to_pylist(), strict=True)
            bad = [
                BadRow(line, record, Reason.CONFLICTING_DUPLICATE, key, part.text_of(record), TWICE)
                for line, record in places
            ]
            self._send([("ops", "quarantine", p) for p in packets(self._quarantine(bad, file_id))])

    def _check(self, stated: Stated) -> None:
        check_control(self.layout, stated)
        if not stated.records and self.contract.empty_file == "alert":
            raise FileRejected(
                Rejection.EMPTY_FILE,
                "no rows, and the contract allows no empty day; ask for the file again",
            )

    # -- sending

    def _ready(self, converter: Converter, file_id: int) -> Iterator[tuple[Converted, list[Parcel]]]:
        """Chunks of the file with the rows that they bring, encoded: made ahead, in another thread."""
        for part in self._converted(converter):
            tables = [("raw", self.contract.feed, _with_file(part.rows, file_id))]
            if part.identity is not None:
                own = _with_file(part.identity, file_id)
                tables.append(("raw", identity_table(self.contract.feed), own))
            tables.append(("ops", "quarantine", self._quarantine(part.bad, file_id)))
            yield part, [(schema, name, p) for schema, name, rows in tables for p in packets(rows)]

    def _send(self, parcels: list[Parcel]) -> None:
        with self.connection.cursor() as cursor:
            for schema, table, packet in parcels:
                send(cursor, schema, table, packet)

    def _quarantine(self, bad: list[BadRow], file_id: int) -> pa.Table:
        texts = pa.array([self._shown(b) for b in bad], pa.string())
        details = pa.array([b.detail for b in bad], pa.string())
        gone = self.erased.texts_in(texts) | self.erased.texts_in(details)
        rows = {
            "line_no": pa.array([b.line_no for b in bad], pa.int64()),
            "record_no": pa.array([b.record_no for b in bad], pa.int64()),
            "feed": pa.array([self.contract.feed] * len(bad), pa.string()),
            "reason": pa.array([str(b.reason) for b in bad], pa.string()),
            "column_name": pa.array([b.column for b in bad], pa.string()),
            "raw_text": pc.if_else(pa.array(gone), WITHHELD_ROW, texts),
            "detail": pc.if_else(pa.array(gone), WITHHELD, details),
        }
        return _with_file(pa.table(rows), file_id, "file_id")

    def _shown(self, bad: BadRow) -> str:
        is_unsplit = bad.reason in UNSPLIT and bad.column is None
        if self.contract.restricted or (self.contract.has_pii and is_unsplit):
            return WITHHELD_ROW
        return bad.raw_text.replace("\x00", "\\0")[:MAX_RAW_TEXT]


def _with_file(rows: pa.Table, file_id: int, name: str = "_file_id") -> pa.Table:
    return rows.append_column(name, pa.array(np.full(rows.num_rows, file_id, dtype=np.int64)))
