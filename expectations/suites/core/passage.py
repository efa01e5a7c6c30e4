"""The way from raw to core: no key of the night is lost, no measure changes.

dbt tests the keys and logic within a layer; this compares the layers with each other, row by row of
what the night brought, so that a row at fault leads to its file and line.
"""

from __future__ import annotations

from dataclasses import dataclass

from expectations.asset import CRITICAL, Asset, no_rows
from expectations.night import Night


@dataclass(frozen=True)
class Passage:
    """Where a feed's rows end up, and the measure that must arrive unchanged."""

    feed: str
    fact: str
    measure: str


PASSAGES = (
    Passage("erp_sales_lines", "fct_sales_line", "quantity"),
    Passage("erp_return_authorizations", "fct_rma_line", "quantity_authorized"),
    Passage("erp_credit_memos", "fct_credit_memo_component", "amount"),
    Passage("erp_payment_settlements", "fct_settlement", "gross_amount"),
    Passage("erp_gl_entries", "fct_gl_line", "amount"),
    Passage("erp_vendor_claims", "fct_vendor_claim", "claimed_amount"),
    Passage("wms_return_receipts", "fct_receipt", "quantity"),
    Passage("wms_inspections", "fct_inspection", "labour_minutes"),
    Passage("wms_dispositions", "fct_disposition", "quantity"),
    Passage("wms_work_orders", "fct_work_order", "labour_minutes"),
    Passage("wms_returned_stock", "snap_returned_stock", "quantity"),
    Passage("crm_return_requests", "fct_return_request_line", "quantity"),
    Passage("crm_refunds", "fct_refund_tender", "amount"),
)
AGAIN = "Compute everything anew: python -m nightly DATE --full-refresh."


def staging(feed: str) -> str:
    """Name of the staging table of a feed."""
    source, entity = feed.split("_", 1)
    return f"staging.stg_{source}__{entity}"


def assets(night: Night) -> list[Asset]:
    """Two assets: keys into staging, and measures into core."""
    found = []
    if lost := [_lost(night, feed) for feed in night.contracts if night.rows(feed)]:
        found.append(
            Asset(
                "raw to staging",
                "core.staging",
                "select t.* from (" + " union all ".join(lost) + ") as t",
                [
                    no_rows(
                        "key_lost_on_the_way_to_staging",
                        "true",
                        severity=CRITICAL,
                        description="Every key that the night brought is in staging.",
                        advice=AGAIN,
                    )
                ],
                ("feed", "key"),
            )
        )
    if changed := [_changed(night, p) for p in PASSAGES if night.active(p.feed)]:
        found.append(
            Asset(
                "staging to core",
                "core.facts",
                "select t.* from (" + " union all ".join(changed) + ") as t",
                [
                    no_rows(
                        "row_lost_on_the_way_to_core",
                        "in_core is null and staged is not null",
                        severity=CRITICAL,
                        description="Every staged row of the night is in its fact.",
                        advice=AGAIN,
                    ),
                    no_rows(
                        "measure_changed_on_the_way_to_core",
                        "in_core <> staged",
                        severity=CRITICAL,
                        description="Quantities and amounts arrive in core as they were staged.",
                        advice=AGAIN,
                    ),
                ],
                ("fact", "key", "measure", "staged", "in_core"),
            )
        )
    return found


def _lost(night: Night, feed: str) -> str:
    key = night.contracts[feed].key
    same = " and ".join(f"s.{column} = r.{column}" for column in key)
    return f"""
        select '{feed}' as feed, {_key_text("r", key)} as key,
            r._file_id as _file_id, r._line_no as _line_no
        from raw.{feed} as r
        where r._file_id in ({_ids(night, feed)})
            and not exists (select 1 from {staging(feed)} as s where {same})
    """


def _changed(night: Night, passage: Passage) -> str:
    key = night.contracts[passage.feed].key
    same = " and ".join(f"c.{column} = s.{column}" for column in key)
    measure = passage.measure
    return f"""
        select '{passage.fact}' as fact, {_key_text("s", key)} as key, '{measure}' as measure,
            s.{measure}::numeric as staged, c.{measure}::numeric as in_core,
            s._file_id as _file_id, s._line_no as _line_no
        from {staging(passage.feed)} as s
        left join core.{passage.fact} as c on {same}
        where s._file_id in ({_ids(night, passage.feed)})
            and (c.{key[0]} is null or c.{measure} is distinct from s.{measure})
    """


def _key_text(alias: str, key: tuple[str, ...]) -> str:
    return " || '-' || ".join(f"{alias}.{column}::text" for column in key)


def _ids(night: Night, feed: str) -> str:
    return ", ".join(str(f.file_id) for f in night.active(feed))
