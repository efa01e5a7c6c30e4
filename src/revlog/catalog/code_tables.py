"""Lists of codes that live in Python: why a row was refused, why a file was."""

from __future__ import annotations

from enum import StrEnum

from revlog.catalog.book import Column, Table
from revlog.values.reasons import MEANINGS, Reason, Rejection


def code_tables() -> list[Table]:
    """The two closed lists of the loader."""
    return [
        _table("quarantine_reasons", "Why a row is in `ops.quarantine`; a closed list.", Reason),
        _table("rejection_reasons", "Why a whole file was rejected; a closed list.", Rejection),
    ]


def _table(name: str, description: str, codes: type[StrEnum]) -> Table:
    return Table(
        id=f"codes.{name}", layer="codes", schema="ingestion", name=name,
        title=name.replace("_", " ").capitalize(), description=description, key=["code"],
        columns={
            "code": Column("code", "text", "Code."),
            "meaning": Column("meaning", "text", "What it means."),
        },
        path="src/revlog/values/reasons.py",
        rows=[{"code": code.value, "meaning": MEANINGS.get(code.value, "")} for code in codes],
    )  # fmt: skip
