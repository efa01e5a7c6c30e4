"""Rows and amounts of raw, counted anew, beside what the ledger says was loaded."""

from __future__ import annotations

from expectations.asset import CRITICAL, Asset, no_rows
from expectations.night import Night


def assets(night: Night) -> list[Asset]:
    """One asset over all feeds that brought files."""
    parts = [_feed(night, feed) for feed in night.contracts if night.active(feed)]
    if not parts:
        return []
    return [
        Asset(
            "raw control totals",
            "landed.totals",
            "select t.* from (" + " union all ".join(parts) + ") as t",
            [
                no_rows(
                    "rows_as_in_ledger",
                    "rows_in_raw <> rows_in_ledger",
                    severity=CRITICAL,
                    description="Raw holds as many rows of each file as the ledger says.",
                    advice="Load the file again: python -m ingestion load --business-date DATE.",
                ),
                no_rows(
                    "amounts_as_in_ledger",
                    "amount_in_raw <> amount_in_ledger",
                    severity=CRITICAL,
                    description="The amounts of each file add up to those of the ledger.",
                    advice="Load the file again: python -m ingestion load --business-date DATE.",
                ),
            ],
            ("feed", "file", "rows_in_raw", "rows_in_ledger", "amount_in_raw", "amount_in_ledger"),
        )
    ]


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
