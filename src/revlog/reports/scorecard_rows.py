"""What the scorecard for everyone shows, read from the published tables and the books as one snapshot."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from revlog.contracts.contract import sound_contracts
from revlog.reports import kpi_series, product_changes
from revlog.reports.ahead import Line, read_ahead
from revlog.reports.carried import read_definitions
from revlog.reports.figures import Figures, figures_in, is_published
from revlog.reports.snapshots import Row, exists, snapshot


@dataclass(frozen=True)
class ScorecardRows:
    """Rows of the queries below, definitions of KPIs, and the figures that the terminal shows, too."""

    figures: Figures
    definitions: list[Row] = field(default_factory=list)
    days: list[Row] = field(default_factory=list)
    slices: list[Row] = field(default_factory=list)
    under_way: list[Row] = field(default_factory=list)
    cohorts: list[Row] = field(default_factory=list)
    regulated: list[Row] = field(default_factory=list)
    sources: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    quarantined: list[Row] = field(default_factory=list)
    work: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)
    stages: list[Row] = field(default_factory=list)
    ahead: list[Line] = field(default_factory=list)

    @property
    def last_night(self) -> dt.date | None:
        """The last night that looked for files."""
        return max((row["night"] for row in self.sources if row["night"]), default=None)

    @property
    def begun(self) -> dt.date | None:
        """The last night that did anything, whether or not it found files."""
        return max(filter(None, [self.last_night, *(row["night"] for row in self.stages)]), default=None)

    @property
    def newest_day(self) -> dt.date | None:
        """Business date of the newest file of any feed."""
        return max((row["newest"] for row in self.sources if row["newest"]), default=None)

    def is_behind(self, source: Row) -> bool:
        """True where another feed has brought files of a later day, and this one should have."""
        if not source["newest"] or not self.newest_day or comes_now_and_then(source["feed"]):
            return False
        return source["newest"] < self.newest_day


def comes_now_and_then(feed: str) -> bool:
    """True where the feed's contract promises no file a day."""
    return any(one.feed == feed and one.cadence == "occasional" for one in sound_contracts())


