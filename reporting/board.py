"""What the scorecard for operations shows, read from the published tables and the books as one snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from reporting.carried import read_definitions
from reporting.figures import Figures, figures_in, is_published
from reporting.snapshots import Row, snapshot
from semantic.definitions import LEVELS

OVERDUE_SHOWN = 10


@dataclass(frozen=True)
class Board:
    """Rows of the queries below, definitions of KPIs, and the figures that the terminal shows, too."""

    figures: Figures
    definitions: list[Row]
    months: list[Row]
    steps: list[Row]
    overdue: list[Row]
    quarantine: list[Row]
    files: list[Row]
    alerts: list[Row]


# One row a KPI, basis, currency and month, with what is final of it; of a level, one row a day that it was
# taken on.
MONTHS = """
select kpi, basis, currency,
    case
        when basis = any(%(levels)s) then period_date
        else cast(date_trunc('month', period_date) as date)
    end as period,
    sum(numerator) as numerator, sum(denominator) as denominator, bool_and(is_mature) as is_mature,
    coalesce(sum(numerator) filter (where is_mature), 0) as final_numerator,
    coalesce(sum(denominator) filter (where is_mature), 0) as final_denominator
from marts.kpi_daily
group by kpi, basis, currency, period
order by kpi, basis, currency, period
"""
STEPS = """
select next_step, count(*) as lines, coalesce(sum(open_quantity), 0) as units,
    count(*) filter (where is_overdue) as overdue, max(days_in_status) as oldest_days
from marts.return_tracking
where next_step is not null
group by next_step
order by overdue desc, lines desc, next_step
"""
OVERDUE = """
select coalesce(rma_no, request_id, return_line_key) as document, order_no, status, next_step,
    days_in_status, product_category, site, open_quantity
from marts.return_tracking
where is_overdue
order by days_in_status desc, return_line_key
limit %(overdue_shown)s
"""
QUARANTINE = """
select q.feed, q.reason, count(*) as rows,
    count(*) filter (where f.run_date = (select max(run_date) from ops.file_ledger)) as last_night
from ops.quarantine as q inner join ops.file_ledger as f on q.file_id = f.file_id
group by q.feed, q.reason
order by last_night desc, rows desc, q.feed, q.reason
"""
FILES = """
select split_part(feed, '_', 1) as source, max(run_date) as night,
    count(*) filter (where status = 'loaded') as files,
    count(*) filter (where status in ('rejected', 'deferred')) as refused,
    count(*) filter (where status = 'duplicate') as twice,
    coalesce(sum(rows_loaded) filter (where status = 'loaded'), 0) as loaded,
    coalesce(sum(rows_quarantined) filter (where status = 'loaded'), 0) as quarantined,
    coalesce(sum(rows_duplicate) filter (where status = 'loaded'), 0) as duplicate
from ops.file_ledger
where run_date = (select max(run_date) from ops.file_ledger)
group by source
order by source
"""
# Of a check that ran again for the same date, only its last result counts.
ALERTS = """
with results as (
    select distinct on (stage, engine, asset, check_name, column_name) *
    from ops.validation_results
    where business_date = (select max(business_date) from ops.validation_results)
    order by stage, engine, asset, check_name, column_name, result_id desc
)
select stage, engine, asset, check_name, severity, unexpected_count,
    split_part(coalesce(message, ''), e'\\n', 1) as message
from results
where not success
order by severity, result_id
"""


# Parameters of the queries.
GIVEN = {"levels": list(LEVELS), "overdue_shown": OVERDUE_SHOWN}


def read_board() -> Board:
    """Read everything as one snapshot; before the first publication, the books alone.

    Nothing is read of schema `finance`: everyone may open the page.
    """
    with snapshot() as reader:
        is_there = is_published(reader)

        def rows(query: str) -> list[Row]:
            return reader.execute(query, GIVEN).fetchall()

        definitions = read_definitions(reader) if is_there else []
        published = [rows(query) if is_there else [] for query in (MONTHS, STEPS, OVERDUE)]
        books = [rows(query) for query in (QUARANTINE, FILES, ALERTS)]
        return Board(figures_in(reader), definitions, *published, *books)
