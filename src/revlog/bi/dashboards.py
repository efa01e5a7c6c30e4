"""The dashboards: for whom, what they ask first, and the tiles that answer, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from revlog.bi.charts import (
    FIGURE_HEIGHT,
    Chart,
    bars,
    figures,
    grouped,
    monthly,
    number,
    over_time,
    rows,
    trend,
)
from revlog.bi.datasets import BESIDE_CHAIN, OF_CHAIN

WORST = ("days_in_status", "status", "next_step", "next_step_due_on", "site", "channel", "segment",
         "product_name", "open_quantity", "rma_no", "order_no", "return_line_key")  # fmt: skip
WAITS = "next_step is not null"
FINAL = "Tiles of 28 days end where nine tenths of the rows are final, and compare with the 28 days before."


@dataclass(frozen=True)
class Filter:
    """A select filter: what it is called, and the dataset and column that it offers values of.

    It narrows the tiles whose rows have the column, but for the datasets and titles in `leaves`, where
    it means something else.
    """

    title: str
    dataset: str
    column: str
    leaves: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; `about` stands on top of it."""

    slug: str
    title: str
    about: str
    filters: tuple[Filter, ...]
    rows: tuple[tuple[Chart, ...], ...]
    date_title: str = "Date"


def _common(of: str, *columns: str) -> tuple[Filter, ...]:
    titles = {"channel": "Channel", "site": "Site", "product_category": "Category", "segment": "Segment"}
    return tuple(Filter(titles[column], of, column) for column in columns)


ALL_FOUR = ("channel", "site", "product_category", "segment")

OPERATIONS = Dashboard(
    "operations", "Operations",
    "What is overdue, where, and what comes next. Lines that wait are those that somebody has to do the next"
    " step of, be it for goods or for money. Click a bar to see its rows below."
    f" {FINAL} Hours are medians of the months that are over and count what is still open.",
    _common("tracked_returns", *ALL_FOUR),
    (
        (
            number("Overdue return lines", "tracked_returns", "overdue_lines", note="of lines that wait now"),
            number("Open return lines", "tracked_returns", "open_lines", note="now"),
            number("Open units", "tracked_returns", "open_units", note="now"),
            number("Book value of returned stock", "stock", "stock_value", note="as last counted",
                   is_dated=False),
        ),
        (
            bars("Lines that wait, by next step", "tracked_returns", ["overdue_lines", "lines_in_time"],
                 "next_step", where=WAITS),
            bars("Lines that wait, by site", "tracked_returns", ["overdue_lines", "lines_in_time"], "site",
                 where=WAITS),
        ),
        (rows("Overdue return lines, longest wait first", "tracked_returns", WORST, order="days_in_status",
              where="is_overdue"),),
        *figures(
            monthly("Return cycle time", "cycle_months", "p50_hours",
                    note="median of the month requested"),
            monthly("Dock to disposition", "dock_months", "p50_hours",
                    note="median of the month received"),
            trend("Cost per return", "kpis", "cost_per_return", note="by the day received"),
            trend("Restock rate", "kpis", "restock_rate", note="of units received"),
        ),
        (
            over_time("Open units day by day, by last step", "open_returns_by_day", "open_units_a_day",
                      x="snapshot_date", by="step", grain="P1D", kind="area", is_in_order=True),
            over_time("Dock to disposition by site", "dock_months_by_site", "p50_hours", x="month_begins",
                      by="site", grain="P1M"),
        ),
        (
            bars("Cost per return by site", "kpis", ["cost_per_return"], "site"),
            bars("Returned stock by category", "stock", ["stock_value"], "product_category", is_dated=False),
        ),
        (rows("Return lines by cost, the dearest first", "returned",
              ("cost_reporting", "received_quantity", "begun_on", "received_on", "disposed_on", "site",
               "channel", "segment", "product_name", "reason_name", "carrier_name", "rma_no", "order_no",
               "return_line_key"),
              order="cost_reporting", where="cost_reporting > 0", height=50),),
    ),
)  # fmt: skip

