"""The boundary between the layers, and the limits of style, read from dbt's manifest."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from revlog.transform import dbt_process, project, rules

MODELS = project.PROJECT / "models"
# What a layer may read. Seeds are loaded into core. Intermediate serves core: it looks things up in
# dimensions, and closes groups of documents over facts.
CORE = {"staging", "intermediate", "core", "seeds"}
READS = {
    "staging": {"sources", "seeds"},
    "intermediate": CORE,
    "core": CORE,
    "marts": {"core", "seeds", "marts"},
}
# The lists of what a night touched are made from raw rows, and every layer goes by them.
TOUCHED = "int_touched_"
# Marts that show the pipeline's own books read them where they are.
BOOKS = {"history", "closing"}
Node = dict[str, Any]


@pytest.fixture(scope="module")
def manifest(warehouse_server: Path) -> dict[str, Any]:
    """What dbt makes of the project, parsed for a night and without a database."""
    done = dbt_process.run(["parse", "--no-partial-parse"])
    assert done.returncode == 0, done.stdout[-3000:]
    found: dict[str, Any] = json.loads((project.target() / "manifest.json").read_text())
    return found


def test_no_layer_reads_past_its_neighbours(manifest: dict[str, Any]) -> None:
    crossed = [
        f"{model['name']} ({_layer(model)}) reads {parent['name']} ({_layer(parent)})"
        for model in _models(manifest)
        for parent in _parents(manifest, model)
        if _layer(parent) not in READS[_layer(model)]
        and not model["name"].startswith(TOUCHED)
        and not parent["name"].startswith(TOUCHED)
        and not (model["fqn"][2] in BOOKS and parent.get("source_name") == "ops")
        and not _is_state(parent)
    ]
    assert crossed == []


def test_staging_reads_its_own_source_system(manifest: dict[str, Any]) -> None:
    strangers = [
        f"{model['name']} reads {parent['source_name']}"
        for model in _models(manifest)
        if _layer(model) == "staging"
        for parent in _parents(manifest, model)
        if _layer(parent) == "sources"
        and parent["source_name"] not in ("ops", model["name"].removeprefix("stg_").split("__")[0])
    ]
    assert strangers == []


def test_a_models_name_says_its_layer(manifest: dict[str, Any]) -> None:
    prefixes = {
        "staging": ("stg_",),
        "intermediate": ("int_",),
        "core": ("dim_", "fct_", "bridge_", "snap_"),
    }
    misnamed = [
        model["name"]
        for model in _models(manifest)
        if (allowed := prefixes.get(_layer(model))) and not model["name"].startswith(allowed)
    ]
    assert misnamed == []
    assert [m["name"] for m in _models(manifest) if len(m["name"]) > 51] == []


def test_every_model_and_column_is_described(manifest: dict[str, Any]) -> None:
    nodes = [*_models(manifest), *_seeds(manifest)]
    bare = [node["name"] for node in nodes if not node["description"]]
    bare += [node["name"] for node in nodes if not node["columns"]]
    bare += [
        f"{node['name']}.{column['name']}"
        for node in nodes
        for column in node["columns"].values()
        if not column["description"]
    ]
    assert bare == []


def test_every_model_states_its_grain(manifest: dict[str, Any]) -> None:
    silent = [model["name"] for model in _models(manifest) if "-- Grain: " not in model["raw_code"]]
    assert silent == []


def test_every_seed_has_an_owner(manifest: dict[str, Any]) -> None:
    seeds = list(_seeds(manifest))
    unowned = [s for s in seeds if not s["config"]["meta"].get("owner") and "owner" not in s["columns"]]
    assert [seed["name"] for seed in unowned] == []
    assert len(seeds) > 10


def test_the_marts_are_what_is_published(manifest: dict[str, Any]) -> None:
    unpublished = {
        model["name"] for model in _models(manifest) if not model["config"]["meta"].get("publish_to")
    }
    marts = {model["name"] for model in _models(manifest) if model["fqn"][1] == "marts"}
    working = {model["name"] for model in _models(manifest) if model["fqn"][1] == "intermediate"}
    assert marts & unpublished == set()
    assert working - unpublished == set()
    assert len(marts) > 100 and len(working) > 100


def test_every_published_table_has_a_whole_contract(manifest: dict[str, Any]) -> None:
    published = [m for m in _models(manifest) if m["config"]["meta"].get("publish_to")]
    assert len(published) >= 7
    tables = [m for m in published if m["config"]["materialized"] != "view"]
    assert [m["name"] for m in tables if not m["contract"]["enforced"]] == []
    untyped = [
        f"{model['name']}.{column['name']}"
        for model in tables
        for column in model["columns"].values()
        if not column["data_type"]
    ]
    assert untyped == []


def test_every_test_says_what_a_failure_means(manifest: dict[str, Any]) -> None:
    tests = rules.as_tests(manifest["nodes"]).values()
    core = [t for t in tests if t["resource_type"] == "test" and _of_core(t)]
    assert [t["name"] for t in core if not t["config"]["meta"].get("failure_means")] == []
    assert len(core) > 100


def test_nine_of_ten_models_are_shorter_than_100_lines() -> None:
    lengths = sorted(len(file.read_text().splitlines()) for file in MODELS.rglob("*.sql"))
    assert lengths[math.ceil(0.9 * len(lengths)) - 1] < 100


def test_a_model_of_core_has_a_properties_file_of_its_own() -> None:
    core = {file.stem for file in (MODELS / "core").glob("*.sql")}
    described = {file.stem for file in (MODELS / "core").glob("*.yml") if not file.stem.startswith("_")}
    assert core == described


def _models(manifest: dict[str, Any]) -> Iterator[Node]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def _seeds(manifest: dict[str, Any]) -> Iterator[Node]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "seed")


def _parents(manifest: dict[str, Any], node: Node) -> Iterator[Node]:
    known = manifest["nodes"] | manifest["sources"]
    return (known[name] for name in node["depends_on"]["nodes"])


def _is_state(node: Node) -> bool:
    """What the last build left, which builds there were, and statistics of core: every layer may ask."""
    source = str(node.get("source_name", ""))
    return (
        source.startswith("state_of_")
        or source == "estimates"
        or (source == "ops" and node["name"] in ("builds", "standing"))
    )


def _layer(node: Node) -> str:
    """Folder of a model, of what marts are made of theirs; sources and seeds by their kind."""
    kind = str(node["resource_type"])
    if kind in ("source", "seed"):
        return kind + "s"
    return "marts" if node["fqn"][1:3] == ["intermediate", "marts"] else str(node["fqn"][1])


def _of_core(test: Node) -> bool:
    return str(test["original_file_path"]).startswith("models/core/")


def test_what_there_is_to_do_may_be_done_tomorrow(manifest: dict[str, Any]) -> None:
    """The gate holds no night because claims were filed, alerts ended or goods were disposed of."""
    found = {n["name"] for n in _models(manifest) if (n["config"].get("meta") or {}).get("comes_and_goes")}
    assert found == {
        "disposition_advice", "disposition_backtest", "claims_to_file", "quality_alerts",
        "quality_alert_evidence", "return_forecast", "return_forecast_weeks", "forecast_backtest",
        "forecast_accuracy",
    }  # fmt: skip
