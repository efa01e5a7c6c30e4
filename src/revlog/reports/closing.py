"""What the close of periods says for the workbook; where none was ever closed there is nothing to read."""

from __future__ import annotations

from collections.abc import Iterator

from revlog.reports import period as reader
from revlog.reports.snapshots import Reader, Row, exists

# Of the view `finance.period_status`; views of the close are there once a night has published them.
STATUS = "select * from finance.period_status where period = %(period)s"
ANY_CLOSED = "select count(*) as count from finance.period_status where status = 'closed'"
ACTS = """
select act, approver, actor, note, acted_at, publication_id
from finance.period_acts where period = %(period)s order by act_id
"""
AS_REPORTED = """
select reported.*, restated.restated_amount, restated.difference
from finance.refund_proof_as_reported as reported
left join finance.refund_proof_as_restated as restated
    on restated.period = reported.period and restated.entity = reported.entity
        and restated.currency = reported.currency and restated.position = reported.position
where reported.period = %(period)s
order by reported.entity, reported.currency, reported.position
"""
# Of this period, and of earlier ones as far as it took their late rows.
RESTATEMENTS = """
select *, coalesce(leg, gap) as part from finance.restatements
where original_period = %(period)s or position(%(period)s in posted_periods) > 0
order by original_period, subject, leg, gap, class, currency, document_no, document_key, group_key
"""
UNKNOWN = "open; periods can't be closed in this warehouse yet"


def status_lines(connection: Reader, period: str) -> list[tuple[str, str]]:
    """Whether the period is open or closed, and every act on it, as names and texts."""
    if not exists(connection, "finance.period_status"):
        return [("Status", UNKNOWN)]
    found = reader.read(connection, STATUS, period=period)
    acts = reader.read(connection, ACTS, period=period)
    return [("Status", _status(connection, next(iter(found), None))), *map(_act, acts)]


def is_closed(connection: Reader, period: str) -> bool:
    """Whether the figures of the period are frozen."""
    if not exists(connection, "finance.period_status"):
        return False
    return any(row["status"] == "closed" for row in reader.read(connection, STATUS, period=period))


def as_reported(connection: Reader, period: str) -> Iterator[Row]:
    """Lines of the proof as they were frozen, beside what holds now; none of an open period."""
    if not is_closed(connection, period):
        return iter(())
    return reader.stream(connection, AS_REPORTED, period=period)


def restatements(connection: Reader, period: str) -> Iterator[Row]:
    """Documents and gaps that differ from what was reported; `part` is the leg or gap."""
    if not exists(connection, "finance.restatements"):
        return iter(())
    return reader.stream(connection, RESTATEMENTS, period=period)


def _status(connection: Reader, found: Row | None) -> str:
    if found and found["status"] == "closed":
        if found["closed_at"] is None:
            return "CLOSED, since a later period is"
        return (
            f"CLOSED by {found['approver']} on {found['closed_at']:%Y-%m-%d %H:%M}, as of"
            f" {found['business_date']}, publication {found['publication_id']}"
        )
    if not reader.read(connection, ANY_CLOSED)[0]["count"]:
        return "open; no period has been closed"
    takes = "; late rows of closed periods post to it" if found and found["is_first_open"] else ""
    return f"open{takes}"


def _act(row: Row) -> tuple[str, str]:
    name = "Reopened" if row["act"] == "reopen" else "Closed"
    actor = f" ({row['actor']})" if row["actor"] else ""
    text = f"{row['acted_at']:%Y-%m-%d %H:%M} by {row['approver']}{actor}"
    return name, f"{text}: {row['note']}" if row["note"] else text
