"""`kpi_daily`: rates within their bounds, totals as in core, and no leap since the last night."""

from __future__ import annotations

from expectations.asset import CRITICAL, WARNING, Asset, no_rows
from expectations.night import Night

# A KPI of the last quarter that moves by a fifth in one night is worth a look.
LEAP_WARNS, LEAP_DAYS, LEAP_LEAST = 0.20, 90, 100
# Counted things can't be negative; costs can, where credits exceed charges.
COUNTED = "('product_return_rate', 'return_cycle_time')"


def assets(night: Night) -> list[Asset]:
    """Three assets; none before `build.kpi_daily` is there."""
    if "build.kpi_daily" not in night.relations:
        return []
    return [_rates(), _totals(), *_leaps(night)]


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
                "negative_count",
                f"kpi in {COUNTED} and least(least_numerator, least_denominator) < 0",
                severity=CRITICAL,
                description="Units and hours are never negative.",
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
    )


def _totals() -> Asset:
    """Control totals: the mart's sums beside those of core, each counted on its own."""
    sums = {
        "units received, basis RETURN": (
            _kpi("numerator", "kpi = 'product_return_rate' and basis = 'RETURN'"),
            "select coalesce(sum(quantity), 0) from core.fct_receipt where is_product",
        ),
        "units received, basis SALE": (
            _kpi("numerator", "kpi = 'product_return_rate' and basis = 'SALE'"),
            "select coalesce(sum(quantity), 0) from core.fct_receipt where is_product",
        ),
        "units shipped, basis RETURN": (
            _kpi("denominator", "kpi = 'product_return_rate' and basis = 'RETURN'"),
            "select coalesce(sum(shipped_quantity), 0) from core.fct_sales_line where is_product",
        ),
        "units shipped, basis SALE": (
            _kpi("denominator", "kpi = 'product_return_rate' and basis = 'SALE'"),
            "select coalesce(sum(shipped_quantity), 0) from core.fct_sales_line where is_product",
        ),
        "cost components and cost per return": (
            _kpi("numerator", "kpi like 'cost_per_return.%'"),
            _kpi("numerator", "kpi = 'cost_per_return'"),
        ),
        "cost in value recovery and cost per return": (
            _kpi("denominator", "kpi = 'value_recovery_rate'"),
            _kpi("numerator", "kpi = 'cost_per_return'"),
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
                advice="Build again from the start: python -m warehouse.build --full-refresh.",
            )
        ],
        ("total", "in_mart", "in_core"),
    )


def _kpi(column: str, where: str) -> str:
    return f"select coalesce(sum({column}), 0) from build.kpi_daily where {where}"


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
        )
    ]
