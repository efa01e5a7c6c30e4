"""The dbt metrics, made from the KPI definitions: `models/marts/semantic/_kpi_metrics.yml`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from revlog.config.settings import ROOT
from revlog.metrics.definitions import BASES, LEVELS, Kpi, kpis

FILE = ROOT / "dbt_project" / "models" / "marts" / "semantic" / "_kpi_metrics.yml"
WITH_OPEN = "_with_open"
HEAD = "# Made from seeds/kpi_definitions.csv by `revlog metrics write`; do not edit.\n"


class TwoMetricsOfOneName(ValueError):
    """Two KPIs end in the same metric name; rename one of them in the seed."""


def content(definitions: list[Kpi] | None = None) -> str:
    """The file's text; raises TwoMetricsOfOneName."""
    pairs = [(kpi, basis) for kpi in definitions or kpis() for basis in kpi.bases]
    found = [metric for kpi, basis in pairs for metric in _metrics(kpi, basis)]
    twice = [name for name, count in Counter(m["name"] for m in found).items() if count > 1]
    if twice:
        raise TwoMetricsOfOneName(f"{', '.join(twice)}: two KPIs of {FILE.name} share a metric name")
    return HEAD + yaml.dump(
        {"metrics": found}, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=100
    )


def write() -> Path:
    """Write the file; returns its path."""
    FILE.write_text(content(), encoding="utf-8")
    return FILE


def _metrics(kpi: Kpi, basis: str) -> list[dict[str, Any]]:
    """The metric of a KPI and basis, and beside one that is of what is done another of all rows."""
    metric = _metric(kpi, basis, kpi.matures, _counts(kpi, basis))
    if not kpi.is_of_what_is_done:
        return [metric]
    counts = f"All rows, with what is open up to the business date; {metric['name']} is of what is done."
    more = {"name": f"{metric['name']}{WITH_OPEN}", "label": f"{metric['label']}, with what is open"}
    return [metric, _metric(kpi, basis, False, counts) | more]


def _metric(kpi: Kpi, basis: str, is_final: bool, counts: str) -> dict[str, Any]:
    """Ratio of the two sums of `kpi_daily` over the cells of a KPI and basis; of a level, of a day."""
    measure = "kpi_level" if basis in LEVELS else "kpi"
    told = [kpi.row["question"], _sentence(kpi.row["formula"]), kpi.row["caveats"], counts]
    return {
        "name": kpi.metric(basis),
        "label": f"{kpi.title}, by {BASES.get(basis, basis.lower())}",
        "description": " ".join(filter(None, told)),
        "type": "ratio",
        "type_params": {"numerator": f"{measure}_numerator", "denominator": f"{measure}_denominator"},
        "filter": (
            f"{{{{ Dimension('kpi_cell__kpi') }}}} = '{kpi.name}'"
            f" and {{{{ Dimension('kpi_cell__basis') }}}} = '{basis}'"
            + (" and {{ Dimension('kpi_cell__is_mature') }}" if is_final else "")
        ),
        "config": {
            "meta": {
                "kpi": kpi.name,
                "basis": basis,
                "unit": kpi.row["unit"],
                "better": kpi.row["better"],
                "owner": kpi.row["owner"],
            }
        },
    }


def _counts(kpi: Kpi, basis: str) -> str:
    """Which rows the metric goes by."""
    if basis in LEVELS:
        return "On the last day of what is asked for."
    if kpi.is_of_what_is_done:
        return f"Final rows only: of what is done. With what is open: {kpi.metric(basis)}{WITH_OPEN}."
    return "Final rows only." if kpi.matures else "All rows: it is of what is still open."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


class _Indented(yaml.SafeDumper):
    """Lists indented under their key, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)
