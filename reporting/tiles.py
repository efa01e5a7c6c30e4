"""KPI tiles: ratios on each basis with their months, the latest month against the year before, and parts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from decimal import Decimal

from reporting.carried import by_lack, is_lacking
from reporting.snapshots import Row
from reporting.subjects import SUBJECTS, subject_of
from semantic.definitions import LEVELS

MONTHS_SHOWN = 24
MONTHS_COMPARED = 12
SHORT_UNITS = {"hours": "h", "days": "d", "grams": "g"}


@dataclass(frozen=True)
class Point:
    """One month, or one day of a level; `ratio` is None where nothing stands below the line.

    `final_numerator` and `final_denominator` are of its rows that nothing will change any more.
    """

    period: dt.date
    numerator: Decimal
    denominator: Decimal
    is_mature: bool
    final_numerator: Decimal
    final_denominator: Decimal

    @property
    def ratio(self) -> Decimal | None:
        """Numerator over denominator."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True)
class Change:
    """A month that nothing will change any more, beside the months before it taken together."""

    period: dt.date
    ratio: Decimal
    before: Decimal

    @property
    def difference(self) -> Decimal:
        """By how much the month lies above the months before."""
        return self.ratio - self.before


@dataclass(frozen=True)
class Line:
    """One basis (and currency) of a KPI: its sums, and its months from the oldest on.

    The sums are those of final rows. Otherwise `is_final` is False: a level has those of its last day, a KPI
    of what is still open those of all rows.
    """

    basis: str
    currency: str
    numerator: Decimal
    denominator: Decimal
    points: list[Point]
    change: Change | None
    is_final: bool

    @property
    def ratio(self) -> Decimal | None:
        """Numerator over denominator."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True)
class Part:
    """A part of a KPI, such as a component of cost or a bucket of age."""

    kpi: str
    label: str
    line: Line
    share: float


@dataclass
class Tile:
    """What stands in one tile; a KPI that has only parts has no line of its own."""

    kpi: str
    title: str
    definition: Row
    lines: list[Line] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


@dataclass
class Group:
    """Tiles that answer one question, the titles of KPIs without a figure yet, and what others lack."""

    question: str
    tiles: list[Tile]
    empty: list[str]
    lacks: list[tuple[str, list[str]]] = field(default_factory=list)


def audiences(definitions: list[Row], months: list[Row], night: Row | None) -> dict[str, list[Group]]:
    """Groups of tiles by who asks first; none before the first night."""
    if night is None:
        return {}
    return dict(groups(definitions, months, night["business_date"]))


def groups(
    definitions: list[Row], months: list[Row], business_date: dt.date
) -> list[tuple[str, list[Group]]]:
    """Audiences with their groups of tiles, in the order of the questions.

    A KPI that is lacking what it needs has no tile: nothing was counted.
    """
    carried = [row for row in definitions if not is_lacking(row)]
    tiles = {tile.kpi: tile for tile in _tiles(carried, months, business_date)}
    titles = {row["kpi"]: row["title"] for row in carried}
    stems = {row["kpi"].split(".")[0] for row in definitions}
    found: dict[str, list[Group]] = {}
    known = [name for _, _, names in SUBJECTS for name in names]
    rest = tuple(sorted(stems - set(known)))
    for question, audience, names in (*SUBJECTS, (subject_of(""), "operations", rest)):
        empty = [
            title for kpi, title in titles.items() if kpi.split(".")[0] in names and not _shown(kpi, tiles)
        ]
        mine = [row for row in definitions if row["kpi"].split(".")[0] in names]
        group = Group(question, [tiles[name] for name in names if name in tiles], empty, by_lack(mine))
        if mine:
            found.setdefault(audience, []).append(group)
    return list(found.items())


def _shown(kpi: str, tiles: dict[str, Tile]) -> bool:
    tile = tiles.get(kpi.split(".")[0])
    if tile is None:
        return False
    return bool(tile.lines) if "." not in kpi else any(part.kpi == kpi for part in tile.parts)


def _tiles(definitions: list[Row], months: list[Row], business_date: dt.date) -> list[Tile]:
    """One tile a KPI that has figures; parts go into the tile of the name before their dot."""
    lines: dict[str, list[Line]] = {}
    # A warehouse of an older version does not say whether a KPI matures.
    matures = {row["kpi"]: row.get("matures", True) for row in definitions}
    for rows in _by_line([row for row in months if row["kpi"] in matures]):
        kpi = rows[0]["kpi"]
        lines.setdefault(kpi, []).append(_line(rows, business_date, matures[kpi]))
    found: dict[str, Tile] = {}
    for row in sorted(definitions, key=lambda row: str(row["kpi"])):
        kpi = str(row["kpi"])
        stem = kpi.split(".")[0]
        if kpi not in lines:
            continue
        tile = found.setdefault(stem, Tile(stem, _whole(row["title"]), row))
        if kpi == stem:
            tile.title, tile.definition = row["title"], row
            tile.lines = _in_order(lines[kpi], row["bases"])
        else:
            tile.parts += [Part(kpi, _part(row["title"]), line, 0) for line in lines[kpi][:1]]
    for tile in found.values():
        tile.parts = _shares(tile.parts)
    return list(found.values())


def _by_line(months: list[Row]) -> list[list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in months:
        found.setdefault((row["kpi"], row["basis"], row["currency"]), []).append(row)
    return list(found.values())


def _line(rows: list[Row], business_date: dt.date, matures: bool) -> Line:
    points = [
        Point(
            r["period"], r["numerator"], r["denominator"], r["is_mature"], r["final_numerator"],
            r["final_denominator"],
        )
        for r in rows
    ]  # fmt: skip
    is_level = rows[0]["basis"] in LEVELS
    if is_level or not matures:
        counted = [(p.numerator, p.denominator) for p in (points[-1:] if is_level else points)]
    else:
        counted = [(p.final_numerator, p.final_denominator) for p in points]
    return Line(
        rows[0]["basis"], rows[0]["currency"],
        sum((above for above, _ in counted), Decimal(0)), sum((below for _, below in counted), Decimal(0)),
        points[-MONTHS_SHOWN:], None if is_level else _change(points, business_date),
        is_final=matures and not is_level,
    )  # fmt: skip


def _change(points: list[Point], business_date: dt.date) -> Change | None:
    """The newest whole month whose ratio is final, against up to twelve months before it."""
    whole = [
        n
        for n, p in enumerate(points)
        if p.is_mature and p.ratio is not None and _is_over(p.period, business_date)
    ]
    if not whole or not whole[-1]:
        return None
    newest = points[whole[-1]]
    before = points[max(whole[-1] - MONTHS_COMPARED, 0) : whole[-1]]
    below = sum((p.denominator for p in before), Decimal(0))
    if not below or newest.ratio is None:
        return None
    return Change(newest.period, newest.ratio, sum((p.numerator for p in before), Decimal(0)) / below)


def _is_over(month: dt.date, business_date: dt.date) -> bool:
    """True once the month's last day lies behind or is the business date."""
    following = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return following - dt.timedelta(days=1) <= business_date


