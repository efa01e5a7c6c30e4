"""Tables that the project publishes."""

from __future__ import annotations

import json

from revlog.builds.published import Published
from revlog.database import foreign_keys
from revlog.transform import dbt_process, outcomes, project


def published_tables() -> list[Published]:
    """Models and seeds whose `meta.publish_to` names a public schema, with their primary keys."""
    manifest = project.target() / "manifest.json"
    if not manifest.exists():
        done = dbt_process.run(["parse"])
        if done.returncode:
            raise outcomes.CheckFailed(f"dbt does not understand the project: {outcomes.tail(done)}")
    nodes = json.loads(manifest.read_text())["nodes"].values()
    found = [
        Published(
            node["name"],
            meta["publish_to"],
            tuple(meta["primary_key"]),
            is_view=node["config"]["materialized"] == "view",
            logs_changes=bool(meta.get("logs_changes")),
            history_of=meta.get("history_of"),
            foreign_keys=foreign_keys.of_model(meta["publish_to"], node["name"], meta),
            is_for_views=bool(meta.get("is_for_views")),
            comes_and_goes=bool(meta.get("comes_and_goes")),
        )
        for node in nodes
        if (meta := node["config"].get("meta") or {}).get("publish_to")
    ]
    return sorted(found, key=lambda table: table.name)
