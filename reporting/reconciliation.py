"""The refund reconciliation as finance's page shows it; no amount of it stands where others read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reporting.board import GIVEN, MONTHS
from reporting.carried import read_definitions
from reporting.figures import NIGHT
from reporting.period import LEG_NAMES, not_carried
from reporting.snapshots import Row, exists, snapshot

STATUS_ORDER = ("open", "waiting", "explained")
# The gaps stay apart: the same class may stand in two of them with opposite signs.
EXCEPTIONS = """
select class, gap, currency, min(status) as status, min(next_action) as next_action,
    count(*) as items, sum(amount) as amount
from finance.refund_exceptions
where is_chain and status <> 'cleared'
group by class, gap, currency
order by class, gap, currency
"""
AGES = """
select age_bucket, status, count(*) as items, min(age_days) as youngest
from finance.refund_exceptions
where is_chain and status not in ('explained', 'cleared')
group by age_bucket, status
order by youngest
"""
PATTERNS = """
with reasons as (
    select group_key, bool_and(status = 'explained') as is_explained
    from finance.refund_exceptions where status <> 'cleared' group by group_key
)
select groups.pattern_name, count(*) as groups, count(*) filter (where groups.is_reconciled) as reconciled,
    count(*) filter (where reasons.is_explained and not groups.is_reconciled) as explained
from finance.refund_reconciliation as groups
left join reasons on reasons.group_key = groups.group_key
group by groups.pattern_name order by groups desc
"""


@dataclass(frozen=True)
class Reconciliation:
    """Rows of the queries above, and those of the KPIs that finance asks for first."""

    night: Row | None
    definitions: list[Row]
    months: list[Row]
    exceptions: list[Row]
    ages: list[Row]
    patterns: list[Row]
    not_carried: tuple[str, ...] = ()

    @property
    def groups(self) -> int:
        """How many groups of refund documents there are."""
        return sum(row["groups"] for row in self.patterns)

    @property
    def agreed(self) -> int:
        """How many of the groups agree in every leg."""
        return sum(row["reconciled"] for row in self.patterns)

    @property
    def lacks(self) -> str:
        """Which legs the company doesn't carry, in a sentence; empty where it carries all."""
        if not self.not_carried:
            return ""
        names = ", ".join(LEG_NAMES[leg].lower() for leg in self.not_carried)
        return f"Not carried: {names}. Nothing is said of what would differ from them."

    @property
    def explained(self) -> int:
        """How many of the others differ for a known reason that asks for nothing, such as store credit."""
        return sum(row["explained"] for row in self.patterns)


def read_reconciliation() -> Reconciliation:
    """Read everything as one snapshot; before the first publication there is nothing."""
    with snapshot() as reader:
        if not exists(reader, "finance.refund_exceptions"):
            return Reconciliation(None, [], [], [], [], [])

        def rows(query: str) -> list[Row]:
            return reader.execute(query, GIVEN).fetchall()

        return Reconciliation(
            next(iter(reader.execute(NIGHT, {"domain": "finance"})), None),
            read_definitions(reader), rows(MONTHS), rows(EXCEPTIONS),
            rows(AGES), rows(PATTERNS), not_carried(reader),
        )  # fmt: skip


def by_class(exceptions: list[Row]) -> list[dict[str, Any]]:
    """One entry a class with its amounts by gap and currency; what is open comes first."""
    found: dict[str, dict[str, Any]] = {}
    for row in exceptions:
        entry = found.setdefault(
            row["class"],
            {"name": row["class"], "count": 0, "amounts": {}}
            | {name: row[name] for name in ("status", "next_action")},
        )
        entry["count"] += row["items"]
        entry["amounts"].setdefault(row["gap"], []).append((row["currency"], row["amount"]))
    return sorted(found.values(), key=lambda c: (_place(c["status"]), -c["count"], c["name"]))


def by_age(ages: list[Row]) -> list[dict[str, Any]]:
    """One entry a bucket, from the youngest on: items, and those of them that are open."""
    found: dict[str, dict[str, Any]] = {}
    for row in ages:
        entry = found.setdefault(row["age_bucket"], {"bucket": row["age_bucket"], "count": 0, "open": 0})
        entry["count"] += row["items"]
        entry["open"] += row["items"] if row["status"] == "open" else 0
    return list(found.values())


def _place(status: str) -> int:
    return STATUS_ORDER.index(status) if status in STATUS_ORDER else len(STATUS_ORDER)
