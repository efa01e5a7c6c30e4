"""KPIs as the scorecards show them: the period to date, the same days before, and the months behind it.

A headline goes by final rows only, and the last final point of the trend is the headline.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from revlog.metrics.definitions import LEVELS
from revlog.reports.carried import by_lack, is_lacking
from revlog.reports.periods import DAYS_AT_LEAST, Period, period_to_date
from revlog.reports.significance import FALSE_DISCOVERIES, among_many, chance_of_rise
from revlog.reports.snapshots import Row
from revlog.reports.subjects import subject_of, subjects

POINTS_SHOWN = 24
# A level is compared with the newest one that is at least so many days older.
LEVEL_DAYS = 28
# What is counted one by one: of such shares it can be said whether a change is more than chance.
COUNTS = ("units", "orders", "refunds", "labels")
# Units received over units that were shipped on the same days: others, so no share of them.
NO_SHARE = (("product_return_rate", "RETURN"),)


@dataclass(frozen=True)
class Sums:
    """Numerator and denominator of some days, what to call the days, and which they are; None is all."""

    numerator: Decimal
    denominator: Decimal
    days: str
    first: dt.date | None = field(default=None, compare=False)
    last: dt.date | None = field(default=None, compare=False)

    @property
    def ratio(self) -> Decimal | None:
        """Numerator over denominator."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True)
class Point:
    """One month of the trend, or one day of a level; `at` is where it stands on the axis."""

    at: dt.date
    sums: Sums
    is_final: bool


@dataclass(frozen=True)
class Line:
    """One basis (and currency) of a KPI.

    `numerator` and `denominator` are of all days: of final rows, but of a level those of its last day, and
    of what is still open those of all rows (then `is_final` is False). `now` is the headline and `before`
    what it is compared with; None where there is nothing to compare. `chance` is that of a change for the
    worse by luck, None where that can't be told.
    """

    basis: str
    currency: str
    numerator: Decimal
    denominator: Decimal
    now: Sums | None
    before: Sums | None
    points: list[Point]
    is_final: bool
    chance: float | None = None

    @property
    def ratio(self) -> Decimal | None:
        """Numerator over denominator of all days."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def difference(self) -> Decimal | None:
        """By how much the headline lies above the days before."""
        now, before = (sums.ratio if sums else None for sums in (self.now, self.before))
        return None if now is None or before is None else now - before

    @property
    def is_worse(self) -> bool:
        """True where it got worse, and not by chance."""
        return self.chance is not None and self.chance < FALSE_DISCOVERIES


@dataclass(frozen=True)
class Part:
    """A part of a KPI, such as a component of cost or a bucket of age."""

    kpi: str
    label: str
    line: Line
    share: float


@dataclass
class KpiSeries:
    """One KPI; one that has only parts has no line of its own."""

    kpi: str
    title: str
    definition: Row
    lines: list[Line] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    def whole(self) -> Line | None:
        """Where it has only parts, and they are levels: their numerators together, by day; None elsewhere."""
        if self.lines or not self.parts or any(part.line.basis not in LEVELS for part in self.parts):
            return None
        days: dict[dt.date, Decimal] = {}
        for part in self.parts:
            for point in part.line.points:
                days[point.at] = days.get(point.at, Decimal(0)) + point.sums.numerator
        points = [Point(at, Sums(days[at], Decimal(1), _day(at)), True) for at in sorted(days)]
        now = points[-1]
        older = [point for point in points if point.at <= now.at - dt.timedelta(days=LEVEL_DAYS)]
        one = self.parts[0].line
        return Line(
            one.basis, one.currency, now.sums.numerator, Decimal(1), now.sums,
            older[-1].sums if older else None, points, is_final=False,
        )  # fmt: skip

    def named(self) -> list[tuple[str, Line]]:
        """Its lines with the KPI's name; where it has only parts, theirs."""
        if self.lines:
            return [(self.kpi, line) for line in self.lines]
        return [(part.kpi, part.line) for part in self.parts]


@dataclass
class Group:
    """KPIs that answer one question, the titles of those without a figure yet, and what others lack."""

    question: str
    series: list[KpiSeries]
    empty: list[str]
    lacks: list[tuple[str, list[str]]] = field(default_factory=list)


# Groups by who asks them first.
Audiences = dict[str, list[Group]]


def headlines(found: Iterable[list[Group]]) -> list[tuple[str, Line]]:
    """Every line that has a headline, with its KPI; of a KPI that has only parts, those of its parts."""
    return [
        (kpi, line)
        for groups_ in found
        for group in groups_
        for series in group.series
        for kpi, line in series.named()
        if line.now
    ]


