"""docs/faults.md, made from the corpus: `python -m tests.faults.page`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from tests.faults.corpus import CASES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
HEAD = """# What becomes of broken input

Made from `tests/faults/corpus.py` by `python -m tests.faults.page`; do not edit. Each line is a file that
a test sends through the real loader. Three outcomes: rows **load**, a row is **quarantined** (kept in
`ops.quarantine` with reason, file and line), or the file is **rejected** whole (the ledger says why).

Also held by tests: the same content again, a corrected file, late files and files out of order, uploads
in progress, a loader killed in mid-load, two loads at once.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for title, cases in groupby(CASES, key=lambda case: case.input):
        rows = (f"| {case.name} | `{case.feed}` | {case.outcome} |\n" for case in cases)
        parts.append(f"\n## {title}\n\n| file | feed | outcome |\n|---|---|---|\n{''.join(rows)}")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
