"""What real systems do to their exports: repeated rows, broken rows, old versions, odd line ends.

A broken row is a copy of a good one with keys of its own that belong to nothing and exactly one fault,
so that what a correct pipeline knows does not depend on it. `dirt` scales how many there are.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.headers import DELIMITERS, HEADERS
from simulator.ledger import junk

# Columns that get a value of their own, and references that lead nowhere, by feed.
KEYS = {
    "erp_sales_lines": ("order_no",),
    "erp_return_authorizations": ("rma_no", "order_no", "request_id", "tracking_no"),
    "erp_payment_settlements": ("settlement_id", "refund_id"),
    "erp_recovery_sales": ("recovery_id", "disposition_id"),
    "wms_carrier_invoices": ("invoice_no", "tracking_no"),
    "wms_shipment_events": ("tracking_no", "rma_no"),
    "wms_return_receipts": ("receipt_id", "rma_no", "order_no", "tracking_no"),
    "wms_inspections": ("inspection_id", "receipt_id"),
    "crm_return_requests": ("request_id", "order_no"),
    "crm_refunds": ("refund_id", "request_id", "rma_no", "order_no", "idempotency_key"),
    "crm_customers": ("customer_id",),
    "erp_items": ("sku",),
    "erp_fx_rates": (),
    "erp_vendors": ("vendor_id",),
    "wms_work_orders": ("work_order_no", "receipt_id"),
    "wms_returned_stock": ("sku",),
    "erp_vendor_claims": ("claim_no", "receipt_id"),
    "crm_cases": ("case_id", "order_no", "rma_no"),
}
# (column, bad value, reason); a column of None stands for a fault of the whole row.
FAULTS: dict[str, tuple[tuple[str | None, object, str], ...]] = {
    "erp_sales_lines": (
        ("quantity", "zwei", "not_a_number"),
        ("ordered_at", "31.02.2025 10:00:00", "bad_timestamp"),
        ("currency", "QQQ", "unknown_currency"),
        ("is_void", "vielleicht", "bad_boolean"),
        ("quantity", "-1", "negative_not_allowed"),
        ("sku", "", "missing_value"),
        ("tax_amount", "1,234", "too_many_decimals"),
        ("lot_no", "4.5E+12", "scientific_id"),
        (None, "short", "ragged_row"),
    ),
    "erp_return_authorizations": (
        ("authorized_at", "2025-13-01T00:00:00Z", "bad_timestamp"),
        ("quantity_authorized", "", "missing_value"),
    ),
    "erp_payment_settlements": (("status", "maybe", "value_not_allowed"),),
    "erp_recovery_sales": (
        ("sold_at", "yesterday", "bad_timestamp"),
        ("fees", "1.234", "too_many_decimals"),
    ),
    "wms_carrier_invoices": (("invoiced_on", "32/01/2025", "bad_date"),),
    "wms_shipment_events": (
        ("leg", "sideways", "value_not_allowed"),
        (None, "key twice", "duplicate_json_key"),
    ),
    "wms_return_receipts": (
        ("received_at", "2025-02-30T10:00:00", "bad_timestamp"),
        ("quantity", -2, "negative_not_allowed"),
    ),
    "wms_inspections": (
        ("functional_grade", "F9", "value_not_allowed"),
        (None, "not a number", "bad_json"),
    ),
    "crm_return_requests": (("requested_at", "soon", "bad_timestamp"),),
    "crm_refunds": (("tender", "cheque", "value_not_allowed"),),
    "crm_customers": (("email", "nobody", "pattern_mismatch"),),
    "erp_items": (("is_returnable", "perhaps", "bad_boolean"),),
    "erp_fx_rates": (("rate_date", "2025-02-30", "bad_date"),),
    "erp_vendors": (("rtv_recovery_pct", "all of it", "not_a_number"),),
    "wms_work_orders": (
        ("labour_minutes", "lots", "not_a_number"),
        ("type", "paint", "value_not_allowed"),
        ("opened_at", "soon", "bad_timestamp"),
    ),
    "wms_returned_stock": (
        ("quantity", "-3", "negative_not_allowed"),
        ("grade", "BROKEN", "value_not_allowed"),
        ("currency", "QQQ", "unknown_currency"),
    ),
    "erp_vendor_claims": (
        ("opened_on", "31.02.2025", "bad_date"),
        ("claimed_amount", "-5,00", "negative_not_allowed"),
        ("status", "lost", "value_not_allowed"),
    ),
    "crm_cases": (
        ("csat", "9", "value_not_allowed"),
        ("opened_at", "2025-13-01T00:00:00Z", "bad_timestamp"),
    ),
}
REPEATED = (
    "erp_sales_lines", "erp_return_authorizations", "erp_recovery_sales", "wms_shipment_events",
    "wms_return_receipts", "wms_inspections", "wms_dispositions", "crm_return_requests", "crm_refunds",
    "wms_work_orders", "wms_returned_stock", "erp_vendor_claims", "crm_cases",
)  # fmt: skip
# Feeds whose control total must not move: a broken row has no amount.
ZERO = {
    "erp_payment_settlements": {"gross_amount": "0.00", "fee_amount": "0.00", "net_amount": "0.00"},
    "wms_carrier_invoices": {"amount": "0,00"},
}
JUNK_DISPOSITION = (
    '<disposition id="JUNK{n}"><receipt_id>JUNK{n}</receipt_id><quantity>many</quantity><code>RS</code>'
    '<handling_cost currency="EUR">0.00</handling_cost><disposed_at>2025-06-01T00:00:00Z</disposed_at>'
    "</disposition>\n"
)
JUNK_MEMO = (
    '<memo no="JUNK{n}"><currency>EUR</currency><posted_on>2025-06-01</posted_on>\n<line no="1">\n'
    '<component code="gift">0.00</component>\n</line></memo>\n'
)
SMALL = 25  # a night's file with fewer rows stays clean
REPEAT_SHARE = 0.0005
FAULT_SHARE = 0.0002


@dataclass(frozen=True)
class Spot:
    """A row put in before the row at `position`: its text, and what becomes of it.

    `reason` is None for a repetition. `line_offset` counts the lines of the text before the record.
    """

    position: int
    text: str
    reason: str | None
    line_offset: int = 0


def spots(feed: str, lines: pa.Array, dirt: float, seed: list[int], is_history: bool) -> list[Spot]:
    """Choose what to put between the lines of one feed's block, in order of position."""
    count = len(lines)
    if dirt <= 0 or count == 0 or (count < SMALL and not is_history):
        return []
    rng = np.random.default_rng(seed)
    found = _junk(feed, lines, rng, dirt, is_history, seed)
    found += _repeats(feed, lines, rng, dirt)
    if feed == "erp_sales_lines":
        found += _old_versions(lines, rng, dirt)
    return sorted(found, key=lambda spot: (spot.position, spot.text))


