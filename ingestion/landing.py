"""The landing zone: which files are there, complete and ours.

A file is complete when its `.done` marker lies beside it, or when two looks find the same size and
time. Anything else is deferred to the next run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import IO, cast

import fsspec

from ingestion.archives import unpacked
from ingestion.contract import Contract
from ingestion.filedate import latest_day
from ingestion.layout import Layout
from ingestion.readers.chunk import Scan
from ingestion.reasons import FileRejected, Rejection
from outputs.escaping import one_line
from warehouse.settings import settings, variable

BLOCK = 1 << 20
HEAD_BYTES = 4 << 10
MAX_NAME = 200


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
    fault: FileRejected | None = None

    def open(self) -> IO[bytes]:
        """Open the content for reading from its start, unpacked where the file is packed."""
        return unpacked(self._open_packed(), self.name, self.size)

    def scan(self) -> Scan:
        """Read the file once for its hash and size, and the content's first bytes."""
        digest = hashlib.sha256()
        size = 0
        with self._open_packed() as file:
            while block := file.read(BLOCK):
                digest.update(block)
                size += len(block)
        return Scan(digest.hexdigest(), size, self.head())

    def head(self) -> bytes:
        """First bytes of the content."""
        with self.open() as content:
            return content.read(HEAD_BYTES)

    def _open_packed(self) -> IO[bytes]:
        filesystem, _ = fsspec.url_to_fs(settings().landing)
        return cast("IO[bytes]", filesystem.open(self.path, "rb"))


def discover(
    contract: Contract, until: dt.date, is_done: Callable[[LandedFile], bool] = lambda file: False
) -> list[LandedFile]:
    """List the feed's files dated up to `until`, oldest first, with incomplete ones marked.

    Those that are done are listed, too, but are not opened for their date.
    """
    found = [f for f in _look(contract) if f.business_date <= until or _tells_day(f, contract)]
    doubtful = {f.path: f for f in found if not f.is_complete}
    if doubtful:
        # The second look: whoever still writes changes size or time between the two.
        time.sleep(_settle_seconds())
        again = {f.path: f for f in _look(contract)}
        found = [_settled(f, again.get(f.path)) if f.path in doubtful else f for f in found]
    dated = [f if is_done(f) else _dated(f, contract) for f in found]
    return sorted((f for f in dated if f.business_date <= until), key=lambda f: (f.business_date, f.name))


def _tells_day(file: LandedFile, contract: Contract) -> bool:
    """True where the day is told by a column of the file."""
    rule = contract.layouts[file.layout].file_date
    return rule is not None and rule.column is not None


def _dated(file: LandedFile, contract: Contract) -> LandedFile:
    """The file with the day that a column of it tells, where the layout says so."""
    if not _tells_day(file, contract) or not file.is_complete or file.fault is not None:
        return file
    try:
        day = latest_day(file, contract)
    except FileRejected as error:
        return replace(file, fault=error)
    return replace(file, business_date=day)


def _settle_seconds() -> float:
    return float(variable("LANDING_SETTLE_SECONDS", "1"))


def _settled(first: LandedFile, second: LandedFile | None) -> LandedFile:
    same = second is not None and (first.size, first.modified_at) == (
        second.size, second.modified_at,
    )  # fmt: skip
    return replace(first, is_complete=same)


def _look(contract: Contract) -> Iterable[LandedFile]:
    filesystem, root = fsspec.url_to_fs(settings().landing)
    for folder, layouts in _folders(contract).items():
        path = f"{root.rstrip('/')}/{folder}".rstrip("/")
        if not filesystem.isdir(path):
            continue
        filesystem.invalidate_cache(path)
        entries = {e["name"]: e for e in filesystem.ls(path, detail=True)}
        for place, entry in entries.items():
            if entry["type"] != "directory" and not place.endswith(".done"):
                yield from _matching(contract, layouts, place, entry, f"{place}.done" in entries)


def _folders(contract: Contract) -> dict[str, list[str]]:
    """Layouts by the folder that they look in."""
    found: dict[str, list[str]] = {}
    for name, layout in contract.layouts.items():
        for folder in [contract.source, ""] if layout.folder is None else [layout.folder]:
            found.setdefault(folder.strip("/"), []).append(name)
    return found


def _matching(
    contract: Contract, layouts: list[str], path: str, entry: dict[str, object], is_done: bool
) -> Iterable[LandedFile]:
    name = path.rsplit("/", 1)[-1]
    for layout_name in layouts:
        date = _day(contract.layouts[layout_name], name, _modified(entry))
        if date is not None:
            yield LandedFile(
                one_line(name), path, layout_name, date, cast("int", entry["size"]),
                _modified(entry), is_done, _fault(name, entry),
            )  # fmt: skip


def _day(layout: Layout, name: str, modified_at: dt.datetime) -> dt.date | None:
    """The day that a file's name tells, or its last change; None where it is not the layout's."""
    if layout.file_date is None:
        return layout.business_date(name)
    if not layout.takes(name):
        return None
    zone = zoneinfo.ZoneInfo(layout.file_date.modified or "UTC")
    return modified_at.astimezone(zone).date()


def _fault(name: str, entry: dict[str, object]) -> FileRejected | None:
    """What is wrong with a file before it is opened."""
    detail = None
    if entry.get("islink") or entry["type"] not in ("file", "link"):
        detail = "it is a link or no plain file; deliver the file itself"
    elif one_line(name) != name or len(name) > MAX_NAME:
        detail = "its name has control or broken characters, or is too long; rename it"
    return FileRejected(Rejection.UNSAFE_NAME, detail) if detail else None


def _modified(entry: dict[str, object]) -> dt.datetime:
    value = entry.get("mtime") or entry.get("LastModified") or entry.get("updated") or 0
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC)
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    return dt.datetime.fromtimestamp(float(cast("float", value)), dt.UTC)
