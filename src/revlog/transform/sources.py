"""What dbt knows of the contracts: its sources, and which rows hang together.

`models/staging/<source>/_<source>__sources.yml` and `macros/relations.sql`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from revlog.config.settings import ROOT
from revlog.contracts.contract import Contract, all_feeds, load_contract
from revlog.ingestion.raw import LINEAGE_TEXT
from revlog.transform import relations

STAGING = ROOT / "dbt_project" / "models" / "staging"
HEAD = "# Made from ingestion/contracts by `revlog ingestion dbt-sources`; do not edit.\n"


def source_files() -> dict[Path, str]:
    """Path and content of each source system's file, and of the relations between feeds."""
    by_source: dict[str, list[Contract]] = {}
    for feed in all_feeds():
        contract = load_contract(feed, "standard")
        by_source.setdefault(contract.source, []).append(contract)
    return {
        STAGING / source / f"_{source}__sources.yml": _content(source, contracts)
        for source, contracts in by_source.items()
    } | {relations.PATH: relations.content()}


def write_sources() -> list[Path]:
    """Write the files; returns those that changed."""
    changed = [p for p, text in source_files().items() if not p.exists() or p.read_text() != text]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source_files()[path], encoding="utf-8")
    return changed


def _content(source: str, contracts: list[Contract]) -> str:
    entry = {
        "name": source,
        "schema": "raw",
        "description": f"Rows of the {source.upper()} feeds as they arrived, typed, append-only. "
        "Only rows whose file has status loaded in ops.file_ledger count.",
        "tables": [_table(contract) for contract in contracts],
    }
    return HEAD + yaml.dump(
        {"sources": [entry]}, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=100
    )


def _table(contract: Contract) -> dict[str, Any]:
    names = [name for name in contract.restricted if name not in contract.raw_columns]
    hidden = {"config": {"meta": {"restricted": names}}} if names else {}
    return {
        "name": contract.feed,
        "description": f"{contract.description} Grain: {contract.grain}. Mode {contract.mode}.",
        **hidden,
        "columns": [{"name": name, "description": text} for name, text in _columns(contract).items()],
    }


def _columns(contract: Contract) -> dict[str, str]:
    """Descriptions of the raw table's columns."""
    found: dict[str, str] = {}
    for name in contract.raw_columns:
        if name in contract.columns:
            column = contract.columns[name]
            found[name] = column.description + (
                " Stored as a keyed hash." if column.pii == "pseudonym" else ""
            )
        else:
            origin = name.removesuffix("_local")
            found[name] = f"Text of {origin} as it came, where that is not UTC."
    return found | LINEAGE_TEXT


class _Indented(yaml.SafeDumper):
    """Lists indented under their key, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)
