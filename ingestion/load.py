"""Load the files of a feed: raw rows, quarantine and ledger of one file in one transaction."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.contract import Contract, Layout, load_contract
from ingestion.convert import Converted, Converter
from ingestion.landing import LandedFile, discover
from ingestion.ledger import Counts, Ledger
from ingestion.raw import IDENTITY_TABLE
from ingestion.readers import reader
from ingestion.readers.chunk import BadRow, Scan, Source, parse_instant
from ingestion.reasons import FileRejected, Reason, Rejection
from warehouse.connections import adbc


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

    A rejected file does not stop the others: it is in the ledger with its reason, and the gate after
    ingestion decides. Raises only what concerns the run itself (no database, broken contract).
    """
    contract = load_contract(feed)
    result = FeedResult(feed)
    for file in discover(contract, business_date):
        started = time.perf_counter()
        done = _load_file(contract, file, business_date)
        if done is None:
            continue
        done.seconds = time.perf_counter() - started
        result.files.append(done)
        tell(f"{feed}  {done}")
    return result


def _load_file(contract: Contract, file: LandedFile, run_date: dt.date) -> FileResult | None:
    """Load one file; None where it is known and nothing is to be done."""
    connection = adbc("loader")
    try:
        ledger = Ledger(connection, contract.feed, run_date)
        if not file.is_complete:
            ledger.note(file, "", file.size, "deferred", "upload in progress")
            connection.commit()
            return FileResult(file.name, "deferred", "upload in progress")
        scan = file.scan()
        known = ledger.known(file, scan)
        if known and known[1] in ("loaded", "superseded"):
            return _duplicate(connection, ledger, file, scan, known)
        return _Load(connection, ledger, contract, file, scan).run()
    finally:
        connection.close()


def _duplicate(
    connection: Any, ledger: Ledger, file: LandedFile, scan: Scan, known: tuple[int, str, str]
) -> FileResult | None:
    if known[2] == file.name or ledger.entry(file, scan.sha256) is not None:
        connection.rollback()
        return None
    reason = f"same content as {known[2]}"
    ledger.note(file, scan.sha256, scan.size, "duplicate", reason)
    connection.commit()
    return FileResult(file.name, "duplicate", reason)


