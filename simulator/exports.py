"""The nightly export: files in the landing zone, block after block, and what each one holds."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from simulator.company import DAY, HOUR, Company, Items, Rates, epoch
from simulator.dirt import Spot, spots
from simulator.feeds import BLOCK_FEEDS, FEEDS
from simulator.headers import HEADERS
from simulator.ledger import trailer
from simulator.masters import customer_rows, fx_rows, item_rows, vendor_rows
from simulator.render import content
from simulator.sheets import SheetBody, TableBody
from simulator.stock import Stock, snapshot_days, stock_rows
from simulator.world import LATE_FEEDS, Rows, World

EXTENSIONS = {
    "erp_credit_memos": "xml", "wms_dispositions": "xml", "wms_shipment_events": "jsonl",
    "wms_return_receipts": "jsonl", "wms_inspections": "jsonl", "crm_return_requests": "jsonl",
    "crm_refunds": "jsonl", "erp_vendors": "xlsx", "wms_work_orders": "xlsx",
    "wms_returned_stock": "parquet", "erp_gl_entries": "txt",
}  # fmt: skip
ROOTS = {"erp_credit_memos": "credit_memos", "wms_dispositions": "dispositions"}
LATIN_1 = ("erp_sales_lines", "erp_vendor_claims", "erp_gl_entries")
ROOT_WIDTH = 160
# With dirt: a mark at the head, ends of line of another system, a column that nobody announced.
ALWAYS_BOM, DIRTY_BOM = ("crm_customers",), ("erp_items",)
DIRTY_CRLF = ("erp_return_authorizations",)
EXTRA_COLUMN = {"erp_recovery_sales": ("\tcampaign", "\tspring")}
# Files of single days all through the history: a small one with every kind of bad row would be a bad file.
LEAST_ROWS = {"wms_returned_stock": 400}
SENT_TWICE = "erp_recovery_sales"
CORRECTED = "wms_shipment_events"
HUB_EVENT = (
    '{{"tracking_no":"TOHUB{number}","event_code":"in_transit","event_at":"2025-06-0{number}T10:00:00Z",'
    '"leg":"outbound","carrier":"DHL","location":"{place}","rma_no":null}}\n'
)


@dataclass
class FileTruth:
    """What a correct loader says of one file: its rows by what becomes of them, and its bad rows."""

    night: int
    feed: str
    path: Path
    status: str = "loaded"
    loaded: int = 0
    quarantined: int = 0
    duplicate: int = 0
    control: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def parsed(self) -> int:
        """All records of the file, control rows included."""
        return self.loaded + self.quarantined + self.duplicate + self.control

    def has_no_effect(self) -> None:
        """Mark the file as a repetition of another one's content."""
        self.status, self.bad = "duplicate", []
        self.loaded = self.quarantined = self.duplicate = self.control = 0


