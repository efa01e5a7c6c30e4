"""One fiscal period as its workbook shows it, read in one state of the warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from revlog.reports.snapshots import Reader, Row, exists

LEG_NAMES = {
    "E": "Entitlement", "M": "Credit memos", "P": "Cash", "G": "Cash in the ledger",
    "T": "Refunds issued", "GM": "Memos in the ledger",
}  # fmt: skip
LEGS = tuple(LEG_NAMES)
AGES = ("0-3", "4-7", "8-14", "15-30", "31-60", "61-90", "90+")


@dataclass(frozen=True)
class Publication:
    """What the figures are those of."""

    publication_id: int
    business_date: dt.date
    published_at: dt.datetime
    code_version: str


PUBLICATION = """
select of_publication as publication_id, business_date, published_at, code_version
from ops.standing where domain = 'finance'
"""
# The period of the business date may have no document yet.
PERIODS = """
select period from finance.refund_proof
union
select period from finance.reconciliation_rollforward
union
select substr(fiscal_label, 3, 4) || '-' || right(fiscal_label, 2)
from marts.calendar where date_day = %(business_date)s
order by period
"""
DAYS = """
select min(date_day) as first_day, max(date_day) as last_day from marts.calendar
where substr(fiscal_label, 3, 4) || '-' || right(fiscal_label, 2) = %(period)s
"""
# Every period of a group that the night's files said something of.
TOUCHED = """
select distinct others.period
from ops.publications as night
inner join ops.file_ledger as files
    on files.changed_seq > night.from_seq and files.changed_seq <= night.to_seq
inner join finance.refund_documents as brought on brought.file_id = files.file_id
inner join finance.refund_documents as others on others.group_key = brought.group_key
where night.publication_id = %(publication_id)s and night.from_seq > 0
"""
PROOF = """
select proof.*, gaps.label as gap_label, gaps.left_leg, gaps.right_leg
from finance.refund_proof as proof
left join finance.refund_gaps as gaps on gaps.gap = proof.gap
where proof.period = %(period)s
order by proof.entity, proof.currency, proof.position
"""
# The last decision on an item, as long as its amount is the one that was decided on.
DECIDED = """
left join lateral (
    select case
            when last.decision = 'undecided' then null
            when last.amount = exceptions.amount then last.decision
            else last.decision || ', when it was ' || last.amount
        end as decision,
        last.approver as decided_by, last.decided_at::date as decided_on,
        nullif(last.note, '') as decided_why
    from ops.exception_decisions as last
    where last.group_key = exceptions.group_key and last.gap = exceptions.gap
        and last.class = exceptions.class
    order by last.decision_id desc limit 1
) as decided on decided.decision is not null
"""
# What an item's gap comes to by its documents; its classes that are listed with it, and that are not.
BY_DOCUMENTS = """
left join lateral (
    select coalesce(sum(
        case when documents.leg = gaps.left_leg then documents.group_amount
            when documents.leg = gaps.right_leg then -documents.group_amount end
    ), 0) as documents_amount
    from finance.refund_documents as documents
    where documents.group_key = exceptions.group_key and documents.effective_on <= %(business_date)s
) as by_documents on true
"""
LISTED = "sum(exceptions.amount) over (partition by exceptions.group_key, exceptions.gap) as listed_amount"
EXPLAINED = """
(
    select coalesce(sum(others.amount), 0) from finance.refund_exceptions as others
    where others.group_key = exceptions.group_key and others.gap = exceptions.gap
        and others.status in ('explained', 'settled')
) as explained_amount
"""
EXCEPTIONS = f"""
select exceptions.*, groups.ship_from_site as entity, classes.label as class_label, decided.*,
    by_documents.documents_amount, {LISTED}, cast(0 as numeric(18, 2)) as explained_amount
from finance.refund_exceptions as exceptions
inner join finance.refund_reconciliation as groups on groups.group_key = exceptions.group_key
left join finance.refund_gaps as gaps on gaps.gap = exceptions.gap
left join finance.refund_classes as classes on classes.class = exceptions.class
{DECIDED}{BY_DOCUMENTS}
where exceptions.period = %(period)s
order by gaps.gap_no, classes.class_no, exceptions.currency, exceptions.age_days desc nulls last,
    exceptions.group_key
