"""Which of the contents that came under which names count. Decided by what files say, never by when
they came: any permutation of the same files ends in the same statuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

NEVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
Place = tuple[dt.datetime, dt.datetime, str]


@dataclass(frozen=True)
class Sighting:
    """One content under one name, as the ledger has it.

    `content` tells contents apart; `seen` is the place in file order (extract time, modification
    time, hash) that it came with, `place` the one in force. The one sighting of a content that
    brought its rows has `holds_rows`. `changed_at` is when the storage last saw it change: it decides
    between contents of one name that come with the same times, as where a copy keeps them.
    """

    file_id: int
    name: str
    content: str
    seen: Place
    place: Place
    status: str
    holds_rows: bool
    changed_at: dt.datetime = NEVER

    @property
    def rank(self) -> tuple[dt.datetime, dt.datetime, dt.datetime, str]:
        """Its place among the contents of its name."""
        extracted, modified, content = self.seen
        return extracted, modified, self.changed_at, content


@dataclass(frozen=True)
class Verdict:
    """What a sighting shall be: loaded, superseded or duplicate, and its place in file order."""

    file_id: int
    status: str
    place: Place


def in_force(sightings: Iterable[Sighting]) -> list[Verdict]:
    """Judge sightings that are linked by names or contents.

    The greatest content under a name is the name's; a content counts while it is some name's, from
    the earliest place that it has there.
    """
    known = list(sightings)
    newest = {s.name: s for s in sorted(known, key=lambda s: s.rank)}
    standing = {s.file_id for s in newest.values()}
    verdicts: list[Verdict] = []
    by_content = sorted(known, key=lambda s: s.content)
    for _, group in groupby(by_content, key=lambda s: s.content):
        same = list(group)
        counting = [s.seen for s in same if s.file_id in standing]
        for sighting in same:
            verdicts.append(_verdict(sighting, counting))
    return verdicts


def _verdict(sighting: Sighting, counting: list[Place]) -> Verdict:
    if not sighting.holds_rows:
        return Verdict(sighting.file_id, "duplicate", sighting.seen)
    if counting:
        return Verdict(sighting.file_id, "loaded", min(counting))
    return Verdict(sighting.file_id, "superseded", sighting.seen)


def changes(sightings: Iterable[Sighting]) -> list[Verdict]:
    """The verdicts that differ from what the ledger says."""
    known = list(sightings)
    now = {s.file_id: (s.status, s.place) for s in known}
    return [v for v in in_force(known) if now[v.file_id] != (v.status, v.place)]