class OutFile:
    """One file being written: its header, rows of several blocks, its totals, its marker."""

    def __init__(
        self, folder: Path, company: Company, feed: str, date: dt.date, night: int, part: str = ""
    ) -> None:
        extension = EXTENSIONS.get(feed, "csv")
        self.company, self.feed, self.date, self.extension = company, feed, date, extension
        self.path = folder / feed.split("_", 1)[0] / f"{feed}_{date:%Y%m%d}{part}.{extension}"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.truth = FileTruth(night, feed, self.path)
        self.total = 0
        self.line = 1  # of the next record
        self.blocks = 0
        is_dirty = company.dirt > 0
        self.has_bom = feed in ALWAYS_BOM or (is_dirty and feed in DIRTY_BOM)
        self.is_crlf = is_dirty and feed in DIRTY_CRLF
        self.extra = EXTRA_COLUMN.get(feed) if is_dirty and night == 1 else None
        self.bytes_out: IO[bytes] = self.path.open("wb")
        self.body = self._make_body()
        self._begin()

    def _make_body(self) -> SheetBody | TableBody | None:
        """What takes the rows of a file that is no text."""
        if self.extension == "xlsx":
            return SheetBody(self.bytes_out, self.feed, self.date)
        return TableBody(self.bytes_out, self.feed) if self.extension == "parquet" else None

    def _begin(self) -> None:
        if self.extension == "csv":
            self.bytes_out.write(b"\xef\xbb\xbf" if self.has_bom else b"")
            self.append((HEADERS[self.feed] + (self.extra[0] if self.extra else "") + "\n").encode())
        elif self.body:
            self.line = self.body.first_line
        elif self.extension == "xml":
            self.append(b'<?xml version="1.0" encoding="UTF-8"?>\n')
            self.append(b" " * (ROOT_WIDTH - 1) + b"\n")

    def write(self, rows: Rows) -> None:
        """Append good rows, and between them the dirt of this file."""
        self.truth.loaded += rows.records
        self.total += rows.total
        lines = rows.lines
        seed = [self.company.seed, 6, FEEDS.index(self.feed), self.date.toordinal(), self.blocks]
        self.blocks += 1
        done = 0
        is_history = self.truth.night == 0 and rows.records >= LEAST_ROWS.get(self.feed, 0)
        for spot in spots(self.feed, lines, self.company.dirt, seed, is_history):
            self._lines(lines[done : spot.position])
            self._spoil(spot)
            done = spot.position
        self._lines(lines[done:])

    def _lines(self, lines: pa.Array) -> None:
        if self.body:
            self.body.add(lines)
            self.line += len(lines)
            return
        data = content(lines)
        if self.extra:
            data = data.replace(b"\n", self.extra[1].encode() + b"\n")
        self.append(data)

    def _spoil(self, spot: Spot) -> None:
        line = self.line + spot.line_offset
        self._lines(pa.array([spot.text]))
        if spot.reason is None:
            self.truth.duplicate += 1
        else:
            self.truth.quarantined += 1
            self.truth.bad.append((line, spot.reason))

    def append(self, data: bytes) -> None:
        """Append text as the feed encodes it."""
        self.line += data.count(b"\n")
        if self.feed in LATIN_1:
            data = data.decode().encode("latin-1")
        self.bytes_out.write(data.replace(b"\n", b"\r\n") if self.is_crlf else data)

    def close(self) -> None:
        """State the totals, close, set the time and write the marker."""
        records = self.truth.parsed
        if self.feed == "erp_payment_settlements":
            self._trailer(f"TRAILER,{records},{_money(self.total, '.')}" + "," * 10)
        elif self.feed == "wms_carrier_invoices":
            self._trailer(f"TOTAL;;;{_money(self.total, ',')};;")
        elif self.feed == "erp_gl_entries":
            self._trailer(trailer(records, self.total))
        elif self.extension == "xml":
            self._close_root(records)
        elif self.body:
            self.body.close()
        self.bytes_out.close()
        finish(self.path, self.date, FEEDS.index(self.feed))

    def _trailer(self, text: str) -> None:
        self.truth.control += 1
        self.append(text.encode() + b"\n")

    def _close_root(self, records: int) -> None:
        root = ROOTS[self.feed]
        self.append(f"</{root}>\n".encode())
        total = f' total="{_money(self.total, ".")}"' if self.feed == "erp_credit_memos" else ""
        tag = f'<{root} records="{records}"{total} extracted_at="{self.date}T23:30:00Z"'
        self.bytes_out.seek(len(b'<?xml version="1.0" encoding="UTF-8"?>\n'))
        self.bytes_out.write(tag.ljust(ROOT_WIDTH - 2).encode() + b">\n")


def finish(path: Path, date: dt.date, order: int) -> None:
    """Give a file its time (after its business date, by feed) and its marker."""
    at = epoch(date) + DAY + HOUR + 60 * order
    marker = path.with_name(path.name + ".done")
    marker.touch()
    for each in (path, marker):
        os.utime(each, (at, at))


