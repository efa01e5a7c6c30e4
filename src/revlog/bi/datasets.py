"""The datasets: published tables, or joins of them, with their saved metrics.

Words come from dbt's YAML (described.py), metrics of KPIs from their definitions (metrics/definitions.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from revlog.bi.described import Column, column, in_words, table
from revlog.metrics.definitions import BASES, LEVELS, Kpi, kpis

MARTS, FINANCE = "Returns", "Refunds"  # connections: as bi_reader and as finance_reader
# Stands for the reporting currency of the company; install.py puts its code there.
CURRENCY = "XXX"
PERCENT, COUNT, ONE, TWO = ".1%", ",.0f", ",.1f", ",.2f"


@dataclass(frozen=True)
class Metric:
    """A saved metric: one SQL expression that is right under any grouping."""

    name: str
    title: str
    expression: str
    format: str = COUNT
    description: str = ""
    unit: str = ""
    is_money: bool = False
    # The rows that it counts: a chart of it alone reads no other, so that its drill shows those and no other.
    rows: str = ""


@dataclass(frozen=True)
class Dataset:
    """One dataset. `own` are columns that no published table has; `names` are other names of columns.

    `source` is `schema.table` for a table; with `sql` the dataset is that query.
    """

    name: str
    title: str
    database: str
    source: str
    columns: tuple[Column, ...]
    metrics: tuple[Metric, ...]
    description: str
    sql: str = ""
    date: str | None = None

    @property
    def schema(self) -> str:
        return self.source.split(".")[0]

    @property
    def table(self) -> str:
        return self.name if self.sql else self.source.split(".")[1]


@dataclass(frozen=True)
class Join:
    """Columns that a join brings: name in the dataset, and the table and column that describe it."""

    clause: str
    columns: dict[str, tuple[str, str, str]] = field(default_factory=dict)


def of_table(
    source: str, title: str, metrics: Sequence[Metric], date: str | None = None, database: str = MARTS
) -> Dataset:
    """A published table as it is."""
    found = table(source.split(".")[1])
    return Dataset(
        found.name, title, database, source, tuple(found.columns.values()), tuple(metrics),
        found.description, date=date,
    )  # fmt: skip


def joined(
    name: str, title: str, source: str, joins: Sequence[Join], metrics: Sequence[Metric], date: str | None,
    renamed: dict[str, str] | None = None, database: str = MARTS,
) -> Dataset:  # fmt: skip
    """A published table `t` with columns of its dimensions; `renamed` gives columns of `t` another name."""
    base, other = table(source.split(".")[1]), renamed or {}
    columns = [_named(c, other.get(c.name, c.name)) for c in base.columns.values()]
    selected = [f"t.{c} as {other[c]}" if c in other else f"t.{c}" for c in base.columns]
    for join in joins:
        for shown, (expression, of, described) in join.columns.items():
            columns.append(_named(column(of, described), shown))
            selected.append(f"{expression} as {shown}")
    sql = (
        "select\n    " + ",\n    ".join(selected) + f"\nfrom {source} as t\n"
        + "\n".join(join.clause for join in joins)
    )  # fmt: skip
    return Dataset(
        name, title, database, source, tuple(columns), tuple(metrics), base.description, sql.strip(), date
    )


def _named(given: Column, name: str) -> Column:
    return given if given.name == name else Column(name, given.type, given.description, in_words(name))


# --- KPIs

# Periods of 28 days, counted back from the last day up to which nine tenths of 28 days are final. Goods of a
# short window are final long before the others: the newest final rows alone would be another mix of goods.
PERIODS = """with days as (
    select
        cells.kpi, cells.basis, cells.period_date,
        sum(cells.denominator) as counted,
        sum(cells.denominator) filter (where cells.is_mature or not definitions.matures) as final
    from marts.kpi_daily as cells
    inner join marts.kpi_definitions as definitions on cells.kpi = definitions.kpi
    group by cells.kpi, cells.basis, cells.period_date
),
shares as (
    select
        kpi, basis, period_date,
        sum(counted) over last_28_days as counted, coalesce(sum(final) over last_28_days, 0) as final
    from days
    window last_28_days as (
        partition by kpi, basis order by period_date
        range between interval '27 days' preceding and current row
    )
),
last_days as (
    select
        kpi, basis,
        coalesce(
            max(period_date) filter (where final >= 0.9 * counted), max(period_date) filter (where final > 0)
        ) as last_day
    from shares group by kpi, basis
)
select
    case
        when cells.period_date <= last_days.last_day then (last_days.last_day - cells.period_date) / 28
    end as periods_ago,
    cells.*,
    case
        when cells.period_date <= last_days.last_day
            then last_days.last_day - 28 * ((last_days.last_day - cells.period_date) / 28)
    end as period_end