def groups(definitions: list[Row], days: list[Row]) -> list[tuple[str, list[Group]]]:
    """Audiences with their groups of KPIs, in the order of the questions.

    A KPI that is lacking what it needs is in none: nothing was counted.
    """
    carried = [row for row in definitions if not is_lacking(row)]
    series = {found.kpi: found for found in _judged(_series(carried, days))}
    titles = {row["kpi"]: row["title"] for row in carried}
    stems = {row["kpi"].split(".")[0] for row in definitions}
    found: dict[str, list[Group]] = {}
    known = [name for _, _, names in subjects() for name in names]
    rest = tuple(sorted(stems - set(known)))
    for question, audience, names in (*subjects(), (subject_of(""), "operations", rest)):
        empty = [
            title for kpi, title in titles.items() if kpi.split(".")[0] in names and not _has(kpi, series)
        ]
        mine = [row for row in definitions if row["kpi"].split(".")[0] in names]
        group = Group(question, [series[name] for name in names if name in series], empty, by_lack(mine))
        if mine:
            found.setdefault(audience, []).append(group)
    return list(found.items())


def got_worse(audiences: Iterable[list[Group]]) -> list[tuple[KpiSeries, Line]]:
    """KPIs that got worse by more than chance, the surest first."""
    found = [
        (series, line)
        for groups_ in audiences
        for group in groups_
        for series in group.series
        for line in series.lines
        if line.is_worse
    ]
    return sorted(found, key=lambda pair: pair[1].chance or 0)


def _has(kpi: str, series: dict[str, KpiSeries]) -> bool:
    found = series.get(kpi.split(".")[0])
    if found is None:
        return False
    return bool(found.lines) if "." not in kpi else any(part.kpi == kpi for part in found.parts)


def _series(definitions: list[Row], days: list[Row]) -> list[KpiSeries]:
    """One entry a KPI that has figures; parts go into that of the name before their dot."""
    lines: dict[str, list[Line]] = {}
    # A warehouse of an older version does not say whether a KPI matures.
    matures = {row["kpi"]: row.get("matures", True) for row in definitions}
    for rows in _by_line([row for row in days if row["kpi"] in matures]):
        kpi = rows[0]["kpi"]
        lines.setdefault(kpi, []).append(line_of(rows, matures[kpi]))
    found: dict[str, KpiSeries] = {}
    for row in sorted(definitions, key=lambda row: str(row["kpi"])):
        kpi = str(row["kpi"])
        stem = kpi.split(".")[0]
        if kpi not in lines:
            continue
        one = found.setdefault(stem, KpiSeries(stem, _whole(row["title"]), row))
        if kpi == stem:
            one.title, one.definition = row["title"], row
            one.lines = _in_order(lines[kpi], row["bases"])
        else:
            one.parts += [Part(kpi, _part(row["title"]), line, 0) for line in lines[kpi][:1]]
    for one in found.values():
        one.parts = _shares(one.parts)
    return list(found.values())