def _money(cents: int, point: str) -> str:
    sign, size = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{size // 100}{point}{size % 100:02d}"


class Exports:
    """All files of all nights; large feeds stay open until the last block has been written.

    Nights that are not to be written go to `scratch`: the truth needs their counts all the same.
    """

    def __init__(self, company: Company, scratch: Path) -> None:
        self.company, self.scratch = company, scratch
        self.files: dict[tuple[str, int], OutFile] = {}
        self.late: dict[tuple[str, int], OutFile] = {}
        self.done: list[FileTruth] = []
        for night in range(company.nights + 1):
            for feed in BLOCK_FEEDS:
                self.files[feed, night] = self._file(feed, night)
                if night == 1 and feed in LATE_FEEDS and company.dirt > 0:
                    self.late[feed, night] = self._file(feed, night, part="_late")

    def _folder(self, night: int) -> Path:
        is_written = night in self.company.written
        return self.company.out if is_written else self.scratch / str(night)

    def _file(self, feed: str, night: int, date: dt.date | None = None, part: str = "") -> OutFile:
        day = date or self.company.dates[night]
        return OutFile(self._folder(night), self.company, feed, day, night, part)

    def write_block(self, world: World) -> None:
        """Append a block's rows to the files of every night."""
        for (feed, night), file in self.files.items():
            late = self.late.get((feed, night))
            file.write(BLOCK_FEEDS[feed](world if late is None else world.split(late=False), night))
            if late:
                late.write(BLOCK_FEEDS[feed](world.split(late=True), night))

    def write_masters(self, items: Items, rates: Rates) -> None:
        """Write items, customers and exchange rates."""
        for night, date in enumerate(self.company.dates):
            self._whole("erp_fx_rates", night, date, [fx_rows(self.company, rates, night)])
            self._whole("erp_items", night, date, [item_rows(items, date)])
            self._whole("crm_customers", night, date, list(customer_rows(self.company, date)))
        history = [_date(day) for day in items.months if _date(day) < self.company.history_end]
        for date in history:
            self._whole("erp_items", 0, date, [item_rows(items, date)])
        for date in history[len(history) // 3 :: max(1, len(history) // 3)][:2]:
            self._whole("crm_customers", 0, date, list(customer_rows(self.company, date)))

        months = [date for date in [*history, *self.company.dates] if date.day == 1]
        for date in months or [self.company.history_end]:
            night = max(0, (date - self.company.history_end).days)
            self._whole("erp_vendors", night, date, [vendor_rows(date)])

    def write_stock(self, items: Items, stock: Stock) -> None:
        """Write a file for each day on which returned goods lie anywhere."""
        for night, date in snapshot_days(self.company):
            table = stock.on(date)
            if len(table):
                self._whole("wms_returned_stock", night, date, [stock_rows(items, table)])

    def _whole(self, feed: str, night: int, date: dt.date, parts: list[Rows]) -> None:
        file = self._file(feed, night, date)
        for rows in parts:
            file.write(rows)
        self._close(file)

    def _close(self, file: OutFile) -> None:
        file.close()
        is_empty_part = "_late" in file.path.name and file.truth.loaded == 0
        if file.path.stat().st_size == 0 or is_empty_part:  # no row, no file
            file.path.unlink()
            file.path.with_name(file.path.name + ".done").unlink()
            return
        self.done.append(file.truth)

    def close(self) -> list[FileTruth]:
        """Close the files of the large feeds; returns all files in order of night and name."""
        for file in [*self.files.values(), *self.late.values()]:
            self._close(file)
        if self.company.dirt > 0:
            self._send_twice()
            self._correct()
        self.done.sort(key=lambda truth: (truth.night, truth.name, truth.status != "loaded"))
        _mark_repeated(self.done)
        return self.done

    def _send_twice(self) -> None:
        """The same file once more, an hour later, under another name."""
        first = next(t for t in self.done if t.feed == SENT_TWICE and t.night == 0)
        path = first.path.with_name(first.path.stem + "_copy" + first.path.suffix)
        shutil.copyfile(first.path, path)
        finish(path, self.company.history_end, FEEDS.index(SENT_TWICE) + 60)
        self.done.append(replace(first, path=path, bad=[]))

    def _correct(self) -> None:
        """A small file that a later night replaces under its own name.

        Where the history and the night are written at once, only the corrected one ever exists.
        """
        places = ("Hannover", "Hannover", "Köln")
        stepwise = not {0, 1} <= set(self.company.written)
        first = self._hub(0, 0 if stepwise else 1, places)
        if self.company.nights and stepwise:
            self._hub(1, 1, places[:2])
            first.status = "loaded"

    def _hub(self, night: int, version: int, places: tuple[str, ...]) -> FileTruth:
        day = self.company.history_end
        folder = self._folder(night) / CORRECTED.split("_", 1)[0]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{CORRECTED}_{day:%Y%m%d}_hub.jsonl"
        kept = places if version == 0 else ("Hannover", "Bremen")
        path.write_text("".join(HUB_EVENT.format(number=n, place=p) for n, p in enumerate(kept, start=1)))
        finish(path, day + dt.timedelta(days=version), FEEDS.index(CORRECTED) + 60)
        truth = FileTruth(night, CORRECTED, path, loaded=len(kept))
        self.done.append(truth)
        return truth


def landed(files: list[FileTruth], night: int) -> list[FileTruth]:
    """Files by the end of a night; one that was replaced under its name is superseded."""
    known = [file for file in files if file.night <= night]
    newest = {file.name: file for file in known}
    return [file if newest[file.name] is file else replace(file, status="superseded") for file in known]


def _mark_repeated(files: list[FileTruth]) -> None:
    """A file whose content has come before under another name has no effect."""
    seen: dict[tuple[str, int], list[FileTruth]] = {}
    for file in files:
        alike = seen.setdefault((file.feed, file.path.stat().st_size), [])
        if any(sha256(file.path) == sha256(other.path) for other in alike):
            file.has_no_effect()
        alike.append(file)


def _date(day: int | np.integer) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(day))


def sha256(path: Path) -> str:
    """Hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
