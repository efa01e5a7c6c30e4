"""What a KPI's card says of each of its lines: headline, change, target, the night before, trend and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from revlog.reports import charts
from revlog.reports.kpi_series import Group, KpiSeries, Line, Point, Sums
from revlog.reports.nights import Night
from revlog.reports.snapshots import Row
from revlog.reports.tables import Column, Table
from revlog.reports.units import CURRENCY, counted, counted_in, shown, shown_in

# Parts of a plain ratio below which a change is none.
LEAST_POINTS, LEAST_PERCENT = Decimal("0.0005"), Decimal("0.005")


@dataclass(frozen=True)
class KpiCards:
    """`slices` are the rows behind the headlines, `dictionary` is where its pages are, seen from the page."""

    slices: list[Row]
    night: Night
    targets: Mapping[str, Decimal]
    dictionary: str
    cycle: Row | None = None
    has_dictionary: bool = True

    def value(self, series: KpiSeries, line: Line) -> str:
        """The headline with its unit."""
        return self._shown(series, line, line.now)

    def _shown(self, series: KpiSeries, line: Line, sums: Sums | None) -> str:
        return shown_in(sums.ratio if sums else None, series.definition["unit"], line.currency)

    def sums(self, series: KpiSeries, line: Line, sums: Sums) -> str:
        """Numerator over denominator, each with its unit."""
        above, below = (series.definition.get(name) or "" for name in ("numerator_unit", "denominator_unit"))
        return (
            f"{counted_in(sums.numerator, above, line.currency)} / "
            f"{counted_in(sums.denominator, below, line.currency)}"
        )

    def change(self, series: KpiSeries, line: Line) -> str:
        """By how much the headline differs from the days before: points of a plain ratio, else per cent."""
        if line.difference is None or line.before is None:
            return ""
        was = line.before.ratio or Decimal(0)
        if series.definition["unit"] == "ratio":
            size, least = f"{abs(line.difference) * 100:.1f} points", LEAST_POINTS
            is_none = abs(line.difference) < least
        else:
            part = abs(line.difference / was) if was else None
            size, is_none = (
                (f"{part:.0%}", part < LEAST_PERCENT) if part is not None else ("", not line.difference)
            )
        before = f"{self._shown(series, line, line.before)} in {line.before.days}"
        if is_none:
            return f"as {before}"
        return f"{'▲' if line.difference > 0 else '▼'} {size} from {before}".replace("  ", " ")

    def verdict(self, series: KpiSeries, line: Line) -> str:
        """Whether it is better (good) or worse (bad) than the days before; soft where as good as the same."""
        if not line.difference or self.change(series, line).startswith("as "):
            return "soft"
        return "good" if (line.difference > 0) == (series.definition["better"] == "up") else "bad"

    def target(self, series: KpiSeries, line: Line) -> str:
        """The company's target and whether it is met; empty where it sets none."""
        goal = self.targets.get(series.kpi)
        if goal is None:
            return ""
        sign = "≥" if series.definition["better"] == "up" else "≤"
        text = f"target {sign} {shown_in(goal, series.definition['unit'], line.currency)}"
        ratio = line.now.ratio if line.now else None
        if ratio is None:
            return text
        return f"{text}: {'met' if self.is_met(series, line) else 'missed'}"

    def is_met(self, series: KpiSeries, line: Line) -> bool:
        """True where the headline is as good as the target, or there is none."""
        goal, ratio = self.targets.get(series.kpi), line.now.ratio if line.now else None
        if goal is None or ratio is None:
            return True
        return ratio >= goal if series.definition["better"] == "up" else ratio <= goal

    def since(self, series: KpiSeries, line: Line) -> str:
        """The headline of the night before; empty where none is kept."""
        was = self.night.figures.get(name_of(series, line))
        if self.night.date is None or was is None:
            return ""
        return f"{self.night.date.day} {self.night.date:%b}: {was}"

    def chart(self, series: KpiSeries, line: Line) -> charts.Chart | None:
        """Its trend."""

        def said(point: Point) -> str:
            told = f"{point.sums.days}: {self._shown(series, line, point.sums)}"
            if not series.definition["numerator_unit"]:
                return told
            sums = f"{counted(point.sums.numerator)} / {counted(point.sums.denominator)}"
            return f"{told} ({sums}){'' if point.is_final else ', may still change'}"

        title = f"{series.title}, {line.basis}: {len(line.points)} months or days"
        return charts.trend(title, line, series.definition["unit"], said, self.targets.get(series.kpi))

    def rows(self, series: KpiSeries) -> list[Table]:
        """What trend and headline are made of: the one by time, the other by channel, category and site.

        The rows of each of the three add up to the headline; of a KPI that has only parts, to each part.
        """
        unit = series.definition["unit"]
        columns = (
            Column("basis", "Basis"),
            *([] if series.lines else [Column("part", "Part")]),
            Column("of", "Of"),
            Column("value", "What"),
            Column("days", "Days", "day"),
            Column("numerator", _heading("Numerator", series, "numerator_unit"), "number"),
            Column("denominator", _heading("Denominator", series, "denominator_unit"), "number"),
            Column(
                "ratio",
                "Ratio" if unit == "ratio" else f"Ratio, {unit}",
                "share" if unit == "ratio" else "amount",
            ),
            Column("final", "Final"),
        )
        labels = {part.kpi: part.label for part in series.parts}
        found = [
            _row(line.basis, "time", point.sums.days, point.sums, "yes" if point.is_final else "not yet")
            | {"part": labels.get(kpi, "")}
            for kpi, line in series.named()
            for point in reversed(line.points)
        ]
        of = {(kpi, line.basis, line.currency): line for kpi, line in series.named() if line.now}
        for row in self.slices:
            line_ = of.get((row["kpi"], row["basis"], row["currency"]))
            if line_ is None or line_.now is None:
                continue
            sums = Sums(row["numerator"], row["denominator"], line_.now.days)
            final = "yes" if line_.is_final else "as of now"
            found.append(
                _row(line_.basis, row["dimension"], row["value"], sums, final)
                | {"part": labels.get(row["kpi"], "")}
            )
        if not found:
            return []
        query = f"select * from marts.kpi_daily where kpi = '{series.kpi}'"
        if not series.lines:
            query = f"select * from marts.kpi_daily where split_part(kpi, '.', 1) = '{series.kpi}'"
        return [
            Table(
                f"kpi-{series.kpi.replace('_', '-')}",
                f"{series.title}: rows",
                columns,
                found,
                len(found),
                query,
            )
        ]

    def whole(self, series: KpiSeries) -> KpiSeries | None:
        """Parts of a level together, as a KPI with one line in the unit of their numerators; None without."""
        line = series.whole()
        if line is None:
            return None
        unit = series.definition.get("numerator_unit") or ""
        own = {"unit": f"reporting {CURRENCY}" if unit == CURRENCY else unit, "numerator_unit": ""}
        return KpiSeries(series.kpi, series.title, {**series.definition, **own}, [line])

    def worse(self, series: KpiSeries, line: Line) -> str:
        """Says that a change is more than chance; empty where it is not, or can't be told."""
        if not line.is_worse or line.chance is None:
            return ""
        return f"worse by more than chance (p {max(line.chance, 0.0001):.4f})"


