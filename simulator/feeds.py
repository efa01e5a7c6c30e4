"""The feeds of sales, returns and refunds: how each system spells a night's rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from simulator import render
from simulator.aftercare import cases, vendor_claims, work_orders
from simulator.company import (
    CHANNELS,
    CRM_REASONS,
    CURRENCIES,
    DISPOSITIONS,
    ERP_REASONS,
    NEVER,
    RATE_ONE,
    RESOLUTIONS,
    SITES,
    ZONES,
)
from simulator.ledger import entry_lines
from simulator.orders import lot_texts, serial_texts, sku_texts
from simulator.refunds import COMPONENTS, STATUSES, TENDERS, TYPES
from simulator.render import (
    Text,
    choice,
    csv_lines,
    element,
    fixed,
    flag,
    integer,
    iso,
    number,
    stamp,
)
from simulator.returns import DECISIONS, IS_APPROVED, RETURNLESS
from simulator.world import Rows, World, appended, changed

FEEDS = (
    "erp_sales_lines", "erp_return_authorizations", "erp_credit_memos", "erp_payment_settlements",
    "erp_items", "erp_fx_rates", "erp_recovery_sales", "wms_shipment_events", "wms_carrier_invoices",
    "wms_return_receipts", "wms_inspections", "wms_dispositions", "crm_customers",
    "crm_return_requests", "crm_refunds", "erp_vendors", "wms_work_orders", "wms_returned_stock",
    "erp_vendor_claims", "crm_cases", "erp_gl_entries",
)  # fmt: skip
EVENTS = (
    "label_created",
    "dropped_off",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "exception",
)
CARRIERS = ("DHL", "UPS", "GLS", "POSTNORD")
CARRIER_ZONES = ("Europe/Berlin", "America/Chicago", "Europe/London", "Europe/Stockholm")
CHARGES = ("freight", "fuel", "label", "credit")
RECOVERY_CHANNELS = ("outlet", "marketplace", "liquidator", "parts", "scrap")
COMMENTS = (
    None, "Zu klein", "Passt nicht, bitte Geld zurück", "Trop grand", 'Says \\"10 cm\\", is 12',
    "Funkar inte", "=1+1", "Two lines\\nof text", "Robert'); drop table returns;--",
)  # fmt: skip


# -- ERP -------------------------------------------------------------------------------------------


def sales_lines(world: World, night: int) -> Rows:
    """CSV with `;`, decimal comma, local time of Berlin, latin-1."""
    sales = world.sales
    keep, latest = changed(world, night, sales["ordered_at"], sales["shipped_at"], sales["voided_at"])
    part, end = sales.iloc[keep], world.end(night)

    def local(column: np.ndarray | pd.Series) -> Text:
        return stamp(np.asarray(column), "%d.%m.%Y %H:%M:%S", "Europe/Berlin", end)

    def money(name: str, decimals: int = 2) -> Text:
        return fixed(part[name].to_numpy(), decimals, ",")

    columns = {
        "order_no": number("", part["order"]),
        "line_no": integer(part["line_no"]),
        "ordered_at": local(part["ordered_at"]),
        "shipped_at": local(part["shipped_at"]),
        "customer_id": number("C", part["customer"], 9),
        "channel": choice(CHANNELS, part["channel"]),
        "sku": choice(sku_texts(world.items), part["item"]),
        "quantity": integer(part["quantity"]),
        "unit_price": money("unit_price"),
        "discount_amount": money("discount"),
        "net_amount": money("net"),
        "tax_amount": money("tax"),
        "shipping_amount": money("shipping"),
        "currency": choice(CURRENCIES, part["currency"]),
        "unit_cost": money("unit_cost", 4),
        "lot_no": lot_texts(part),
        "serial_nos": serial_texts(part),
        "ship_from_site": choice(SITES, part["site"]),
        "is_void": flag(part["voided_at"] < end, "X", ""),
        "updated_at": local(latest[keep]),
        "replaces_rma_no": number("RM", part["replaces"]),
    }
    return Rows(csv_lines(columns, ";"), len(part))


def authorizations(world: World, night: int) -> Rows:
    """RMA lines: CSV, UTC with Z."""
    lines, end = world.goods.lines, world.end(night)
    last = np.full(len(lines), -1)
    receipts = world.goods.receipts
    np.maximum.at(last, receipts["line"].to_numpy(), receipts["received_at"].to_numpy())
    closed = np.where((lines["rma"] >= 0) & (last >= 0), last + 60, NEVER)
    keep, latest = changed(world, night, lines["authorized_at"], lines["cancelled_at"], closed)
    keep = keep[lines["rma"].to_numpy()[keep] >= 0]
    part = lines.iloc[keep]
    void = (part["cancelled_at"] < end).to_numpy()
    columns = {
        "rma_no": number("RM", part["rma"]),
        "rma_line_no": integer(part["rma_line"]),
        "order_no": number("", part["order"]),
        "order_line_no": integer(part["line_no"]),
        "request_id": number("RQ", part["request"]),
        "sku": choice(sku_texts(world.items), part["item"]),
        "quantity_authorized": integer(part["authorized"]),
        "reason_code": choice(ERP_REASONS, part["reason"]),
        "resolution": choice(RESOLUTIONS, part["resolution"]),
        "status": choice(
            ("open", "closed", "cancelled"), np.where(void, 2, (closed[keep] < end).astype(int))
        ),
        "authorized_at": iso(part["authorized_at"]),
        "expires_at": iso(part["expires_at"]),
        "tracking_no": number("TR", part["tracking"]),
        "is_void": flag(void, "true", "false"),
        "updated_at": iso(latest[keep]),
    }
    return Rows(csv_lines(columns), len(part))


def _references(world: World, table: pd.DataFrame) -> pd.DataFrame:
    """Order, order line, request, RMA, currency and customer of money rows."""
    lines, sales = world.goods.lines, world.sales
    line, sale = table["line"].to_numpy(), table["sale"].to_numpy()
    by_line = lines[["order", "line_no", "request", "rma", "rma_line", "currency", "customer", "path"]]
    found = by_line.iloc[line].reset_index(drop=True)
    own = line < 0
    for name in ("order", "line_no", "currency", "customer"):
        found[name] = np.where(own, sales[name].to_numpy()[sale], found[name])
    for name in ("request", "rma", "rma_line", "path"):
        found[name] = np.where(own, -1, found[name])
    return found


def credit_memos(world: World, night: int) -> Rows:
    """XML: memo, line, component; a component a line of text."""
    memos = appended(world, world.money.memos, night).sort_values(["memo", "memo_line", "component"])
    reference = _references(world, memos)
    memo = memos["memo"].to_numpy()
    line = memos["memo_line"].to_numpy()
    new_memo, last_of_memo = _edges(memo)
    new_line, last_of_line = _edges(memo * 4 + line)
    head = pc.binary_join_element_wise(
        '<memo no="', number("CM", memo), '">', element("refund_id", number("RF", memos["refund"])),
        element("currency", choice(CURRENCIES, reference["currency"])),
        element("posted_on", stamp(memos["posted_at"], "%Y-%m-%d")),
        element("reverses_memo_no", number("CM", memos["reverses"])), "\n", "",
    )  # fmt: skip
    line_head = pc.binary_join_element_wise(
        '<line no="', integer(line), '">', element("rma_no", number("RM", reference["rma"])),
        element("rma_line_no", integer(reference["rma_line"], reference["rma"] >= 0)),
        element("order_no", number("", reference["order"])),
        element("order_line_no", integer(reference["line_no"])), "\n", "",
    )  # fmt: skip
    lines = pc.binary_join_element_wise(
        pc.if_else(new_memo, head, ""), pc.if_else(new_line, line_head, ""), '<component code="',
        choice(COMPONENTS, memos["component"]), '">', fixed(memos["amount"]), "</component>\n",
        pc.if_else(last_of_line, "</line>\n", ""), pc.if_else(last_of_memo, "</memo>\n", ""), "",
    )  # fmt: skip
    return Rows(lines, len(memos), int(memos["amount"].sum()))


def _edges(sorted_values: np.ndarray) -> tuple[Text, Text]:
    """Masks of the first and of the last row of each run of equal values."""
    differs = sorted_values[1:] != sorted_values[:-1]
    first = np.concatenate([[True], differs])[: len(sorted_values)]
    last = np.concatenate([differs, [True]])[: len(sorted_values)]
    return pa.array(first), pa.array(last)


def settlements(world: World, night: int) -> Rows:
    """CSV of the processor, with fee and payout rows; the trailer is added with the file."""
    rows = appended(world, world.money.settlements, night)
    status = rows["status"].to_numpy()
    columns = {
        "settlement_id": number("ST", rows["id"]),
        "batch_no": pc.binary_join_element_wise(
            "B",
            integer(rows["day"]),
            choice(CURRENCIES, rows["currency"]),
            integer(rows["batch"]),
            "-",
        ),
        "type": choice(TYPES, rows["type"]),
        "refund_id": number("RF", rows["refund"]),
        "gross_amount": fixed(rows["gross"]),
        "fee_amount": fixed(rows["fee"]),
        "net_amount": fixed(rows["net"]),
        "currency": choice(CURRENCIES, rows["currency"]),
        "settled_amount": fixed(rows["settled"]),
        "settled_currency": choice(CURRENCIES, rows["settled_currency"]),
        "fx_rate": fixed(rows["settled_rate"], 6),
        "booked_at": iso(rows["booked_at"]),
        "status": choice(STATUSES, status),
    }
    return Rows(csv_lines(columns), len(rows), int(rows["net"].sum()))


def gl_entries(world: World, night: int) -> Rows:
    """Journal lines of fixed width; the trailer is added with the file."""
    rows = appended(world, world.money.ledger, night)
    return Rows(entry_lines(rows), len(rows), int(rows["amount"].sum()))


def recovery_sales(world: World, night: int) -> Rows:
    """CSV with tabs."""
    rows = appended(world, world.goods.recoveries, night)
    goods = world.goods
    disposition = goods.dispositions.iloc[rows["disposition"]]
    line = goods.receipts["line"].to_numpy()[disposition["receipt"]]
    columns = {
        "recovery_id": number("RV", rows["id"]),
        "disposition_id": number("DP", disposition["id"]),
        "sku": choice(sku_texts(world.items), goods.lines["item"].to_numpy()[line]),
        "serial_no": pa.nulls(len(rows), pa.string()),
        "quantity": integer(rows["quantity"]),
        "channel": choice(RECOVERY_CHANNELS, rows["channel"]),
        "gross_proceeds": fixed(rows["gross"]),
        "fees": fixed(rows["fees"]),
        "currency": choice(CURRENCIES, rows["currency"]),
        "sold_at": stamp(rows["sold_at"], "%Y-%m-%d %H:%M:%S"),
    }
    return Rows(csv_lines(columns, "\t"), len(rows))


# -- WMS -------------------------------------------------------------------------------------------


def shipment_events(world: World, night: int) -> Rows:
    """JSONL of carrier scans, each in its carrier's own offset."""
    rows = appended(world, world.goods.scans, night)
    back = pa.array(rows["is_return"].to_numpy())
    carrier = rows["carrier"].to_numpy()
    at = pa.nulls(len(rows), pa.string())
    for index, zone in enumerate(CARRIER_ZONES):
        at = pc.if_else(pa.array(carrier == index), iso(rows["at"], zone), at)
    returned = np.where(rows["is_return"], rows["number"], -1)
    columns = {
        "tracking_no": pc.if_else(back, number("TR", rows["number"]), number("TO", rows["number"])),
        "event_code": choice(EVENTS, rows["code"]),
        "event_at": at,
        "leg": pc.if_else(back, "return", "outbound"),
        "carrier": choice(CARRIERS, carrier),
        "location": choice(("Leipzig", "Chicago", "Manchester", "Örebro"), carrier),
        "rma_no": number("RM", returned),
    }
    return Rows(render.json_lines(columns), len(rows))