PRODUCT = Dashboard(
    "product-quality", "Product quality",
    "What comes back, from which sales, and why. A product is *above its category* where more of it comes"
    " back than chance would have it, corrected for how many products are looked at: of those called so, one"
    f" in twenty may be chance. {FINAL}",
    _common("sold", *ALL_FOUR),
    (
        *figures(
            trend("Product return rate", "kpis", "product_return_rate_sale", note="by the day shipped"),
            trend("Return value rate", "kpis", "return_value_rate_sale", note="by the day shipped"),
            trend("Reason confirmed", "kpis", "reason_confirmation_rate", note="by the day received"),
            beside=(
                number("Products above their category", "product_rates", "products_above",
                       note="by more than chance, of all sales", is_dated=False, height=FIGURE_HEIGHT),
            ),
        ),
        (rows("Products with more returns than their category", "product_rates",
              ("product_name", "sku", "product_category", "shipped_quantity", "returned_quantity",
               "return_rate",
               "rate_low", "rate_high", "category_rate", "chance_among_all",
               "is_above_category"),
              order="rate_low", where="chance_among_all is not null and return_rate > category_rate",
              height=42, is_dated=False),),
        (
            bars("Return rate by category", "sold", ["return_rate"], "product_category"),
            bars("Return rate by segment", "sold", ["return_rate"], "segment"),
        ),
        (
            over_time("Return rate by category and period of shipping", "kpis", "product_return_rate_sale",
                      x="period_end", by="product_category", height=56),
            bars("Units received by reason", "returned", ["units"], "reason_name",
                 where="received_quantity > 0", limit=15, height=56),
        ),
        (
            bars("Cost per unit received by reason", "returned", ["cost_per_unit"], "reason_name",
                 where="received_quantity > 0", limit=15, height=56),
            grouped("Is the stated reason true?", "reason_truthfulness", ["stated_reason"],
                    ["checked_units", "confirmed_share"], where="is_comparable", height=56, has_bars=True),
        ),
        (grouped("Products by units returned", "sold", ["product_name", "sku", "product_category",
                                                        "vendor_name"],
                 ["returned", "shipped", "return_rate", "returned_value"], where="is_mature",
                 width=12, height=50, has_bars=True),),
    ),
    date_title="Date (shipped or begun)",
)  # fmt: skip

SERVICE = Dashboard(
    "customer-service", "Customer service",
    "Returns that wait for the customer or for us, refunds that are late, and what looks odd. Customers"
    " are keyed"
    f" hashes; who may look one up asks for it by number. {FINAL}",
    _common("tracked_returns", *ALL_FOUR),
    (
        (
            number("Wait for us", "tracked_returns", "waits_for_us", note="lines, for goods or money"),
            number("Wait for the customer", "tracked_returns", "waits_for_customer",
                   note="lines, not sent back yet"),
            number("Wait for the carrier", "tracked_returns", "waits_for_carrier",
                   note="lines, on their way"),
            number("Refunds not paid yet", "customer_overview", "pending_refunds",
                   note="begun by the processor",
                   is_dated=False),
        ),
        *figures(
            trend("Refund lead time", "kpis", "refund_lead_time", note="by the day of the payment"),
            trend("Refunds beyond 14 days", "kpis", "refund_late_share", note="by the day of the payment"),
            trend("Contacts per return", "kpis", "contacts_per_return", note="by the day requested"),
            trend("Customer satisfaction", "kpis", "csat", note="by the day requested"),
        ),
        (
            bars("Lines that wait, by next step", "tracked_returns", ["overdue_lines", "lines_in_time"],
                 "next_step", where=WAITS),
            bars("Lines that wait, by segment", "tracked_returns", ["overdue_lines", "lines_in_time"],
                 "segment", where=WAITS),
        ),
        (rows("Return lines that wait, longest first", "tracked_returns",
              ("days_in_status", "status", "next_step", "next_step_due_on", "channel", "segment",
               "product_name",
               "open_quantity", "rma_no", "order_no", "customer_id"),
              order="days_in_status", where=WAITS),),
        (
            bars("Signals on returns", "signals", ["signals"], "signal"),
            over_time("Refund lead time by channel", "kpis", "refund_lead_time", x="period_end",
                      by="channel"),
        ),
        (rows("Signals with their evidence", "signals",
              ("returned_on", "signal", "evidence", "status", "order_no", "rma_no", "sku", "channel",
               "segment",
               "customer_id"), order="returned_on", height=50),),
    ),
    date_title="Date (requested, paid or returned)",
)  # fmt: skip

