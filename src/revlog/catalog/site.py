"""The pages as files, beside what else there is to read."""

from __future__ import annotations

import os
from pathlib import Path

from revlog.catalog.collect import collect, read_artifacts
from revlog.catalog.pages import Beside, pages
from revlog.outputs.files import write_text


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
    # A page of one night is gone one day; the list of nights is written anew by each, the last one first.
    found = [
        (folder / "dbt.html", "dbt docs", "every model with its SQL, and the lineage graph of all of them"),
        (reports / "scorecard.html", "Scorecard", "last night's KPIs, what is overdue, what was refused"),
        (reports / "data_docs" / "index.html", "Data Docs", "what the gates judged, the last night first"),
    ]
    return [
        Beside(os.path.relpath(path, folder), title, text) for path, title, text in found if path.exists()
    ]