def _by_line(days: list[Row]) -> list[list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in days:
        found.setdefault((row["kpi"], row["basis"], row["currency"]), []).append(row)
    return list(found.values())


def line_of(days: list[Row], matures: bool) -> Line:
    """The line of one KPI, basis and currency from its days, oldest first.

    Each has `day`, `numerator`, `denominator` and `rows`, and of its rows that nothing will change any more
    `final_numerator`, `final_denominator` and `final_rows`.
    """
    basis, currency = days[0]["basis"], days[0]["currency"]
    if basis in LEVELS:
        return _level(days)
    if not matures:
        now = _sum(days, "all that is open", is_final=False)
        months = [
            Point(month, _sum(of, f"{month:%b %Y}", is_final=False), False) for month, of in _months(days)
        ]
        return Line(
            basis, currency, now.numerator, now.denominator, now, None, months[-POINTS_SHOWN:], is_final=False
        )
    whole = _sum(days, "all final days")
    period = period_to_date([(row["day"], row["final_rows"], row["rows"]) for row in days])
    if period is None:
        return Line(basis, currency, whole.numerator, whole.denominator, None, None, [], is_final=True)
    headline, before = _of(period, days), _of(period.same_days_before(), days)
    return Line(
        basis, currency, whole.numerator, whole.denominator, headline, before,
        _trend(days, period, headline)[-POINTS_SHOWN:], is_final=True,
    )  # fmt: skip


def _level(days: list[Row]) -> Line:
    """A level is that of its last day, beside one of about a month before; days are never added up."""
    last = days[-1]
    older = [row for row in days if row["day"] <= last["day"] - dt.timedelta(days=LEVEL_DAYS)]
    points = [Point(row["day"], _sum([row], _day(row["day"]), is_final=False), True) for row in days]
    now = replace(points[-1].sums, first=last["day"], last=last["day"])
    before = _sum(older[-1:], _day(older[-1]["day"]), is_final=False) if older else None
    return Line(
        last["basis"], last["currency"], now.numerator, now.denominator, now, before,
        _thinned(points), is_final=False,
    )  # fmt: skip


def _thinned(points: list[Point]) -> list[Point]:
    """The days of the last month, and of each month before its last."""
    recent = points[-1].at - dt.timedelta(days=LEVEL_DAYS + 3)
    ends = {point.at.replace(day=1): point for point in points if point.at < recent}
    return [*ends.values(), *(point for point in points if point.at >= recent)][-2 * POINTS_SHOWN :]


def _trend(days: list[Row], period: Period, now: Sums | None) -> list[Point]:
    """Months up to the headline's, final; then whole ones, or most of one, that may still change."""
    found = []
    for month, of in _months(days):
        if month < period.first:
            found.append(Point(month, _sum(of, f"{month:%b %Y}"), True))
        elif month == period.first:
            found += [Point(month, now, True)] if now else []
        elif of[-1]["day"].day >= DAYS_AT_LEAST:
            so_far = str(Period(of[-1]["day"]))
            found.append(Point(month, _sum(of, so_far, is_final=False), False))
    return [point for point in found if point.sums.ratio is not None]


def _months(days: list[Row]) -> list[tuple[dt.date, list[Row]]]:
    found: dict[dt.date, list[Row]] = {}
    for row in days:
        found.setdefault(row["day"].replace(day=1), []).append(row)
    return sorted(found.items())


def _of(period: Period, days: list[Row]) -> Sums | None:
    """Final rows of the period; None where it has none."""
    mine = [row for row in days if row["day"] in period]
    if not mine:
        return None
    found = replace(_sum(mine, str(period)), first=mine[0]["day"], last=mine[-1]["day"])
    return found if found.denominator else None


def _sum(days: list[Row], name: str, is_final: bool = True) -> Sums:
    above, below = (f"{'final_' if is_final else ''}{part}" for part in ("numerator", "denominator"))
    return Sums(
        sum((row[above] for row in days), Decimal(0)), sum((row[below] for row in days), Decimal(0)), name
    )


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"


def _judged(found: list[KpiSeries]) -> list[KpiSeries]:
    """The same, with the chance of each change for the worse of what is counted one by one."""
    tested = [(one, n) for one in found for n, line in enumerate(one.lines) if _is_share(one, line)]
    chances = among_many([_chance(one.lines[n], one.definition["better"]) for one, n in tested])
    for (one, n), chance in zip(tested, chances, strict=True):
        one.lines[n] = replace(one.lines[n], chance=chance)
    return found


def _is_share(series: KpiSeries, line: Line) -> bool:
    unit = series.definition.get("numerator_unit")
    return bool(
        unit in COUNTS
        and unit == series.definition.get("denominator_unit")
        and (series.kpi, line.basis) not in NO_SHARE
        and line.basis not in LEVELS
        and line.now
        and line.before
        and all(0 <= sums.numerator <= sums.denominator for sums in (line.now, line.before))
    )


def _chance(line: Line, better: str) -> float:
    """That of a change for the worse: a rise where down is better, else a rise of the rest."""
    assert line.now and line.before  # _is_share has looked
    hits = [
        (int(s.numerator if better == "down" else s.denominator - s.numerator), int(s.denominator))
        for s in (line.now, line.before)
    ]
    return chance_of_rise(*hits[0], *hits[1])


def _in_order(lines: list[Line], bases: str) -> list[Line]:
    order = [basis.strip() for basis in bases.split(",")]
    return sorted(lines, key=lambda line: order.index(line.basis) if line.basis in order else len(order))


def _shares(parts: list[Part]) -> list[Part]:
    """Parts with their share of the sum: buckets of numbers in their order, others from the largest on."""
    tops = [part.line.now.numerator if part.line.now else Decimal(0) for part in parts]
    whole = sum(map(abs, tops), Decimal(0))
    found = [
        replace(part, share=float(abs(top) / whole) if whole else 0.0)
        for part, top in zip(parts, tops, strict=True)
    ]
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