# One row a KPI, basis, currency and day, with what is final of it.
DAYS = """
select kpi, basis, currency, period_date as day,
    sum(numerator) as numerator, sum(denominator) as denominator, count(*) as rows,
    count(*) filter (where is_mature) as final_rows,
    coalesce(sum(numerator) filter (where is_mature), 0) as final_numerator,
    coalesce(sum(denominator) filter (where is_mature), 0) as final_denominator
from marts.kpi_daily
where numerator is not null
group by kpi, basis, currency, day
order by kpi, basis, currency, day
"""
# The rows behind each headline, by one of its slices: of its days, and final ones only where it is.
SLICES = """
with headlines as (
    select * from unnest(%(kpis)s::text[], %(bases)s::text[], %(currencies)s::text[], %(firsts)s::date[],
        %(lasts)s::date[], %(finals)s::boolean[]) as h (kpi, basis, currency, first, last, is_final)
)
select kpi, basis, currency, dimension.name as dimension, dimension.value,
    sum(cells.numerator) as numerator, sum(cells.denominator) as denominator
from headlines
inner join marts.kpi_daily as cells using (kpi, basis, currency)
cross join lateral (
    values ('channel', channel), ('category', product_category),
        ('site', case site when 'NOT_RECEIVED' then 'not received' else site end)
) as dimension (name, value)
where (is_mature or not is_final) and numerator is not null
    and (first is null or period_date between first and last)
group by kpi, basis, currency, dimension.name, dimension.value
order by kpi, basis, currency, dimension.name, denominator desc, dimension.value
"""
# Every return line that somebody has to do something about, the longest overdue first.
UNDER_WAY = """
select coalesce(rma_no, request_id, return_line_key) as document, order_no, status, next_step,
    case split_part(next_step, ' ', 1) when 'customer' then 'customer' when 'carrier' then 'carrier' else 'us'
    end as waits_for,
    days_in_status, next_step_due_on,
    case when is_overdue then business_date - next_step_due_on else 0 end as days_overdue,
    case when is_overdue then 'yes' else 'no' end as overdue,
    coalesce(product_name, sku) as product, sku, product_category, channel,
    case site when 'NOT_RECEIVED' then 'not received' else site end as site, reason, open_quantity
from marts.return_tracking
where next_step is not null
order by days_overdue desc, days_in_status desc, return_line_key
"""
REGULATED = """
select units.receipt_id, units.disposition_id, coalesce(products.product_name, units.sku) as product,
    units.sku, units.product_category, units.hazmat_class, units.weee_category, units.site, units.received_on,
    units.disposition, units.disposed_on, units.certificate_no, units.quantity, units.weight_g,
    case when units.has_issue then units.issue else 'no disposition yet' end as issue, units.has_issue,
    case when units.has_issue then 'issue' else 'open' end as state
from marts.regulated_units as units
left join marts.dimension_product as products on units.sku = products.sku
where units.has_issue or units.disposition = 'OPEN'
order by units.has_issue desc, units.received_on, units.receipt_id, units.disposition_id
"""
# How fresh each feed is: the newest business date that a file of it has brought, and when that came.
SOURCES = """
select upper(split_part(feed, '_', 1)) as source, feed,
    max(business_date) filter (where status in ('loaded', 'superseded')) as newest,
    max(run_date) as night,
    max(finished_at) filter (where status in ('loaded', 'superseded')) as came_at,
    count(*) filter (where is_last and status = 'loaded') as files,
    count(*) filter (where is_last and status in ('rejected', 'deferred')) as refused,
    count(*) filter (where is_last and status = 'duplicate') as twice,
    coalesce(sum(rows_loaded) filter (where is_last and status = 'loaded'), 0) as loaded,
    coalesce(sum(rows_quarantined) filter (where is_last and status = 'loaded'), 0) as quarantined,
    coalesce(sum(rows_duplicate) filter (where is_last and status = 'loaded'), 0) as duplicate
from (
    select *, run_date = (select max(run_date) from ops.file_ledger) as is_last from ops.file_ledger
) as files
group by source, feed
order by source, feed
"""
REFUSED = """
select run_date as night, feed, name, status, reason, size_bytes
from ops.file_ledger
where status in ('rejected', 'deferred') and run_date > (select max(run_date) from ops.file_ledger) - 31
order by night desc, feed, name
"""
# What the row said stays in the warehouse: everyone may open the page, and a row may hold anything.
QUARANTINED = """
select f.run_date as night, q.feed, q.reason, coalesce(q.column_name, '') as column_name, f.name,
    count(*) as rows, min(q.line_no) as first_line,
    f.run_date = (select max(run_date) from ops.file_ledger) as is_last
from ops.quarantine as q inner join ops.file_ledger as f on q.file_id = f.file_id
group by f.run_date, q.feed, q.reason, q.column_name, f.name, f.file_id
order by night desc, rows desc, q.feed, q.reason, f.name
"""
# Seconds of each step by night, the last run of each stage only, spans that overlap counted once.
WORK = """
with runs as (
    select distinct on (business_date, stage, detail)
        business_date, tstzrange(started_at, finished_at) as span,
        case
            when stage = 'ingest' then 'ingestion'
            when stage = 'dbt' and detail in ('begin', 'staging') then 'staging'
            when stage = 'gate' then 'gate ' || detail
            when stage = 'dbt' then detail
            else stage
        end as step
    from ops.stage_runs
    where stage in ('ingest', 'dbt', 'gate', 'publish') and outcome = 'ok' and finished_at >= started_at
        and business_date > (select max(business_date) from ops.stage_runs) - 31
    order by business_date, stage, detail, run_id desc
), steps as (
    select business_date, step, range_agg(span) as spans from runs group by business_date, step
    union all
    select business_date, 'all', range_agg(span) from runs group by business_date
)
select business_date, step, (
        select sum(extract(epoch from upper(s) - lower(s)))::float from unnest(spans) as s
    ) as seconds
from steps order by business_date, lower(spans), step
"""
# How each stage of the last night ended, its last run only; the last to end comes first.
STAGES = """
select * from (
    select distinct on (stage, detail) business_date as night, stage, detail, outcome, run_id
    from ops.stage_runs
    where stage in ('ingest', 'dbt', 'gate', 'publish') and business_date = (
        select max(business_date) from ops.stage_runs where stage in ('ingest', 'dbt', 'gate', 'publish')
    )
    order by stage, detail, run_id desc
) as last_runs
order by run_id desc
"""
# Of a check that ran again for the same date, only its last result counts.
ALERTS = """
with results as (
    select distinct on (stage, engine, asset, check_name, column_name) *
    from ops.validation_results
    where business_date = (select max(business_date) from ops.validation_results)
    order by stage, engine, asset, check_name, column_name, result_id desc
)
select business_date, stage, engine, asset, check_name, severity, unexpected_count,
    split_part(coalesce(message, ''), e'\\n', 1) as message
from results
where not success
order by severity, result_id
"""


def _headlines(definitions: list[Row], days: list[Row]) -> dict[str, list[object]]:
    """Of each headline its KPI, basis, currency, days, and whether it counts final rows only."""
    found = kpi_series.headlines(groups for _, groups in kpi_series.groups(definitions, days))
    return {
        "kpis": [kpi for kpi, _ in found],
        "bases": [line.basis for _, line in found],
        "currencies": [line.currency for _, line in found],
        "firsts": [line.now.first if line.now else None for _, line in found],
        "lasts": [line.now.last if line.now else None for _, line in found],
        "finals": [line.is_final for _, line in found],
    }


def read_scorecard_rows() -> ScorecardRows:
    """Read everything as one snapshot; before the first publication, the books alone.

    Nothing is read of schema `finance`: everyone may open the page.
    """
    with snapshot() as reader:

        def rows(query: str, *tables: str, **given: object) -> list[Row]:
            if not all(exists(reader, table) for table in tables):
                return []
            return reader.execute(query, given or None).fetchall()

        is_there = is_published(reader)
        definitions = read_definitions(reader) if is_there else []
        days = rows(DAYS, "marts.kpi_daily")
        return ScorecardRows(
            figures=figures_in(reader),
            definitions=definitions,
            days=days,
            slices=rows(SLICES, "marts.kpi_daily", **_headlines(definitions, days)),
            under_way=rows(UNDER_WAY, "marts.return_tracking"),
            cohorts=rows(
                product_changes.COHORTS, "marts.sales_lines", "marts.dimension_product",
                **product_changes.GIVEN,
            ),
            regulated=rows(REGULATED, "marts.regulated_units", "marts.dimension_product"),
            sources=rows(SOURCES), refused=rows(REFUSED), quarantined=rows(QUARANTINED),
            work=rows(WORK), alerts=rows(ALERTS), stages=rows(STAGES),
            ahead=read_ahead(reader),
        )  # fmt: skip
