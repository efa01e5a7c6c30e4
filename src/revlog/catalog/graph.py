"""The lineage picture: feeds, core, published tables and readers in four lanes, with curves between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from revlog.catalog.book import PUBLISHED, Book, Ref

LANE_WIDTH, NODE_WIDTH, NODE_HEIGHT, STEP, TOP = 300, 212, 23, 28, 40
SWEEPS = 8


@dataclass(frozen=True)
class Box:
    """One table or reader of the picture, in the units of its view box."""

    id: str
    name: str
    hint: str
    layer: str
    url: str
    x: float
    y: float
    width: float = NODE_WIDTH
    height: float = NODE_HEIGHT


@dataclass(frozen=True)
class Curve:
    """One arrow, from the right side of its start to the left side of its end."""

    start: str
    end: str
    path: str


@dataclass(frozen=True)
class Lane:
    """A column of the picture."""

    title: str
    x: float


@dataclass(frozen=True)
class Graph:
    """The picture: its size, lanes, boxes and curves."""

    width: float
    height: float
    lanes: list[Lane]
    nodes: list[Box]
    edges: list[Curve]


def draw(book: Book) -> Graph:
    """Lay the picture out; neighbours in a lane share as many neighbours in the next as may be."""
    lanes = [
        [t.id for t in book.of("feed")],
        [t.id for t in book.of("core")],
        [t.id for t in book.of(*PUBLISHED)],
        [f"reader.{r.name}" for r in book.readers],
    ]
    edges = _edges(book, lanes)
    lanes = [[n for n in lane if any(n in edge for edge in edges)] for lane in lanes]
    _untangle(lanes, edges)
    titles = ("Feeds", "Core", "Published", "Readers")
    height = TOP + STEP * max(len(lane) for lane in lanes) + 10
    boxes = [_box(book, n, x, y) for n, x, y in _places(lanes, height)]
    return Graph(
        LANE_WIDTH * 3 + NODE_WIDTH + 2, height,
        [Lane(title, LANE_WIDTH * n + 1) for n, title in enumerate(titles)],
        boxes, _curves(boxes, edges),
    )  # fmt: skip


def _edges(book: Book, lanes: list[list[str]]) -> list[tuple[str, str]]:
    """Ways that values take from one lane to a later one, steps between them left out."""
    shown = {node for lane in lanes for node in lane}
    found = [
        (start, table)
        for lane in lanes[1:3]
        for table in lane
        for start in _nearest(book, table, shown - set(lane))
    ]
    found += [(table, f"reader.{r.name}") for r in book.readers for table in r.tables if table in shown]
    return sorted(set(found))


def _nearest(book: Book, table: str, shown: set[str]) -> set[str]:
    """Tables of the picture whose values come here without another of the picture between."""
    found: set[str] = set()
    seen: set[Ref] = set()
    ahead = [ref for column in book.tables[table].columns.values() for ref in column.origins]
    while ahead:
        ref = ahead.pop()
        if ref in seen:
            continue
        seen.add(ref)
        if ref[0] in shown:
            found.add(ref[0])
        else:
            ahead += book.column(ref).origins
    return found


def _untangle(lanes: list[list[str]], edges: list[tuple[str, str]]) -> None:
    """Sort each lane by the mean place of its neighbours, to and fro."""
    around: dict[str, set[str]] = {}
    for start, end in edges:
        around.setdefault(start, set()).add(end)
        around.setdefault(end, set()).add(start)
    for sweep in range(SWEEPS):
        order = range(1, len(lanes)) if sweep % 2 == 0 else range(len(lanes) - 2, -1, -1)
        for number in order:
            beside = lanes[number - 1 if sweep % 2 == 0 else number + 1]
            place = {node: index / max(len(beside) - 1, 1) for index, node in enumerate(beside)}
            means = {n: _mean(place[m] for m in around[n] if m in place) for n in lanes[number]}
            lanes[number].sort(key=lambda node: (means[node], node))


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.5


def _places(lanes: list[list[str]], height: float) -> list[tuple[str, float, float]]:
    """Each lane fills the height evenly."""
    found = []
    for number, lane in enumerate(lanes):
        step = (height - TOP - 10) / max(len(lane), 1)
        found += [
            (node, LANE_WIDTH * number + 1.0, round(TOP + step * index + (step - NODE_HEIGHT) / 2, 1))
            for index, node in enumerate(lane)
        ]
    return found


def _box(book: Book, node: str, x: float, y: float) -> Box:
    if node in book.tables:
        table = book.tables[node]
        return Box(node, table.name, table.description, table.layer, table.url, x, y)
    reader = next(r for r in book.readers if node == f"reader.{r.name}")
    return Box(node, reader.title, reader.description, "reader", f"readers.html#{reader.name}", x, y)


def _curves(boxes: list[Box], edges: list[tuple[str, str]]) -> list[Curve]:
    at = {box.id: box for box in boxes}
    return [Curve(start, end, _path(at[start], at[end])) for start, end in edges]


def _path(start: Box, end: Box) -> str:
    x, y = start.x + start.width, start.y + start.height / 2
    to_x, to_y = end.x, end.y + end.height / 2
    middle = (x + to_x) / 2
    return f"M{x:.0f} {y:.1f}C{middle:.0f} {y:.1f} {middle:.0f} {to_y:.1f} {to_x:.0f} {to_y:.1f}"
