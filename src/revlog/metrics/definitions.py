"""The KPIs as `dbt_project/seeds/kpi_definitions.csv` defines them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from revlog.config.settings import ROOT

# The day that a unit counts on, by basis.
BASES = {
    "SALE": "the day shipped",
    "RETURN": "the day received",
    "REFUND": "the day settled or posted",
    "REQUEST": "the day requested",
    "CLAIM": "the day claimed",
    "STOCK": "the day counted",
    "SNAPSHOT": "the business date",
}
# A level is what stood on a day: days of it are never added up.
LEVELS = ("STOCK", "SNAPSHOT")
SEED = ROOT / "dbt_project" / "seeds" / "kpi_definitions.csv"


@dataclass(frozen=True)
class Kpi:
    """One row of the seed; `row` holds all of its columns by name."""

    name: str
    bases: tuple[str, ...]
    row: dict[str, str]

    @property
    def title(self) -> str:
        """Title for people."""
        return self.row["title"]

    @property
    def matures(self) -> bool:
        """False where the KPI is of what is still open: it has no final rows, its headline counts all."""
        return self.row["matures"] == "true"

    @property
    def is_of_what_is_done(self) -> bool:
        """True where final rows leave out what is still open, so that young days with them look fast."""
        return self.row["counts_open"] == "true"

    def metric(self, basis: str) -> str:
        """Name of the metric of one basis: the KPI's own, and the basis where there are several.

        MetricFlow's names know no dot.
        """
        name = self.name.replace(".", "_").lower()
        return name if len(self.bases) == 1 else f"{name}_{basis.lower()}"


def kpis(seed: Path = SEED) -> list[Kpi]:
    """Every KPI of the seed, in its order."""
    with seed.open(encoding="utf-8", newline="") as file:
        return [_kpi(row) for row in csv.DictReader(file)]


def _kpi(row: dict[str, str]) -> Kpi:
    bases = tuple(basis.strip() for basis in row["bases"].split(","))
    return Kpi(row["kpi"], bases, row)
