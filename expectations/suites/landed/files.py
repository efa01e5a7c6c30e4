"""The file ledger: did every feed come, whole, in its usual volume, with few bad rows?"""

from __future__ import annotations

from psycopg import sql

from expectations.asset import CRITICAL, WARNING, Asset, no_rows
from expectations.night import Night

# Shares of a feed's rows that are quarantined in one night. Real feeds carry a few bad rows per
# thousand; one in twenty is a format that changed. A handful of rows is no share of anything.
QUARANTINE_WARNS, QUARANTINE_BLOCKS, QUARANTINE_LEAST_ROWS = 0.01, 0.05, 20
# A feed's layout is expected when it came on each of this many dates before, and on this weekday a week ago
# (exchange rates have no weekends).
RHYTHM_DATES = 5

ASK = (
    "Ask the source for the file again. If it is right as it is, let it pass:"
    " python -m expectations accept --feed FEED --business-date DATE --reason WHY"
)


def assets(night: Night) -> list[Asset]:
    """Assets on `ops.file_ledger` and `ops.quarantine`."""
    return [
        _silence(night), _files(night), _unclaimed(night), _findings(night), _feeds(night), _volumes(night),
        _endings(night), _quarantine(night),
    ]  # fmt: skip


def _accepted(alias: str) -> str:
    return (
        f"exists (select 1 from ops.acceptances as a where a.feed = {alias}.feed"
        f" and a.business_date = {alias}.business_date)"
    )


def _silence(night: Night) -> Asset:
    """Did anything land at all? A night without a file would publish old figures under a new date,
    so it is held, but for a weekday on which nothing came a week ago either, and for dates that a
    later night has been published for."""
    date = f"date '{night.business_date.isoformat()}'"
    query = f"""
        select f.*,
            {date} <= ops.clock() as is_past,
            exists (
                select 1 from ops.acceptances as a where a.business_date = {date}
            ) as is_accepted
        from (
            select {date} as business_date, max(l.business_date) as last_file_of,
                count(*) filter (where {date} in (l.business_date, l.run_date)) > 0 as has_files,
                count(*) filter (where l.business_date = {date} - 7) = 0
                and count(*) filter (where l.business_date < {date} - 7) > 0
                and count(*) filter (
                    where l.business_date > {date} - 7 and l.business_date < {date}
                ) > 0 as is_quiet_weekday
            from ops.file_ledger as l
            where l.business_date <= {date}
        ) as f
    """
    return Asset(
        "ops.file_ledger of the night",
        "landed.silence",
        query.strip(),
        [
            no_rows(
                "nothing_landed",
                "not has_files and not is_quiet_weekday and is_past is not true and not is_accepted",
                severity=CRITICAL,
                description="At least one file landed for the business date.",
                advice="Look whether the exports reach the landing zone; the next night takes what comes"
                " late. If no file is right, accept the date for any feed: python -m expectations accept"
                " --feed FEED --business-date DATE --reason WHY",
            ),
            no_rows(
                "nothing_landed_tolerated",
                "not has_files and (is_quiet_weekday or is_past or is_accepted)",
                severity=WARNING,
                description="A date without any file that need not have one.",
            ),
        ],
        ("business_date", "last_file_of"),
    )


def _files(night: Night) -> Asset:
    """Files that are refused or still being written. A refused file that was replaced under its
    name is forgiven."""
    date = night.business_date.isoformat()
    query = f"""
        select l.feed, l.name as file, l.business_date, l.status, l.reason,
            l.layout, l.feed = any({_texts(_occasional(night))}) as is_occasional,
            {_accepted("l")} as is_accepted,
            exists (
                select 1 from ops.file_ledger as better
                where better.feed = l.feed and better.name = l.name
                    and better.status = 'loaded' and better.modified_at >= l.modified_at
            ) as is_replaced
        from ops.file_ledger as l
        where l.run_date = date '{date}' and l.status in ('rejected', 'deferred')
    """
    bad = "status = 'rejected' and not is_replaced"
    return Asset(
        "ops.file_ledger",
        "landed.files",
        query.strip(),
        [
            no_rows(
                "rejected_files",
                f"{bad} and not is_occasional and not is_accepted",
                severity=CRITICAL,
                description="No file of tonight was refused, unless its replacement has come.",
                advice=ASK,
            ),
            no_rows(
                "rejected_files_tolerated",
                f"{bad} and (is_occasional or is_accepted)",
                severity=WARNING,
                description="Refused files of occasional feeds, and those that were accepted.",
            ),
            no_rows(
                "deferred_files",
                "status = 'deferred'",
                severity=WARNING,
                description="No upload was still in progress when the night ran.",
            ),
        ],
        ("feed", "file", "reason"),
    )


