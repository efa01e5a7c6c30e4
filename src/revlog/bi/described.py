"""What dbt's YAML says of the published tables: the words of the datasets come from there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from revlog.config.settings import ROOT

MODELS = ROOT / "dbt_project" / "models"
_DOCS_BLOCK = re.compile(r"{% docs (\w+) %}(.*?){% enddocs %}", re.S)
_DOCS_CALL = re.compile(r"{{ doc\('(\w+)'\) }}")
# Words that are spelt another way where a name is made into words.
_SPELT = {
    "sku": "SKU", "rma": "RMA", "id": "ID", "no": "no.", "co2e": "CO₂e", "csat": "CSAT", "weee": "WEEE",
    "kpi": "KPI", "kg": "(kg)", "g": "(g)", "hazmat": "hazard",
}  # fmt: skip


class NotDescribed(LookupError):
    """A dataset names a table or column that dbt's YAML does not describe."""


@dataclass(frozen=True)
class Column:
    """One column as dbt's YAML has it; `title` is its label, else its name in words."""

    name: str
    type: str
    description: str
    title: str


@dataclass(frozen=True)
class Table:
    """One model, with its columns in their order."""

    name: str
    description: str
    columns: dict[str, Column]


@cache
def tables() -> dict[str, Table]:
    """Every model of dbt's YAML by name."""
    docs = {
        name: text.strip()
        for file in sorted(MODELS.rglob("*.md"))
        for name, text in _DOCS_BLOCK.findall(file.read_text(encoding="utf-8"))
    }
    found = {}
    for file in sorted(MODELS.rglob("*.yml")):
        for model in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models") or []:
            columns = [_column(column, docs) for column in model.get("columns") or []]
            text = _told(model.get("description", ""), docs)
            found[model["name"]] = Table(model["name"], text, {c.name: c for c in columns})
    return found


def table(name: str) -> Table:
    """One model; raises NotDescribed."""
    if name not in tables():
        raise NotDescribed(f"dbt's YAML has no model {name}")
    return tables()[name]


def column(of: str, name: str) -> Column:
    """One column of a model; raises NotDescribed."""
    found = table(of).columns
    if name not in found:
        raise NotDescribed(f"dbt's YAML has no column {of}.{name}")
    return found[name]


def in_words(name: str) -> str:
    """`days_in_status` as `Days in status`."""
    words = [_SPELT.get(word, word) for word in name.removeprefix("is_").removeprefix("has_").split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _column(given: dict[str, Any], docs: dict[str, str]) -> Column:
    name = str(given["name"])
    label = ((given.get("config") or {}).get("meta") or {}).get("label")
    return Column(
        name, str(given.get("data_type", "text")), _told(given.get("description", ""), docs),
        str(label or in_words(name)),
    )  # fmt: skip


def _told(text: str, docs: dict[str, str]) -> str:
    return " ".join(_DOCS_CALL.sub(lambda call: docs[call[1]], text).split())
