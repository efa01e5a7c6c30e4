"""Files in the landing zone that no layout takes: none of them stays unnamed.

What was nearly a feed's file (an impossible date, other case, another ending, a copy, another folder, a
marker without its file) holds the night like a file that was refused; anything else is told.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

import psycopg

from revlog.contracts.contract import sound_contracts
from revlog.contracts.layout import Layout
from revlog.database.connections import connect
from revlog.ingestion.landing import COPY, modified_at, within
from revlog.ingestion.storage import Denied, entries, forget, zone
from revlog.outputs.escaping import one_line

MARKER = ".done"
# Folders within folders that are looked into, and files that are named; beyond them they are counted.
DEPTH, MOST = 3, 500
# Folders that are listed: a bucket may have one a day and shop.
MOST_FOLDERS = 1_000
# What data comes in; `x.csv.md5` beside `x.csv` is no file of rows.
DATA_ENDINGS = {
    ".csv", ".txt", ".tsv", ".dat", ".xls", ".xlsx", ".xlsm", ".json", ".jsonl", ".ndjson", ".xml",
    ".parquet", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz", ".z",
}  # fmt: skip


class Kind(StrEnum):
    """Why no layout takes a file."""

    IMPOSSIBLE_DATE = "impossible_date"
    OTHER_CASE = "other_case"
    OTHER_ENDING = "other_ending"
    COPY = "copy"
    OTHER_FOLDER = "other_folder"
    LONELY_MARKER = "lonely_marker"
    FOLDER = "folder"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Lying:
    """A file, marker or folder as it lies in the landing zone; `folder` is that within the zone."""

    folder: str
    name: str
    size: int = 0
    modified_at: dt.datetime | None = None
    is_folder: bool = False
    error: str = ""

    @property
    def path(self) -> str:
        """Place within the landing zone."""
        return f"{self.folder}/{self.name}".lstrip("/")


@dataclass(frozen=True)
class Unclaimed:
    """What lies there and whose file it may have been meant to be."""

    lying: Lying
    kind: Kind
    detail: str
    feed: str | None = None

    @property
    def is_near(self) -> bool:
        """True where it was meant for a feed."""
        return self.feed is not None

    def __str__(self) -> str:
        return f"{one_line(self.lying.path)}: {self.detail}"


@dataclass(frozen=True)
class Taker:
    """A layout of a feed with the folders that it looks in."""

    feed: str
    layout: Layout
    folders: frozenset[str]

    @property
    def pattern(self) -> str:
        """Its names, for people."""
        return f"{self.layout.file!r} of {self.feed}"


def sweep(business_date: dt.date) -> list[Unclaimed]:
    """Name what no layout takes in `ops.unclaimed_files`, which then holds just that; returns it.

    Files that were loaded and put into another folder since are counted with that folder. Nothing of a night
    opens a file of the landing zone after this.
    """
    forget()
    lying = list(_lying())
    with connect("loader") as connection:
        known = _known(connection, [item.name.removesuffix(MARKER) for item in lying])
        found = list(unclaimed(lying, takers(), known))
        _write(connection, found[:MOST], business_date)
    return found


def takers() -> list[Taker]:
    """Layouts of every feed that the company carries; one whose contract is broken takes nothing."""
    return [
        Taker(contract.feed, layout, frozenset(within(contract, layout)))
        for contract in sound_contracts()
        for layout in contract.layouts.values()
    ]


def unclaimed(lying: Iterable[Lying], known: list[Taker], loaded: set[str]) -> Iterator[Unclaimed]:
    """Judge what lies there; `loaded` are names that the ledger knows.

    Of a folder that no layout looks in only the number of its files is told, and what was meant for a feed.
    """
    items = list(lying)
    open_folders = {str(p) for t in known for f in t.folders for p in PurePosixPath(f, "x").parents} | {""}
    open_folders = {"" if f == "." else f for f in open_folders}
    there = {item.path for item in items}
    for item in items:
        if item.error:
            yield Unclaimed(item, Kind.FOLDER, f"a folder that can't be listed: {item.error}")
        elif item.is_folder:
            if item.folder in open_folders and item.path not in open_folders:
                files = sum(not i.is_folder and f"{i.folder}/".startswith(f"{item.path}/") for i in items)
                yield Unclaimed(item, Kind.FOLDER, f"a folder that no layout looks in, with {files:,} files")
        elif item.name.endswith(MARKER):
            yield from _lonely(item, known, loaded, there)
        elif not any(item.folder in t.folders and t.layout.takes(item.name) for t in known):
            found = _named(item, known, loaded)
            if found is not None and (item.folder in open_folders or found.is_near):
                yield found


def _lonely(item: Lying, known: list[Taker], loaded: set[str], there: set[str]) -> Iterator[Unclaimed]:
    """A marker whose file is not there, and did not come before either."""
    name = item.name.removesuffix(MARKER)
    if item.path.removesuffix(MARKER) in there or name in loaded:
        return
    feed = next((t.feed for t in known if item.folder in t.folders and t.layout.takes(name)), None)
    yield Unclaimed(item, Kind.LONELY_MARKER, "the file that it marks as complete is not there", feed)


def _named(item: Lying, known: list[Taker], loaded: set[str]) -> Unclaimed | None:
    """Why a file is nobody's; None for one that was loaded and lies elsewhere by now."""
    elsewhere = next((t for t in known if t.layout.takes(item.name)), None)
    if elsewhere is not None:
        if item.name in loaded:
            return None
        where = " or ".join(repr(f or "the landing zone itself") for f in sorted(elsewhere.folders))
        return Unclaimed(item, Kind.OTHER_FOLDER, f"{elsewhere.pattern} looks in {where}", elsewhere.feed)
    for kind, taker in _near(item.name, [t for t in known if item.folder in t.folders]):
        return Unclaimed(item, kind, _DETAILS[kind].format(taker.pattern), taker.feed)
    return Unclaimed(item, Kind.UNKNOWN, "no layout takes such a name")