def _unclaimed(night: Night) -> Asset:
    """What lies in the landing zone and no layout takes: what was meant for a feed is missing there."""
    date = night.business_date.isoformat()
    query = f"""
        select u.path as file, u.kind, u.detail, u.feed, u.first_seen_on,
            u.feed = any({_texts(_occasional(night))}) as is_occasional,
            exists (
                select 1 from ops.acceptances as a
                where a.feed = u.feed and a.business_date = date '{date}'
            ) as is_accepted
        from ops.unclaimed_files as u
    """
    return Asset(
        "ops.unclaimed_files",
        "landed.unclaimed",
        query.strip(),
        [
            no_rows(
                "nearly_a_feeds_file",
                "feed is not null and not is_occasional and not is_accepted",
                severity=CRITICAL,
                description="No file that was meant for a feed lies there and is taken by no layout.",
                advice="Rename it, move it away, or let a layout take it; or let it pass for tonight:"
                " python -m expectations accept --feed FEED --business-date DATE --reason WHY",
            ),
            no_rows(
                "unclaimed_files",
                "feed is null or is_occasional or is_accepted",
                severity=WARNING,
                description="Every file in the landing zone is taken by a layout.",
            ),
        ],
        ("file", "kind", "detail", "feed"),
    )


def _findings(night: Night) -> Asset:
    """What files were told of though they loaded; what empties a column all through holds the night."""
    ids = _ids([f.file_id for f in night.files if f.status == "loaded"])
    query = f"""
        select l.feed, l.name as file, l.business_date, f.value ->> 'text' as finding,
            f.value ->> 'kind' as kind,
            f.value ->> 'rows' as rows, (f.value ->> 'is_critical')::boolean as is_critical,
            {_accepted("l")} as is_accepted
        from ops.file_ledger as l
        cross join jsonb_array_elements(l.findings) as f
        where l.file_id = any({ids})
    """
    return Asset(
        "ops.file_ledger findings",
        "landed.findings",
        query.strip(),
        [
            no_rows(
                "rule_without_effect",
                "is_critical and not is_accepted",
                severity=CRITICAL,
                description="Every extract and map of a layout fits some value of each file.",
                advice="Mend the layout and load the file again: python -m ingestion reload FEED FILE DATE."
                " If the rule is right, name the column under `optional`, or accept the date.",
            ),
            no_rows(
                "file_findings",
                "not is_critical and kind <> 'unknown_column'",
                severity=WARNING,
                description="Nothing about a file that loaded needs to be told.",
            ),
            no_rows(
                "rule_without_effect_accepted",
                "is_critical and is_accepted",
                severity=WARNING,
                description="Rules of layouts without effect that someone accepted.",
            ),
        ],
        ("feed", "file", "finding", "rows"),
    )


