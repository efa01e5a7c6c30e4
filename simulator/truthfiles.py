"""Writes the truth of every business date beside, and apart from, the exports."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from simulator.company import DAY, Company, Items, Rates, epoch
from simulator.exports import FileTruth, landed
from simulator.feeds import World
from simulator.groups import group_legs, period_rows, reconciliation_rows
from simulator.reconcile import COLUMNS, LEGS, PERIOD_COLUMNS, Reconciliation
from simulator.render import content, csv_lines
from simulator.stock import Stock, snapshot_days
from simulator.truth import KnownReturns, money
from simulator.truth.cycle import cycle_table
from simulator.truth.every_kpi import KpiTruth


class Night:
    """Truth of one business date, added up block by block; groups go to their file at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.kpis = KpiTruth()
        self.classes: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        self.groups = 0
        pd.DataFrame(columns=list(COLUMNS)).to_csv(folder / "reconciliation.csv", index=False)
        pd.DataFrame(columns=list(PERIOD_COLUMNS)).to_csv(folder / "reconciliation_periods.csv", index=False)

    def add(self, world: World, night: int) -> None:
        """Add one block as known on this date."""
        known = KnownReturns(world, night)
        self.kpis.add(known)
        reconciled = Reconciliation(known)
        self.kpis.add_groups(known, group_legs(reconciled))
        found = reconciliation_rows(reconciled)
        self.groups += found["group_key"].nunique()
        for (gap, name, currency), part in found.groupby(["gap", "class", "currency"]):
            cell = self.classes[gap, name, currency]
            cell[0] += len(part)
            cell[1] += int(part["amount"].sum())
        self._append("reconciliation.csv", found, [*LEGS, "amount"])
        self._append("reconciliation_periods.csv", period_rows(reconciled), ["amount"])

    def _append(self, name: str, rows: pd.DataFrame, amounts: list[str]) -> None:
        texts = rows.assign(**{column: [money(int(cents)) for cents in rows[column]] for column in amounts})
        texts = texts.sort_values(["group_key", "gap", "class"])
        texts.to_csv(self.folder / name, mode="a", header=False, index=False)

    def finish(self, files: list[FileTruth]) -> None:
        """Write what has been added up; `files` are all that have landed up to this date."""
        self._write_texts("kpi_daily.csv", self.kpis.cells.published())
        self._write("return_cycle_time.csv", cycle_table(self.kpis.spans.table()))
        self._write("files.csv", _file_table(files))
        bad = [(file.name, line, reason) for file in files for line, reason in file.bad]
        self._write("quarantine.csv", pd.DataFrame(bad, columns=["file", "line_no", "reason"]))
        text = json.dumps(self._counts(files), indent=2, sort_keys=True)
        (self.folder / "counts.json").write_text(text + "\n")

    def _write_texts(self, name: str, tables: Iterable[pa.Table]) -> None:
        """Write tables of texts that hold no comma, one after the other."""
        with (self.folder / name).open("wb") as file:
            for number, table in enumerate(tables):
                if number == 0:
                    file.write((",".join(table.column_names) + "\n").encode())
                file.write(content(csv_lines(dict(zip(table.column_names, table.columns, strict=True)))))

    def _write(self, name: str, table: pd.DataFrame) -> None:
        table.convert_dtypes().to_csv(self.folder / name, index=False)

    def _counts(self, files: list[FileTruth]) -> dict[str, object]:
        by_feed: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for file in files:
            for name in ("parsed", "loaded", "quarantined", "duplicate", "control"):
                by_feed[file.feed][name] += getattr(file, name)
                by_feed["all"][name] += getattr(file, name)
            by_feed[file.feed][f"files_{file.status}"] += 1
            by_feed["all"][f"files_{file.status}"] += 1
        classes = [
            {"gap": gap, "class": name, "currency": currency, "rows": rows, "amount": money(cents)}
            for (gap, name, currency), (rows, cents) in sorted(self.classes.items())
        ]
        return {
            "feeds": by_feed,
            "kpis": self.kpis.cells.totals(),
            "groups": self.groups,
            "reconciliation": classes,
        }


def _file_table(files: list[FileTruth]) -> pd.DataFrame:
    names = ("name", "feed", "status", "parsed", "loaded", "quarantined", "duplicate", "control")
    rows = [[getattr(file, name) for name in names] for file in files]
    return pd.DataFrame(rows, columns=list(names))


class Truth:
    """Truth of all business dates of a company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.nights = [Night(company.truth / date.isoformat()) for date in company.dates]

    def add(self, world: World) -> None:
        """Add one block to every business date."""
        for night, truth in enumerate(self.nights):
            truth.add(world, night)

    def add_stock(self, items: Items, rates: Rates, stock: Stock) -> None:
        """Add returned stock to every business date, once all blocks are in."""
        table = stock.cells.table()
        nights = {epoch(date) // DAY: night for night, date in snapshot_days(self.company)}
        written = table["day"].map(nights)
        for night, truth in enumerate(self.nights):
            truth.kpis.add_stock(items, rates, table[written <= night])

    def finish(self, files: list[FileTruth]) -> None:
        """Write all; each date with the files that have landed by then."""
        for night, truth in enumerate(self.nights):
            truth.finish(landed(files, night))