from marts.kpi_daily as cells
inner join last_days on cells.kpi = last_days.kpi and cells.basis = last_days.basis"""
IN_A_PERIOD = "period_end is not null"
# Superset shows the rows behind a tile by the first column, and those of all the line that it draws: the ones
# that its figure is made of come first.
PERIODS_AGO = Column(
    "periods_ago", "integer",
    "0 in the newest period of 28 days, 1 in the one before; empty for rows that are later than the newest.",
    "Periods ago",
)  # fmt: skip
PERIOD_END = Column(
    "period_end", "date",
    "Last day of the period of 28 days that the row is in, counted back from the last day up to which nine"
    " tenths of 28 days are final; empty for later rows.",
    "28 days to",
)  # fmt: skip
_UNITS = {
    "ratio": (PERCENT, "", False),
    "reporting currency per unit": (TWO, "per unit", True),
    "hours per unit": (ONE, "hours per unit", False),
    "days per refund": (ONE, "days per refund", False),
    "days per claim": (ONE, "days per claim", False),
    "days": (ONE, "days", False),
    "g CO2e per unit": (COUNT, "g CO₂e per unit", False),
    "cases per return line": (TWO, "cases per return line", False),
    "points per case": (TWO, "points (1 to 5) per case", False),
}


WITH_WHAT_IS_OPEN = {
    "return_cycle_time": "With what is open: cycle_months.",
    "dock_to_disposition_time": "With what is open: dock_months.",
}


def kpi_metric(kpi: Kpi, basis: str) -> Metric:
    """Sum of numerators over sum of denominators of one KPI and basis, of final rows where it matures."""
    form, unit, is_money = _UNITS[kpi.row["unit"]]
    counted = [f"kpi = '{kpi.name}'", f"basis = '{basis}'"]
    if kpi.matures and basis not in LEVELS:
        counted.append("is_mature")
    rows = " and ".join(counted)
    of = f"filter (where {rows})"
    counts = "The last day counted, alone." if basis in LEVELS else (
        "Final rows only." if kpi.matures else "All rows: it is of what is still open."
    )  # fmt: skip
    if kpi.is_of_what_is_done:
        counts = f"Of what is done: rows of what is open are not final. {WITH_WHAT_IS_OPEN.get(kpi.name, '')}"
    formula = kpi.row["formula"]
    told = [
        kpi.row["question"],
        formula[:1].upper() + formula[1:].rstrip(".") + ".",
        kpi.row["caveats"],
        counts,
    ]
    return Metric(
        kpi.metric(basis), f"{kpi.title}, by {BASES[basis]}",
        f"sum(numerator) {of}\n/ nullif(sum(denominator) {of}, 0)",
        form, " ".join(filter(None, told)), unit, is_money, rows,
    )  # fmt: skip


def _kpi_metrics(levels: bool) -> list[Metric]:
    return [kpi_metric(kpi, basis) for kpi in kpis() for basis in kpi.bases if (basis in LEVELS) is levels]


def _kpi_daily(name: str, database: str) -> Dataset:
    base = table("kpi_daily")
    return Dataset(
        name, "KPIs by day", database, "marts.kpi_daily",
        (PERIODS_AGO, *base.columns.values(), PERIOD_END), tuple(_kpi_metrics(levels=False)),
        "Every KPI that is a flow, by day, channel, category and site. Take the saved metrics: each is"
        " one KPI and"
        " basis, sum of numerators over sum of denominators of final rows, and right under any grouping.",
        PERIODS, "period_date",
    )  # fmt: skip


def _months(name: str, title: str, source: str, month: str) -> Dataset:
    """Medians by month of a slice, estimated with what is still open, of the months that are over."""
    base = table(source)
    begins = Column("month_begins", "date", "First day of the month.", "Month")
    newest = Column("is_newest", "boolean", "True for the newest month that has a median.", "Newest")
    sql = (
        "select months.*,\n"
        "    month_begins = max(month_begins) filter (where p50_hours is not null) over () as is_newest\n"
        "from (\n"
        f"    select t.*, to_date({month}, 'YYYY-MM') as month_begins from marts.{source} as t\n"
        ") as months\n"
        "where month_begins + interval '1 month' <= (select max(business_date) + 1 from marts.publication)"
    )
    return Dataset(
        name, title, MARTS, f"marts.{source}", (*base.columns.values(), begins, newest), _MEDIANS,
        f"{base.description} Months that are over.", sql, "month_begins",
    )  # fmt: skip


# A median of several rows is none of theirs.
_MEDIANS = tuple(
    Metric(f"{name}_hours", title, f"case when count(*) = 1 then max({name}_hours) end", ONE,
           f"Kaplan–Meier: open units count with the hours that they have waited. {caveat} Empty over several"
           " rows: medians don't add up.", "hours")
    for name, title, caveat in (
        ("p50", "Half are done within", "Empty while fewer than half are done."),
        ("p90", "Nine of ten are done within", "Empty while fewer than nine of ten are done."),
    )
)  # fmt: skip


# --- metrics of the other tables


def _in_one_currency(amount: str) -> str:
    """Amounts of several currencies are no sum: then there is no figure, and never a wrong one."""
    return f"case when min(currency) = max(currency) then {amount} end"


_ONE_CURRENCY = "Empty where the rows are of several currencies: group or filter by currency."

# A next step begins with who has to take it, where that is not the company.
_WAITS_FOR = "split_part(next_step, ' ', 1) {}"
_LINES = (
    Metric("lines", "Return lines", "count(*)"),
    Metric("open_lines", "Open return lines", "count(*) filter (where is_open)", rows="is_open"),
    Metric("overdue_lines", "Overdue return lines", "count(*) filter (where is_overdue)",
           rows="is_overdue"),
    Metric("lines_in_time", "Return lines in time",
           "count(*) filter (where next_step is not null and not coalesce(is_overdue, false))"),
    Metric("open_units", "Open units", "coalesce(sum(open_quantity), 0)", rows="is_open"),
    Metric("overdue_share", "Overdue share of lines that wait",
           "count(*) filter (where is_overdue)::numeric\n"
           "/ nullif(count(*) filter (where is_open or next_step is not null), 0)",
           PERCENT),
    Metric("oldest_days", "Longest wait", "max(days_in_status) filter (where next_step is not null)",
           unit="days in status"),
    *(
        Metric(f"waits_for_{who}", f"Lines that wait for {words}", f"count(*) filter (where {condition})",
               rows=condition)
        for who, words, condition in (
            ("customer", "the customer", _WAITS_FOR.format("= 'customer'")),
            ("us", "us", _WAITS_FOR.format("not in ('customer', 'carrier')")),
            ("carrier", "the carrier", _WAITS_FOR.format("= 'carrier'")),
        )
    ),
)  # fmt: skip
_SALES = (
    Metric("shipped", "Units shipped", "sum(shipped_quantity) filter (where is_mature)", rows="is_mature"),
    Metric("returned", "Units returned", "sum(returned_quantity) filter (where is_mature)",
           rows="is_mature"),
    Metric("return_rate", "Return rate, by the day shipped",
           "sum(returned_quantity) filter (where is_mature)\n"
           "/ nullif(sum(shipped_quantity) filter (where is_mature), 0)", PERCENT,
           "Units returned over units shipped, of final lines only.", rows="is_mature"),
    Metric("returned_value", "Returned value", "sum(returned_reporting) filter (where is_mature)", COUNT,
           is_money=True, rows="is_mature"),
)  # fmt: skip
_RETURNS = (
    Metric("units", "Units received", "sum(received_quantity)"),
    Metric("cost", "Cost", "sum(cost_reporting)", COUNT, is_money=True),
    Metric("cost_per_unit", "Cost per unit received",
           "sum(cost_reporting) / nullif(sum(received_quantity), 0)", TWO,
           "What the returns have cost so far, also those in process, over units received.", "per unit",
           True),
)  # fmt: skip
_STOCK = (
    Metric("stock_units", "Units in stock", "sum(quantity)"),
    Metric("stock_value", "Book value of returned stock", "sum(stock_value)", COUNT, is_money=True),
    Metric("quarantined", "Units in quarantine", "sum(quarantined_quantity)"),
)
_OPEN_DAYS = (
    Metric("open_units_a_day", "Open units on a day",
           "sum(open_units)::numeric / nullif(count(distinct snapshot_date), 0)", COUNT,
           "A level: over several days their mean, never their sum."),
)  # fmt: skip
_RATES = (
    Metric("rate", "Return rate", "sum(returned_quantity)::numeric / nullif(sum(shipped_quantity), 0)",
           PERCENT),
    Metric("products_above", "Products above their category", "count(*) filter (where is_above_category)",
           rows="is_above_category"),
    Metric("returned_units", "Units returned", "sum(returned_quantity)"),
)  # fmt: skip
_REASONS = (
    Metric("checked_units", "Units inspected", "sum(units) filter (where is_comparable)"),
    Metric("confirmed_share", "Reason confirmed",
           "sum(units) filter (where is_confirmed and is_comparable)::numeric\n"
           "/ nullif(sum(units) filter (where is_comparable), 0)", PERCENT),
)  # fmt: skip
_OUTCOMES = (
    Metric("disposed_units", "Units disposed of", "sum(units)"),
    Metric("recovered", "Value recovered", "sum(recovered_value)", COUNT, is_money=True),
    Metric("recovered_of_cost", "Value recovered over original cost",
           "sum(recovered_value) / nullif(sum(original_cost), 0)", PERCENT),
)  # fmt: skip
_CUSTOMERS = (
    Metric("customers", "Customers", "count(*)"),
    Metric(
        "customers_waiting",
        "Customers with an open return",
        "count(*) filter (where open_returns > 0)",
        rows="open_returns > 0",
    ),
    Metric(
        "pending_refunds",
        "Refunds not paid yet",
        # Nothing is pending: 0. Whether refunds are told of at all is the same for every row.
        "case when count(*) = count(pending_refund_value) then coalesce(sum(pending_refund_value), 0) end",
        COUNT,
        "Refunds that the processor has begun and not paid yet; empty where no row of crm_refunds has come.",
        is_money=True,
        rows="(pending_refund_value <> 0 or pending_refund_value is null)",
    ),
    Metric("open_cases", "Open service cases", "sum(open_contacts)"),
)
_EXPECTED = (
    Metric("expected_units", "Units expected", "sum(expected_units)", COUNT,
           "Units that should come back: what is under way, what sales of the last weeks will send, and what"
           " sales to come will.", "units"),
    Metric("expected_this_week", "Units expected, next 7 days",
           "sum(expected_units) filter (where week_ahead = 1)", COUNT, unit="units", rows="week_ahead = 1"),
    Metric("labour_hours", "Hours of work that they bring", "sum(labour_minutes) / 60", ONE, unit="hours"),
    Metric("under_way_units", "Of returns asked for", "sum(under_way_units)", COUNT, unit="units"),
    Metric("past_sales_units", "Of what was shipped", "sum(past_sales_units)", COUNT, unit="units"),
    Metric("coming_sales_units", "Of what will be shipped", "sum(coming_sales_units)", COUNT, unit="units"),
    Metric("unknown_sale_units", "Of no known sale", "sum(unknown_sale_units)", COUNT, unit="units"),
)  # fmt: skip
_STRAYED = (
    Metric("mase_ratio", "Error over that of last week again",
           "sum(absolute_error_units) / nullif(sum(naive_absolute_error_units), 0)", TWO,
           "Below 1 the forecast is nearer to what came than the last seven days again."),
    Metric("bias_ratio", "Too much (+) or too little", "sum(bias_units) / nullif(sum(actual_units), 0)",
           PERCENT),
    Metric("coverage_80", "Weeks within the 80 % interval",
           "sum(weeks_within_80) / nullif(sum(weeks), 0)", PERCENT),
    Metric("weeks_measured", "Weeks measured", "sum(weeks)"),
)  # fmt: skip
_THIS_WEEK = "first_seen_on >= business_date - 6"
_ALERTS = (
    Metric("alerts", "Quality alerts", "count(*)"),
    Metric("new_alerts", "New quality alerts", f"count(*) filter (where {_THIS_WEEK})",
           description="Seen for the first time within the last seven days.",
           rows=_THIS_WEEK),
)  # fmt: skip
_UNFILED = (
    Metric("claims", "Claims to file", "count(*)"),
    Metric("claims_amount", "What they should bring", "sum(expected_amount)", COUNT, is_money=True),
    Metric("claims_ending", "Claims that end this week",
           "count(*) filter (where days_left < 7)",
           description="Their last day is one of the next seven, today included.",
           rows="days_left < 7"),
    Metric("lost_a_day", "What a day of waiting costs", "sum(lost_a_day)", COUNT, is_money=True),
)  # fmt: skip
_ADVISED = (
    Metric("undecided_units", "Units that wait for a decision", "sum(open_units)", unit="units"),
    Metric("gain_by_advice", "The best way less the second", "sum(difference * open_units)", COUNT,
           "What the best way should bring more than the second, of all units.", is_money=True),
)  # fmt: skip
_RETURNLESS = (
    Metric("units_losing", "Units taken back at a loss",
           "sum(units_taken_back) filter (where advice = 'KEEP')", rows="advice = 'KEEP'"),
    Metric("cost_taking_back", "Cost of taking back", "sum(cost_of_taking_back)", COUNT, is_money=True),
)  # fmt: skip
_OUTLOOK = (
    Metric("customers_above", "Customers above their peers", "count(*) filter (where is_above_peers)",
           rows="is_above_peers"),
    Metric("lifetime_value", "Lifetime value after returns", "sum(lifetime_value)", COUNT, is_money=True),
)  # fmt: skip
_SIGNALS = (Metric("signals", "Signals", "count(*)"),)
_REGULATED = (
    Metric("units", "Regulated units", "coalesce(sum(quantity), 0)"),
    Metric("units_with_issue", "Units with an issue", "coalesce(sum(quantity) filter (where has_issue), 0)",
           rows="has_issue"),
    Metric("units_without_certificate", "Units without certificate",
           "coalesce(sum(quantity) filter (where is_certificate_missing), 0)",
           rows="is_certificate_missing"),
)  # fmt: skip
_WASTE = (
    Metric("weight_kg", "Weight", "sum(weight_kg)", COUNT, unit="kg"),
    Metric("diverted_share", "Kept from landfill",
           "sum(weight_kg) filter (where is_diverted and counts_for_diversion)\n"
           "/ nullif(sum(weight_kg) filter (where counts_for_diversion), 0)", PERCENT),
)  # fmt: skip
_EMISSIONS = (
    Metric("co2e_kg", "Greenhouse gas", "sum(co2e_g) / 1000", ONE, "Grams of CO₂e over 1,000.", "kg CO₂e"),
)
# A cent that does not agree along the chain may stand in a gap beside it, too: each is counted once.
OF_CHAIN = "status in ('open', 'waiting') and is_chain"
BESIDE_CHAIN = "status in ('open', 'waiting') and not is_chain"
_EXCEPTIONS = (
    Metric("items", "Items", "count(*) filter (where status not in ('settled', 'cleared') and is_chain)"),
    Metric("open_items", "Items to be looked at", f"count(*) filter (where {OF_CHAIN})",
           description="Open and waiting items between entitlement, memo, cash and ledger.", rows=OF_CHAIN),
    Metric("open_amount", "Amount to be looked at",
           _in_one_currency(f"sum(abs(amount)) filter (where {OF_CHAIN})"), TWO,
           "Absolute amounts of open and waiting items between entitlement, memo, cash and ledger, in the"
           f" row's currency. {_ONE_CURRENCY}", rows=OF_CHAIN),
    Metric("open_reporting", "Amount to be looked at, in the reporting currency",
           f"sum(abs(reporting_amount)) filter (where {OF_CHAIN})", COUNT,
           "Absolute amounts of open and waiting items between entitlement, memo, cash and ledger, at the"
           " rate of the group's first document.", is_money=True, rows=OF_CHAIN),
    Metric("old_items", "Items older than 30 days", f"count(*) filter (where {OF_CHAIN} and age_days > 30)",
           rows=f"{OF_CHAIN} and age_days > 30"),
    Metric("beside_items", "Items beside the chain", f"count(*) filter (where {BESIDE_CHAIN})",
           description="Open and waiting items between memos and refunds issued, or memos and their"
           " postings. The same refund may be an item of the chain.", rows=BESIDE_CHAIN),
    Metric("beside_amount", "Amount beside the chain",
           _in_one_currency(f"sum(abs(amount)) filter (where {BESIDE_CHAIN})"), TWO,
           f"Absolute amounts, in the row's currency. {_ONE_CURRENCY}", rows=BESIDE_CHAIN),
)  # fmt: skip
_GROUPS = (
    Metric("groups", "Match groups", "count(*)"),
    Metric("agreeing", "Groups that agree to the cent", "count(*) filter (where is_reconciled)"),
    Metric("agreeing_share", "Agree to the cent",
           "count(*) filter (where is_reconciled)::numeric / nullif(count(*), 0)", PERCENT),
    Metric("paid", "Cash paid", _in_one_currency("sum(paid_amount)"), TWO, _ONE_CURRENCY),
)  # fmt: skip
_ROLLFORWARD = (
    Metric("closing", "Closing balance of gaps",
           _in_one_currency("sum(abs(closing_amount)) / nullif(count(distinct day), 0)"), TWO,
           f"A level: over several days their mean, never their sum. {_ONE_CURRENCY}"),
    Metric("new", "New", _in_one_currency("sum(new_amount)"), TWO, _ONE_CURRENCY),
    Metric("cleared", "Cleared", _in_one_currency("sum(cleared_amount)"), TWO, _ONE_CURRENCY),
)  # fmt: skip
_LIABILITY = (
    Metric("liability", "Refund liability", "sum(refund_liability) / nullif(count(distinct month), 0)", COUNT,
           "At month end: over several months their mean, never their sum.", is_money=True),
    Metric("asset", "Right-of-return asset",
           "sum(right_of_return_asset) / nullif(count(distinct month), 0)", COUNT, is_money=True),
)  # fmt: skip
_LIABILITY_NOW = (
    Metric("liability_now", "Refund liability", "sum(refund_liability)", COUNT, is_money=True),
    Metric("asset_now", "Right-of-return asset", "sum(right_of_return_asset)", COUNT, is_money=True),
)
_FILES = (
    Metric("files", "Files", "sum(files)"),
    Metric("files_refused", "Files refused",
           "coalesce(sum(files) filter (where status in ('rejected', 'deferred')), 0)",
           rows="status in ('rejected', 'deferred')"),
    Metric("rows_loaded", "Rows loaded", "sum(rows_loaded) filter (where status = 'loaded')"),
    Metric("rows_refused", "Rows refused", "sum(rows_quarantined) filter (where status = 'loaded')"),
    Metric("newest_file", "Newest file of", "max(business_date) filter (where status = 'loaded')", ""),
    Metric("last_read", "Last read at", "max(last_finished_at)", ""),
)  # fmt: skip
_REFUSALS = (Metric("rows_refused", "Rows refused", "coalesce(sum(rows_refused), 0)"),)
_AT_WORK = "stage in ('ingest', 'dbt', 'gate', 'publish') and outcome = 'ok' and finished_at >= started_at"
_NIGHTS = (
    Metric("night_seconds", "Seconds from start to end", "sum(seconds) / nullif(count(*), 0)", ONE,
           "From the start of a night to its end, with what it waited; over several nights their mean.",
           "seconds"),
    Metric("usual_seconds", "Usual: half of the nights take less",
           "percentile_cont(0.5) within group (order by seconds)", ONE,
           "Median of the nights from start to end.", "seconds"),
)  # fmt: skip
_STAGES = (
    Metric("seconds", "Seconds at work",
           "(select sum(extract(epoch from upper(span) - lower(span))) from unnest("
           f"range_agg(tstzrange(started_at, finished_at)) filter (where {_AT_WORK})) as span)", ONE,
           "Time that any of the stages was at work: what ran at the same time counts once.", "seconds",
           rows=_AT_WORK),
    Metric("failed_stages", "Stages failed", "count(*) filter (where outcome = 'failed')"),
)  # fmt: skip
_CHECKS = (
    Metric("checks", "Checks", "count(*)"),
    Metric("failed_checks", "Checks failed", "count(*) filter (where not success)"),
    Metric("critical_failed", "Critical checks failed",
           "count(*) filter (where not success and severity = 'critical')",
           rows="not success and severity = 'critical'"),
)  # fmt: skip
_COMPLETE = (
    Metric("kpis", "KPIs", "count(*)"),
    Metric("kpis_incomplete", "KPIs not complete", "count(*) filter (where completeness <> 'complete')"),
)

_SEGMENT = Join(
    "left join marts.dimension_customer as c on t.customer_id = c.customer_id",
    {"segment": ("coalesce(c.segment, 'UNKNOWN')", "dimension_customer", "segment")},
)
_PRODUCT = Join(
    "left join marts.dimension_product as p on t.sku = p.sku",
    {"product_name": ("p.product_name", "dimension_product", "product_name")},
)
_VENDOR = Join(
    "left join marts.dimension_vendor as v on t.vendor_id = v.vendor_id",
    {"vendor_name": ("v.vendor_name", "dimension_vendor", "vendor_name")},
)
_REASON = Join(
    "left join marts.dimension_reason as r on t.reason = r.reason",
    {"reason_name": ("r.reason_name", "dimension_reason", "reason_name")},
)
_CARRIER = Join(
    "left join marts.dimension_carrier as k on t.carrier = k.carrier",
    {"carrier_name": ("k.carrier_name", "dimension_carrier", "carrier_name")},
)
# Ages as words sort as ages: 04-07 before 15-30.
_AGE = Join(
    "",
    {"age_group": (r"regexp_replace(t.age_bucket, '\m(\d)\M', '0\1', 'g') || ' days'",
                   "refund_exceptions", "age_bucket")},
)  # fmt: skip


def _in_order(column: str, values: Sequence[str]) -> str:
    """The column's values numbered as the process has them, since a stack sorts by name: `1 requested`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"array_position(array[{listed}], {column}) || ' ' || lower(replace({column}, '_', ' '))"