def _how_many(share: float, count: int, dirt: float, least: int) -> int:
    return max(least, round(share * count * dirt))


def _repeats(feed: str, lines: pa.Array, rng: np.random.Generator, dirt: float) -> list[Spot]:
    if feed not in REPEATED or len(lines) < 10:
        return []
    wanted = _how_many(REPEAT_SHARE, len(lines), dirt, 1)
    rows = rng.choice(len(lines) - 1, min(wanted, len(lines) // 4), replace=False)
    return [Spot(int(rng.integers(row + 1, len(lines))), lines[int(row)].as_py(), None) for row in rows]


def _old_versions(lines: pa.Array, rng: np.random.Generator, dirt: float) -> list[Spot]:
    """Lines sent twice in one file: before they had shipped, and after."""
    found = []
    names = HEADERS["erp_sales_lines"].split(";")
    ordered, shipped, updated = (names.index(n) for n in ("ordered_at", "shipped_at", "updated_at"))
    for row in rng.choice(len(lines), _how_many(REPEAT_SHARE, len(lines), dirt, 1), replace=False):
        fields = lines[int(row)].as_py().rstrip("\n").split(";")
        if fields[shipped] and fields[ordered] != fields[updated]:
            fields[shipped], fields[updated] = "", fields[ordered]
            found.append(Spot(int(row), ";".join(fields) + "\n", None))
    return found


def _junk(
    feed: str,
    lines: pa.Array,
    rng: np.random.Generator,
    dirt: float,
    is_history: bool,
    seed: list[int],
) -> list[Spot]:
    code = "-".join(map(str, seed[2:]))
    if feed == "wms_dispositions":
        return [Spot(0, JUNK_DISPOSITION.format(n=code), "not_a_number")]
    if feed == "erp_gl_entries":
        return [Spot(0, junk(code), "bad_date")]
    if feed == "erp_credit_memos":
        return [Spot(0, JUNK_MEMO.format(n=code), "value_not_allowed", line_offset=2)]
    faults = FAULTS.get(feed, ())
    if not is_history:
        faults = faults[len(lines) % len(faults) :][:1]
    extra = round(FAULT_SHARE * len(lines) * dirt)
    chosen = [*faults, *(faults[int(i)] for i in rng.integers(0, len(faults), extra))]
    return [
        Spot(int(rng.integers(0, len(lines) + 1)), _broken(feed, lines, fault, f"{code}-{n}"), fault[2])
        for n, fault in enumerate(chosen)
    ]  # fmt: skip


def _broken(feed: str, lines: pa.Array, fault: tuple[str | None, object, str], code: str) -> str:
    template = lines[0].as_py()
    column, value, _ = fault
    own = dict.fromkeys(KEYS[feed], f"JUNK{code}")
    if feed in HEADERS:
        delimiter = DELIMITERS.get(feed, ",")
        row = dict(zip(HEADERS[feed].split(delimiter), _split(template, delimiter), strict=True))
        row |= own | ZERO.get(feed, {})
        if column:
            row[column] = str(value)
        fields = list(row.values()) if column else list(row.values())[:-3]
        return delimiter.join(fields) + "\n"
    record = json.loads(template) | own
    if column:
        record[column] = value
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    if value == "key twice":
        text = text[:-1] + ',"carrier":"DHL"}'
    if value == "not a number":
        text = text[:-1] + ',"score":NaN}'
    return text + "\n"


def _split(template: str, delimiter: str) -> list[str]:
    """Fields of a line; those of the masters may be quoted and hold the delimiter."""
    fields = next(csv.reader([template.rstrip("\n")], delimiter=delimiter))
    return [field.replace("\n", " ").replace(delimiter, " ").replace('"', "") for field in fields]
