"""The dbt project as this company builds it: where it is, what it is told, what stands in its manifest."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from revlog.companies import seeds
from revlog.companies.company import profile, reporting_currency
from revlog.config.settings import ROOT, settings
from revlog.contracts.contract import all_feeds, feeds, lacks_column
from revlog.transform import rules

PROJECT = ROOT / "dbt_project"
# Optional columns that a rule depends on: without replaces_rma_no nobody can tell what was sent in exchange.
ASKED_COLUMNS = (("erp_sales_lines", "replaces_rma_no"),)


def definitions() -> str:
    """Hash of everything that decides what a model computes."""
    digest = hashlib.sha256(variables().encode())
    for name, content in sorted(seeds.seeds(settings().company).items()):
        digest.update(f"{name}\n{content}".encode())
    for folder in ("macros", "models"):
        for file in sorted((PROJECT / folder).rglob("*.sql")):
            digest.update(str(file.relative_to(PROJECT)).encode())
            digest.update(file.read_bytes())
    digest.update((PROJECT / "dbt_project.yml").read_bytes())
    return digest.hexdigest()


def seeds_folder() -> Path:
    """Where the seeds of this company are written for dbt."""
    return settings().var / "dbt" / "seeds"


def target() -> Path:
    """Where dbt leaves its artifacts."""
    return settings().var / "dbt" / "target"


def variables() -> str:
    """What the company's profile says to dbt, as JSON.

    They are the same at every run: dbt parses the whole project anew where one has changed.
    """
    company = profile()
    return json.dumps(
        {
            "reporting_currency": reporting_currency(),
            "fiscal_year_start_month": company.fiscal_year_start_month,
            "time_zone": company.time_zone,
            "transit_days": company.transit_days,
            "reason_systems": company.reason_systems.model_dump(),
            "feeds_not_carried": sorted(set(all_feeds()) - set(feeds())),
            "columns_not_carried": [f"{f}.{c}" for f, c in ASKED_COLUMNS if lacks_column(f, c)],
        }
    )


def nodes() -> dict[str, dict[str, Any]]:
    """Nodes of the manifest, each rule as a test."""
    return rules.as_tests(manifest())


def manifest() -> dict[str, dict[str, Any]]:
    """Nodes and unit tests of dbt's manifest as they are; none where nothing has been parsed."""
    file = target() / "manifest.json"
    if not file.exists():
        return {}
    return _of_manifest(file, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _of_manifest(file: Path, _written: int) -> dict[str, dict[str, Any]]:
    manifest = json.loads(file.read_text())
    return {**manifest["nodes"], **manifest["unit_tests"]}
