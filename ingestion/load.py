"""Load the files of a feed: raw rows, quarantine and ledger of one file in one transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.contract import Contract, Layout, load_contract
from ingestion.control import Stated, check_control, extract_time
from ingestion.convert import Converted, Converter
from ingestion.landing import LandedFile, discover
from ingestion.ledger import Counts, Ledger
from ingestion.prefetch import prefetched
from ingestion.raw import identity_table
from ingestion.readers import reader
from ingestion.readers.chunk import BadRow, Scan, Source
from ingestion.reasons import FileRejected, Reason, Rejection
from ingestion.repeats import Repeats, resolve
from warehouse.connections import adbc, connect

# One load of a feed at a time; the second number of the lock is the feed's.
FEED_LOCK = 720_003
MAX_RAW_TEXT = 10_000
# These rows could not be split into columns, so what is personal in them can't be told.
UNSPLIT = {
    Reason.RAGGED_ROW, Reason.BAD_JSON, Reason.DUPLICATE_JSON_KEY, Reason.NUL_BYTE, Reason.TOO_LONG,
}  # fmt: skip
WITHHELD_ROW = "[withheld: personal data; see file and line]"


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
        ledger = Ledger(connection, contract, business_date)
        finished = ledger.finished()
        connection.rollback()
        for file in discover(contract, business_date):
            if (file.layout, file.name, file.size, file.modified_at) in finished:
                continue
            started = time.perf_counter()
            done = _load_file(connection, ledger, contract, file)
            if done is None:
                continue
            done.seconds = time.perf_counter() - started
            result.files.append(done)
            tell(f"{feed}  {done}")
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
    """Wait until no other process loads this feed; the lock dies with its connection."""
    with connect("loader", autocommit=True) as guard:
        numbers = [FEED_LOCK, feed]
        free = guard.execute("select pg_try_advisory_lock(%s, hashtext(%s))", numbers).fetchone()
        if free is None or not free[0]:
            tell(f"{feed}  another load of this feed is running; waiting for it")
            guard.execute("select pg_advisory_lock(%s, hashtext(%s))", numbers)
        yield


@contextlib.contextmanager
def _connection() -> Iterator[Any]:
    connection = adbc("loader")
    try:
        with connection.cursor() as cursor:
            # Without it a statement outlives its killed client, and may still commit.
            cursor.execute("set client_connection_check_interval = '1s'")
        connection.commit()
        yield connection
    finally:
        connection.close()


def _load_file(connection: Any, ledger: Ledger, contract: Contract, file: LandedFile) -> FileResult | None:
    """Load one file; None where it is known and nothing is to be done."""
    if not file.is_complete:
        ledger.note(file, "", file.size, "deferred", "upload in progress")
        connection.commit()
        return FileResult(file.name, "deferred", "upload in progress")
    load = _Load(connection, ledger, contract, file)
    try:
        if file.fault is not None:
            raise FileRejected(Rejection.UNSAFE_NAME, file.fault)
        load.scan = file.scan()
        if holder := ledger.holder(file, load.scan.sha256):
            return load.again(*holder)
        return load.run()
    except FileRejected as error:
        connection.rollback()
        reason = str(error)[:2000]
        ledger.note(file, load.scan.sha256, file.size, "rejected", reason)
        connection.commit()
        return FileResult(file.name, "rejected", reason)
    except BaseException:
        connection.rollback()
        raise


class _Load:
    """The transaction that loads one file."""

    def __init__(self, connection: Any, ledger: Ledger, contract: Contract, file: LandedFile) -> None:
        self.connection, self.ledger, self.contract = connection, ledger, contract
        self.file = file
        self.scan = Scan("", file.size, b"")
        self.layout: Layout = contract.layouts[file.layout]

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
        """Send the file and commit; a second time where some key stands twice in it."""
        repeats = Repeats(self.contract)
        result = self._attempt(repeats)
        if repeats.found():
            # Only now it is known which rows are repetitions: once more, leaving them out.
            self.connection.rollback()
            losers = resolve(self.contract, self._converted(), repeats)
            result = self._attempt(losers)
        self.connection.commit()
        return result

    def _attempt(self, repeats: Repeats) -> FileResult:
        file_id = self.ledger.open(self.file, self.scan)
        erased = self._erased() if self.contract.direct_identifiers else pa.array([], pa.string())
        counts, stated = Counts(), Stated()
        warnings: dict[str, int] = {}
        with contextlib.closing(prefetched(self._converted())) as parts:
            for part in parts:
                stated.add(part)
                repeats.look(part.rows)
                rows, bad = repeats.take_out(part, counts)
                self._count(part, rows, bad, counts)
                self._send(self.contract.feed, rows, file_id, "raw")
                self._send_identity(part, rows, file_id, erased)
                self._send_quarantine(bad, file_id)
                for text, number in part.warnings.items():
                    warnings[text] = warnings.get(text, 0) + number
        self._check(counts, stated)
        note = "; ".join(f"{text}: {n:,} rows" for text, n in warnings.items())
        status = self.ledger.close(
            file_id, self.file,
            extract_time(self.layout, stated) or self._named_time(), counts,
            f"warning: {note}" if note else None,
        )  # fmt: skip
        return FileResult(self.file.name, status, f"warning: {note}" if note else None, counts)

    def _converted(self) -> Iterator[Converted]:
        source = Source(self.file.name, self.file.open, self.scan)
        converter = Converter(self.contract, self.layout)
        for chunk in reader(self.layout.format)(source, self.contract, self.file.layout):
            yield converter.convert(chunk)
        converter.finish()

    def _named_time(self) -> dt.datetime:
        return dt.datetime.combine(self.file.business_date, dt.time(), dt.UTC)

    # -- counting

    def _count(self, part: Converted, rows: pa.Table, bad: list[BadRow], counts: Counts) -> None:
        apart = part.other_feeds + len(part.control)
        counts.parsed += part.parsed + apart
        counts.control += apart
        counts.loaded += rows.num_rows
        counts.quarantined += len(bad)
        self._note_last_event(rows, counts)
        name = self.contract.amount
        if name is None or not rows.num_rows:
            return
        currency = self.contract.columns[name].currency
        for row in rows.group_by(currency).aggregate([(name, "sum")]).to_pylist():
            amount, code = row[f"{name}_sum"], row[currency] or "?"
            if amount is not None:
                counts.amounts[code] = counts.amounts.get(code, Decimal(0)) + amount

    def _note_last_event(self, rows: pa.Table, counts: Counts) -> None:
        name = self.contract.time_column
        if name is None or self.contract.columns[name].type != "timestamp" or not rows.num_rows:
            return
        found = pc.max(rows.column(name)).as_py()
        if found is not None and (counts.last_event is None or found > counts.last_event):
            counts.last_event = found

    def _check(self, counts: Counts, stated: Stated) -> None:
        check_control(self.layout, stated)
        if not stated.records and self.contract.empty_file == "alert":
            raise FileRejected(
                Rejection.EMPTY_FILE,
                "no rows, and the contract allows no empty day; ask for the file again",
            )

    # -- sending

    def _send(self, table: str, rows: pa.Table, file_id: int, schema: str) -> None:
        if not rows.num_rows:
            return
        ids = pa.array(np.full(rows.num_rows, file_id, dtype=np.int64))
        name = "_file_id" if schema == "raw" else "file_id"
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest(table, rows.append_column(name, ids), mode="append", db_schema_name=schema)

    def _send_identity(self, part: Converted, rows: pa.Table, file_id: int, erased: pa.Array) -> None:
        if part.identity is None:
            return
        keep = pc.and_(
            pc.is_in(part.identity["_record_no"], value_set=rows["_record_no"]),
            pc.invert(pc.is_in(part.identity["customer_id"], value_set=erased)),
        )
        self._send(identity_table(self.contract.feed), part.identity.filter(keep), file_id, "raw")

    def _send_quarantine(self, bad: list[BadRow], file_id: int) -> None:
        rows = {
            "line_no": pa.array([b.line_no for b in bad], pa.int64()),
            "record_no": pa.array([b.record_no for b in bad], pa.int64()),
            "feed": pa.array([self.contract.feed] * len(bad), pa.string()),
            "reason": pa.array([str(b.reason) for b in bad], pa.string()),
            "column_name": pa.array([b.column for b in bad], pa.string()),
            "raw_text": pa.array([self._shown(b) for b in bad], pa.string()),
            "detail": pa.array([b.detail for b in bad], pa.string()),
        }
        self._send("quarantine", pa.table(rows), file_id, "ops")

    def _shown(self, bad: BadRow) -> str:
        if self.contract.has_pii and bad.reason in UNSPLIT and bad.column is None:
            return WITHHELD_ROW
        return bad.raw_text.replace("\x00", "\\0")[:MAX_RAW_TEXT]

    def _erased(self) -> pa.Array:
        with self.connection.cursor() as cursor:
            cursor.execute("select customer_id from ops.erasures")
            return pa.array([row[0] for row in cursor.fetchall()], pa.string())
