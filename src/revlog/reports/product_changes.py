"""Products and categories whose return rate rose by more than chance, cohorts that are final only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from revlog.reports.significance import FALSE_DISCOVERIES, among_many, chance_of_rise
from revlog.reports.snapshots import Row

RECENT_DAYS, DAYS_BEFORE = 90, 365
# Fewer units on either side can't tell anything, and to test them would weaken what the others tell.
UNITS_AT_LEAST = 10

# Cohorts by the day shipped. A line counts once its return window and the transit have passed, so that recent
# days are not better for being young; the days are counted back from the newest such day of each product.
COHORTS = """
with lines as (
    select sku, product_category, shipped_on, shipped_quantity, returned_quantity
    from marts.sales_lines
    where is_mature and returned_quantity is not null
), kinds as (
    select 'product' as kind, sku as name, * from lines
    union all
    select 'category', product_category, * from lines
), newest as (
    select kind, name, max(shipped_on) as up_to from kinds group by kind, name
), counted as (
    select
        kinds.kind, kinds.name, newest.up_to, max(kinds.product_category) as product_category,
        coalesce(sum(shipped_quantity) filter (where is_recent), 0) as shipped,
        coalesce(sum(returned_quantity) filter (where is_recent), 0) as returned,
        coalesce(sum(shipped_quantity) filter (where not is_recent), 0) as shipped_before,
        coalesce(sum(returned_quantity) filter (where not is_recent), 0) as returned_before
    from kinds
    inner join newest on newest.kind = kinds.kind and newest.name = kinds.name
    cross join lateral (select kinds.shipped_on > newest.up_to - %(recent)s::int as is_recent) as days
    where kinds.shipped_on > newest.up_to - %(recent)s::int - %(before)s::int
    group by kinds.kind, kinds.name, newest.up_to
)
select counted.*, coalesce(products.product_name, counted.name) as product_name
from counted
left join marts.dimension_product as products on counted.kind = 'product' and products.sku = counted.name
where shipped >= %(least)s and shipped_before >= %(least)s
order by counted.kind, counted.name
"""
GIVEN = {"recent": RECENT_DAYS, "before": DAYS_BEFORE, "least": UNITS_AT_LEAST}


@dataclass(frozen=True)
class Change:
    """Units of a product's or category's recent cohorts and of those before; the chance of such a rise."""

    row: Row
    chance: float

    @property
    def rate(self) -> float:
        """Share of the recent units that came back."""
        return float(self.row["returned"] / self.row["shipped"])

    @property
    def rate_before(self) -> float:
        """Share of the units before."""
        return float(self.row["returned_before"] / self.row["shipped_before"])

    @property
    def is_worse(self) -> bool:
        """True where it rose by more than chance, all that was looked at considered."""
        return self.chance < FALSE_DISCOVERIES

    def as_row(self) -> dict[str, Any]:
        """One row of the page's table."""
        return {
            **self.row, "rate": self.rate, "rate_before": self.rate_before, "chance": self.chance,
             "verdict": "worse" if self.is_worse else "within chance",
        }  # fmt: skip


def changes(cohorts: list[Row]) -> list[Change]:
    """One entry a row of COHORTS, the surest rise first; products and categories are judged apart."""
    found: list[Change] = []
    for kind in ("product", "category"):
        mine = [
            Change(row, chance_of_rise(*(int(row[name]) for name in COLUMNS)))
            for row in cohorts
            if row["kind"] == kind
        ]
        judged = among_many([change.chance for change in mine])
        found += [replace(change, chance=chance) for change, chance in zip(mine, judged, strict=True)]
    return sorted(found, key=lambda change: (change.chance, -change.rate, change.row["name"]))


COLUMNS = ("returned", "shipped", "returned_before", "shipped_before")
