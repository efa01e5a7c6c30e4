"""Load the files of a feed: raw rows, quarantine and ledger of one file in one transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import IO, Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from revlog.contracts.contract import Contract, load_contract
from revlog.contracts.layout import Layout
from revlog.database import locks, served
from revlog.database.connections import connect
from revlog.ingestion.binary_copy import Packet, packets, send
from revlog.ingestion.chunk import BadRow, Scan, Source
from revlog.ingestion.control import Stated, check_control, extract_time
from revlog.ingestion.convert import Converted, Converter
from revlog.ingestion.customer_key import check_key
from revlog.ingestion.digest import Digest
from revlog.ingestion.erased import read_erased
from revlog.ingestion.examples import Examples
from revlog.ingestion.findings import Findings, Kind
from revlog.ingestion.landing import LandedFile, discover
from revlog.ingestion.ledger import Counts, Ledger
from revlog.ingestion.prefetch import prefetched
from revlog.ingestion.raw import identity_table, index_tables
from revlog.ingestion.refusal import refused
from revlog.ingestion.repeats import Keys, settle
from revlog.ingestion.reshape import rows_of
from revlog.ingestion.row_counts import RowCounts
from revlog.ingestion.sharing import Sharing, sharing
from revlog.outputs.words import how_many
from revlog.values.reasons import FileRejected, Reason, Rejection
from revlog.values.withheld import WITHHELD, WITHHELD_ROW

MAX_RAW_TEXT = 10_000
# A file that changes while it is read is read once more, then left to the next run.
ATTEMPTS = 2
# These rows could not be split into columns, so what is personal in them can't be told.
UNSPLIT = {
    Reason.RAGGED_ROW, Reason.BAD_JSON, Reason.DUPLICATE_JSON_KEY, Reason.NUL_BYTE, Reason.TOO_LONG,
}  # fmt: skip
Connection = psycopg.Connection[tuple[Any, ...]]
Parcel = tuple[str, str, Packet]  # schema, table, rows
Holder = tuple[int, str, dt.datetime]  # file id, name, extract time
TWICE = "key stands twice"


@dataclass
class FileResult:
    """What became of one file."""

    name: str
    status: str
    reason: str | None = None
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        c = self.counts
        text = f"{self.name}: {self.status}"
        if self.status in ("loaded", "superseded"):
            text += f", {how_many(c.loaded, 'row')}"
            text += f", {c.quarantined:,} quarantined" if c.quarantined else ""
            text += f", {c.duplicate:,} duplicate" if c.duplicate else ""
            text += "".join(f", {n:,} of {feed}" for feed, n in c.shares.taken.items())
            text += "".join(f", {n:,} set apart as {rule}" for rule, n in c.shares.set_apart.items())
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
        served.keep(connection)
        ledger = Ledger(connection, contract, business_date)
        ledger.adopt(contract.layouts)
        finished = ledger.finished()
        connection.commit()

        def is_done(file: LandedFile) -> bool:
            return (file.layout, file.name, file.look) in finished

        for file in discover(contract, business_date, is_done):
            if is_done(file):
                continue
            started = time.perf_counter()
            done = _Load(connection, ledger, contract, file).done()
            if done is None:
                continue
            done.seconds = time.perf_counter() - started
            result.files.append(done)
            _tell(tell, feed, done)
        index_tables(connection, contract)
        connection.commit()
    return result


def reload(
    feed: str, name: str, business_date: dt.date, tell: Callable[[str], None] = lambda line: None
) -> FeedResult:
    """Load the file called `name` anew, as after a correction of its contract or layout.

    What it brought before counts until the new rows do: where the file is rejected now, all stays as it was.
    Raises LookupError where no such file was loaded, or only as a duplicate, or where it is gone.
    """
    contract = load_contract(feed)
    result = FeedResult(feed)
    with _alone(feed, tell), _connection() as connection:
        check_key(connection)
        served.keep(connection)
        ledger = Ledger(connection, contract, business_date)
        ledger.adopt(contract.layouts)
        connection.commit()
        if not ledger.brought(name):
            raise LookupError(f"a file {name!r} of {feed} brought no rows; see ops.file_ledger")
        found = discover(contract, business_date, lambda file: file.name != name)
        files = [f for f in found if f.name == name]
        if not files:
            raise LookupError(
                f"no file {name!r} of {feed} dated up to {business_date} is in the landing zone; what it "
                "brought stays"
            )
        for file in files:
            done = _Load(connection, ledger, contract, file, is_anew=True).done()
            if done is not None:
                result.files.append(done)
                _tell(tell, feed, done)
    return result


def _tell(tell: Callable[[str], None], feed: str, done: FileResult) -> None:
    """Say what became of a file, and why rows of it were set apart."""
    tell(f"{feed}  {done}")
    for line in done.reasons:
        tell(f"{feed}    quarantined: {line}")


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


class _Changed(Exception):
    """The file was replaced or written to while it was read."""


class _Known(Exception):
    """The content turned out to be one that has come before."""

    def __init__(self, holder: Holder) -> None:
        super().__init__()
        self.holder = holder


class _Load:
    """The transaction that loads one file; `is_anew` replaces what a file of its name brought before."""

    def __init__(
        self, connection: Connection, ledger: Ledger, contract: Contract, file: LandedFile,
        is_anew: bool = False,
    ) -> None:  # fmt: skip
        self.connection, self.ledger, self.contract = connection, ledger, contract
        self.file, self.is_anew = file, is_anew
        self.layout: Layout = contract.layouts[file.layout]
        self.erased = read_erased(connection)
        self.beside = ThreadPoolExecutor(1, "hash")
        self.scan = Scan("", file.size, b"")
        self.digests: list[Digest] = []
        self.examples = Examples()

    def done(self) -> FileResult | None:
        """Load the file, once more where it changed meanwhile; None where nothing is to be done."""
        if not self.file.is_complete:
            return self._deferred("upload in progress")
        with self.beside:
            for _ in range(ATTEMPTS):
                try:
                    return self._tried()
                except _Changed:
                    self.connection.rollback()
                    self.file = self.file.seen_again()
        return self._deferred("it changed while it was read, each time; the next run takes it")

    def _deferred(self, reason: str) -> FileResult:
        self.ledger.note(self.file, "", self.file.size, "deferred", reason)
        self.connection.commit()
        return FileResult(self.file.name, "deferred", reason)

    def _tried(self) -> FileResult | None:
        try:
            self._refuse_doubtful()
            holder = None if self.is_anew else self._look()
            return self._again(*holder) if holder else self.run()
        except _Known as known:
            self.connection.rollback()
            return self._again(*known.holder)
        except Exception as error:
            rejection = None if isinstance(error, _Changed) else refused(error, self.file.name)
            if rejection is None:
                raise
            self.connection.rollback()
            if self.file.seen_again().look != self.file.look:
                raise _Changed from error
            return self._rejected(rejection)
        finally:
            for digest in self.digests:
                digest.end()

    def _rejected(self, rejection: FileRejected) -> FileResult:
        reason = (rejection.unquoted() if self.contract.has_pii else str(rejection))[:2000]
        if self.erased.texts_in(pa.array([reason], pa.string())).any():
            reason = f"{rejection.reason}: {WITHHELD}"
        if self.is_anew:
            return FileResult(self.file.name, "rejected", f"{reason}. What it brought before still counts")
        sha256 = ""
        with contextlib.suppress(Exception):  # whatever it does, its neighbours load
            sha256 = self.file.packed_sha256()
        self.ledger.note(self.file, sha256, self.file.size, "rejected", reason)
        self.connection.commit()
        return FileResult(self.file.name, "rejected", reason)

    def _refuse_doubtful(self) -> None:
        """Raise FileRejected for a name that is unsafe, or that a file with other content has, too."""
        self.scan, self.digests = Scan("", self.file.size, b""), []
        if self.file.fault is not None:
            raise self.file.fault
        for path in self.file.twins:
            if self.file.differs(path):
                raise FileRejected(
                    Rejection.SAME_NAME,
                    "a file of this name with other content lies in another folder that the layout looks in; "
                    "rename or remove one of them",
                )

    def _look(self) -> Holder | None:
        """File id, name and extract time of who brought the file's content before.

        A size that the ledger has not seen is most likely new content: its hash is taken while it is loaded.
        """
        if not self.ledger.knows_size(self.file):
            return None
        self.scan = self.file.scan()
        hashes = [self.scan.sha256, *([self.file.packed_sha256()] if self.file.is_packed else [])]
        return self.ledger.holder(self.file, hashes)

    def _again(self, holder: int, name: str, extract_at: dt.datetime) -> FileResult | None:
        """The content has come before: its rows are there; only who stands for it may change."""
        reason = f"same content as {name}"
        own = holder if name == self.file.name else self.ledger.entry(self.file, self.scan.sha256)
        if own is None or self.ledger.status(own) in ("rejected", "deferred"):
            own = self.ledger.note(self.file, self.scan.sha256, self.scan.size, "duplicate", reason)
        declared = self.layout.extract_at is not None
        before = self.ledger.status(own)
        self.ledger.reopen(own)
        status = self.ledger.settle(own, self.file, extract_at if declared else self._named_time())
        self.connection.commit()
        if name == self.file.name and before == status:
            return None
        return FileResult(self.file.name, status, reason)

    def run(self) -> FileResult:
        """Send the file, settle what stands twice in it, and commit."""
        file_id = self.ledger.open(self.file, self.scan)
        counted, stated, keys = RowCounts(self.contract), Stated(), Keys(self.contract)
        shared = sharing(self.contract, self.file.layout, self.file.name)
        converter = self._converter(shared)
        self.examples = Examples()
        with contextlib.closing(prefetched(self._ready(converter, file_id))) as shipments:
            for part, packed in shipments:
                stated.add(part)
                keys.look(part.rows)
                counted.add(part)
                self.examples.add(part.bad)
                self._send(packed)
        self._check(stated)
        if keys.may_repeat():
            self._settle_repeats(file_id, counted, shared)
        counted.counts.shares = shared.shares
        return self._close(file_id, stated, counted.counts, converter.findings)

    def _close(self, file_id: int, stated: Stated, counts: Counts, findings: Findings) -> FileResult:
        self.scan = Scan(self._sha256(), self.file.size, b"")
        if self.is_anew:
            self.ledger.release(self.file)
        if holder := self.ledger.holder(self.file, [self.scan.sha256], but=file_id):
            raise _Known(holder)
        if name := self.file.copy_of:
            findings.add(Kind.COPY, f"the name says that it is a copy of {name!r}, but not its content", 0)
        extract_at = extract_time(self.layout, stated) or self._named_time()
        self.ledger.identify(file_id, self.scan.sha256)
        status = self.ledger.close(file_id, self.file, extract_at, counts, findings)
        # Else an erasure or a night's step may run, from which this load keeps away.
        locks.still_held(locks.NIGHT)
        locks.still_held(locks.feed(self.contract.feed))
        self.connection.commit()
        reasons = self.examples.lines()
        return FileResult(self.file.name, status, findings.text(), counts, reasons=reasons)

    def _sha256(self) -> str:
        """Hash of the bytes that were read; raises _Changed where the file is another one by now."""
        found = {digest.sha256() for digest in self.digests}
        if self.scan.sha256:
            found.add(self.scan.sha256)
        if len(found) > 1 or self.file.seen_again().look != self.file.look:
            raise _Changed
        return found.pop()

    def _converter(self, shared: Sharing) -> Converter:
        return Converter(self.contract, self.layout, self.erased, shared, self.file.business_date)

    def _converted(self, converter: Converter) -> Iterator[Converted]:
        source = Source(self.file.name, self._opened, self._with_head())
        for chunk in rows_of(source, self.contract, self.file.layout, self.ledger.run_date):
            yield converter.convert(chunk)
        converter.finish()

    def _opened(self) -> IO[bytes]:
        """The content, whose hash is taken each time that it is read."""
        digest, content = self.file.digested(self.beside)
        self.digests.append(digest)
        return content

    def _with_head(self) -> Scan:
        return self.scan if self.scan.head else replace(self.scan, head=self.file.head())

    def _named_time(self) -> dt.datetime:
        return dt.datetime.combine(self.file.business_date, dt.time(), dt.UTC)

    # -- checking

    def _settle_repeats(self, file_id: int, counted: RowCounts, shared: Sharing) -> None:
        """Take back the rows that lose against others of the file."""
        losers = settle(self.connection, self.contract, file_id)
        counted.take_back(len(losers.duplicate), len(losers.conflict))
        if losers.conflict:
            self._quarantine_conflicts(file_id, losers.conflict, shared)
        if losers.duplicate or losers.conflict:
            counted.recount(self.connection, file_id)

    def _quarantine_conflicts(self, file_id: int, records: list[int], shared: Sharing) -> None:
        """Read the file again for the text of these records."""
        wanted, key = pa.array(records, pa.int64()), ", ".join(self.contract.key)
        for part in self._converted(self._converter(shared.anew())):
            few = part.rows.filter(pc.is_in(part.rows["_record_no"], value_set=wanted))
            places = zip(few["_line_no"].to_pylist(), few["_record_no"].to_pylist(), strict=True)
            bad = [
                BadRow(line, record, Reason.CONFLICTING_DUPLICATE, key, part.text_of(record), TWICE)
                for line, record in places
            ]
            self.examples.add(bad)
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
        gone = pa.array(self.erased.texts_in(texts) | self.erased.texts_in(details))
        readable = pa.array([b.readable for b in bad], pa.string())
        rows = {
            "line_no": pa.array([b.line_no for b in bad], pa.int64()),
            "record_no": pa.array([b.record_no for b in bad], pa.int64()),
            "feed": pa.array([self.contract.feed] * len(bad), pa.string()),
            "reason": pa.array([str(b.reason) for b in bad], pa.string()),
            "column_name": pa.array([b.column for b in bad], pa.string()),
            "raw_text": pc.if_else(gone, WITHHELD_ROW, texts),
            "detail": pc.if_else(gone, WITHHELD, details),
            "readable": pc.if_else(gone, pa.scalar(None, pa.string()), readable).cast(pa.json_()),
        }
        return _with_file(pa.table(rows), file_id, "file_id")

    def _shown(self, bad: BadRow) -> str:
        is_unsplit = bad.reason in UNSPLIT and bad.column is None
        if self.contract.restricted or (self.contract.has_pii and is_unsplit):
            return WITHHELD_ROW
        return bad.raw_text.replace("\x00", "\\0")[:MAX_RAW_TEXT]


def _with_file(rows: pa.Table, file_id: int, name: str = "_file_id") -> pa.Table:
    return rows.append_column(name, pa.array(np.full(rows.num_rows, file_id, dtype=np.int64)))
