"""The landing zone: which files are there, complete and ours.

A file is complete when its `.done` marker lies beside it, or when two looks find the same size and
time. Anything else is deferred to the next run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, cast

import fsspec

from ingestion.archives import unpacked
from ingestion.contract import Contract
from ingestion.readers.chunk import Scan
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
    fault: str | None = None

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
    return float(variable("LANDING_SETTLE_SECONDS", "1"))


def _settled(first: LandedFile, second: LandedFile | None) -> LandedFile:
    same = second is not None and (first.size, first.modified_at) == (
        second.size, second.modified_at,
    )  # fmt: skip
    return LandedFile(**(first.__dict__ | {"is_complete": same}))


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
        date = contract.layouts[layout_name].business_date(name)
        if date is not None:
            yield LandedFile(
                one_line(name), path, layout_name, date, cast("int", entry["size"]),
                _modified(entry), is_done, _fault(name, entry),
            )  # fmt: skip


def _fault(name: str, entry: dict[str, object]) -> str | None:
    """What is wrong with a file before it is opened."""
    if entry.get("islink") or entry["type"] not in ("file", "link"):
        return "it is a link or no plain file; deliver the file itself"
    if one_line(name) != name or len(name) > MAX_NAME:
        return "its name has control or broken characters, or is too long; rename it"
    return None


def _modified(entry: dict[str, object]) -> dt.datetime:
    value = entry.get("mtime") or entry.get("LastModified") or entry.get("updated") or 0
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC)
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    return dt.datetime.fromtimestamp(float(cast("float", value)), dt.UTC)
