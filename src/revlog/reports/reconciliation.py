"""The refund reconciliation as finance's page shows it; no amount of it stands where others read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from revlog.reports.carried import read_definitions
from revlog.reports.figures import NIGHT
from revlog.reports.period import LEG_NAMES, not_carried
from revlog.reports.scorecard_rows import DAYS
from revlog.reports.snapshots import Row, exists, snapshot

STATUS_ORDER = ("open", "waiting", "explained")
# The gaps stay apart: the same class may stand in two of them with opposite signs.
EXCEPTIONS = """
select class, gap, currency, min(status) as status, min(next_action) as next_action,
    count(*) as items, sum(amount) as amount, sum(abs(coalesce(reporting_amount, 0))) as reporting
from finance.refund_exceptions
where is_chain and status not in ('settled', 'cleared')
group by class, gap, currency
order by class, gap, currency
"""
# What is not settled, by class and age; without its sign, an amount too much hides none too little.
# Currencies are compared by what they are in the reporting one.
AGES = """
select class, age_bucket, gap, currency, status, count(*) as items, sum(abs(amount)) as gross,
    sum(amount) as net, sum(abs(coalesce(reporting_amount, 0))) as reporting, min(age_days) as youngest
from finance.refund_exceptions
where is_chain and status not in ('explained', 'settled', 'cleared')
group by class, age_bucket, gap, currency, status
order by status, youngest desc, reporting desc, class, gap, currency
"""
REASONS = """
with reasons as (
    select group_key, bool_and(status in ('explained', 'settled')) as is_explained,
        bool_and(status in ('explained', 'settled', 'waiting')) as is_in_time
    from finance.refund_exceptions where status <> 'cleared' group by group_key
)
"""
# The largest first; of what is explained, which may be more than a page holds, some of each class.
ROWS = f"""{REASONS}
select items.group_key, gap, class, status, amount, currency, reporting_amount, age_days, age_bucket, owner,
    next_action, order_no, rma_no, refund_id, memo_no, period, open_since,
    case when groups.is_reconciled or reasons.is_in_time then 'no' else 'yes' end as to_look_at
from finance.refund_exceptions as items
left join reasons on items.group_key = reasons.group_key
left join (select group_key, is_reconciled from finance.refund_reconciliation) as groups
    on items.group_key = groups.group_key
where is_chain and status not in ('settled', 'cleared')
order by array_position(array['open', 'waiting', 'explained'], status),
    case when status = 'explained' then row_number() over (
        partition by class, status order by abs(coalesce(reporting_amount, 0)) desc, age_days desc
    ) end, abs(coalesce(reporting_amount, 0)) desc, age_days desc, items.group_key, gap, class
"""
# Of the same money once more: memos beside refunds issued, and beside their own postings.
BESIDE = """
select group_key, gap, class, status, amount, currency, reporting_amount, age_days, age_bucket,
    owner, next_action, order_no, rma_no, refund_id, memo_no, period, open_since
from finance.refund_exceptions
where not is_chain and status not in ('settled', 'cleared')
order by array_position(array['open', 'waiting', 'explained'], status),
    abs(coalesce(reporting_amount, 0)) desc, age_days desc, group_key, gap, class
"""
PATTERNS = f"""{REASONS}
select groups.pattern_name, count(*) as groups, count(*) filter (where groups.is_reconciled) as reconciled,
    count(*) filter (where reasons.is_explained and not groups.is_reconciled) as explained,
    count(*) filter (
        where reasons.is_in_time and not reasons.is_explained and not groups.is_reconciled
    ) as waiting
from finance.refund_reconciliation as groups
left join reasons on reasons.group_key = groups.group_key
group by groups.pattern_name order by groups desc
"""


@dataclass(frozen=True)
class Reconciliation:
    """Rows of the queries above, and those of the KPIs that finance asks for first."""

    night: Row | None
    definitions: list[Row]
    days: list[Row]
    exceptions: list[Row]
    ages: list[Row]
    patterns: list[Row]
    rows: list[Row] = field(default_factory=list)
    beside: list[Row] = field(default_factory=list)
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
    def reasons(self) -> list[str]:
        """Classes of what is explained: known, settled, and no money that anybody waits for."""
        return sorted({row["class"] for row in self.exceptions if row["status"] == "explained"})

    @property
    def explained(self) -> int:
        """How many of the others differ for a known reason that asks for nothing, such as store credit."""
        return sum(row["explained"] for row in self.patterns)

    @property
    def waiting(self) -> int:
        """How many of the others lack only what may still come: a leg that is not yet late."""
        return sum(row["waiting"] for row in self.patterns)

    @property
    def to_look_at(self) -> int:
        """How many groups somebody has to look at."""
        return self.groups - self.agreed - self.explained - self.waiting


def read_reconciliation() -> Reconciliation:
    """Read everything as one snapshot; before the first publication there is nothing."""
    with snapshot() as reader:
        if not exists(reader, "finance.refund_exceptions"):
            return Reconciliation(None, [], [], [], [], [])

        def rows(query: str) -> list[Row]:
            return reader.execute(query).fetchall()

        days = rows(DAYS) if exists(reader, "marts.kpi_daily") else []
        return Reconciliation(
            next(iter(reader.execute(NIGHT, {"domain": "finance"})), None),
            read_definitions(reader), days, rows(EXCEPTIONS),
            rows(AGES), rows(PATTERNS), rows(ROWS), rows(BESIDE), not_carried(reader),
        )  # fmt: skip


def by_class(exceptions: list[Row]) -> list[dict[str, Any]]:
    """One entry a class with its amounts by gap and currency; what is open and most money first."""
    found: dict[str, dict[str, Any]] = {}
    for row in exceptions:
        entry = found.setdefault(
            row["class"],
            {"name": row["class"], "count": 0, "reporting": 0, "amounts": {}}
            | {name: row[name] for name in ("status", "next_action")},
        )
        entry["count"] += row["items"]
        entry["reporting"] += row["reporting"]
        entry["amounts"].setdefault(row["gap"], []).append((row["currency"], row["amount"]))
    return sorted(found.values(), key=lambda c: (_place(c["status"]), -c["reporting"], c["name"]))


def _place(status: str) -> int:
    return STATUS_ORDER.index(status) if status in STATUS_ORDER else len(STATUS_ORDER)