def _feeds(night: Night) -> Asset:
    """Layouts of feeds of which nothing came for the business date: a channel or system that writes files of
    its own is missed though others of its feed came. Those with a rhythm are missed, those that sometimes
    have no file, and those in whose place another layout came for the first time, are only mentioned."""
    date = night.business_date.isoformat()
    layouts = [(feed, layout) for feed, contract in night.contracts.items() for layout in contract.layouts]
    expected = (
        f"unnest({_texts([feed for feed, _ in layouts])}, {_texts([layout for _, layout in layouts])})"
        " as f (feed, layout)"
    )
    query = f"""
        select f.feed, f.layout, date '{date}' as business_date,
            f.feed = any({_texts(_occasional(night))}) as is_occasional,
            coalesce(r.dates_with, 0) as dates_with, coalesce(r.dates, 0) as dates,
            coalesce(r.dates_with = r.dates, false) and exists (
                select 1 from ops.file_ledger as l
                where l.feed = f.feed and l.layout = f.layout and l.business_date = date '{date}' - 7
            ) as has_rhythm,
            exists (
                select 1 from ops.file_ledger as l
                where l.feed = f.feed and l.layout = f.layout and l.business_date = date '{date}'
            ) as has_come,
            exists (
                select 1 from ops.file_ledger as l
                where l.feed = f.feed and l.business_date = date '{date}' and not exists (
                    select 1 from ops.file_ledger as earlier
                    where earlier.feed = l.feed and earlier.layout = l.layout
                        and earlier.business_date < l.business_date
                )
            ) as is_replaced,
            exists (
                select 1 from ops.acceptances as a
                where a.feed = f.feed and a.business_date = date '{date}'
            ) as is_accepted
        from {expected}
        left join (
            select f.feed, f.layout, count(distinct d.business_date) as dates,
                count(distinct l.business_date) as dates_with
            from {expected}
            cross join (
                select distinct business_date from ops.file_ledger
                where business_date < date '{date}'
                order by business_date desc limit {RHYTHM_DATES}
            ) as d
            left join ops.file_ledger as l
                on l.feed = f.feed and l.layout = f.layout and l.business_date = d.business_date
            group by f.feed, f.layout
        ) as r on r.feed = f.feed and r.layout = f.layout
    """
    return Asset(
        "ops.file_ledger by feed",
        "landed.missing_feeds",
        query.strip(),
        [
            no_rows(
                "missing_feed",
                "not has_come and has_rhythm and not is_occasional and not is_replaced and not is_accepted",
                severity=CRITICAL,
                description="Every feed that came on each of the dates before came tonight, from each system"
                " and channel that has a layout of its own.",
                advice="Ask the source for the file; once none will come, accept the date.",
            ),
            no_rows(
                "feed_without_file",
                "not has_come and (is_accepted or not has_rhythm or is_occasional or is_replaced)",
                severity=WARNING,
                description="Feeds without a file tonight that need not have one.",
            ),
        ],
        ("feed", "layout", "business_date"),
    )


def _volumes(night: Night) -> Asset:
    """Rows per feed and date beside what the recent past makes usual: a file that was cut off
    between two rows is too short."""
    rows = [
        f"({_text(v.feed)}, date '{v.business_date}', {v.rows}::bigint,"
        f" {_number(v.low)}, {_number(v.high)}, {_text(v.basis)})"
        for v in night.volumes
    ] or ["(null::text, null::date, null::bigint, null::numeric, null::numeric, null::text)"]
    query = f"""
        select v.feed, v.business_date, v.rows, round(v.low) as fewest_usual,
            round(v.high) as most_usual, v.basis, files.file,
            {_accepted("v")} as is_accepted
        from (values {", ".join(rows)}) as v (feed, business_date, rows, low, high, basis)
        left join (
            select l.feed, l.business_date, string_agg(l.name, ', ' order by l.name) as file
            from ops.file_ledger as l where l.status = 'loaded'
            group by l.feed, l.business_date
        ) as files on files.feed = v.feed and files.business_date = v.business_date
        where v.feed is not null
    """
    return Asset(
        "ops.file_ledger volumes",
        "landed.volume",
        query.strip(),
        [
            no_rows(
                "volume_low",
                "rows < fewest_usual and not is_accepted",
                severity=CRITICAL,
                description="No feed brought far fewer rows than in the recent past"
                " (a file cut off between two rows looks like this).",
                advice=ASK,
            ),
            no_rows(
                "volume_low_accepted",
                "rows < fewest_usual and is_accepted",
                severity=WARNING,
                description="Feeds with too few rows that someone accepted.",
            ),
            no_rows(
                "volume_high",
                "rows > most_usual",
                severity=WARNING,
                description="No feed brought far more rows than in the recent past.",
            ),
            no_rows(
                "volume_without_baseline",
                "fewest_usual is null",
                severity=WARNING,
                description="Every feed has a recent past to be compared with.",
            ),
        ],
        ("feed", "business_date", "rows", "fewest_usual", "file"),
    )


