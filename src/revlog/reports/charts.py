"""The scorecards' charts as Vega-Lite; each value brings its number `n` and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from revlog.reports.kpi_series import Line, Point
from revlog.reports.snapshots import Row

# The page sets `at` to the value that the reader points at, or has stepped to; -1 is none.
POINTED = {"name": "at", "value": -1}
PLAIN = {"condition": {"test": "at < 0 || datum.n === at", "value": 1}, "value": 0.4}


@dataclass(frozen=True)
class Chart:
    """What a screen reader calls it, the specification, and what is said of each value, in their order."""

    title: str
    spec: dict[str, Any]
    texts: list[str]

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script reads."""
        return {"spec": self.spec, "texts": self.texts}


def trend(
    title: str, line: Line, unit: str, said: Callable[[Point], str], target: Decimal | None = None
) -> Chart | None:
    """The months of a KPI, or the days of a level; None where there are fewer than two.

    What is final is a solid line, what may still change a dashed one.
    """
    points = [point for point in line.points if point.sums.ratio is not None]
    if len(points) < 2:
        return None
    final = sum(point.is_final for point in points)
    values = [
        {"n": n, "x": point.at.isoformat(), "y": float(point.sums.ratio or 0), "final": point.is_final}
        for n, point in enumerate(points)
    ]
    most = max(abs(float(size)) for size in [*(point.sums.ratio or 0 for point in points), target or 0])
    # The dashed part begins where the solid one ends.
    dashed = f"!datum.final || datum.n === {final - 1}"
    layer: list[dict[str, Any]] = [
        _line("datum.final", {"strokeWidth": 2}, area=True),
        _line(dashed, {"strokeWidth": 2, "strokeDash": [4, 4]}),
        {
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
            "transform": [{"filter": f"datum.n === (at < 0 ? {(final or len(points)) - 1} : at)"}],
        },
    ]
    if target is not None:
        layer.append(
            {
                "data": {"values": [{"target": float(target)}]},
                "mark": {"type": "rule", "strokeDash": [2, 3], "color": "target"},
                "encoding": {"y": {"field": "target", "type": "quantitative"}, "x": None},
            }
        )
    for part in layer[:3]:
        part["encoding"] = {
            "x": {
                "field": "x", "type": "temporal", "scale": {"type": "utc"}, "title": None,
                "axis": {"format": "%b %y", "tickCount": 4, "labelOverlap": True, "grid": False},
            },
            "y": {
                "field": "y", "type": "quantitative", "title": None,
                "axis": {"tickCount": 3, "format": _format(unit, most)},
                # Where all is zero there is one place on the axis.
                **({} if most else {"scale": {"domain": [0, 1]}, "axis": {"values": [0], "format": "~f"}}),
            },
        }  # fmt: skip
    spec = _spec(96, values) | {"layer": layer}
    return Chart(title, spec, [said(point) for point in points])


def _line(keep: str, look: dict[str, Any], area: bool = False) -> dict[str, Any]:
    mark: dict[str, Any] = {"type": "line", "interpolate": "linear", **look}
    if area:
        mark = {"type": "area", "line": look, "opacity": 0.12}
    return {"mark": mark, "transform": [{"filter": keep}]}


def bars(
    title: str, rows: list[Row], along: str, parts: tuple[str, str], value: str, said: Callable[[Row], str],
    order: list[str] | None = None,
) -> Chart | None:  # fmt: skip
    """Horizontal bars: one a value of `along`, stacked by the column that `parts` names; None without rows.

    `parts` is the column and what its legend is called; `order` are its values, the first at the axis.
    """
    if not rows:
        return None
    column, legend = parts
    names = list(dict.fromkeys([*(order or ()), *(str(row[column]) for row in rows)]))
    places = list(dict.fromkeys(str(row[along]) for row in rows))
    values = [
        {"n": n, "along": str(row[along]), "part": str(row[column]), "value": float(row[value]),
         "place": names.index(str(row[column]))}
        for n, row in enumerate(rows)
    ]  # fmt: skip
    spec = _spec(26 * len(places), values) | {
        "mark": {"type": "bar", "cornerRadius": 2, "stroke": "paper", "strokeWidth": 1},
        "encoding": {
            "y": {
                "field": "along", "type": "nominal", "sort": places, "title": None,
                "axis": {"ticks": False, "domain": False},
            },
            "x": {
                "field": "value", "type": "quantitative", "title": None,
                "axis": {"tickCount": 4, "tickMinStep": 1, "format": ",.0f"},
            },
            "color": {
                "field": "part", "type": "nominal", "sort": names,
                # One colour for one value in every chart of a kind.
                **({"scale": {"domain": names}} if order else {}),
                "legend": {"title": legend, "orient": "top"},
            },
            "order": {"field": "place", "type": "quantitative"},
            "opacity": PLAIN,
        },
    }  # fmt: skip
    return Chart(title, spec, [said(row) for row in rows])


def columns(
    title: str, rows: list[Row], at: str, value: str, said: Callable[[Row], str], usual: float | None = None
) -> Chart | None:
    """Columns in the order of the rows, with a line at what is usual; None where there are fewer than two."""
    if len(rows) < 2:
        return None
    values = [{"n": n, "at": str(row[at]), "value": float(row[value])} for n, row in enumerate(rows)]
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "cornerRadius": 2},
            "encoding": {
                "x": {
                    "field": "at", "type": "ordinal", "sort": None, "title": None,
                    "axis": {"labelAngle": 0, "labelOverlap": True, "ticks": False},
                },
                "y": {"field": "value", "type": "quantitative", "title": "seconds", "axis": {"tickCount": 4}},
                "opacity": PLAIN,
            },
        }
    ]  # fmt: skip
    if usual is not None:
        layer.append(
            {
                "data": {"values": [{"usual": usual}]},
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": "target"},
                "encoding": {"y": {"field": "usual", "type": "quantitative"}},
            }
        )
    return Chart(title, _spec(150, values) | {"layer": layer}, [said(row) for row in rows])


def _spec(height: int, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "width": "container", "height": height, "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"name": "values", "values": values}, "params": [POINTED],
    }  # fmt: skip


def _format(unit: str, most: float) -> str:
    """How an axis up to `most` writes its numbers, as d3 has it: as many decimals as three ticks need."""
    size = most * 100 if unit == "ratio" else most
    decimals = max(0, 1 - math.floor(math.log10(size))) if size else 0
    return f".{decimals}~%" if unit == "ratio" else f",.{decimals}~f"
