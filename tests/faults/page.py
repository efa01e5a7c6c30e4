"""docs/faults.md, made from the corpus: `python -m tests.faults.page`."""

from __future__ import annotations

from pathlib import Path

from revlog.outputs.escaping import markdown_cell
from tests.faults.case import Case
from tests.faults.corpus import CASES
from tests.faults.inputs import ORDER
from tests.faults.stories import STORIES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
HEAD = """# What becomes of broken input

Made from `tests/faults` by `python -m tests.faults.page`; do not edit. Each line is a file, in each of the
formats named, that a test sends through the real loader. Three outcomes: rows **load**, a row is
**quarantined** (kept in `ops.quarantine` with reason, file and line), or the file is **rejected** whole (the
ledger says why).

Also held by tests: a loader killed in mid-load, two loads at once, memory that does not grow with the file.
"""


def page() -> str:
    """The page as Markdown."""
    rows: dict[str, list[str]] = {title: [] for title in ORDER}
    for (title, name, _, outcome), cases in _alike(CASES).items():
        formats = ", ".join(dict.fromkeys(case.file_format for case in cases))
        rows[title].append(f"| {markdown_cell(name)} | {formats} | {markdown_cell(outcome)} |\n")
    for story in STORIES:
        rows[story.input].append(f"| {story.name} | each | {story.outcome} |\n")
    tables = (
        f"\n## {title}\n\n| file | format | outcome |\n|---|---|---|\n{''.join(found)}"
        for title, found in rows.items()
    )
    return HEAD + "".join(tables)


def _alike(cases: list[Case]) -> dict[tuple[str, str, str, str], list[Case]]:
    """Cases of one name and outcome, which differ in the format only."""
    found: dict[tuple[str, str, str, str], list[Case]] = {}
    for case in cases:
        found.setdefault((case.input, case.name, case.feed, case.outcome), []).append(case)
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
