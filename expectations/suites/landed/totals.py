"""Rows and amounts of raw and quarantine, counted anew, beside what the ledger says became of each file.

Rows of the file = loaded + quarantined + duplicate + control; a file that another one superseded has
loaded its rows all the same, they count no more.
"""

from __future__ import annotations

from expectations.asset import CRITICAL, Asset, no_rows
from expectations.night import Night

AGAIN = "Load the file again: python -m ingestion load --business-date DATE."


def assets(night: Night) -> list[Asset]:
    """Two assets over all feeds that brought files: of each file its rows, and what raw holds of them."""
    brought = [f.file_id for f in night.files if f.status in ("loaded", "superseded")]
    parts = [_feed(night, feed) for feed in night.contracts if night.active(feed)]
    return [*([_balance(brought)] if brought else []), *([_raw(parts)] if parts else [])]


def _balance(ids: list[int]) -> Asset:
    query = f"""
        select l.feed, l.name as file, l.business_date, l.rows_parsed, l.rows_loaded, l.rows_quarantined,
            l.rows_duplicate, l.rows_control, coalesce(q.rows, 0) as rows_in_quarantine
        from ops.file_ledger as l
        left join (
            select q.file_id, count(*) as rows from ops.quarantine as q
            where q.file_id = any(array{ids}) group by q.file_id
        ) as q on q.file_id = l.file_id
        where l.file_id = any(array{ids})
    """
    return Asset(
        "ops.file_ledger rows",
        "landed.balance",
        query.strip(),
        [
            no_rows(
                "rows_lost_or_invented",
                "rows_parsed <> rows_loaded + rows_quarantined + rows_duplicate + rows_control",
                severity=CRITICAL,
                description="Each row of a file is loaded, quarantined, a duplicate or a control row.",
                advice=AGAIN,
            ),
            no_rows(
                "quarantine_as_in_ledger",
                "rows_in_quarantine <> rows_quarantined",
                severity=CRITICAL,
                description="Quarantine holds as many rows of each file as the ledger says.",
                advice=AGAIN,
            ),
        ],
        (
            "feed", "file", "rows_parsed", "rows_loaded", "rows_quarantined", "rows_duplicate",
            "rows_control", "rows_in_quarantine",
        ),
    )  # fmt: skip


def _raw(parts: list[str]) -> Asset:
    return Asset(
        "raw control totals",
        "landed.totals",
        "select t.* from (" + " union all ".join(parts) + ") as t",
        [
            no_rows(
                "rows_as_in_ledger",
                "rows_in_raw <> rows_in_ledger",
                severity=CRITICAL,
                description="Raw holds as many rows of each file as the ledger says.",
                advice=AGAIN,
            ),
            no_rows(
                "amounts_as_in_ledger",
                "amount_in_raw <> amount_in_ledger",
                severity=CRITICAL,
                description="The amounts of each file add up to those of the ledger.",
                advice=AGAIN,
            ),
        ],
        ("feed", "file", "rows_in_raw", "rows_in_ledger", "amount_in_raw", "amount_in_ledger"),
    )


def _feed(night: Night, feed: str) -> str:
    """SQL: one row a file. Amounts are summed over currencies on both sides, as a checksum only."""
    amount = night.contracts[feed].amount
    ids = ", ".join(str(f.file_id) for f in night.active(feed))
    summed = f"coalesce(sum(r.{amount}), 0)" if amount else "0::numeric"
    stated = (
        "(select coalesce(sum(a.value::numeric), 0) from jsonb_each_text(l.amounts) as a)"
        if amount
        else "0::numeric"
    )
    return f"""
        select l.feed, l.name as file, l.business_date, l.rows_loaded as rows_in_ledger,
            coalesce(r.rows_in_raw, 0) as rows_in_raw,
            {stated} as amount_in_ledger, coalesce(r.amount_in_raw, 0) as amount_in_raw
        from ops.file_ledger as l
        left join (
            select r._file_id, count(*) as rows_in_raw, {summed} as amount_in_raw
            from raw.{feed} as r where r._file_id in ({ids}) group by r._file_id
        ) as r on r._file_id = l.file_id
        where l.file_id in ({ids})
    """
