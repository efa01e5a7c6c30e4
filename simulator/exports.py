"""The nightly export: files in the landing zone, block after block, and what each one holds."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from simulator.company import DAY, HOUR, Company, Items, Rates, epoch
from simulator.feeds import BLOCK_FEEDS, FEEDS, Rows, World
from simulator.headers import HEADERS
from simulator.masters import customer_rows, fx_rows, item_rows
from simulator.render import content

EXTENSIONS = {
    "erp_credit_memos": "xml", "wms_dispositions": "xml", "wms_shipment_events": "jsonl",
    "wms_return_receipts": "jsonl", "wms_inspections": "jsonl", "crm_return_requests": "jsonl",
    "crm_refunds": "jsonl",
}  # fmt: skip
ROOTS = {"erp_credit_memos": "credit_memos", "wms_dispositions": "dispositions"}
LATIN_1 = ("erp_sales_lines",)
WITH_BOM = ("crm_customers",)
ROOT_WIDTH = 160


@dataclass
class FileTruth:
    """What a correct loader says of one file: its rows by what becomes of them, and its bad rows."""

    night: int
    feed: str
    name: str
    status: str = "loaded"
    loaded: int = 0
    quarantined: int = 0
    duplicate: int = 0
    control: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)

    def path(self, out: Path) -> Path:
        """Where the file lies in a landing zone."""
        return out / self.feed.split("_", 1)[0] / self.name

    @property
    def parsed(self) -> int:
        """All records of the file, control rows included."""
        return self.loaded + self.quarantined + self.duplicate + self.control


class OutFile:
    """One file being written: its header, rows of several blocks, its totals, its marker."""

    def __init__(self, folder: Path, feed: str, date: dt.date, night: int, part: str = "") -> None:
        extension = EXTENSIONS.get(feed, "csv")
        self.feed, self.date, self.extension = feed, date, extension
        name = f"{feed}_{date:%Y%m%d}{part}.{extension}"
        self.path = folder / feed.split("_", 1)[0] / name
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.truth = FileTruth(night, feed, name)
        self.total = 0
        self.line = 1  # of the next record
        self.bytes_out: IO[bytes] = self.path.open("wb")
        self.newline = b"\n"
        self._begin()

    def _begin(self) -> None:
        if self.extension == "csv":
            bom = b"\xef\xbb\xbf" if self.feed in WITH_BOM else b""
            self._raw(bom + HEADERS[self.feed].encode() + b"\n")
        elif self.extension == "xml":
            self._raw(b'<?xml version="1.0" encoding="UTF-8"?>\n')
            self._raw(b" " * (ROOT_WIDTH - 1) + b"\n")

    def _raw(self, data: bytes) -> None:
        self.line += data.count(b"\n")
        self.bytes_out.write(data)

    def write(self, rows: Rows) -> None:
        """Append good rows."""
        self.truth.loaded += rows.records
        self.total += rows.total
        self.append(content(rows.lines))

    def append(self, data: bytes) -> int:
        """Append text; returns the physical line on which it begins."""
        begins = self.line
        self._raw(data.decode().encode("latin-1") if self.feed in LATIN_1 else data)
        return begins

    def close(self) -> None:
        """State the totals, close, set the time and write the marker."""
        records = self.truth.parsed
        if self.feed == "erp_payment_settlements":
            self._trailer(f"TRAILER,{records},{_money(self.total, '.')}" + "," * 10)
        elif self.feed == "wms_carrier_invoices":
            self._trailer(f"TOTAL;;;{_money(self.total, ',')};;")
        elif self.extension == "xml":
            self._close_root(records)
        self.bytes_out.close()
        finish(self.path, self.date, FEEDS.index(self.feed))

    def _trailer(self, text: str) -> None:
        self.truth.control += 1
        self._raw(text.encode() + b"\n")

    def _close_root(self, records: int) -> None:
        root = ROOTS[self.feed]
        self._raw(f"</{root}>\n".encode())
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
    """All files of all nights; large feeds stay open until the last block has been written."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.files: dict[tuple[str, int], OutFile] = {}
        self.done: list[FileTruth] = []
        for night in range(company.nights + 1):
            for feed in BLOCK_FEEDS:
                self.files[feed, night] = self._file(feed, night)

    def _file(self, feed: str, night: int, date: dt.date | None = None, part: str = "") -> OutFile:
        return OutFile(self.company.out, feed, date or self.company.dates[night], night, part)

    def write_block(self, world: World) -> None:
        """Append a block's rows to the files of every night."""
        for (feed, night), file in self.files.items():
            file.write(BLOCK_FEEDS[feed](world, night))

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

    def _whole(self, feed: str, night: int, date: dt.date, parts: list[Rows]) -> None:
        file = self._file(feed, night, date)
        for rows in parts:
            file.write(rows)
        self._close(file)

    def _close(self, file: OutFile) -> None:
        file.close()
        if file.path.stat().st_size == 0:  # a system that has no row sends no file
            file.path.unlink()
            file.path.with_name(file.path.name + ".done").unlink()
            return
        self.done.append(file.truth)

    def close(self) -> list[FileTruth]:
        """Close the files of the large feeds; returns all files in order of night and name."""
        for file in self.files.values():
            self._close(file)
        _mark_repeated(self.company.out, self.done)
        return sorted(self.done, key=lambda truth: (truth.night, truth.name))


def _mark_repeated(out: Path, files: list[FileTruth]) -> None:
    """A file whose content has come before under another name has no effect."""
    seen: dict[tuple[str, int], list[FileTruth]] = {}
    for file in sorted(files, key=lambda file: (file.night, file.name)):
        path = file.path(out)
        alike = seen.setdefault((file.feed, path.stat().st_size), [])
        if any(sha256(path) == sha256(other.path(out)) for other in alike):
            file.status, file.bad = "duplicate", []
            file.loaded = file.quarantined = file.duplicate = file.control = 0
        alike.append(file)


def _date(day: int | np.integer) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(day))


def sha256(path: Path) -> str:
    """Hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