def carrier_invoices(world: World, night: int) -> Rows:
    """CSV with `;`, decimal comma and thousands point; the TOTAL row is added with the file."""
    rows = appended(world, world.goods.charges, night)
    columns = {
        "invoice_no": pc.binary_join_element_wise(
            choice(CARRIERS, rows["carrier"]), stamp(rows["invoiced_on"], "%Y%m%d"),
            choice(CURRENCIES, rows["currency"]), "-",
        ),
        "tracking_no": number("TR", rows["tracking"]),
        "charge_type": choice(CHARGES, rows["kind"]),
        "amount": fixed(rows["amount"], 2, ",", "."),
        "currency": choice(CURRENCIES, rows["currency"]),
        "invoiced_on": stamp(rows["invoiced_on"], "%d/%m/%Y"),
    }  # fmt: skip
    return Rows(csv_lines(columns, ";"), len(rows), int(rows["amount"].sum()))


def return_receipts(world: World, night: int) -> Rows:
    """JSONL with the local time of the site and its zone."""
    rows = appended(world, world.goods.receipts, night)
    lines = world.goods.lines.iloc[rows["line"]]
    site = rows["site"].to_numpy()
    local = pa.nulls(len(rows), pa.string())
    for index, zone in enumerate(ZONES):
        at = stamp(rows["received_at"], "%Y-%m-%dT%H:%M:%S", zone)
        local = pc.if_else(pa.array(site == index), at, local)
    blind = (lines["rma"] < 0).to_numpy()
    item = lines["item"].to_numpy()
    sold = world.sales.iloc[np.where(lines["sale"] >= 0, lines["sale"], 0)]
    lot = pc.if_else(
        pa.array(rows["with_lot"].to_numpy() & (lines["sale"] >= 0).to_numpy()),
        lot_texts(sold), pa.scalar(None, pa.string()),
    )  # fmt: skip
    columns = {
        "receipt_id": number("RC", rows["id"]),
        "rma_no": number("RM", lines["rma"]),
        "rma_line_no": integer(lines["rma_line"], ~blind),
        "order_no": number("", lines["order"]),
        "tracking_no": number("TR", lines["tracking"]),
        "sku": choice(sku_texts(world.items), item),
        "quantity": integer(rows["quantity"]),
        "lot_no": lot,
        "serial_no": number("SN", rows["serial"]),
        "site": choice(SITES, site),
        "received_at": local,
        "received_zone": choice(ZONES, site),
        "weight_g": integer(world.items.weight[item] * rows["quantity"].to_numpy()),
    }
    bare = ("rma_line_no", "quantity", "weight_g")
    return Rows(render.json_lines(columns, bare), len(rows))