"""
# However old: what of earlier periods is neither settled nor explained.
OPEN_EARLIER = f"""
select exceptions.*, groups.ship_from_site as entity, classes.label as class_label, decided.*,
    by_documents.documents_amount, {LISTED}, {EXPLAINED}
from finance.refund_exceptions as exceptions
inner join finance.refund_reconciliation as groups on groups.group_key = exceptions.group_key
left join finance.refund_gaps as gaps on gaps.gap = exceptions.gap
left join finance.refund_classes as classes on classes.class = exceptions.class
{DECIDED}{BY_DOCUMENTS}
where exceptions.period < %(period)s and exceptions.status in ('open', 'waiting')
order by exceptions.period, gaps.gap_no, classes.class_no, exceptions.currency, exceptions.group_key
"""
EXCEPTIONS_COUNT = "select count(*) as count from finance.refund_exceptions where period = %(period)s"
EARLIER_COUNT = """
select count(*) as count from finance.refund_exceptions
where period < %(period)s and status in ('open', 'waiting')
"""
AGED = """
select exceptions.gap, exceptions.class, exceptions.currency, exceptions.status, exceptions.owner,
    exceptions.age_bucket, exceptions.is_chain, sum(exceptions.amount) as amount, count(*) as items
from finance.refund_exceptions as exceptions
left join finance.refund_gaps as gaps on gaps.gap = exceptions.gap
left join finance.refund_classes as classes on classes.class = exceptions.class
where exceptions.period = %(period)s and exceptions.status <> 'cleared'
group by gaps.gap_no, classes.class_no, exceptions.gap, exceptions.class, exceptions.currency,
    exceptions.status, exceptions.owner, exceptions.age_bucket, exceptions.is_chain
order by gaps.gap_no, classes.class_no, exceptions.currency
"""
EARLIER = """
select currency, count(*) as items, count(*) filter (where is_chain) as chain_items,
    coalesce(sum(amount) filter (where is_chain), 0) as amount
from finance.refund_exceptions
where period < %(period)s and status in ('open', 'waiting')
group by currency order by currency
"""
# What has nothing on a day has no row of that day: the first row of a period opens it, the last closes it.
ROLLFORWARD = """
select roll.gap, roll.class, roll.currency,
    (array_agg(roll.opening_amount order by roll.day))[1] as opening_amount,
    sum(roll.new_amount) as new_amount, sum(roll.cleared_amount) as cleared_amount,
    sum(roll.reclassified_amount) as reclassified_amount,
    (array_agg(roll.closing_amount order by roll.day desc))[1] as closing_amount,
    (array_agg(roll.closing_items order by roll.day desc))[1] as closing_items