COMPLIANCE = Dashboard(
    "compliance", "Compliance",
    "Hazardous and e-waste units with an issue first, then weight kept from landfill and emissions."
    f" {FINAL}",
    # Waste and emissions are of every category, regulated units of a few.
    (*_common("waste_by_month", "site"), *_common("kpis", "product_category", "channel"),
     Filter("Hazard class", "waste_by_month", "hazmat_class")),
    (
        (
            number("Units with an issue", "regulated_units", "units_with_issue", note="of regulated units"),
            number("Without certificate", "regulated_units", "units_without_certificate",
                   note="units disposed of that lack one"),
            number("Regulated units", "regulated_units", "units", note="received"),
            number("Kept from landfill", "waste_by_month", "diverted_share",
                   note="of the weight disposed of"),
        ),
        (rows("Units with an issue, newest first", "regulated_units",
              ("issue", "received_on", "site", "sku", "product_category", "hazmat_class", "weee_category",
               "disposition", "disposed_on", "certificate_no", "quantity", "weight_g", "return_line_key"),
              order="received_on", where="has_issue"),),
        *figures(
            trend("Landfill diversion rate", "kpis", "landfill_diversion_rate", note="by the day received"),
            trend("CO₂e per return", "kpis", "co2e_per_return", note="by the day received"),
        ),
        (
            over_time("Weight by disposition", "waste_by_month", "weight_kg", x="month", by="disposition",
                      grain="P1M", kind="bar"),
            over_time("Greenhouse gas by source", "emissions_by_month", "co2e_kg", x="month", by="source",
                      grain="P1M", kind="bar"),
        ),
        (
            bars("Regulated units by disposition", "regulated_units", ["units"], "disposition",
                 where="disposition is not null"),
            bars("Weight by site", "waste_by_month", ["weight_kg"], "site", stack_by="disposition"),
        ),
    ),
    date_title="Date (received or month)",
)  # fmt: skip

