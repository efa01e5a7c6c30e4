"""Small pictures of the scorecard as SVG: a line of months."""

from __future__ import annotations

from dataclasses import dataclass

from reporting.tiles import Point

WIDTH, HEIGHT, TOP, BOTTOM = 300, 56, 5, 51


@dataclass(frozen=True)
class Spark:
    """A line from zero to its highest month: the part that is final, and the part that may change."""

    final: str
    open: str
    area: str
    dot: tuple[float, float] | None
    zones: list[tuple[float, float, Point]]
    first: Point
    last: Point


def spark(points: list[Point]) -> Spark | None:
    """Lay the months out; None where there are fewer than two with a ratio."""
    found = [point for point in points if point.ratio is not None]
    if len(found) < 2:
        return None
    ratios = [float(point.ratio or 0) for point in found]
    highest, lowest = max(*ratios, 0.0), min(*ratios, 0.0)
    span = (highest - lowest) or 1.0
    step = WIDTH / (len(found) - 1)
    places = [
        (round(n * step, 1), round(BOTTOM - (BOTTOM - TOP) * (ratio - lowest) / span, 1))
        for n, ratio in enumerate(ratios)
    ]
    final = next((n for n, point in enumerate(found) if not point.is_mature), len(found))
    return Spark(
        _path(places[:final]), _path(places[max(final - 1, 0) :]) if final < len(found) else "",
        _area(places), places[final - 1] if final else None,
        [(round(x - step / 2, 1), round(step, 1), p) for (x, _), p in zip(places, found, strict=True)],
        found[0], found[-1],
    )  # fmt: skip


def _path(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _area(places: list[tuple[float, float]]) -> str:
    return f"{places[0][0]},{BOTTOM} {_path(places)} {places[-1][0]},{BOTTOM}"