from finance.reconciliation_rollforward as roll
left join finance.refund_gaps as gaps on gaps.gap = roll.gap
left join finance.refund_classes as classes on classes.class = roll.class
where roll.period = %(period)s
group by gaps.gap_no, classes.class_no, roll.gap, roll.class, roll.currency
order by gaps.gap_no, classes.class_no, roll.currency
"""
# Nothing where an older version published the warehouse.
HAS_PERIOD_ITEMS = "select to_regclass('finance.refund_period_items') is not null as has_them"
PERIOD_ITEMS = """
select items.*
from finance.refund_period_items as items
left join finance.refund_gaps as gaps on gaps.gap = items.gap
left join finance.refund_classes as classes on classes.class = items.class
where items.period = %(period)s
order by gaps.gap_no, classes.class_no, items.currency, items.open_since, items.group_key
"""
PERIOD_ITEMS_SUMS = """
select gap, class, currency, sum(amount) as amount from finance.refund_period_items
where period = %(period)s group by gap, class, currency
"""
DAYS_OFF = """
select currency, sum(abs(
    opening_amount + new_amount - cleared_amount + reclassified_amount - closing_amount
)) as amount
from finance.reconciliation_rollforward where period = %(period)s group by currency
"""
ROLLFORWARD_DAYS = """
select roll.* from finance.reconciliation_rollforward as roll
left join finance.refund_gaps as gaps on gaps.gap = roll.gap
left join finance.refund_classes as classes on classes.class = roll.class
where roll.period = %(period)s
order by roll.day, gaps.gap_no, classes.class_no, roll.currency
"""
# As the proof counts them: up to the business date, of groups that have a leg. Those of other periods stand
# beside them where their group is listed, so that each listed difference shows all that it is made of.
DOCUMENTS_FROM = """
from finance.refund_documents as documents
inner join finance.refund_reconciliation as groups on groups.group_key = documents.group_key
left join ops.file_ledger as files on files.file_id = documents.file_id
where documents.effective_on <= %(business_date)s
"""
OF_PERIOD = "and documents.period = %(period)s"
OF_PERIOD_OR_LISTED = """
and (documents.period = %(period)s or documents.group_key in (
    select group_key from finance.refund_exceptions
    where (period = %(period)s and status <> 'cleared')
        or (period < %(period)s and status in ('open', 'waiting'))
))
"""
DOCUMENTS = f"""
select documents.*, groups.ship_from_site as entity, files.feed, files.name as file
{DOCUMENTS_FROM} {OF_PERIOD_OR_LISTED}
order by documents.group_key, array_position(array['E', 'M', 'T', 'P', 'GM', 'G'], documents.leg),
    documents.effective_on, documents.document_key
limit %(most)s
"""
DOCUMENTS_COUNT = f"select count(*) as count {DOCUMENTS_FROM} {OF_PERIOD_OR_LISTED}"
DOCUMENT_SUMS = f"""
select documents.leg, groups.ship_from_site as entity, documents.currency, sum(documents.amount) as amount
{DOCUMENTS_FROM} {OF_PERIOD}
group by documents.leg, groups.ship_from_site, documents.currency
"""
EXPOSURE = f"""
select exceptions.currency, exceptions.open_amount, exceptions.gross_amount, exceptions.is_chain,
    exceptions.period < %(period)s as is_earlier, decided.decision
from finance.refund_exceptions as exceptions
{DECIDED}
where exceptions.period <= %(period)s and exceptions.status in ('open', 'waiting')
"""
# As JSON: a warehouse that an older version published has no such column.
NOT_CARRIED = """
select distinct to_jsonb(groups) ->> 'legs_not_carried' as legs
from finance.refund_reconciliation as groups
where to_jsonb(groups) ->> 'legs_not_carried' is not null
"""
GAPS = "select * from finance.refund_gaps order by gap_no"
CLASSES = "select * from finance.refund_classes order by class_no"
PATTERNS = "select * from finance.refund_patterns order by pattern desc"


def publication(connection: Reader) -> Publication | None:
    """The newest publication of finance; None before the first one that has the reconciliation."""
    if not exists(connection, "finance.refund_proof"):
        return None
    row = connection.execute(PUBLICATION).fetchone()
    return Publication(**row) if row else None


def periods(connection: Reader, night: Publication) -> list[str]:
    """Every period that has a workbook, the oldest first."""
    found = connection.execute(PERIODS, {"business_date": night.business_date}).fetchall()
    return [row["period"] for row in found]


def touched(connection: Reader, night: Publication) -> set[str]:
    """Periods whose groups the night's files touched; of a load of all history, none."""
    found = connection.execute(TOUCHED, {"publication_id": night.publication_id}).fetchall()
    return {row["period"] for row in found}


def not_carried(connection: Reader) -> tuple[str, ...]:
    """Legs of which the company carries no feed: nothing is claimed of them."""
    return tuple(leg for row in read(connection, NOT_CARRIED) for leg in row["legs"].split(", "))


def read(connection: Reader, query: str, **given: Any) -> list[Row]:
    """All rows of one of the queries above."""
    return connection.execute(query, given).fetchall()


def stream(connection: Reader, query: str, **given: Any) -> Iterator[Row]:
    """Rows of a query, of which only some are in memory at a time."""
    with connection.cursor(name="sheet") as cursor:
        cursor.itersize = 5_000
        yield from cursor.execute(query, given)