MONEY = Dashboard(
    "finance", "Finance",
    "Which cents do not agree, since when, and whose they are. Items are of the chain from entitlement over"
    " memo and cash to the ledger; gaps beside it have a table of their own. Amounts of exceptions are in the"
    f" currency of the row and are never added up over several. {FINAL}",
    (
        # KPIs and liability are in the reporting currency, whatever the row's was.
        Filter("Currency", "refund_exceptions", "currency",
               frozenset({"finance_kpis", "refund_liability", "refund_liability_now"})),
        Filter("Class", "refund_exceptions", "class"),
        Filter("Period", "refund_exceptions", "period"),
        Filter("Channel", "finance_kpis", "channel"),
        Filter("Site", "finance_kpis", "site"),
        Filter("Category", "finance_kpis", "product_category"),
    ),
    (
        (
            number("Items to be looked at", "refund_exceptions", "open_items",
                   note="open and waiting, each once"),
            number("Older than 30 days", "refund_exceptions", "old_items", note="items, open and waiting"),
            number("Agree to the cent", "refund_reconciliation", "agreeing_share", note="of match groups"),
            number("Refund liability", "refund_liability_now", "liability_now", note="as it stands",
                   is_dated=False),
        ),
        (
            bars("Amount to be looked at, by class and age", "refund_exceptions", ["open_reporting"], "class",
                 stack_by="age_group", where=OF_CHAIN, height=58),
            grouped("Amount to be looked at, by currency and class", "refund_exceptions",
                    ["currency", "class"], ["open_amount", "open_items", "old_items"],
                    where=OF_CHAIN, height=58),
        ),
        (rows("Refund exceptions, oldest first", "refund_exceptions",
              ("age_days", "class", "gap", "amount", "currency", "status", "owner", "next_action", "order_no",
               "rma_no", "refund_id", "memo_no"),
              order="age_days", where=OF_CHAIN),),
        (grouped("Gaps beside the chain, by gap, class and currency", "refund_exceptions",
                 ["gap", "class", "currency"], ["beside_items", "beside_amount"], where=BESIDE_CHAIN,
                 width=12, height=36),),
        *figures(
            trend("Refund rate", "finance_kpis", "refund_rate_refund", note="by the day settled"),
            trend("Over-refunded", "finance_kpis", "over_refund_amount", note="of cash paid"),
            trend("Value recovery rate", "finance_kpis", "value_recovery_rate", note="by the day received"),
            trend("Refunds beyond 14 days", "finance_kpis", "refund_late_share",
                  note="by the day of the payment"),
        ),
        (
            over_time("Gaps at the end of each day, by currency", "reconciliation_rollforward", "closing",
                      x="day", by="currency", grain="P1D",
                      where="gap in ('E-M', 'M-P', 'P-G') and class <> 'STORE_CREDIT_OR_EXCHANGE'"),
            over_time("Refund liability at month end, by category", "refund_liability", "liability",
                      x="month",
                      by="product_category", grain="P1M", kind="bar"),
        ),
        (
            bars("Return value rate by category", "finance_kpis", ["return_value_rate_sale"],
                 "product_category"),
            bars("Vendor recovery rate by category", "finance_kpis", ["vendor_recovery_rate"],
                 "product_category"),
        ),
    ),
    date_title="Date (open since, paid, KPI day)",
)  # fmt: skip

PIPELINE = Dashboard(
    "pipeline", "Pipeline",
    "Did last night's files come, how long did it take against other nights, what was refused and why,"
    " which checks"
    " failed. A night is called by its business date.",
    (
        Filter("Source", "pipeline_files", "source"),
        Filter("Feed", "pipeline_files", "feed"),
        Filter("Stage", "pipeline_stages", "stage"),
        Filter("Severity", "pipeline_checks", "severity"),
    ),
    (
        (
            number("Newest file of", "pipeline_files", "newest_file", note="business date"),
            number("Files refused", "pipeline_files", "files_refused", note="rejected whole or deferred"),
            number("Rows refused", "pipeline_refusals", "rows_refused",
                   note="in quarantine, of the nights chosen"),
            number("Critical checks failed", "pipeline_checks", "critical_failed",
                   note="last result of each night"),
        ),
        (
            over_time("Each night from start to end", "pipeline_nights", "night_seconds", x="business_date",
                      grain="P1D", kind="bar", width=9, height=36),
            number("Usual night", "pipeline_nights", "usual_seconds",
                   note="from start to end; half take less", height=36),
        ),
        (
            grouped("Freshness by feed, the oldest first", "pipeline_files", ["source", "feed"],
                    ["newest_file", "last_read", "files", "rows_loaded", "rows_refused", "files_refused"],
                    order="newest_file", is_descending=False, width=12, height=60),
        ),
        (
            over_time("Seconds at work each night, by stage", "pipeline_stages", "seconds", x="business_date",
                      by="step", grain="P1D", kind="bar", limit=14, is_in_order=True),
            over_time("Rows loaded each night, by source", "pipeline_files", "rows_loaded", x="run_date",
                      by="source", grain="P1D", kind="bar"),
        ),
        (
            bars("Rows refused by reason", "pipeline_refusals", ["rows_refused"], "reason", stack_by="source",
                 height=50),
            grouped("Checks by stage", "pipeline_checks", ["stage", "engine"],
                    ["checks", "failed_checks", "critical_failed"], height=50),
        ),
        (rows("Rows refused, by feed and column", "pipeline_refusals",
              ("rows_refused", "run_date", "source", "feed", "column_name", "reason"), order="rows_refused",
              height=50),),
        (rows("Checks that failed", "pipeline_checks",
              ("business_date", "severity", "stage", "asset", "check_name",
               "unexpected_count"),
              order="business_date", where="not success", height=50),),
        (rows("KPIs that are not complete, and why", "kpi_completeness",
              ("kpi", "completeness", "reason", "lacking_feeds", "uncounted_feeds"), order="kpi",
              is_descending=False, where="completeness <> 'complete'", height=40),),
    ),
    date_title="Night (business date)",
)  # fmt: skip

