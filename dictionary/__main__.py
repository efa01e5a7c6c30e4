"""`python -m dictionary`: write the pages of the data dictionary and dbt's documentation; says where."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dictionary.collect import collect, read_artifacts
from dictionary.pages import Beside, pages
from outputs.files import write_text
from warehouse.build import CheckFailed, write_docs
from warehouse.redaction import run_command
from warehouse.settings import settings


def write_dictionary(folder: Path, target: Path) -> list[Path]:
    """Write every page below `folder` from dbt's artifacts in `target`; pages of the past go."""
    made = pages(collect(read_artifacts(target)), _beside(folder))
    for old in {*folder.glob("*/*.html"), *folder.glob("*.html")} - {folder / "dbt.html"}:
        if str(old.relative_to(folder)) not in made:
            old.unlink()
    return [write_text(folder / name, text) for name, text in made.items()]


def _beside(folder: Path) -> list[Beside]:
    """Pages of others that are there, by their way from `folder`."""
    reports = folder.parent / "reports"
    found = [
        (folder / "dbt.html", "dbt docs", "every model with its SQL, and the lineage graph of all of them"),
        (reports / "scorecard.html", "Scorecard", "last night's KPIs, reconciliation and checks"),
    ]
    gates = sorted(reports.glob("data_docs/*/*/index.html"))
    if gates:
        found.append((gates[-1], "Data Docs", f"what the gate *{gates[-1].parent.name}* judged last"))
    return [
        Beside(os.path.relpath(path, folder), title, text) for path, title, text in found if path.exists()
    ]


def main() -> int:
    """Make everything and print where it is."""
    folder = settings().var / "pages"
    try:
        write_docs()
    except CheckFailed as error:
        print(error, file=sys.stderr)
        return 1
    made = write_dictionary(folder, settings().var / "dbt" / "target")
    print(f"data dictionary: {folder / 'index.html'} ({len(made)} files)")
    print(f"dbt docs, with lineage: {folder / 'dbt.html'}")
    return 0


if __name__ == "__main__":
    run_command(lambda: sys.exit(main()))
