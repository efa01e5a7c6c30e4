"""Files that come again, corrected, late or unfinished: what must hold in each format."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.inputs import AGAIN, CORRECTED, LATE, UPLOAD


@dataclass(frozen=True)
class Step:
    """A file lands and is loaded: its day and the end of its name, the minute of its time, its claims."""

    day: str
    part: str
    minute: int
    quantities: dict[str, str]
    ends: str | None


@dataclass(frozen=True)
class Story:
    """Steps in order, and the quantity by claim that counts in the end."""

    name: str
    input: str
    outcome: str
    steps: tuple[Step, ...]
    counts: dict[str, int]


A, AB = {"A": "1"}, {"A": "1", "B": "1"}
STORIES = [
    Story("content that has come, touched", AGAIN, "no effect",
          (Step("20250331", "", 0, A, "loaded"), Step("20250331", "", 9, A, None)), {"A": 1}),
    Story("content that has come, under another name", AGAIN, "duplicate: no effect",
          (Step("20250331", "", 0, A, "loaded"), Step("20250331", "_copy", 9, A, "duplicate")), {"A": 1}),
    Story("new content under a name that has come", CORRECTED,
        "replaces what the file brought, vanished rows too",
          (Step("20250331", "", 0, AB, "loaded"), Step("20250331", "", 9, {"A": "3"}, "loaded")), {"A": 3}),
    Story("content older than what its name brought", CORRECTED, "superseded: no effect",
          (Step("20250331", "", 9, {"A": "3"}, "loaded"), Step("20250331", "", 0, AB, "superseded")),
          {"A": 3}),
    Story("file of an earlier day after one of a later", LATE, "load; does not overwrite the newer",
          (Step("20250331", "", 0, {"A": "2"}, "loaded"), Step("20250330", "", 9, AB, "loaded")),
          {"A": 2, "B": 1}),
    Story("file that grows between two looks", UPLOAD, "defer; load when it is whole",
          (Step("20250331", "", 0, A, "deferred"), Step("20250331", "", 0, A, "loaded")), {"A": 1}),
]  # fmt: skip
