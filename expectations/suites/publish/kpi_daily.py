"""`kpi_daily`: rates within their bounds, totals as in core, and no leap since the last night."""

from __future__ import annotations

from expectations.asset import CRITICAL, WARNING, Asset, no_rows
from expectations.night import Night

HOLDS = ("marts",)
# A KPI of the last quarter that moves by a fifth in one night is worth a look.
LEAP_WARNS, LEAP_DAYS, LEAP_LEAST = 0.20, 90, 100
# Money of which some comes back. Shares whose numerator is part of the denominator are held cell by
# cell, by a dbt test.
RETURNING = "('return_value_rate', 'refund_rate', 'retained_revenue_ratio', 'refund_ratio')"
# Counted and measured things can't be negative; money can, where credits exceed charges.
COUNTED = (
    "('product_return_rate', 'return_cycle_time', 'dock_to_disposition_time', 'refund_lead_time',"
    " 'co2e_per_return', 'contacts_per_return', 'csat', 'vendor_days_outstanding',"
    " 'returned_stock_value', 'returned_stock_days')"
)
# Statuses in which units may be open; read by index.
OPEN = "'REQUESTED', 'APPROVED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED', 'RECEIVED', 'INSPECTED', 'IN_PROCESS'"
# Days before the business date that are counted again in core; after a full build all days are.
RECENT_DAYS = 2


def assets(night: Night) -> list[Asset]:
    """Three assets; none before `build.kpi_daily` is there."""
    if "build.kpi_daily" not in night.relations:
        return []
    return [_rates(), _totals(night), *_leaps(night)]


def _rates() -> Asset:
    return Asset(
        "build.kpi_daily by KPI",
        "publish.kpi_rates",
        """
        select kpi, basis, sum(numerator) as numerator, sum(denominator) as denominator,
            round(sum(numerator) / nullif(sum(denominator), 0), 4) as ratio,
            min(numerator) as least_numerator, min(denominator) as least_denominator
        from build.kpi_daily group by kpi, basis
        """.strip(),
        [
            no_rows(
                "rate_out_of_bounds",
                "kpi = 'product_return_rate' and ratio not between 0 and 1",
                severity=CRITICAL,
                description="Over all days, no more units come back than were shipped.",
            ),
            no_rows(
                "money_rate_out_of_bounds",
                f"kpi in {RETURNING} and ratio not between 0 and 1",
                severity=WARNING,
                description="Over all days, no more money comes back than went out.",
            ),
            no_rows(
                "score_out_of_bounds",
                "kpi = 'csat' and ratio not between 1 and 5",
                severity=CRITICAL,
                description="Customers give one to five points.",
            ),
            no_rows(
                "negative_count",
                f"kpi in {COUNTED} and least(least_numerator, least_denominator) < 0",
                severity=CRITICAL,
                description="Units, hours, days and grams are never negative.",
            ),
            no_rows(
                "recovers_more_than_it_cost",
                "kpi = 'asset_recovery_rate' and ratio not between 0 and 1",
                severity=WARNING,
                description="Goods bring back no more than they once cost.",
            ),
            no_rows(
                "negative_cost",
                "kpi like 'cost_per_return%' and ratio < 0",
                severity=WARNING,
                description="A return costs something.",
            ),
        ],
        ("kpi", "basis", "numerator", "denominator", "ratio"),
        HOLDS,
    )


