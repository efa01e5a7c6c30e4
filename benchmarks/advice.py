"""What of a night the estimates take, with the models that exist only to tell them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.report import Row
from revlog.config.settings import settings
from revlog.database.connections import connect

if TYPE_CHECKING:
    from benchmarks.nights import Stages

FOLDERS = ("models/intermediate/marts/advice/", "models/marts/advice/")
# A test's name of a rule is its own, its table stands beside it.
SPENT = """
select r.layer, coalesce(v.asset, r.node) as node, sum(r.seconds)::float as seconds
from ops.model_runs as r
left join ops.validation_results as v
    on v.run_id = 'build-' || r.build_id and v.engine = 'dbt' and v.stage = r.layer
    and v.check_name = r.node and r.resource_type = 'test'
where r.build_id = (select max(build_id) from ops.builds)
group by r.layer, coalesce(v.asset, r.node)
"""


def measure(night: Stages) -> list[Row]:
    """Shares of the last build, whose stages these are.

    Nodes run side by side, and estimates beside those of the marts, so their seconds add up to more than the
    clock's: of each layer the clock's seconds are shared out by them, its start and end included.
    """
    ours = models(json.loads((settings().var / "dbt" / "target" / "manifest.json").read_text())["nodes"])
    by_layer: dict[str, tuple[float, float]] = {}
    for layer, node, seconds in _spent():
        of_ours, of_all = by_layer.get(layer, (0.0, 0.0))
        is_ours = set(node.split(", ")) <= ours
        by_layer[layer] = (of_ours + seconds * is_ours, of_all + seconds)
    of_ours, of_all = by_layer["marts"]
    by_layer["marts"] = (of_ours + night.estimates, of_all + night.estimates)
    clock = sum(
        night.seconds[f"dbt {layer}"] * of_ours / of_all for layer, (of_ours, of_all) in by_layer.items()
    )
    spent = sum(of_ours for of_ours, _ in by_layer.values())
    beside = sum(of_all for _, of_all in by_layer.values())
    beside += sum(seconds for stage, seconds in night.seconds.items() if not stage.startswith("dbt"))
    what = f"  of it estimates and the {len(ours)} models that only tell them, by the clock"
    return [
        Row(what, f"{clock:.1f} s", f"{night.total:.1f} s", clock / night.total, "<= 0.1"),
        Row("  the same, each node's seconds", f"{spent:.1f} s", f"{beside:.1f} s", spent / beside, ""),
        Row("  estimates alone, beside models", f"{night.estimates:.1f} s", f"{night.total:.1f} s",
            night.estimates / night.total, ""),
    ]  # fmt: skip


def models(nodes: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Names of the models of FOLDERS, and of those that nothing else reads."""
    built = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    readers: dict[str, set[str]] = {name: set() for name in built}
    for name, node in built.items():
        for parent in node["depends_on"]["nodes"]:
            readers.get(parent, set()).add(name)
    ours = {name for name, node in built.items() if node["original_file_path"].startswith(FOLDERS)}
    while more := {name for name, by in readers.items() if by and by <= ours} - ours:
        ours |= more
    return {built[name]["name"] for name in ours}


def _spent() -> Iterable[tuple[str, str, float]]:
    """Layer, model and seconds of every node of the last build; a test counts to the model that it is of."""
    with connect("auditor") as connection:
        return connection.execute(SPENT).fetchall()
