"""What of a night the estimates take, with the models that exist only to tell them."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.report import Row
from revlog.config.settings import settings
from revlog.estimates import step
from revlog.transform import build, plan

FOLDERS = ("models/intermediate/marts/advice/", "models/marts/advice/")
PAIRS = 3


@dataclass(frozen=True)
class Marts:
    """Seconds that the marts of a build take with advice and without, and how many models that is."""

    whole: float
    bare: float
    models: int

    def beside(self, rest: float) -> list[Row]:
        """What advice adds to a night of which all but the marts takes `rest` seconds."""
        night, more = rest + self.whole, self.whole - self.bare
        what = f"  of it estimates and the {self.models} models that only tell them: with them less without"
        return [Row(what, f"{more:.1f} s", f"{night:.1f} s", more / night, "<= 0.1")]


def measure(build_id: int) -> Marts:
    """Make the marts of a build again and again, in pairs: with advice, and with nothing of it.

    Leaves all of them as the build has them.
    """
    ours = models(json.loads((settings().var / "dbt" / "target" / "manifest.json").read_text())["nodes"])
    read = plan.read

    def without(file: Path, target: Path) -> plan.Plan | None:
        planned = read(file, target)
        return planned and less(planned, ours)

    whole, bare = [], []
    for _ in range(PAIRS):
        with mock.patch.object(plan, "read", without), mock.patch.object(step, "ESTIMATES", ()):
            bare.append(_seconds(build_id))
        whole.append(_seconds(build_id))
    return Marts(statistics.median(whole), statistics.median(bare), len(ours))


def _seconds(build_id: int) -> float:
    began = time.perf_counter()
    build.run_layer(build_id, "marts")
    return time.perf_counter() - began


def less(planned: plan.Plan, names: set[str]) -> plan.Plan:
    """The plan without these nodes, and without all that waits for them."""
    gone = set(names)
    while more := {n for n, node in planned.nodes.items() if gone & set(node.waits_for)} - gone:
        gone |= more
    return replace(planned, nodes={n: node for n, node in planned.nodes.items() if n not in gone})


def models(nodes: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The models of FOLDERS, and those of marts that nothing else reads."""
    built = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    readers: dict[str, set[str]] = {name: set() for name in built}
    for name, node in built.items():
        for parent in node["depends_on"]["nodes"]:
            readers.get(parent, set()).add(name)
    ours = {name for name, node in built.items() if node["original_file_path"].startswith(FOLDERS)}
    while more := {name for name, by in readers.items() if by and by <= ours} - ours:
        ours |= more
    return ours
