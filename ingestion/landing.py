"""The landing zone: which files are there, complete and ours.

A file is complete when its `.done` marker lies beside it, or when two looks find the same size and
time. Anything else is deferred to the next run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, cast

import fsspec

from ingestion.contract import Contract, Layout
from ingestion.readers.chunk import Scan
from warehouse.settings import settings

BLOCK = 1 << 20
HEAD_BYTES = 4 << 10


@dataclass(frozen=True)
class LandedFile:
    """A file of a feed in the landing zone; `is_complete` False means an upload in progress."""

    name: str
    path: str
    layout: str
    business_date: dt.date
    size: int
    modified_at: dt.datetime
    is_complete: bool = True
    fault: str | None = None

    def open(self) -> IO[bytes]:
        """Open the file for reading from its start."""
        filesystem, _ = fsspec.url_to_fs(settings().landing)
        return cast("IO[bytes]", filesystem.open(self.path, "rb"))

    def scan(self) -> Scan:
        """Read the file once for its hash, size and first bytes."""
        digest = hashlib.sha256()
        size, head = 0, b""
        with self.open() as file:
            while block := file.read(BLOCK):
                digest.update(block)
                size += len(block)
                head = head or block[:HEAD_BYTES]
        return Scan(digest.hexdigest(), size, head)


def discover(contract: Contract, until: dt.date) -> list[LandedFile]:
    """List the feed's files dated up to `until`, oldest first, with incomplete ones marked."""
    found = [f for f in _look(contract) if f.business_date <= until]
    doubtful = {f.path: f for f in found if not f.is_complete}
    if doubtful:
        # The second look: whoever still writes changes size or time between the two.
        time.sleep(_settle_seconds())
        again = {f.path: f for f in _look(contract)}
        found = [_settled(f, again.get(f.path)) if f.path in doubtful else f for f in found]
    return sorted(found, key=lambda f: (f.business_date, f.name))


def _settle_seconds() -> float:
    return float(os.environ.get("LANDING_SETTLE_SECONDS") or 1.0)


def _settled(first: LandedFile, second: LandedFile | None) -> LandedFile:
    same = second is not None and (first.size, first.modified_at) == (
        second.size, second.modified_at,
    )  # fmt: skip
    return LandedFile(**(first.__dict__ | {"is_complete": same}))


def _look(contract: Contract) -> Iterable[LandedFile]:
    filesystem, root = fsspec.url_to_fs(settings().landing)
    for folder in (f"{root.rstrip('/')}/{contract.source}", root):
        if not filesystem.isdir(folder):
            continue
        filesystem.invalidate_cache(folder)
        entries = {e["name"]: e for e in filesystem.ls(folder, detail=True)}
        for path, entry in entries.items():
            if entry["type"] != "file" or entry.get("islink"):
                continue
            yield from _matching(contract, path, entry, f"{path}.done" in entries)


def _matching(contract: Contract, path: str, entry: dict[str, object], is_done: bool) -> Iterable[LandedFile]:
    name = path.rsplit("/", 1)[-1]
    for layout_name, layout in contract.layouts.items():
        date = layout.business_date(name)
        if date is not None:
            yield LandedFile(
                name, path, layout_name, date, cast("int", entry["size"]), _modified(entry), is_done
            )


def _modified(entry: dict[str, object]) -> dt.datetime:
    value = entry.get("mtime") or entry.get("LastModified") or entry.get("updated") or 0
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC)
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    return dt.datetime.fromtimestamp(float(cast("float", value)), dt.UTC)


def layout_of(contract: Contract, file: LandedFile) -> Layout:
    """The layout that a file's name belongs to."""
    return contract.layouts[file.layout]
