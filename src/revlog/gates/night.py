"""Which files a gate judges, and what the recent past was like."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from revlog.builds.judged import Build
from revlog.companies.company import profile
from revlog.contracts.contract import Contract, feeds, load_contract
from revlog.gates.usual import RECENT_DAYS, earliest_usual_end, usual

# Fewer rows than this scatter too much to be compared: orders come in lumps.
LEAST_ROWS = 100
# A feed whose run covers more days than this is a history load: nothing to compare it with.
HISTORY_DAYS = 7
# Enough of a file's end to hold the recent days of a history file, and cheap to read.
TAIL_RECORDS = 200_000


@dataclass(frozen=True)
class File:
    """A file of the ledger that is not published yet."""

    file_id: int
    feed: str
    name: str
    business_date: dt.date
    status: str
    rows: int
    run_date: dt.date


@dataclass(frozen=True)
class Volume:
    """Rows that a feed brought for a business date, and what was to be expected."""

    feed: str
    business_date: dt.date
    rows: int
    low: float | None
    high: float | None
    basis: str


@dataclass(frozen=True)
class Ending:
    """When a feed's last event of a business date was, in minutes since its midnight UTC, and from
    when on that is usual."""

    feed: str
    business_date: dt.date
    last_minute: float
    earliest: float


@dataclass(frozen=True)
class Night:
    """What one run of the gates is about."""

    business_date: dt.date
    files: tuple[File, ...]
    contracts: dict[str, Contract] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    endings: tuple[Ending, ...] = ()
    earlier: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)
    touched_units: int = 0
    as_of: dt.date | None = None
    relations: frozenset[str] = frozenset()
    is_set_back: bool = False

    def active(self, feed: str) -> list[File]:
        """Return the files of a feed whose rows count and are not published yet."""
        return [f for f in self.files if f.feed == feed and f.status == "loaded"]

    def rows(self, feed: str) -> int:
        """Return the number of rows that the night brought to a feed."""
        return sum(f.rows for f in self.active(feed))

    def file_ids(self, feed: str) -> str:
        """Return the ids of those files as SQL lists them."""
        return ", ".join(str(f.file_id) for f in self.active(feed))

    def past(self, asset: str, check: str, column: str) -> list[Any]:
        """Return what the same check observed on earlier nights, the last night first.

        Each is a dict with `success` and what `results.read` kept. A night that only told is a
        baseline too: what has shifted for good is told once, not for a month.
        """
        return self.earlier.get((asset, check, column), [])

    def before(self, asset: str, check: str, column: str) -> Any | None:
        """Return what the same check observed on the last earlier night, or None."""
        return next(iter(self.past(asset, check, column)), None)


# Not only the files of tonight's run: what an earlier, held night brought is judged again, for it
# would be published with this one. So is what only one domain has, and what a later night's run has brought,
# where the build takes it in.
NOT_PUBLISHED = """
    (l.run_date = %(date)s
     or l.changed_seq > coalesce(
         (select min(coalesce(s.to_seq, 0)) from unnest(array['marts', 'finance']) as d (domain)
          left join ops.standing as s on s.domain = d.domain), 0))
    and (l.run_date <= %(date)s or l.changed_seq <= %(to_seq)s)
    and (%(to_seq)s is null or coalesce(l.changed_seq, 0) <= %(to_seq)s)
"""


def read_night(connection: Connection[Any], business_date: dt.date, build: Build | None = None) -> Night:
    """Read from the ledger what is to be judged; `connection` is the auditor's."""
    rows = connection.execute(
        "select l.file_id, l.feed, l.name, l.business_date, l.status, l.rows_loaded, l.run_date"
        f" from ops.file_ledger as l where {NOT_PUBLISHED} order by l.file_id",
        {"date": business_date, "to_seq": build.to_seq if build else None},
    ).fetchall()
    files = tuple(File(*row) for row in rows)
    contracts = {feed: load_contract(feed) for feed in feeds()}
    return Night(
        business_date,
        files,
        contracts,
        tuple(_volumes(connection, files, contracts)),
        tuple(_endings(connection, files, contracts)),
        _earlier(connection, business_date),
        _touched_units(connection),
        build.business_date if build else _as_of(connection, business_date),
        _relations(connection),
        _is_set_back(connection),
    )


def _as_of(connection: Connection[Any], business_date: dt.date) -> dt.date:
    """The one clock: a backfilled night is built as of the newest date that is published."""
    found = connection.execute("select greatest(%s::date, ops.clock())", [business_date]).fetchone()
    return found[0] if found else business_date


def _is_set_back(connection: Connection[Any]) -> bool:
    """True where what is published is of a date that the clock was moved back from."""
    found = connection.execute(
        "select exists (select from ops.clock_settings as s where s.publication_id >="
        " (select max(p.publication_id) from ops.publications as p))"
    ).fetchone()
    return found == (True,)


def _relations(connection: Connection[Any]) -> frozenset[str]:
    """Tables of what is built and what is published, and their columns as table.column."""
    rows = connection.execute(
        "select n.nspname || '.' || c.relname || coalesce('.' || a.attname, '')"
        " from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace"
        " left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0"
        " and not a.attisdropped"
        " where n.nspname in ('build', 'marts', 'finance') and c.relkind in ('r', 'v')"
        " union select n.nspname || '.' || c.relname"
        " from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname in ('build', 'marts', 'finance') and c.relkind in ('r', 'v')"
    )
    return frozenset(name for (name,) in rows)


def _touched_units(connection: Connection[Any]) -> int:
    """Units that the last build recomputed; 0 after a full build, and before the first."""
    found = connection.execute("select to_regclass('intermediate.int_touched_units')").fetchone()
    if not found or found[0] is None:
        return 0
    counted = connection.execute("select count(*) from intermediate.int_touched_units").fetchone()
    return int(counted[0]) if counted else 0