def _totals(night: Night) -> Asset:
    """Control totals: the mart's sums beside those of core, each counted on its own.

    A night counts its newest days only, since it must cost what it brought; a full build all days.
    """
    as_of = f"date '{night.as_of}'"
    since = f"{as_of} - {RECENT_DAYS}" if night.touched_units else "date '-infinity'"
    is_open = f" and status in ({OPEN})" if night.touched_units else ""
    of_line = "left join core.fct_return_line as l on l.return_line_key = m.return_line_key"
    sums = {
        "units received": (
            _kpi("numerator", "product_return_rate", "RETURN", since),
            "select coalesce(sum(quantity), 0) from core.fct_receipt"
            f" where is_product and received_on >= {since}",
        ),
        "units shipped": (
            _kpi("denominator", "product_return_rate", "RETURN", since),
            _shipped("shipped_quantity", since),
        ),
        "amounts captured": (
            _kpi("denominator", "refund_rate", "REFUND", since),
            _shipped("captured_reporting", since),
        ),
        "cash refunded": (
            _kpi("numerator", "refund_rate", "REFUND", since),
            f"select coalesce(-sum(m.reporting_gross_amount), 0) from core.fct_settlement as m {of_line}"
            f" where coalesce(l.is_product, true) and m.status = 'succeeded'"
            f" and m.type in ('refund', 'refund_failure') and m.booked_on >= {since}",
        ),
        "credit memos": (
            _kpi("denominator", "refund_ratio", "REFUND", since),
            "select coalesce(sum(reporting_amount), 0) from core.fct_credit_memo_component"
            f" where is_product and posted_on >= {since}",
        ),
        "open units": (
            _kpi("numerator", "open_return_units.%", "SNAPSHOT", as_of),
            f"select coalesce(sum(open_quantity), 0) from core.fct_return_line where is_counted{is_open}",
        ),
        "returned stock": (
            _kpi("denominator", "returned_stock_value", "STOCK", since),
            "select coalesce(sum(quantity), 0) from core.snap_returned_stock"
            f" where is_product and snapshot_date >= {since}",
        ),
    }
    parts = [
        f"select '{what}' as total, ({left}) as in_mart, ({right}) as in_core"
        for what, (left, right) in sums.items()
    ]
    return Asset(
        "build.kpi_daily beside core",
        "publish.kpi_totals",
        "select t.* from (" + " union all ".join(parts) + ") as t",
        [
            no_rows(
                "total_differs_from_core",
                "in_mart is distinct from in_core",
                severity=CRITICAL,
                description="The sums of kpi_daily are those of core, to the unit and the cent.",
                advice="Compute everything anew: python -m nightly DATE --full-refresh.",
            )
        ],
        ("total", "in_mart", "in_core"),
        HOLDS,
    )


def _kpi(column: str, kpi: str, basis: str, since: str) -> str:
    return (
        f"select coalesce(sum({column}), 0) from build.kpi_cells"
        f" where kpi like '{kpi}' and basis = '{basis}' and period_date >= {since}"
    )


def _shipped(column: str, since: str) -> str:
    return (
        f"select coalesce(sum({column}), 0) from core.fct_sales_line"
        f" where is_product and shipped_quantity > 0 and shipped_on >= {since}"
    )


def _leaps(night: Night) -> list[Asset]:
    if "marts.kpi_daily" not in night.relations:
        return []
    sides = " full join ".join(
        f"(select kpi, basis, sum(numerator) as numerator, sum(denominator) as denominator"
        f" from {schema}.kpi_daily where period_date >= date '{night.as_of}' - {LEAP_DAYS}"
        f" group by kpi, basis) as {alias}"
        for schema, alias in (("build", "b"), ("marts", "p"))
    )
    return [
        Asset(
            "build.kpi_daily beside published",
            "publish.kpi_leaps",
            f"""
            select b.kpi, b.basis, round(b.numerator / nullif(b.denominator, 0), 4) as ratio,
                round(p.numerator / nullif(p.denominator, 0), 4) as ratio_published,
                p.denominator as denominator
            from {sides} on p.kpi = b.kpi and p.basis = b.basis
            """.strip(),
            [
                no_rows(
                    "kpi_leaps",
                    f"denominator >= {LEAP_LEAST} and abs(ratio - ratio_published)"
                    f" > {LEAP_WARNS} * abs(ratio_published)",
                    severity=WARNING,
                    description=f"No KPI of the last {LEAP_DAYS} days moves by more than"
                    f" {LEAP_WARNS:.0%} in a night.",
                )
            ],
            ("kpi", "basis", "ratio", "ratio_published"),
            HOLDS,
        )
    ]
