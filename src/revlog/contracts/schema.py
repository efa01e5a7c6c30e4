"""JSON schemas of contracts, layouts and companies, so that editors complete and explain their keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from revlog.companies.company import SYSTEMS, Company
from revlog.config.settings import ROOT
from revlog.contracts.contract import Contract
from revlog.contracts.ready import FROM

FOLDER = ROOT / "ingestion" / "schema"


def schemas() -> dict[Path, str]:
    """Path and content of each schema."""
    whole = Contract.model_json_schema(by_alias=True)
    whole["title"] = "Contract of a feed"
    # A company's file names the layouts, and what else is another way with it.
    own: dict[str, Any] = {
        "title": "A company's layouts of a feed", "type": "object", "additionalProperties": False,
        "required": ["layouts"],
        "properties": {name: {"$ref": f"contract.json#/properties/{name}"} for name in whole["properties"]},
    }  # fmt: skip
    own["properties"]["layouts"] = {
        "type": "object",
        "additionalProperties": {"anyOf": [{"$ref": "contract.json#/$defs/Layout"}, _taken_in(whole)]},
    }
    company = Company.model_json_schema()
    company["title"] = "A company"
    return {
        FOLDER / "contract.json": _text(whole),
        FOLDER / "layouts.json": _text(own),
        FOLDER / "company.json": _text(company),
    }


def _taken_in(whole: dict[str, Any]) -> dict[str, Any]:
    """A layout of a system, and what is another way here."""
    systems = sorted(path.name for path in SYSTEMS.iterdir() if path.is_dir())
    layout = whole["$defs"]["Layout"]["properties"]
    return {
        "type": "object", "additionalProperties": False, "required": [FROM],
        "properties": {
            FROM: {
                "type": "string", "pattern": f"^({'|'.join(systems)})(/.+)?$",
                "description": "A system's ready layout of this name, or of another one: shopify/rest.",
            },
            **{name: {"$ref": f"contract.json#/$defs/Layout/properties/{name}"} for name in layout},
        },
    }  # fmt: skip


def write_schemas() -> list[Path]:
    """Write the files; returns those that changed."""
    changed = [p for p, text in schemas().items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for path in changed:
        path.parent.mkdir(exist_ok=True)
        path.write_text(schemas()[path], encoding="utf-8")
    return changed


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
