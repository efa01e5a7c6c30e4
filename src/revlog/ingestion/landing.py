"""The landing zone: which files are there, complete and ours.

A file is complete when its `.done` marker lies beside it, or when two looks find the same size and
time. Anything else is deferred to the next run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import time
import zoneinfo
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import IO, Any

from revlog.config.settings import variable
from revlog.contracts.contract import Contract, sound_contracts
from revlog.contracts.layout import Layout
from revlog.ingestion.archives import PACKED, unpacked
from revlog.ingestion.chunk import Scan
from revlog.ingestion.digest import Digest
from revlog.ingestion.filedate import latest_day
from revlog.ingestion.refusal import refused
from revlog.ingestion.storage import entries, entry_of, opened, zone
from revlog.outputs.escaping import one_line
from revlog.values.reasons import FileRejected, Rejection

BLOCK = 1 << 20
HEAD_BYTES = 4 << 10
MAX_NAME = 200
# Marks of a content that object stores give; a local file has an inode and a change time that nobody sets.
MARKS = ("ETag", "etag", "generation", "md5Hash", "content_md5")
# Names of the time of change in the listings of the storages.
CHANGED = ("mtime", "LastModified", "last_modified", "updated")
# What a modification time may be in the books: 1970 to 2200.
LAST_SECOND = 230 * 366 * 86_400
NEVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
# What browsers and file managers call a second copy of a file.
COPY = re.compile(
    r"(?P<name>.+?)(?: ?\(\d+\)| - (?:copy|kopie)(?: \(\d+\))?| copy(?: \d+)?)(?P<ending>(?:\.\w+)*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LandedFile:
    """A file of a feed in the landing zone; `is_complete` False means an upload in progress.

    `mark` is the storage's own of a content, and changes where size and time stay; empty where it has
    none. `changed_at` is when the storage saw the change, which no copy of a file brings along. `twins`
    are the paths of files of this name in the feed's other folder.
    """

    name: str
    path: str
    layout: str
    business_date: dt.date
    size: int
    modified_at: dt.datetime
    is_complete: bool = True
    fault: FileRejected | None = None
    mark: str = ""
    changed_at: dt.datetime = NEVER
    twins: tuple[str, ...] = ()

    @property
    def look(self) -> str:
        """Size, time and mark: what looks the same has the same content."""
        return f"{self.size}:{self.modified_at.timestamp():.6f}:{self.mark}"

    @property
    def copy_of(self) -> str | None:
        """The file that this is a copy of, as its name says: `orders.csv` of `orders (1).csv`."""
        found = COPY.fullmatch(self.name)
        return found and found["name"] + found["ending"]

    def open(self) -> IO[bytes]:
        """Open the content for reading from its start, unpacked where the file is packed."""
        return unpacked(opened(self.path, self.look), self.name, self.size)

    def scan(self) -> Scan:
        """Read the content once for its hash, and its first bytes."""
        with self.open() as content:
            head = content.read(HEAD_BYTES)
            digest = hashlib.sha256(head)
            while block := content.read(BLOCK):
                digest.update(block)
        return Scan(digest.hexdigest(), self.size, head)

    def packed_sha256(self) -> str:
        """Hash of the file's own bytes, whatever they are."""
        digest = hashlib.sha256()
        with opened(self.path, self.look) as file:
            while block := file.read(BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def differs(self, path: str) -> bool:
        """True where the file at `path` has other bytes."""
        return replace(self, path=path).seen_again().packed_sha256() != self.packed_sha256()

    def head(self) -> bytes:
        """First bytes of the content."""
        with self.open() as content:
            return content.read(HEAD_BYTES)

    def digested(self, beside: Executor) -> tuple[Digest, IO[bytes]]:
        """Open the content with its hash taken as it is read."""
        digest = Digest(self.open(), beside)
        return digest, io.BufferedReader(digest, BLOCK)

    def seen_again(self) -> LandedFile:
        """The same file as it lies there now; unchanged where it has gone since it was opened."""
        found = entry_of(self.path)
        if found is None:
            return self
        return replace(
            self, size=found["size"], modified_at=modified_at(found), mark=_mark(found),
            changed_at=_changed(found),
        )  # fmt: skip

    @property
    def is_packed(self) -> bool:
        """True for names that say so."""
        return self.name.lower().endswith(PACKED)


def discover(
    contract: Contract, until: dt.date, is_done: Callable[[LandedFile], bool] = lambda file: False
) -> list[LandedFile]:
    """List the feed's files dated up to `until`, oldest first, with incomplete ones marked.

    Those that are done are listed, too, but are neither waited for nor opened for their date.
    """
    found = [f for f in lying(contract) if f.business_date <= until or _tells_day(f, contract)]
    doubtful = {f.path: f for f in found if not f.is_complete and not is_done(f)}
    if doubtful:
        # The second look: whoever still writes changes size or time between the two.
        time.sleep(_settle_seconds())
        again = {f.path: f for f in lying(contract)}
        found = [_settled(f, again.get(f.path)) if f.path in doubtful else f for f in found]
    dated = [f if is_done(f) else _dated(f, contract) for f in _paired(found)]
    return sorted((f for f in dated if f.business_date <= until), key=_order)


def _order(file: LandedFile) -> tuple[dt.date, str, bool, str]:
    """By day and name; what is a copy by its name comes behind the file itself."""
    return file.business_date, file.copy_of or file.name, file.copy_of is not None, file.name


def _tells_day(file: LandedFile, contract: Contract) -> bool:
    """True where the day is told by a column of the file."""
    rule = contract.layouts[file.layout].file_date
    return rule is not None and rule.column is not None


def _dated(file: LandedFile, contract: Contract) -> LandedFile:
    """The file with the day that a column of it tells, where the layout says so."""
    if not _tells_day(file, contract) or not file.is_complete or file.fault is not None:
        return file
    try:
        return replace(file, business_date=latest_day(file, contract))
    except Exception as error:
        rejection = refused(error, file.name)
        if rejection is None:
            raise
        return replace(file, fault=rejection)


def newest_date(until: dt.date) -> dt.date | None:
    """The newest date up to `until` in the name of any feed's file; None where there is no such file."""
    dates = (file.business_date for contract in sound_contracts() for file in lying(contract))
    return max((date for date in dates if date <= until), default=None)


def _settle_seconds() -> float:
    return float(variable("LANDING_SETTLE_SECONDS", "1"))


def _settled(first: LandedFile, second: LandedFile | None) -> LandedFile:
    return replace(first, is_complete=second is not None and first.look == second.look)


def _paired(files: list[LandedFile]) -> list[LandedFile]:
    """The files, each with those of its name that lie in another folder."""
    paths: dict[tuple[str, str], list[str]] = {}
    for file in files:
        paths.setdefault((file.layout, file.name), []).append(file.path)
    others = {f.path: tuple(p for p in paths[f.layout, f.name] if p != f.path) for f in files}
    return [replace(f, twins=others[f.path]) if others[f.path] else f for f in files]


def lying(contract: Contract) -> Iterable[LandedFile]:
    """The feed's files as they lie there, complete or not, of whatever day."""
    filesystem, root = zone()
    for folder, layouts in folders(contract).items():
        found = {e["name"]: e for e in entries(filesystem, f"{root.rstrip('/')}/{folder}".rstrip("/"))}
        for place, entry in found.items():
            if entry["type"] != "directory" and not place.endswith(".done"):
                yield from _matching(contract, layouts, entry, f"{place}.done" in found)


def folders(contract: Contract) -> dict[str, list[str]]:
    """Layouts by the folder that they look in."""
    found: dict[str, list[str]] = {}
    for name, layout in contract.layouts.items():
        for folder in within(contract, layout):
            found.setdefault(folder, []).append(name)
    return found


def within(contract: Contract, layout: Layout) -> list[str]:
    """Folders of the landing zone that a layout looks in; empty for the zone itself."""
    return [contract.source, ""] if layout.folder is None else [layout.folder.strip("/")]


def _matching(
    contract: Contract, layouts: list[str], entry: dict[str, Any], is_done: bool
) -> Iterable[LandedFile]:
    path = str(entry["name"])
    name = path.rsplit("/", 1)[-1]
    for layout_name in layouts:
        date = day_of(contract.layouts[layout_name], name, modified_at(entry))
        if date is not None:
            yield LandedFile(
                one_line(name), path, layout_name, date, entry["size"], modified_at(entry), is_done,
                _fault(name, entry), _mark(entry), _changed(entry),
            )  # fmt: skip


def day_of(layout: Layout, name: str, modified_at: dt.datetime) -> dt.date | None:
    """The day that a file's name tells, or its last change; None where it is not the layout's."""
    if layout.file_date is None:
        return layout.business_date(name)
    if not layout.takes(name):
        return None
    zone = zoneinfo.ZoneInfo(layout.file_date.modified or "UTC")
    return modified_at.astimezone(zone).date()


def _fault(name: str, entry: dict[str, Any]) -> FileRejected | None:
    """What is wrong with a file before it is opened."""
    detail = None
    if entry.get("islink") or entry["type"] != "file":
        detail = "it is a link or no plain file; deliver the file itself"
    elif one_line(name) != name or len(name) > MAX_NAME:
        detail = "its name has control or broken characters, or is too long; rename it"
    return FileRejected(Rejection.UNSAFE_NAME, detail) if detail else None


def modified_at(entry: dict[str, Any]) -> dt.datetime:
    """When a file was last changed, as its listing says."""
    value = next((entry[name] for name in CHANGED if entry.get(name)), 0)
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if isinstance(value, dt.datetime):
        # Listings tell more digits than a look at one object.
        return value.astimezone(dt.UTC).replace(microsecond=0)
    return _instant(value)


def _changed(entry: dict[str, Any]) -> dt.datetime:
    return _instant(entry["created"]) if "ino" in entry else modified_at(entry)


def _instant(seconds: float) -> dt.datetime:
    """An instant of the epoch; what no calendar has, as a broken clock or `touch` leaves it, is cut off."""
    return dt.datetime.fromtimestamp(min(max(float(seconds), 0), LAST_SECOND), dt.UTC)


def _mark(entry: dict[str, Any]) -> str:
    if "ino" in entry:
        return f"{entry['ino']}:{entry['created']}"
    return str(next((entry[name] for name in MARKS if entry.get(name)), "")).strip('"')