NEXT = Dashboard(
    "what-next", "What next",
    "What will come back, what got worse, what to do with what lies here, and what can still be claimed."
    " Advice with its evidence, never a verdict: each row says how many cases it rests on.",
    _common("return_forecast", "site", "product_category"),
    (
        (
            number("Expected in the next 7 days", "return_forecast", "expected_this_week", is_dated=False),
            number("New quality alerts", "quality_alerts", "new_alerts", note="in the last 7 days"),
            number("Claims that end this week", "claims_to_file", "claims_ending", note="not filed"),
            number("Wait for a decision", "disposition_advice", "undecided_units", note="received"),
        ),
        (
            over_time("Units expected each day, by site", "return_forecast", "expected_units",
                      x="expected_on", by="site", grain="P1D", kind="bar"),
            grouped("How far the forecast has strayed", "forecast_accuracy", ["site", "week_ahead"],
                    ["mase_ratio", "bias_ratio", "coverage_80", "weeks_measured"]),
        ),
        (rows("What got worse, by money at stake", "quality_alerts",
              ("amount_at_stake", "kind", "outcome", "product_name", "sku", "lot_no", "style", "size",
               "vendor_id", "carrier", "site", "effect_ratio", "effect_low", "effect_high", "orders",
               "returned_orders", "expected_orders", "first_seen_on", "owner", "advice"),
              order="amount_at_stake", height=42),),
        (rows("Claims to file, by what a day of waiting costs", "claims_to_file",
              ("lost_a_day", "expected_amount", "deadline_on", "kind", "vendor_id", "carrier", "product_name",
               "units", "reason", "site", "next_step", "rma_no", "tracking_no", "receipt_id"),
              order="lost_a_day", height=42),),
        (
            bars("Units that wait, by their best way", "disposition_advice", ["undecided_units"],
                 "best_disposition", where="best_disposition is not null"),
            bars("Units that wait, by what is known", "disposition_advice", ["undecided_units"], "standing"),
        ),
        (rows("Goods that wait, by what the best way gains", "disposition_advice",
              ("difference", "best_disposition", "best_channel", "best_net", "best_net_error", "cases",
               "second_disposition", "second_net", "open_units", "grade", "product_name", "site",
               "received_on", "rma_no", "receipt_id", "barred_ways"),
              order="difference", where="difference is not null", height=50),),
        (rows("Products whose returns lose money", "returnless_advice",
              ("expected_net", "threshold_price", "unit_price", "expected_cost", "expected_recovery",
               "units_taken_back", "units_kept", "product_name", "sku", "product_category"),
              order="expected_net", is_descending=False, where="advice = 'KEEP'", height=42),),
    ),
    date_title="Day expected",
)  # fmt: skip

DASHBOARDS = (OPERATIONS, PRODUCT, SERVICE, COMPLIANCE, MONEY, PIPELINE, NEXT)
