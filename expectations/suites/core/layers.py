"""The way from raw to core: no key of the night is lost, no measure changes.

dbt tests the keys and logic within a layer; this compares the layers with each other, row by row of
what the night brought, so that a row at fault leads to its file and line.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night


@dataclass(frozen=True)
class Fact:
    """Where a feed's rows end up, and the measure that must arrive unchanged."""

    feed: str
    name: str
    measure: str


FACTS = (
    Fact("erp_sales_lines", "fct_sales_line", "quantity"),
    Fact("erp_return_authorizations", "fct_rma_line", "quantity_authorized"),
    Fact("erp_credit_memos", "fct_credit_memo_component", "amount"),
    Fact("erp_payment_settlements", "fct_settlement", "gross_amount"),
    Fact("erp_gl_entries", "fct_gl_line", "amount"),
    Fact("erp_vendor_claims", "fct_vendor_claim", "claimed_amount"),
    Fact("wms_return_receipts", "fct_receipt", "quantity"),
    Fact("wms_inspections", "fct_inspection", "labour_minutes"),
    Fact("wms_dispositions", "fct_disposition", "quantity"),
    Fact("wms_work_orders", "fct_work_order", "labour_minutes"),
    Fact("wms_returned_stock", "snap_returned_stock", "quantity"),
    Fact("crm_return_requests", "fct_return_request_line", "quantity"),
    Fact("crm_refunds", "fct_refund_tender", "amount"),
)


def staging(feed: str) -> str:
    """Name of the staging table of a feed."""
    source, entity = feed.split("_", 1)
    return f"staging.stg_{source}__{entity}"


def assets(night: Night) -> list[Asset]:
    """Two assets: keys into staging, and measures into core."""
    found = []
    if feeds := [{"name": feed} | _of(night, feed, "r", "s") for feed in night.contracts if night.rows(feed)]:
        found.append(checks.asset("core/staging", {"feeds": feeds}))
    if facts := [asdict(p) | _of(night, p.feed, "s", "c") for p in FACTS if night.active(p.feed)]:
        found.append(checks.asset("core/facts", {"facts": facts}))
    return found


def _of(night: Night, feed: str, left: str, right: str) -> dict[str, Any]:
    """What both queries need of a feed; its rows are called `left`, and compared with `right`."""
    key = night.contracts[feed].key
    return {
        "staging": staging(feed),
        "files": night.file_ids(feed),
        "first_key": key[0],
        "key_text": " || '-' || ".join(f"{left}.{column}::text" for column in key),
        "same": " and ".join(f"{left}.{column} = {right}.{column}" for column in key),
    }