def _endings(night: Night) -> Asset:
    """When each feed's day ended, beside the days before: where volumes scatter too much to tell, the
    hour at which a file breaks off still does."""
    rows = [
        f"({_text(e.feed)}, date '{e.business_date}', {_number(e.last_minute)}, {_number(e.earliest)})"
        for e in night.endings
    ] or ["(null::text, null::date, null::numeric, null::numeric)"]
    query = f"""
        select e.feed, e.business_date, e.last_minute, e.earliest,
            to_char(e.business_date + e.last_minute * interval '1 minute', 'YYYY-MM-DD HH24:MI')
                as last_event,
            to_char(e.business_date + e.earliest * interval '1 minute', 'YYYY-MM-DD HH24:MI')
                as earliest_usual,
            files.file, {_accepted("e")} as is_accepted
        from (values {", ".join(rows)}) as e (feed, business_date, last_minute, earliest)
        left join (
            select l.feed, l.business_date, string_agg(l.name, ', ' order by l.name) as file
            from ops.file_ledger as l where l.status = 'loaded'
            group by l.feed, l.business_date
        ) as files on files.feed = e.feed and files.business_date = e.business_date
        where e.feed is not null
    """
    return Asset(
        "ops.file_ledger endings",
        "landed.endings",
        query.strip(),
        [
            no_rows(
                "ends_early",
                "last_minute < earliest and not is_accepted",
                severity=CRITICAL,
                description="No feed's last event was far earlier in the day than ever before"
                " (a file cut off between two rows ends so).",
                advice=ASK,
            ),
            no_rows(
                "ends_early_accepted",
                "last_minute < earliest and is_accepted",
                severity=WARNING,
                description="Feeds that ended early on a date that someone accepted.",
            ),
        ],
        ("feed", "business_date", "last_event", "earliest_usual", "file"),
    )


def _quarantine(night: Night) -> Asset:
    """Share of rows in quarantine, by feed, with the most frequent reason and its first line."""
    ids = _ids([f.file_id for f in night.files if f.status == "loaded"])
    query = f"""
        select t.feed, t.business_date, t.rows_quarantined, t.rows_parsed,
            round(t.rows_quarantined::numeric / nullif(t.rows_parsed, 0), 4) as share,
            q.reason, q.column_name, q.file_id as _file_id, q.line_no as _line_no,
            {_accepted("t")} as is_accepted
        from (
            select l.feed, l.business_date, sum(l.rows_quarantined) as rows_quarantined,
                sum(l.rows_parsed - l.rows_control) as rows_parsed,
                array_agg(l.file_id) as file_ids
            from ops.file_ledger as l where l.file_id = any({ids})
            group by l.feed, l.business_date
        ) as t
        cross join lateral (
            select q.reason, q.column_name, min(q.file_id) as file_id, min(q.line_no) as line_no
            from ops.quarantine as q where q.file_id = any(t.file_ids)
            group by q.reason, q.column_name order by count(*) desc, q.reason limit 1
        ) as q
        where t.rows_quarantined > 0
    """
    return Asset(
        "ops.quarantine",
        "landed.quarantine",
        query.strip(),
        [
            no_rows(
                "quarantine_share",
                f"share > {QUARANTINE_BLOCKS} and rows_quarantined >= {QUARANTINE_LEAST_ROWS}"
                " and not is_accepted",
                severity=CRITICAL,
                description=f"At most {QUARANTINE_BLOCKS:.0%} of a feed's rows are quarantined.",
                advice="Look at ops.quarantine for the file; mend the layout or ask the source.",
            ),
            no_rows(
                "quarantine_share_raised",
                f"share > {QUARANTINE_WARNS}",
                severity=WARNING,
                description=f"At most {QUARANTINE_WARNS:.0%} of a feed's rows are quarantined.",
            ),
        ],
        ("feed", "business_date", "rows_quarantined", "rows_parsed", "reason", "column_name"),
    )


def _occasional(night: Night) -> list[str]:
    return [n for n, c in night.contracts.items() if c.cadence == "occasional"]


def _text(value: str) -> str:
    return sql.Literal(value).as_string()


def _texts(values: list[str]) -> str:
    return f"array[{', '.join(_text(v) for v in values)}]::text[]"


def _ids(values: list[int]) -> str:
    return f"array[{', '.join(map(str, values))}]::bigint[]"


def _number(value: float | None) -> str:
    return "null::numeric" if value is None else f"{value:.3f}::numeric"