def inspections(world: World, night: int) -> Rows:
    """JSONL in UTC."""
    rows = appended(world, world.goods.inspections, night)
    columns = {
        "inspection_id": number("IN", rows["id"]),
        "receipt_id": number("RC", world.goods.receipts["id"].to_numpy()[rows["receipt"]]),
        "sku_found": choice(sku_texts(world.items), rows["item_found"]),
        "serial_found": number("SN", world.goods.receipts["serial"].to_numpy()[rows["receipt"]]),
        "functional_grade": number("F", rows["functional"] + 1, 1),
        "cosmetic_grade": number("C", rows["cosmetic"], 1),
        "confirmed_reason": choice(CRM_REASONS, rows["confirmed_reason"]),
        "weight_g": integer(rows["weight_g"]),
        "labour_minutes": pc.if_else(
            pa.array(rows["with_minutes"].to_numpy()), fixed(rows["minutes"]),
            pa.scalar(None, pa.string()),
        ),
        "inspected_at": iso(rows["inspected_at"]),
        "inspector_id": number("W", rows["inspector"], 3),
    }  # fmt: skip
    return Rows(render.json_lines(columns, ("weight_g", "labour_minutes")), len(rows))


def dispositions(world: World, night: int) -> Rows:
    """XML, one disposition a line of text."""
    table = world.goods.dispositions
    rows = appended(world, table, night)
    reverses = rows["reverses"].to_numpy()
    taken_back = np.where(reverses >= 0, table["id"].to_numpy()[reverses], -1)
    certified = np.isin(rows["code"], (6, 7)) & (rows["id"] % 20 != 0).to_numpy()
    lines = pc.binary_join_element_wise(
        '<disposition id="', number("DP", rows["id"]), '">',
        element("receipt_id", number("RC", world.goods.receipts["id"].to_numpy()[rows["receipt"]])),
        element("quantity", integer(rows["quantity"])),
        element("code", choice(DISPOSITIONS, rows["code"])),
        "<from_location>DOCK</from_location>",
        element("to_location", choice(DISPOSITIONS, rows["code"])),
        '<handling_cost currency="', choice(CURRENCIES, rows["currency"]), '">',
        fixed(rows["cost"]), "</handling_cost>",
        element("disposed_at", iso(rows["disposed_at"])),
        element("reverses", number("DP", taken_back)),
        element("certificate_no", number("Z", np.where(certified, rows["id"], -1))),
        "</disposition>\n", "",
    )  # fmt: skip
    return Rows(lines, len(rows))


