"""The figures that summary and scorecard show, read from the published tables and the books."""

from __future__ import annotations

from dataclasses import dataclass, field

from revlog.reports.snapshots import Reader, Row, exists, snapshot

HEADLINES = (
    "product_return_rate",
    "cost_per_return",
    "return_cycle_time",
    "value_recovery_rate",
)


@dataclass(frozen=True)
class Figures:
    """Everything that is shown, as rows of the query that asked for it."""

    night: Row | None
    files: list[Row]
    kpis: list[Row]
    cycle: Row | None
    statuses: list[Row]
    checks: list[Row]
    quarantine: list[Row]
    times: list[Row]
    unclaimed: list[Row] = field(default_factory=list)
    set_apart: list[Row] = field(default_factory=list)
    behind: list[Row] = field(default_factory=list)


FILES = """
select split_part(feed, '_', 1) as source, count(*) filter (where status = 'loaded') as files,
    count(*) filter (where status in ('rejected', 'deferred')) as refused,
    count(*) filter (where status = 'duplicate') as duplicate_files,
    coalesce(sum(rows_loaded) filter (where status <> 'rejected'), 0) as loaded,
    coalesce(sum(rows_quarantined) filter (where status <> 'rejected'), 0) as quarantined,
    coalesce(sum(rows_duplicate) filter (where status <> 'rejected'), 0) as duplicate
from ops.file_ledger group by 1 order by 1
"""
KPIS = """
select d.kpi, d.title, d.unit, d.better, k.basis, k.currency,
    sum(k.numerator) filter (where k.is_mature) as numerator,
    sum(k.denominator) filter (where k.is_mature) as denominator,
    sum(k.numerator) filter (where k.is_mature)
        / nullif(sum(k.denominator) filter (where k.is_mature), 0) as ratio
from marts.kpi_daily as k inner join marts.kpi_definitions as d on d.kpi = k.kpi
where d.kpi = any(%(kpis)s)
group by d.kpi, d.title, d.unit, d.better, k.basis, k.currency
order by array_position(%(kpis)s, d.kpi), k.basis
"""
CYCLE = """
select p50_hours, p90_hours, units, events, censored, competing from marts.return_cycle_time_overall
"""
STATUSES = """
select status, count(*) as lines, count(*) filter (where next_step is not null) as under_way,
    count(*) filter (where is_overdue) as overdue
from marts.return_tracking group by status order by lines desc
"""
NIGHT = """
select business_date, published_at, code_version, of_publication as publication_id
from ops.standing where domain = %(domain)s
"""
# What stands at an earlier night than the rest, and the checks that hold it back.
BEHIND = """
select d.domain, coalesce(s.business_date::text, 'nothing') as business_date,
    coalesce(checks.names, '') as checks
from (values ('marts'), ('finance')) as d (domain)
left join ops.standing as s on s.domain = d.domain
left join lateral (
    select string_agg(distinct r.check_name, ', ') as names
    from ops.validation_results as r inner join ops.builds as b on r.validated_at >= b.started_at
    where b.build_id = (select max(build_id) from ops.builds where held <> '{}')
        and d.domain = any(b.held) and d.domain = any(r.holds) and not r.success and r.severity = 'critical'
) as checks on true
where s.domain is null or s.build_id < (select max(build_id) from ops.standing)
"""
CHECKS = """
select engine, stage, count(*) as checks,
    count(*) filter (where not success and severity = 'critical') as failed,
    count(*) filter (where not success and severity = 'warning') as warned
from (
    -- of a check that ran again for the same date, only its last result counts
    select distinct on (stage, engine, asset, check_name, column_name) *
    from ops.validation_results
    where business_date = (select max(business_date) from ops.validation_results)
    order by stage, engine, asset, check_name, column_name, result_id desc
) as last_results
group by engine, stage order by min(result_id)
"""
# Time that any task of the step was at work; the rest of the night is orchestration.
TIMES = """
with nights as (
    select distinct on (business_date) business_date, started_at, finished_at
    from ops.stage_runs where stage = 'night' and outcome = 'ok'
    order by business_date desc, run_id desc
    limit 3
), runs as (
    select n.business_date, tstzrange(r.started_at, r.finished_at) as span,
        case
            when r.stage = 'ingest' then 'ingestion'
            when r.detail in ('begin', 'staging') then 'staging'
            when r.detail = 'finish' then 'publish'
            when r.stage = 'gate' then 'gate ' || r.detail
            when r.stage = 'dbt' then r.detail
            else r.stage
        end as step
    from nights as n inner join ops.stage_runs as r on r.stage <> 'night'
        and r.started_at >= n.started_at and r.finished_at <= n.finished_at
), steps as (
    select business_date, step, range_agg(span) as spans from runs group by business_date, step
    union all
    select business_date, 'working', range_agg(span) from runs group by business_date
    union all
    select business_date, 'night', tstzmultirange(tstzrange(started_at, finished_at)) from nights
)
select business_date, step, (
        select sum(extract(epoch from upper(s) - lower(s)))::float from unnest(spans) as s
    ) as seconds
from steps order by business_date, lower(spans), step
"""
QUARANTINE = """
select feed, reason, count(*) as rows from ops.quarantine
group by feed, reason order by rows desc, feed, reason limit 12
"""