def _in_order(lines: list[Line], bases: str) -> list[Line]:
    order = [basis.strip() for basis in bases.split(",")]
    return sorted(lines, key=lambda line: order.index(line.basis) if line.basis in order else len(order))


def _shares(parts: list[Part]) -> list[Part]:
    """Parts with their share of the sum: buckets of numbers in their order, others from the largest on."""
    whole = sum((abs(part.line.numerator) for part in parts), Decimal(0))
    found = [replace(p, share=float(abs(p.line.numerator) / whole) if whole else 0.0) for p in parts]
    if all(part.kpi.split(".", 1)[1][:1].isdigit() for part in found):
        return sorted(found, key=lambda part: _first_day(part.kpi))
    return sorted(found, key=lambda part: -part.share)


def _first_day(kpi: str) -> int:
    """Where a bucket of age begins: 8 of `open_return_units.8_14`."""
    return int(kpi.split(".", 1)[1].split("_")[0])


def _part(title: str) -> str:
    """What a part is called: what stands behind the colon of its title."""
    return title.rpartition(":")[2].strip()


def _whole(title: str) -> str:
    """What the parts are parts of: what stands before the colon."""
    return title.rpartition(":")[0].strip() or title


def suffix(unit: str, currency: str) -> str:
    """What to put behind a ratio: a currency, a short unit, or nothing."""
    if "currency" in unit:
        return f" {currency}"
    short = SHORT_UNITS.get(unit.split(" ")[0], "")
    return f" {short}" if short else ""