_STEP = Join(
    "",
    {"step": (
        _in_order("t.last_step", ("REQUESTED", "APPROVED", "IN_TRANSIT", "RECEIVED", "INSPECTED")),
        "open_returns_by_day", "last_step",
    )},
)  # fmt: skip
_CATEGORY_RATE = Join(
    "left join marts.category_return_rates as g on t.product_category = g.product_category",
    {"category_rate": ("g.return_rate", "category_return_rates", "return_rate")},
)


def _books(name: str, title: str, about: str, date: str, metrics: Sequence[Metric], columns: str) -> Dataset:
    """A view of the pipeline's books; its words stand in src/revlog/database/sql/397_pipeline.sql, too."""
    pairs = [item.split(":") for item in columns.split()]
    return Dataset(
        name, title, MARTS, f"ops.{name}",
        tuple(Column(c, kind, "", in_words(c)) for c, kind in pairs), tuple(metrics), about, date=date,
    )  # fmt: skip


def _stages() -> Dataset:
    """Stages, numbered in the order in which a night begins them."""
    base = _books(
        "pipeline_stages", "Stages of the nights", "Stages that ran, with how long they took.",
        "business_date", _STAGES, "run_id:bigint business_date:date stage:text detail:text outcome:text"
        " started_at:timestamptz finished_at:timestamptz seconds:numeric",
    )  # fmt: skip
    step = Column("step", "text", "Stage, numbered in the order in which a night begins them.", "Step")
    selected = ", ".join(column.name for column in base.columns)
    sql = (
        f"select\n    {selected},\n    {_in_order('stage', ('ingest', 'gate', 'dbt', 'publish'))} as step\n"
        "from ops.pipeline_stages"
    )
    return replace(base, columns=(*base.columns, step), sql=sql)


