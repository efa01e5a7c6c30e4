"""What is to be expected and to be decided, a line each: the tables that say more stand in `TABLES`."""

from __future__ import annotations

from typing import Any, NamedTuple

from revlog.reports.snapshots import Reader, Row, exists, snapshot
from revlog.reports.units import counted

TABLES = (
    "return_forecast_weeks", "quality_alerts", "claims_to_file", "disposition_advice", "returnless_advice",
    "customer_outlook", "publication",
)  # fmt: skip
# Half the width of 80 % of all sites together, which miss or exceed what was expected one without the other.
AHEAD = """
with night as (select max(business_date) as day from marts.publication),
expected as (
    select sum(expected_units) as units, sqrt(sum(power((high_80 - low_80) / 2.0, 2))) as give_or_take
    from marts.return_forecast_weeks where week_ahead = 1
),
alerts as (
    select count(*) filter (where first_seen_on > night.day - 7) as new_alerts, count(*) as alerts,
        coalesce(sum(amount_at_stake), 0) as at_stake
    from marts.quality_alerts cross join night
),
claims as (
    select count(*) filter (where deadline_on < night.day + 7) as ending,
        coalesce(sum(expected_amount) filter (where deadline_on < night.day + 7), 0) as ending_amount,
        count(*) as claims, coalesce(sum(expected_amount), 0) as claims_amount
    from marts.claims_to_file cross join night
),
advised as (
    select coalesce(sum(open_units), 0) as waiting,
        coalesce(sum(open_units * difference), 0) as gained
    from marts.disposition_advice
),
returnless as (select count(*) filter (where advice = 'KEEP') as losing from marts.returnless_advice),
customers as (select count(*) filter (where is_above_peers) as above from marts.customer_outlook)
select *, (select currency from marts.customer_outlook limit 1) as currency
from expected, alerts, claims, advised, returnless, customers
"""


class Line(NamedTuple):
    """What is to be known, in words, and the table of marts that tells all of it."""

    text: str
    table: str


def read_ahead(reader: Reader | None = None) -> list[Line]:
    """The lines; none before the first publication that has the tables."""
    if reader is None:
        with snapshot() as own:
            return read_ahead(own)
    if not all(exists(reader, f"marts.{table}") for table in TABLES):
        return []
    row = reader.execute(AHEAD).fetchone()
    return lines(row) if row else []


def lines(row: Row) -> list[Line]:
    """What the figures say."""
    stand = f"; {counted(row['alerts'])} stand, {_money(row, 'at_stake')} at stake" if row["alerts"] else ""
    return [
        Line(f"expected next 7 days: {_units(row)}", "return_forecast_weeks"),
        Line(f"{_many(row['new_alerts'], 'new quality alert')} this week{stand}", "quality_alerts"),
        Line(
            f"{_many(row['ending'], 'claim')} {_verb(row['ending'], 'expire')} this week,"
            f" {_money(row, 'ending_amount')}; {counted(row['claims'])} can be filed,"
            f" {_money(row, 'claims_amount')}",
            "claims_to_file",
        ),
        Line(
            f"{_many(row['waiting'], 'unit')} {_verb(row['waiting'], 'wait')} for a decision; their best ways"
            f" should bring {_money(row, 'gained')} more than the second best",
            "disposition_advice",
        ),
        Line(
            f"{_many(row['losing'], 'product')} {_verb(row['losing'], 'cost')} more to take back than"
            f" {'it brings' if row['losing'] == 1 else 'they bring'}",
            "returnless_advice",
        ),
        Line(
            f"{_many(row['above'], 'customer')} {_verb(row['above'], 'return')} more than what they bought"
            " explains",
            "customer_outlook",
        ),
    ]


def _units(row: Row) -> str:
    if row["units"] is None:
        return "nobody can say yet"
    told = _many(round(row["units"]), "unit")
    return told if row["give_or_take"] is None else f"{told} ± {counted(round(row['give_or_take']))}"


def _many(count: Any, what: str) -> str:
    return f"{counted(count)} {what}{'' if count == 1 else 's'}"


def _verb(count: Any, verb: str) -> str:
    return f"{verb}s" if count == 1 else verb


def _money(row: Row, amount: str) -> str:
    return f"{row[amount]:,.2f} {row['currency'] or ''}".strip()