# -- CRM -------------------------------------------------------------------------------------------


def return_requests(world: World, night: int) -> Rows:
    """JSONL of request lines with the status that the CRM claims."""
    lines, end = world.goods.lines, world.end(night)
    keep, latest = changed(
        world, night, lines["requested_at"], _where_request(lines, "decided_at"),
        _where_request(lines, "cancelled_at"),
    )  # fmt: skip
    part = lines.iloc[keep]
    cancelled = (part["cancelled_at"] < end).to_numpy()
    decided = (part["decided_at"] < end).to_numpy()
    status = np.where(cancelled, 3, np.where(decided, part["decision"], 0))
    when = np.where(cancelled, part["cancelled_at"], part["decided_at"])
    comment = np.where(part["id"] % 5 == 0, part["id"] % len(COMMENTS), 0)
    columns = {
        "request_id": number("RQ", part["request"]),
        "request_line": integer(part["request_line"]),
        "order_no": number("", part["order"]),
        "order_line_no": integer(part["line_no"]),
        "customer_id": number("C", part["customer"], 9),
        "quantity": integer(part["quantity"]),
        "reason_code": choice(CRM_REASONS, part["reason"]),
        "comment": choice(COMMENTS, comment),
        "desired_resolution": choice(RESOLUTIONS, part["resolution"]),
        "status": choice(DECISIONS, status),
        "requested_at": iso(part["requested_at"]),
        "decided_at": iso(when, end=end),
        "decline_code": choice(("outside_window",), np.where(status == 2, 0, -1)),
        "updated_at": iso(latest[keep]),
    }
    bare = ("request_line", "order_line_no", "quantity")
    return Rows(render.json_lines(columns, bare), len(part))