def _nights() -> Dataset:
    """Nights from start to end: no stage, so that a filter of stages leaves them as they are."""
    columns = {"run_id": "bigint", "business_date": "date", "outcome": "text", "started_at": "timestamptz",
               "finished_at": "timestamptz", "seconds": "numeric"}  # fmt: skip
    sql = f"select {', '.join(columns)}\nfrom ops.pipeline_stages\nwhere stage = 'night'"
    return Dataset(
        "pipeline_nights", "Nights", MARTS, "ops.pipeline_stages",
        tuple(Column(name, kind, "", in_words(name)) for name, kind in columns.items()), _NIGHTS,
        "Nights from start to end.", sql, "business_date",
    )  # fmt: skip


# Chance that as many units come back of a product that is as its category: the normal distribution's upper
# tail, corrected for whole units; its polynomial is Abramowitz and Stegun's 26.2.17 (PostgreSQL 15 has no
# erfc). Then Benjamini and Hochberg over all products judged, as the scorecard does: twenty of 400 that are
# like their category would be below 5 % each for itself.
ABOVE_CATEGORY = """judged as (
    select
        rates.*,
        case when shipped_quantity * category_rate >= 5 and shipped_quantity * (1 - category_rate) >= 5
            then cast(
                (returned_quantity - 0.5 - shipped_quantity * category_rate)
                / sqrt(shipped_quantity * category_rate * (1 - category_rate)) as double precision
            )
        end as z
    from rates
),
terms as (
    select judged.*, 1 / (1 + 0.2316419 * abs(z)) as t from judged
),
tails as (
    select
        terms.*,
        exp(-z * z / 2) / sqrt(2 * pi())
        * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
        as tail
    from terms
),
chances as (
    select tails.*, case when z < 0 then 1 - tail else tail end as chance from tails
),
ranked as (
    select
        chances.*,
        -- as many as have this chance or a lower one
        chance * count(chance) over () / nullif(count(chance) over (order by chance), 0) as raised
    from chances
)
select
    {columns},
    case when chance is not null
        then cast(min(raised) over (order by chance desc nulls first) as numeric(6, 5))
    end as chance_among_all,
    chance is not null and min(raised) over (order by chance desc nulls first) <= 0.05 as is_above_category
from ranked"""


