"""Every relation that dbt reads is named by ref() or source(), so that dbt knows of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from revlog.config.settings import ROOT

PROJECT = ROOT / "dbt_project"
COMMENTS = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
BARE = re.compile(
    r"\b(?:from|join|update|using)\s+"
    r"(?:raw|ops|staging|intermediate|core|build|marts|finance)\.\w+",
    re.IGNORECASE,
)


def _files() -> list[Path]:
    return sorted(p for folder in ("models", "macros", "tests") for p in (PROJECT / folder).rglob("*.sql"))


def unnamed(text: str) -> list[str]:
    """Relations that a text reads by their bare name."""
    return BARE.findall(COMMENTS.sub("", text))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("select 1 from build.kpi_sums", 1),
        ("select 1 from a\ninner join  core.fct_receipt as r", 1),
        ("-- as read from core.fct_receipt\nselect 1 from {{ ref('fct_receipt') }}", 0),
        ("select core.quantity from core", 0),
    ],
)
def test_what_counts_as_a_bare_name(text: str, count: int) -> None:
    assert len(unnamed(text)) == count


def test_dbt_knows_every_relation_that_it_reads() -> None:
    found = {str(path.relative_to(PROJECT)): unnamed(path.read_text()) for path in _files()}
    assert {path: names for path, names in found.items() if names} == {}
    assert len(found) > 300