def name_of(series: KpiSeries, line: Line) -> str:
    """Name of a headline among the figures of a night."""
    return f"kpi:{series.kpi}:{line.basis}:{line.currency}"


def figures_of(audiences: Mapping[str, Iterable[Group]]) -> dict[str, str]:
    """Each headline with its unit and days, to be kept for the next night."""
    return {
        name_of(series, line): f"{shown_in(line.now.ratio, series.definition['unit'], line.currency)} in"
        f" {line.now.days}"
        for groups in audiences.values()
        for group in groups
        for series in group.series
        for line in series.lines
        if line.now
    }


def part_value(series: KpiSeries, line: Line) -> str:
    """What stands beside a part: its ratio where the whole has one, else its numerator."""
    if series.lines and line.now:
        return shown(line.now.ratio, series.definition["unit"])
    unit = series.definition.get("numerator_unit") or ""
    return counted_in(line.now.numerator if line.now else None, unit, line.currency)


def _heading(word: str, series: KpiSeries, name: str) -> str:
    """Heading of a sum with its unit."""
    unit = series.definition.get(name) or ""
    if unit == "currency":
        unit = next((line.currency for line in series.lines), unit)
    name, sign, times = unit.partition(" × ")
    if sign:
        return f"{word}, {times} times the {name}"
    return f"{word}, {unit}" if unit else word


def _row(basis: str, of: str, value: str, sums: Sums, final: str) -> Row:
    return {
        "basis": basis,
        "of": of,
        "value": value,
        "days": sums.days,
        "numerator": sums.numerator,
        "denominator": sums.denominator,
        "ratio": sums.ratio,
        "final": final,
    }