def _where_request(lines: pd.DataFrame, name: str) -> np.ndarray:
    return np.where(lines["request"] >= 0, lines[name], NEVER)


def refunds(world: World, night: int) -> Rows:
    """JSONL of refund tenders; a pending one is sent again when the processor has decided."""
    tenders, end = world.money.tenders, world.end(night)
    keep, latest = changed(world, night, tenders["created_at"], tenders["final_at"])
    part = tenders.iloc[keep]
    reference = _references(world, part)
    status = np.where(part["final_at"] < end, part["status"], 0)
    columns = {
        "refund_id": number("RF", part["refund"]),
        "tender_no": integer(part["tender_no"]),
        "request_id": number("RQ", reference["request"]),
        "rma_no": number("RM", reference["rma"]),
        "order_no": number("", reference["order"]),
        "order_line_no": integer(reference["line_no"]),
        "customer_id": number("C", reference["customer"], 9),
        "amount": fixed(part["amount"]),
        "currency": choice(CURRENCIES, reference["currency"]),
        "tender": choice(TENDERS, part["tender"]),
        "status": choice(STATUSES, status),
        "idempotency_key": number("K", part["key"]),
        "is_returnless": flag(reference["path"] == RETURNLESS, "true", "false"),
        "approved_by": choice(("auto", "agent07", "agent12"), part["refund"] % 3),
        "created_at": iso(part["created_at"]),
        "updated_at": iso(latest[keep]),
    }
    bare = ("tender_no", "order_line_no", "amount", "is_returnless")
    return Rows(render.json_lines(columns, bare), len(part))


BLOCK_FEEDS: dict[str, Callable[[World, int], Rows]] = {
    "erp_sales_lines": sales_lines,
    "erp_return_authorizations": authorizations,
    "erp_credit_memos": credit_memos,
    "erp_payment_settlements": settlements,
    "erp_gl_entries": gl_entries,
    "erp_recovery_sales": recovery_sales,
    "wms_shipment_events": shipment_events,
    "wms_carrier_invoices": carrier_invoices,
    "wms_return_receipts": return_receipts,
    "wms_inspections": inspections,
    "wms_dispositions": dispositions,
    "crm_return_requests": return_requests,
    "crm_refunds": refunds,
    "wms_work_orders": work_orders,
    "erp_vendor_claims": vendor_claims,
    "crm_cases": cases,
}

__all__ = ["BLOCK_FEEDS", "FEEDS", "IS_APPROVED", "RATE_ONE", "Rows", "World"]
