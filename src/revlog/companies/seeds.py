"""The seeds that dbt is given: the product's, and over them what is sound in a company's folder."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from revlog.companies.company import folder
from revlog.companies.master import SEEDS, Row, Table, in_force, tables
from revlog.companies.master_faults import faults
from revlog.config.settings import SettingsError, settings
from revlog.outputs import files


def seeds(company: str) -> dict[str, str]:
    """Content of each table that is in force for a company, as CSV, by the name of its file.

    Raises SettingsError with every fault of the company's own tables.
    """
    if told := faults(folder(company)):
        raise SettingsError("master data can't be used:\n" + "\n".join(map(str, told)))
    return {f"{name}.csv": _content(table, folder(company)) for name, table in tables().items()}


def write_seeds(target: Path) -> Path:
    """Write the tables of the company that is served into `target`; files that are the same stay."""
    files.own_folder(target)
    wanted = seeds(settings().company)
    for file in target.iterdir():
        if file.name not in wanted:
            file.unlink()
    for name, content in wanted.items():
        file = target / name
        if not file.exists() or file.read_text(encoding="utf-8") != content:
            files.write_text(file, content)
    return target


def _content(table: Table, company: Path) -> str:
    if table.takes and (company / f"{table.name}.csv").is_file():
        return _text(table, in_force(table, company))
    return (SEEDS / f"{table.name}.csv").read_text(encoding="utf-8")


def _text(table: Table, content: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table.columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(content)
    return text.getvalue()