def _above_category(base: Dataset) -> Dataset:
    added = (
        Column(
            "chance_among_all", "numeric",
            "Chance that a product like its category has as many returns, raised for how many products were"
            " looked at (Benjamini and Hochberg); empty where fewer than 5 returns are expected.",
            "Chance, among all",
        ),
        Column(
            "is_above_category", "boolean",
            "True where that chance is at most 5 %: of the products called so, one in twenty is expected to"
            " be chance.",
            "Above its category",
        ),
    )  # fmt: skip
    columns = ", ".join(column.name for column in base.columns)
    sql = f"with rates as (\n{base.sql}\n),\n{ABOVE_CATEGORY.format(columns=columns)}"
    return Dataset(
        base.name, base.title, base.database, base.source, (*base.columns, *added), base.metrics,
        base.description, sql, base.date,
    )  # fmt: skip


def datasets() -> list[Dataset]:
    """Every dataset, in the order of the dashboards."""
    return [
        _kpi_daily("kpis", MARTS),
        of_table("marts.kpi_levels_now", "KPIs that are levels, as they stand", _kpi_metrics(levels=True)),
        joined("tracked_returns", "Return lines and their next step", "marts.return_tracking", [_SEGMENT],
               _LINES, "requested_at"),
        joined("open_returns_by_day", "Open returns by day", "marts.open_returns_by_day", [_STEP], _OPEN_DAYS,
               "snapshot_date"),
        _months("cycle_months", "Return cycle time by month", "return_cycle_time_by_month", "request_month"),
        _months("dock_months", "Dock to disposition by month", "dock_to_disposition_by_month",
                "received_month"),
        _months("dock_months_by_site", "Dock to disposition by month and site", "dock_to_disposition",
                "received_month"),
        joined("stock", "Returned stock as it stands", "marts.returned_stock_now", [_PRODUCT], _STOCK, None),
        of_table("marts.disposition_outcomes", "Dispositions and value recovered", _OUTCOMES, "month"),
        joined("sold", "Sales lines and what came back", "marts.sales_lines", [_PRODUCT, _VENDOR], _SALES,
               "shipped_on", {"ship_from_site": "site", "customer_segment": "segment"}),
        joined("returned", "Return lines with cost", "marts.return_lines",
               [_PRODUCT, _REASON, _CARRIER, _VENDOR], _RETURNS, "begun_on", {"customer_segment": "segment"}),
        _above_category(joined("product_rates", "Products beside their category",
                               "marts.product_return_rates", [_CATEGORY_RATE], _RATES, None)),
        of_table("marts.reason_truthfulness", "Reasons stated and confirmed", _REASONS),
        of_table("marts.customer_overview", "Customers", _CUSTOMERS, "last_return_on"),
        joined("signals", "Signals on returns, with evidence", "marts.return_signals",
               [_SEGMENT, Join("left join marts.return_tracking as l"
                               " on t.return_line_key = l.return_line_key",
                               {"channel": ("l.channel", "return_tracking", "channel"),
                                "site": ("l.site", "return_tracking", "site"),
                                "product_category": ("l.product_category", "return_tracking",
                                                     "product_category")})],
               _SIGNALS, "returned_on"),
        of_table("marts.return_forecast", "Expected returns", _EXPECTED, "expected_on"),
        of_table("marts.forecast_accuracy", "How far expected returns stray", _STRAYED),
        of_table("marts.quality_alerts", "What got worse", _ALERTS),
        of_table("marts.claims_to_file", "Claims to file", _UNFILED),
        of_table("marts.disposition_advice", "Goods that wait, and their best way", _ADVISED),
        of_table("marts.returnless_advice", "Take back or leave with the customer", _RETURNLESS),
        of_table("marts.customer_outlook", "Customers after returns", _OUTLOOK),
        of_table("marts.regulated_units", "Regulated units", _REGULATED, "received_on"),
        of_table("marts.waste_by_month", "Weight by what became of it", _WASTE, "month"),
        of_table("marts.emissions_by_month", "Emissions by month", _EMISSIONS, "month"),
        _kpi_daily("finance_kpis", FINANCE),
        joined("refund_exceptions", "Refund exceptions", "finance.refund_exceptions", [_AGE], _EXCEPTIONS,
               "open_since", database=FINANCE),
        of_table("finance.refund_reconciliation", "Match groups", _GROUPS, "paid_on", FINANCE),
        of_table("finance.reconciliation_rollforward", "Gaps by day", _ROLLFORWARD, "day", FINANCE),
        of_table("finance.refund_liability", "Refund liability by month", _LIABILITY, "month", FINANCE),
        of_table("finance.refund_liability_now", "Refund liability as it stands", _LIABILITY_NOW,
                 database=FINANCE),
        of_table("marts.kpi_completeness", "Completeness of the KPIs", _COMPLETE),
        _books("pipeline_files", "Files of the nights", "Files and their rows, by night, feed and status.",
               "run_date", _FILES, "run_date:date source:text feed:text status:text business_date:date"
               " files:bigint rows_loaded:numeric rows_quarantined:numeric rows_duplicate:numeric"
               " last_finished_at:timestamptz"),
        _books("pipeline_refusals", "Rows refused", "Rows refused, by night, feed, reason and column.",
               "run_date", _REFUSALS, "run_date:date source:text feed:text reason:text column_name:text"
               " rows_refused:bigint"),
        _stages(),
        _nights(),
        _books("pipeline_checks", "Checks of the nights", "Last result of each check of each night.",
               "business_date", _CHECKS, "result_id:bigint business_date:date stage:text engine:text"
                                         " asset:text"
               " check_name:text column_name:text severity:text success:boolean unexpected_count:bigint"
               " validated_at:timestamptz"),
    ]  # fmt: skip