def _earlier(connection: Connection[Any], business_date: dt.date) -> dict[tuple[str, str, str], list[Any]]:
    rows = connection.execute(
        "select asset, check_name, coalesce(column_name, ''),"
        " array_agg(observed order by business_date desc) from ("
        " select distinct on (asset, check_name, column_name, business_date)"
        " asset, check_name, column_name, business_date,"
        " observed || jsonb_build_object('success', success) as observed"
        " from ops.validation_results"
        " where engine = 'gx' and observed is not null"
        " and business_date < %s and business_date >= %s"
        " order by asset, check_name, column_name, business_date, result_id desc"
        ") as nights group by asset, check_name, column_name",
        [business_date, business_date - dt.timedelta(days=RECENT_DAYS)],
    )
    return {(asset, check, column): observed for asset, check, column, observed in rows}


def _volumes(
    connection: Connection[Any], files: tuple[File, ...], contracts: dict[str, Contract]
) -> list[Volume]:
    found: list[Volume] = []
    for feed, contract in contracts.items():
        dates = _nightly_dates([f for f in files if f.feed == feed and f.status == "loaded"])
        if not dates:
            continue
        by_date = _rows_by_date(connection, feed)
        for date in dates:
            earlier = {day: rows for day, rows in by_date.items() if day < date}
            if contract.mode == "full" and not _is_count_of_a_day(contract):
                limits, basis = _full_limits(list(earlier.values())), "the table before"
            else:
                limits, basis = usual(earlier, date), "recent files"
                if limits is None and earlier:
                    limits = usual(_event_days(connection, contract, date), date)
                    basis = "recent days of history"
            low, high = limits or (None, None)
            found.append(Volume(feed, date, by_date.get(date, 0), low, high, basis))
    return found


def _endings(
    connection: Connection[Any], files: tuple[File, ...], contracts: dict[str, Contract]
) -> list[Ending]:
    """Feeds and dates whose files are long enough to tell when their day ended."""
    found: list[Ending] = []
    for feed, contract in contracts.items():
        dates = _nightly_dates([f for f in files if f.feed == feed and f.status == "loaded"])
        if not dates or contract.mode == "full":
            continue
        by_date = _last_minutes(connection, feed)
        for date in dates:
            past = [minute for day, minute in by_date.items() if day < date][-RECENT_DAYS:]
            earliest = earliest_usual_end(past)
            if date in by_date and earliest is not None:
                found.append(Ending(feed, date, by_date[date], earliest))
    return found


def _last_minutes(connection: Connection[Any], feed: str) -> dict[dt.date, float]:
    """Minute of the last event by business date, oldest first; days of a few rows end at any hour."""
    rows = connection.execute(
        "select business_date, (extract(epoch from max(last_event_at)"
        "   - business_date::timestamp at time zone %s) / 60)::float8"
        " from ops.file_ledger"
        " where feed = %s and status = 'loaded' and last_event_at is not null"
        " group by business_date having sum(rows_loaded) >= %s order by business_date",
        [profile().time_zone, feed, LEAST_ROWS],
    )
    return dict(rows.fetchall())


def _nightly_dates(files: list[File]) -> list[dt.date]:
    """Business dates of the files, without those of runs that brought a whole history."""
    runs: dict[dt.date, set[dt.date]] = {}
    for file in files:
        runs.setdefault(file.run_date, set()).add(file.business_date)
    return sorted({d for dates in runs.values() if len(dates) <= HISTORY_DAYS for d in dates})


def _is_count_of_a_day(contract: Contract) -> bool:
    """True where each file is another day's count, such as stock: it rises and falls as events do."""
    return any(contract.columns[name].type == "date" for name in contract.key)


def _full_limits(earlier: list[int]) -> tuple[float, float] | None:
    """A whole table that loses a tenth of its rows overnight was cut off, not cleaned."""
    return (0.9 * earlier[-1], 2.0 * max(earlier[-1], 50)) if earlier else None


def _rows_by_date(connection: Connection[Any], feed: str) -> dict[dt.date, int]:
    """Rows that counted, by business date, oldest first."""
    rows = connection.execute(
        "select business_date, sum(rows_parsed - rows_control)::bigint from ops.file_ledger"
        " where feed = %s and status = 'loaded' group by business_date order by business_date",
        [feed],
    )
    return dict(rows.fetchall())


def _event_days(connection: Connection[Any], contract: Contract, before: dt.date) -> dict[dt.date, int]:
    """Rows by the day they came about, from the end of the files before: a baseline for the first
    nights after a history that came as one file."""
    column = contract.time_column
    if column is None:
        return {}
    statement = _event_days_sql(contract.feed, column, contract.columns[column].type == "timestamp")
    rows = connection.execute(
        statement,
        {
            "feed": contract.feed,
            "zone": profile().time_zone,
            "before": before,
            "since": before - dt.timedelta(days=RECENT_DAYS),
            "tail": TAIL_RECORDS,
        },
    ).fetchall()
    return dict(rows)


def _event_days_sql(feed: str, column: str, is_timestamp: bool) -> str:
    day = f"(r.{column} at time zone %(zone)s)::date" if is_timestamp else f"r.{column}"
    return f"""
        select {day} as day, count(*)
        from ops.file_ledger as l
        inner join raw.{feed} as r
            on r._file_id = l.file_id and r._record_no > l.rows_parsed - %(tail)s
        where l.feed = %(feed)s and l.status = 'loaded' and l.business_date < %(before)s
            and l.business_date >= %(since)s
            and {day} < %(before)s and {day} >= %(since)s
        group by day
        order by day
    """