_DETAILS = {
    Kind.IMPOSSIBLE_DATE: "its date is none, or lies outside the years of the warehouse; else it were {}",
    Kind.OTHER_CASE: "in other case than {}",
    Kind.OTHER_ENDING: "of another ending than {}",
    Kind.COPY: "a copy by its name; as the file itself it were {}",
}


def _near(name: str, known: list[Taker]) -> Iterator[tuple[Kind, Taker]]:
    """Layouts that would take the name if one thing about it were otherwise."""
    copied = COPY.fullmatch(name)
    for taker in known:
        pattern = taker.layout.name_pattern
        if pattern.is_like(name):
            yield Kind.IMPOSSIBLE_DATE, taker
        elif pattern.is_like(name, in_any_case=True):
            yield Kind.OTHER_CASE, taker
        elif copied and taker.layout.takes(copied["name"] + copied["ending"]):
            yield Kind.COPY, taker
        elif _of_other_ending(name, taker.layout):
            yield Kind.OTHER_ENDING, taker


def _of_other_ending(name: str, layout: Layout) -> bool:
    """True for `x.xlsx` and `x.csv.txt` where `x.csv` is taken."""
    stem, ending = PurePosixPath(name).stem, PurePosixPath(name).suffix.lower()
    if ending not in DATA_ENDINGS:
        return False
    declared = PurePosixPath(re.sub(r"\{[^}]*\}", "", layout.file)).suffix
    return layout.takes(stem) or layout.takes(f"{PurePosixPath(stem).stem}{declared}") or layout.takes(
        f"{stem}{declared}"
    )  # fmt: skip


# -- what lies there


def _lying() -> Iterator[Lying]:
    """Everything in the landing zone, folder by folder, the zone's own first."""
    filesystem, root = zone()
    waiting, looked = deque([""]), 0
    while waiting:
        folder = waiting.popleft()
        looked += 1
        try:
            if looked > MOST_FOLDERS:
                raise Denied(f"more than {MOST_FOLDERS:,} folders lie there, and this is one too many")
            found = list(_within(filesystem, root.rstrip("/"), folder))
        except Denied as error:
            if not folder:
                raise
            above, _, name = folder.rpartition("/")
            yield Lying(above, name, is_folder=True, error=str(error))
            continue
        waiting.extend(item.path for item in found if item.is_folder and item.path.count("/") < DEPTH - 1)
        yield from found


def _within(filesystem: Any, root: str, folder: str) -> Iterator[Lying]:
    for entry in entries(filesystem, f"{root}/{folder}".rstrip("/")):
        name = str(entry["name"]).rpartition("/")[2]
        if entry["type"] == "directory":
            yield Lying(folder, name, is_folder=True)
        elif name:
            yield Lying(folder, name, int(entry.get("size") or 0), modified_at(entry))


# -- the book


def _known(connection: psycopg.Connection[tuple[str]], names: list[str]) -> set[str]:
    """Those of the names whose files have brought rows, or were known for a content that had."""
    found = connection.execute(
        "select distinct name from ops.file_ledger where name = any(%s)"
        " and status in ('loaded', 'superseded', 'duplicate')",
        [list({one_line(name) for name in names})],
    )
    return {name for (name,) in found}


def _write(connection: psycopg.Connection[tuple[str]], found: list[Unclaimed], date: dt.date) -> None:
    paths = [one_line(u.lying.path) for u in found]
    connection.execute("delete from ops.unclaimed_files where path <> all(%s)", [paths])
    for path, item in zip(paths, found, strict=True):
        connection.execute(
            "insert into ops.unclaimed_files (path, kind, detail, feed, size_bytes, modified_at,"
            " first_seen_on, seen_on) values (%(path)s, %(kind)s, %(detail)s, %(feed)s, %(size)s,"
            " %(at)s, %(date)s, %(date)s)"
            " on conflict (path) do update set kind = excluded.kind, detail = excluded.detail,"
            " feed = excluded.feed, size_bytes = excluded.size_bytes, modified_at = excluded.modified_at,"
            " seen_on = excluded.seen_on",
            {
                "path": path, "kind": item.kind, "detail": item.detail, "feed": item.feed,
                "size": item.lying.size, "at": item.lying.modified_at, "date": date,
            },
        )  # fmt: skip