# What was meant for a feed first.
UNCLAIMED = "select path, kind, detail, feed from ops.unclaimed_files order by feed is null, path"

SET_APART = """
select a.key as rule, sum(a.value::bigint) as rows
from ops.file_ledger as l cross join jsonb_each_text(l.rows_shared -> 'set_apart') as a
where l.status = 'loaded' group by a.key order by rows desc, a.key
"""


def is_published(reader: Reader) -> bool:
    """True once a night has been published."""
    return exists(reader, "marts.kpi_daily")


def read_figures() -> Figures:
    """Read all figures as one snapshot."""
    with snapshot() as reader:
        return figures_in(reader)


def figures_in(reader: Reader) -> Figures:
    """The figures of an open snapshot; before the first publication, what came and what was checked."""

    def rows(query: str) -> list[Row]:
        return reader.execute(query, {"kpis": list(HEADLINES), "domain": "marts"}).fetchall()

    if not is_published(reader):
        return Figures(
            None,
            rows(FILES),
            [],
            None,
            [],
            rows(CHECKS),
            rows(QUARANTINE),
            [],
            rows(UNCLAIMED),
            rows(SET_APART),
        )
    return Figures(
        next(iter(rows(NIGHT)), None), rows(FILES), rows(KPIS), next(iter(rows(CYCLE)), None),
        rows(STATUSES), rows(CHECKS), rows(QUARANTINE), rows(TIMES), rows(UNCLAIMED), rows(SET_APART),
        rows(BEHIND),
    )  # fmt: skip


STEPS = (
    "ingestion", "gate landed", "staging", "core", "gate core", "marts", "gate publish", "publish",
    "report",
)  # fmt: skip


def step_times(figures: Figures) -> tuple[list[str], list[tuple[str, list[float]]]]:
    """Nights, and seconds of each step in each night; at the end orchestration and the whole."""
    dates = sorted({row["business_date"] for row in figures.times})
    seconds = {(r["business_date"], r["step"]): float(r["seconds"] or 0) for r in figures.times}

    def of(step: str) -> list[float]:
        return [seconds.get((date, step), 0.0) for date in dates]

    rest = [night - busy for night, busy in zip(of("night"), of("working"), strict=True)]
    # Where nobody else is told there is no such step.
    told = ["outbound"] if any(of("outbound")) else []
    rows = [(step, of(step)) for step in [*STEPS, *told]]
    return [str(d) for d in dates], [*rows, ("orchestration", rest), ("night", of("night"))]
