"""The feeds of what follows a return: work orders, claims against vendors, service cases.

Their rows are sent again whenever they change. A late row comes with the night after the history.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from simulator.claims import CLAIM_STATUSES, OPEN
from simulator.company import CURRENCIES, GRADE_NAMES, NEVER
from simulator.orders import lot_texts, sku_texts
from simulator.render import UNIT, Text, choice, csv_lines, fixed, integer, iso, number, stamp
from simulator.service import CASE_CHANNELS, TOPICS
from simulator.workshop import WORK_TYPES
from simulator.world import Rows, World, changed

STAMP = "%Y-%m-%d %H:%M:%S"


def _now(
    world: World, table: pd.DataFrame, night: int, begun: str, ended: str
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows new or changed in a night, whether they have ended by then, and their last change."""
    end, seen = world.end(night), table["seen"].to_numpy()
    keep, _ = changed(world, night, seen, np.maximum(seen, table[ended].to_numpy()))
    part = table.iloc[keep]
    has_ended = part[ended].to_numpy() < end
    return part, has_ended, np.where(has_ended, part[ended], part[begun])


def work_orders(world: World, night: int) -> Rows:
    """Values for a sheet, UTC; an order that goes on shows what it has cost so far."""
    part, closed, updated = _now(world, world.goods.work_orders, night, "opened_at", "closed_at")
    columns = {
        "work_order_no": number("WO", part["id"]),
        "receipt_id": number("RC", world.goods.receipts["id"].to_numpy()[part["receipt"]]),
        "type": choice(WORK_TYPES, part["type"]),
        "opened_at": stamp(part["opened_at"], STAMP),
        "closed_at": stamp(part["closed_at"], STAMP, end=world.end(night)),
        "labour_minutes": fixed(np.where(closed, part["minutes"], part["first_minutes"])),
        "labour_rate": fixed(part["rate"], 4),
        "parts_cost": fixed(np.where(closed, part["parts"], 0)),
        "currency": choice(CURRENCIES, part["currency"]),
        "outcome_grade": choice(GRADE_NAMES, np.where(closed, part["outcome"], -1)),
        "updated_at": stamp(updated, STAMP),
    }
    return Rows(csv_lines(columns, UNIT), len(part))


def vendor_claims(world: World, night: int) -> Rows:
    """CSV with `;`, decimal comma, local time of Berlin, latin-1."""
    part, answered, updated = _now(world, world.goods.claims, night, "opened_at", "answered_at")
    receipts, lines = world.goods.receipts, world.goods.lines
    receipt = part["receipt"].to_numpy()
    credited = answered & (part["credited"].to_numpy() > 0)
    columns = {
        "claim_no": number("VC", part["claim"]),
        "line_no": integer(part["line_no"]),
        "vendor_id": number("V", part["vendor"], 3),
        "receipt_id": number("RC", np.where(receipt >= 0, receipts["id"].to_numpy()[receipt], -1)),
        "sku": choice(sku_texts(world.items), part["item"]),
        "lot_no": _lot(world, lines["sale"].to_numpy()[receipts["line"].to_numpy()[receipt]], receipt),
        "serial_no": number("SN", np.where(receipt >= 0, receipts["serial"].to_numpy()[receipt], -1)),
        "quantity": integer(part["quantity"]),
        "claimed_amount": fixed(part["claimed"], 2, ","),
        "credited_amount": fixed(np.where(answered, part["credited"], 0), 2, ","),
        "currency": choice(CURRENCIES, np.zeros(len(part), dtype=int)),
        "status": choice(CLAIM_STATUSES, np.where(answered, part["answer"], OPEN)),
        "opened_on": stamp(part["opened_at"], "%d.%m.%Y"),
        "credited_on": stamp(np.where(credited, part["answered_at"], NEVER), "%d.%m.%Y", end=NEVER),
        "updated_at": stamp(updated, "%d.%m.%Y %H:%M:%S", "Europe/Berlin"),
    }
    return Rows(csv_lines(columns, ";"), len(part))


def _lot(world: World, sale: np.ndarray, receipt: np.ndarray) -> Text:
    """Lot of the sold goods; null where the sale is not known."""
    known = (sale >= 0) & (receipt >= 0)
    found = lot_texts(world.sales.iloc[np.where(known, sale, 0)])
    return pc.if_else(pa.array(known), found, pa.scalar(None, pa.string()))


def cases(world: World, night: int) -> Rows:
    """CSV, UTC with Z; the score comes when the case is closed."""
    part, closed, updated = _now(world, world.cases, night, "opened_at", "closed_at")
    score = part["csat"].to_numpy()
    columns = {
        "case_id": number("CA", part["id"]),
        "customer_id": number("C", part["customer"], 9),
        "order_no": number("", part["order"]),
        "rma_no": number("RM", part["rma"]),
        "topic": choice(TOPICS, part["topic"]),
        "channel": choice(CASE_CHANNELS, part["channel"]),
        "opened_at": iso(part["opened_at"]),
        "closed_at": iso(part["closed_at"], end=world.end(night)),
        "csat": integer(score, closed & (score > 0)),
        "updated_at": iso(updated),
    }
    return Rows(csv_lines(columns), len(part))