class _Load:
    """The transaction that loads one file."""

    def __init__(
        self, connection: Any, ledger: Ledger, contract: Contract, file: LandedFile, scan: Scan
    ) -> None:
        self.connection, self.ledger, self.contract = connection, ledger, contract
        self.file, self.scan = file, scan
        self.layout: Layout = contract.layouts[file.layout]

    def run(self) -> FileResult:
        try:
            counts, keys = self._attempt(drop={})
            if (drop := self._repeated(keys)) is not None:
                # Some key stands twice: load once more, now knowing which rows to leave out.
                self.connection.rollback()
                counts, _ = self._attempt(drop)
            self.connection.commit()
        except FileRejected as error:
            self.connection.rollback()
            reason = str(error)[:2000]
            self.ledger.note(self.file, self.scan.sha256, self.scan.size, "rejected", reason)
            self.connection.commit()
            return FileResult(self.file.name, "rejected", reason)
        except BaseException:
            self.connection.rollback()
            raise
        return FileResult(self.file.name, "loaded", counts=counts)

    def _attempt(self, drop: dict[int, Reason | None]) -> tuple[Counts, np.ndarray[Any, Any]]:
        """Send the whole file. `drop` maps record numbers to a reason, or None for a repetition."""
        file_id = self.ledger.open(self.file, self.scan)
        erased = self._erased() if self.contract.direct_identifiers else set()
        counts = Counts()
        control: list[list[str]] = []
        hashes: list[np.ndarray[Any, Any]] = []
        root: dict[str, str] = {}
        total = Decimal(0)
        for part in self._converted():
            total += self._control_sum(part)
            control += part.control
            root = part.root or root
            counts.parsed += part.parsed + len(part.control)
            counts.control += len(part.control)
            rows, bad = self._without(part, drop, counts)
            counts.loaded += rows.num_rows
            counts.quarantined += len(bad)
            self._add_amounts(rows, counts)
            hashes.append(self._key_hashes(rows))
            self._send(self.contract.feed, rows, file_id)
            self._send_identity(part, rows, file_id, erased)
            self._send_quarantine(bad, file_id)
        _check_control(self.layout, control, root, total, counts, self.file.name)
        if not counts.parsed and self.contract.empty_file == "alert":
            raise FileRejected(
                Rejection.EMPTY_FILE, "a full feed without a row would delete everything"
            )
        self.ledger.close(file_id, self.file, self._extract_at(root), counts)
        return counts, np.concatenate(hashes) if hashes else np.array([], dtype=np.uint64)

    def _converted(self) -> Iterator[Converted]:
        source = Source(self.file.name, self.file.open, self.scan)
        converter = Converter(self.contract, self.layout)
        for chunk in reader(self.layout.format)(source, self.contract, self.file.layout):
            yield converter.convert(chunk, has_nul=self.scan.nuls > 0)

    # -- rows that stand twice

    def _key_hashes(self, rows: pa.Table) -> np.ndarray[Any, Any]:
        """One 64-bit number a row, equal where keys are equal."""
        if self.contract.duplicates == "keep_all":
            return np.array([], dtype=np.uint64)
        return _hash_rows(rows, self.contract.key)

    def _repeated(self, keys: np.ndarray[Any, Any]) -> dict[int, Reason | None] | None:
        """Record numbers to leave out, or None where every key stands once."""
        keys = np.sort(keys)
        twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
        if not len(twice):
            return None
        kept: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for part in self._converted():
            hit = np.isin(_hash_rows(part.rows, self.contract.key), twice)
            for row in part.rows.filter(pa.array(hit)).to_pylist():
                kept.setdefault(tuple(row[k] for k in self.contract.key), []).append(row)
        drop: dict[int, Reason | None] = {}
        for rows in kept.values():
            drop |= _losers(rows, self.contract.version)
        return drop or None

    def _without(
        self, part: Converted, drop: dict[int, Reason | None], counts: Counts
    ) -> tuple[pa.Table, list[BadRow]]:
        if not drop:
            return part.rows, part.bad
        records = part.rows.column("_record_no").to_pylist()
        lines = part.rows.column("_line_no").to_pylist()
        bad = list(part.bad)
        for line, record in zip(lines, records, strict=True):
            if record not in drop:
                continue
            reason = drop[record]
            if reason is None:
                counts.duplicate += 1
            else:
                key = ", ".join(self.contract.key)
                bad.append(BadRow(line, record, reason, key, "", "the key stands twice"))
        keep = [r not in drop for r in records]
        return part.rows.filter(pa.array(keep)), bad

    # -- sending

    def _send(self, table: str, rows: pa.Table, file_id: int) -> None:
        if not rows.num_rows:
            return
        ids = pa.array(np.full(rows.num_rows, file_id, dtype=np.int64))
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest(
                table, rows.append_column("_file_id", ids), mode="append", db_schema_name="raw"
            )

    def _send_identity(
        self, part: Converted, rows: pa.Table, file_id: int, erased: set[str]
    ) -> None:
        if part.identity is None:
            return
        keep = pc.and_(
            pc.is_in(part.identity.column("_record_no"), value_set=rows.column("_record_no")),
            pc.invert(pc.is_in(part.identity.column("customer_id"), pa.array(erased, pa.string()))),
        )
        self._send(IDENTITY_TABLE, part.identity.filter(keep), file_id)

    def _send_quarantine(self, bad: list[BadRow], file_id: int) -> None:
        if not bad:
            return
        private = bool(self.contract.direct_identifiers) or any(
            c.pii for c in self.contract.columns.values()
        )
        split = {Reason.RAGGED_ROW, Reason.BAD_JSON, Reason.DUPLICATE_JSON_KEY}
        text = [
            "[withheld: see file and line]" if private and b.reason in split else b.raw_text
            for b in bad
        ]
        rows = pa.table(
            {
                "line_no": pa.array([b.line_no for b in bad], pa.int64()),
                "record_no": pa.array([b.record_no for b in bad], pa.int64()),
                "feed": pa.array([self.contract.feed] * len(bad)),
                "reason": pa.array([str(b.reason) for b in bad]),
                "column_name": pa.array([b.column for b in bad], pa.string()),
                "raw_text": pa.array([t.replace("\x00", "\\0")[:10_000] for t in text]),
                "detail": pa.array([b.detail for b in bad]),
                "file_id": pa.array([file_id] * len(bad), pa.int64()),
            }
        )
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest("quarantine", rows, mode="append", db_schema_name="ops")

    def _erased(self) -> set[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("select customer_id from ops.erasures")
            return {row[0] for row in cursor.fetchall()}

    # -- totals

    def _control_sum(self, part: Converted) -> Decimal:
        """Sum, over rows good and bad alike, of what the control total is stated for."""
        name = self.layout.control.total_of if self.layout.control else None
        if name is None:
            return Decimal(0)
        return pc.sum(part.rows.column(name)).as_py() or Decimal(0)

    def _add_amounts(self, rows: pa.Table, counts: Counts) -> None:
        name = self.contract.amount
        if name is None or not rows.num_rows:
            return
        currency = self.contract.columns[name].currency
        sums = rows.select([name, currency]).group_by(currency).aggregate([(name, "sum")])
        for row in sums.to_pylist():
            if row[f"{name}_sum"] is not None:
                code = row[currency] or "?"
                counts.amounts[code] = counts.amounts.get(code, Decimal(0)) + row[f"{name}_sum"]

    def _extract_at(self, root: dict[str, str]) -> dt.datetime:
        """When the file was extracted: as it says itself, else midnight of its name's date."""
        declared = self.layout.extract_at
        if declared is not None and (text := root.get(declared.root_attribute)):
            try:
                return parse_instant(text)
            except ValueError as error:
                raise FileRejected(
                    Rejection.MALFORMED, f"{declared.root_attribute}={text!r} is no instant"
                ) from error
        return dt.datetime.combine(self.file.business_date, dt.time(), dt.UTC)


def _hash_rows(rows: pa.Table, columns: tuple[str, ...]) -> np.ndarray[Any, Any]:
    frame = rows.select(list(columns)).to_pandas()
    found = pd.util.hash_pandas_object(frame, index=False, categorize=False)
    return np.asarray(found.to_numpy(), dtype=np.uint64)


def _losers(rows: list[dict[str, Any]], version: str | None) -> dict[int, Reason | None]:
    """Which of the rows of one key are left out: repetitions, older versions, or conflicts."""
    if len(rows) < 2:
        return {}
    drop: dict[int, Reason | None] = {}
    distinct: dict[str, dict[str, Any]] = {}
    for row in rows:
        content = repr([v for n, v in row.items() if n not in ("_line_no", "_record_no")])
        if content in distinct:
            drop[row["_record_no"]] = None
        else:
            distinct[content] = row
    if len(distinct) == 1:
        return drop
    contenders = list(distinct.values())
    if version is None:
        return drop | {r["_record_no"]: Reason.CONFLICTING_DUPLICATE for r in contenders}
    newest = max(r[version] for r in contenders)
    winners = [r for r in contenders if r[version] == newest]
    if len(winners) > 1:
        return drop | {r["_record_no"]: Reason.CONFLICTING_DUPLICATE for r in contenders}
    return drop | {r["_record_no"]: None for r in contenders if r is not winners[0]}


def _check_control(
    layout: Layout, control: list[list[str]], root: dict[str, str], total: Decimal,
    counts: Counts, name: str,
) -> None:  # fmt: skip
    """Compare the file's own count and total with what was read; raises FileRejected."""
    rule = layout.control
    if rule is None:
        return
    stated_count, stated_total = root.get(rule.root_count or ""), root.get(rule.root_total or "")
    if rule.first_column:
        if not control:
            raise FileRejected(
                Rejection.TRUNCATED,
                f"the {rule.first_column} row is missing: the file was cut off; ask for it again",
            )
        row = control[-1]
        stated_count = row[rule.count_column - 1] if rule.count_column else None
        stated_total = row[rule.total_column - 1] if rule.total_column else None
    rows = counts.parsed - counts.control
    if (rule.root_count or rule.count_column) and str(rows) != (stated_count or "").strip():
        raise FileRejected(
            Rejection.CONTROL_TOTAL, f"{name} states {stated_count} rows, {rows} were read"
        )
    # Where rows were refused their amounts are not known, so the total can't be compared.
    if stated_total and not counts.quarantined and _number(stated_total, layout) != total:
        raise FileRejected(
            Rejection.CONTROL_TOTAL,
            f"{name} states a total of {stated_total}, its rows add up to {total}",
        )


def _number(text: str, layout: Layout) -> Decimal | None:
    plain = text.strip()
    if layout.thousands:
        plain = plain.replace(layout.thousands, "")
    try:
        return Decimal(plain.replace(layout.decimal, "."))
    except ArithmeticError:
        return None
