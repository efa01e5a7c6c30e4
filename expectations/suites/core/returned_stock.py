"""Returned stock rolls forward: what lay there, plus what came, less what left, is what was counted.

Receipts, dispositions and the count are three feeds of the warehouse system. Within a site and SKU the
moves between areas and grades cancel out.
"""

from __future__ import annotations

from expectations.asset import CRITICAL, WARNING, Asset, no_rows
from expectations.night import Night

FEED = "wms_returned_stock"
# Counts of real goods are off by a unit here and there; more than this of what lay there or moved is a
# lost or doubled feed.
BLOCKS_SHARE, BLOCKS_UNITS = 0.10, 20


def assets(night: Night) -> list[Asset]:
    """One asset, one row a counted day, site and SKU that is off; none where no count came."""
    if not night.active(FEED) or not {"wms_return_receipts", "wms_dispositions"} <= night.contracts.keys():
        return []
    return [
        Asset(
            "core.snap_returned_stock",
            "core.returned_stock",
            _query(night),
            [
                no_rows(
                    "returned_stock_far_off",
                    f"units_off_that_day >= {BLOCKS_UNITS}"
                    f" and units_off_that_day > {BLOCKS_SHARE} * units_that_day and not is_accepted",
                    severity=CRITICAL,
                    description=f"Opening + received - disposed is the count, but for {BLOCKS_SHARE:.0%} of"
                    " the units.",
                    advice="Receipts, dispositions or the count are missing, doubled or of another day. If"
                    " the goods are really gone or found, accept the count: python -m expectations accept"
                    f" --feed {FEED} --business-date DATE --reason WHY",
                ),
                no_rows(
                    "returned_stock_off",
                    "true",
                    severity=WARNING,
                    description="Opening + received - disposed is the count, for each site and SKU.",
                    advice="Let the warehouse count again, or look for the receipt or disposition.",
                ),
            ],
            ("snapshot_date", "site", "sku", "opening", "received", "disposed", "counted", "off_by"),
            ("marts",),
        )
    ]


def _query(night: Night) -> str:
    """The counts that the night brought, and each one that follows one of them."""
    ids = ", ".join(str(f.file_id) for f in night.active(FEED))
    return f"""
        select t.* from (with days as (
            select d.snapshot_date, lag(d.snapshot_date) over (order by d.snapshot_date) as day_before
            from (select distinct snapshot_date from core.snap_returned_stock) as d
        ), brought as (
            select distinct snapshot_date from raw.{FEED} where _file_id in ({ids})
        ), judged as (
            select * from days where day_before is not null and (
                snapshot_date in (select snapshot_date from brought)
                or day_before in (select snapshot_date from brought))
        ), parts as (
            select j.snapshot_date, s.site, s.sku, s.quantity as opening, 0 as received, 0 as disposed,
                0 as counted
            from judged as j inner join core.snap_returned_stock as s on s.snapshot_date = j.day_before
            union all
            select j.snapshot_date, r.site, r.sku, 0, r.quantity, 0, 0
            from judged as j inner join core.fct_receipt as r
                on r.received_on > j.day_before and r.received_on <= j.snapshot_date
            union all
            select j.snapshot_date, r.site, r.sku, 0, 0, d.final_change, 0
            from judged as j
            inner join core.fct_disposition as d
                on d.disposed_on > j.day_before and d.disposed_on <= j.snapshot_date
            inner join core.fct_receipt as r on r.receipt_id = d.receipt_id
            union all
            select j.snapshot_date, s.site, s.sku, 0, 0, 0, s.quantity
            from judged as j inner join core.snap_returned_stock as s on s.snapshot_date = j.snapshot_date
        ), rolled as (
            select snapshot_date, site, sku, sum(opening) as opening, sum(received) as received,
                sum(disposed) as disposed, sum(counted) as counted,
                sum(counted - opening - received + disposed) as off_by
            from parts group by snapshot_date, site, sku
        ), days_off as (
            select snapshot_date, sum(abs(off_by)) as units_off_that_day,
                sum(opening + received) as units_that_day
            from rolled group by snapshot_date
        )
        select rolled.*, days_off.units_off_that_day, days_off.units_that_day,
            exists (
                select 1 from ops.acceptances as a
                where a.feed = '{FEED}' and a.business_date = rolled.snapshot_date
            ) as is_accepted
        from rolled inner join days_off using (snapshot_date)
        where rolled.off_by <> 0
        ) as t
    """.strip()
