"""Models and lists of codes as dbt's manifest and catalog tell them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from revlog.catalog.book import Column, Table

Node = dict[str, Any]
MODELS = ("model", "snapshot")
SPELLINGS = {
    "kpi": "KPI", "rma": "RMA", "sku": "SKU", "fx": "FX", "gl": "GL", "co2e": "CO₂e", "crm:": "CRM:",
    "erp:": "ERP:", "wms:": "WMS:",
}  # fmt: skip
SHORT_TYPES = {"timestamp with time zone": "timestamptz", "character varying": "text"}


@dataclass(frozen=True)
class Artifacts:
    """dbt's `manifest.json` and `catalog.json`; the catalog may lack tables that were never built."""

    manifest: Node
    catalog: Node
    project: Path

    def nodes(self, *kinds: str) -> list[Node]:
        """Nodes of the project of these resource types, parents first."""
        found = [n for n in self.manifest["nodes"].values() if n["resource_type"] in kinds]
        return _parents_first(found)

    def table_id(self, unique_id: str) -> str | None:
        """Id in the dictionary of a model, seed or source; None for what has no page.

        The state of a model is no page of its own: it would make a circle of what leads to it.
        """
        kind, name = unique_id.split(".")[0], unique_id.split(".")[-1]
        if kind == "source":
            schema = self.manifest["sources"][unique_id]["schema"]
            return f"{schema}.{name}" if schema in ("raw", "ops") else None
        if kind == "seed" and not _published_to(self.manifest["nodes"][unique_id]):
            return f"codes.{name}"
        return name if kind in ("seed", *MODELS) else None


def built_tables(artifacts: Artifacts) -> list[Table]:
    """Every seed, model and snapshot with its columns; lineage and checks come from elsewhere."""
    return [_table(node, artifacts) for node in artifacts.nodes("seed", *MODELS)]


def _table(node: Node, artifacts: Artifacts) -> Table:
    published = _published_to(node)
    return Table(
        id=artifacts.table_id(node["unique_id"]) or node["name"],
        layer=published or _layer(node), schema=published or node["schema"], name=node["name"],
        title=_title(node), description=one_line(node["description"]), grain=_head_comment(node),
        notes=[f"Built and audited in `build.{node['name']}`, then published."] if published else [],
        key=list((node["config"].get("meta") or {}).get("primary_key") or node.get("primary_key") or []),
        columns={c.name: c for c in _columns(node, artifacts)},
        parents=_parents(node, artifacts), path=_path(node),
        node=node["unique_id"], rows=_rows(node, artifacts),
    )  # fmt: skip


def _path(node: Node) -> str:
    """Where a reader finds it; of a seed what the product ships, over which a company's may lie."""
    is_seed = node["resource_type"] == "seed"
    return f"dbt_project/seeds/{node['name']}.csv" if is_seed else f"dbt_project/{node['original_file_path']}"


def _layer(node: Node) -> str:
    if node["resource_type"] == "seed":
        return "codes"
    return str(node["config"]["schema"])


def _title(node: Node) -> str:
    if label := (node["config"].get("meta") or {}).get("label"):
        return str(label)
    words = re.sub(r"^(stg|int|dim|fct|bridge|snap)_", "", str(node["name"])).replace("__", ": ")
    text = " ".join(SPELLINGS.get(word, word) for word in re.split(r"[_ ]", words))
    return text[:1].upper() + text[1:]


def _published_to(node: Node) -> str | None:
    return (node["config"].get("meta") or {}).get("publish_to")


def _parents(node: Node, artifacts: Artifacts) -> list[str]:
    above = (node.get("depends_on") or {}).get("nodes") or []
    return list(dict.fromkeys(t for t in map(artifacts.table_id, above) if t))


def _head_comment(node: Node) -> str:
    """What a model's first comment says of grain and additivity."""
    lines = str(node.get("raw_code") or "").splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("-- Grain:")), None)
    if start is None:
        return ""
    comment: list[str] = []
    for line in lines[start:]:
        if not line.startswith("--"):
            break
        comment.append(line.removeprefix("--").strip())
    text = " ".join(comment).removeprefix("Grain:").strip()
    return text[:1].upper() + text[1:]


def _columns(node: Node, artifacts: Artifacts) -> list[Column]:
    """Columns in the table's own order where it was built, else in that of the properties file."""
    built = artifacts.catalog["nodes"].get(node["unique_id"], {}).get("columns", {})
    typed = node["config"].get("column_types") or {}
    described = node["columns"]
    header = _header(node, artifacts) if node["resource_type"] == "seed" else []
    names = list(built) or header or list(described)
    found = []
    for name in names:
        said = described.get(name, {})
        kind = built.get(name, {}).get("type") or said.get("data_type") or typed.get(name)
        found.append(Column(name, _short(kind), one_line(said.get("description")), _rules(said)))
    return found


def _rules(column: Node) -> list[str]:
    """What it may hold, and how people call it."""
    kinds = [constraint["type"] for constraint in column.get("constraints") or []]
    meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
    label = meta.get("label")
    return [
        *(["never empty"] if "not_null" in kinds else []),
        *([f"shown as {label}"] if label else []),
        *_additivity(meta),
    ]


def _additivity(meta: Node) -> list[str]:
    """Whether a number adds up, as `meta.additivity` says; the comment in the database says the same."""
    over = ", ".join(meta.get("not_over") or [])
    told = {
        "additive": "additive", "semi_additive": f"never add up over {over}", "non_additive": "not additive",
    }  # fmt: skip
    return [told[meta["additivity"]]] if meta.get("additivity") in told else []


def _short(kind: str | None) -> str:
    return SHORT_TYPES.get(kind or "", kind or "")


def _seed_file(node: Node, artifacts: Artifacts) -> Path:
    return artifacts.project / str(node["original_file_path"])


def _header(node: Node, artifacts: Artifacts) -> list[str]:
    with _seed_file(node, artifacts).open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _rows(node: Node, artifacts: Artifacts) -> list[dict[str, str]]:
    if node["resource_type"] != "seed":
        return []
    with _seed_file(node, artifacts).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _parents_first(nodes: list[Node]) -> list[Node]:
    by_id = {node["unique_id"]: node for node in nodes}
    done: dict[str, Node] = {}

    def visit(node: Node) -> None:
        if node["unique_id"] in done:
            return
        for parent in (node.get("depends_on") or {}).get("nodes") or []:
            if parent in by_id:
                visit(by_id[parent])
        done[node["unique_id"]] = node

    for name in sorted(by_id):
        visit(by_id[name])
    return list(done.values())


def one_line(text: str | None) -> str:
    return " ".join(str(text or "").split())
