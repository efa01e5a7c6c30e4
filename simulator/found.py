"""What is read from returned goods and found in them: serial numbers, another item, an empty box."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.company import ELECTRONICS, Ids, Items, pick, quota
from simulator.habits import Habits

SERIAL_FATES = ("right", "never_shipped", "of_another_line", "received_before")
RIGHT, NEVER_SHIPPED, OF_ANOTHER_LINE, RECEIVED_BEFORE = range(4)
FINDINGS = ("as_sent", "another_item", "empty_box")
AS_SENT, ANOTHER_ITEM, EMPTY_BOX = range(3)
EMPTY_BOX_PCT = 6  # of the weight that is expected
FEW = 12  # among so few everything is as it should be


def add_serials(
    rng: np.random.Generator,
    habits: Habits,
    sales: pd.DataFrame,
    lines: pd.DataFrame,
    receipts: pd.DataFrame,
    ids: Ids,
) -> None:
    """Add `serial` (-1 without) and `serial_fate` to receipts of one electronic unit of a known sale."""
    line = receipts["line"].to_numpy()
    sale = lines["sale"].to_numpy()[line]
    electronic = lines["category"].to_numpy()[line] == ELECTRONICS
    read = np.flatnonzero((sale >= 0) & electronic & (receipts["quantity"] == 1).to_numpy())
    fate = _fates(rng, habits, habits.serials, len(read))
    serial = sales["serial"].to_numpy()[sale[read]] + receipts["part"].to_numpy()[read]
    serial = np.where(fate == NEVER_SHIPPED, ids.take("serial", len(read)), serial)
    other = _serials_of_others(rng, sales, sale[read], len(read))
    serial = np.where((fate == OF_ANOTHER_LINE) & (other >= 0), other, serial)
    receipts["serial"] = -1
    receipts["serial_fate"] = RIGHT
    receipts.loc[read, "serial"] = serial
    receipts.loc[read, "serial_fate"] = fate
    _send_again(receipts, read)


def _fates(rng: np.random.Generator, habits: Habits, weights: tuple[float, ...], size: int) -> np.ndarray:
    if not habits.has_every_case:
        return pick(rng, np.array(weights), size)
    return quota(rng, np.array(weights), size, least=1) if size >= FEW else np.zeros(size, dtype=int)


def _serials_of_others(
    rng: np.random.Generator, sales: pd.DataFrame, own: np.ndarray, size: int
) -> np.ndarray:
    """Serial numbers that other lines shipped, -1 where only the own line is found."""
    shipped = np.flatnonzero((sales["category"] == ELECTRONICS) & (sales["voided_at"] > sales["shipped_at"]))
    if len(shipped) == 0:
        return np.full(size, -1)
    other = shipped[rng.integers(0, len(shipped), size)]
    return np.where(other == own, -1, sales["serial"].to_numpy()[other])


def _send_again(receipts: pd.DataFrame, read: np.ndarray) -> None:
    """Give a receipt the serial number that came with another receipt just before it."""
    order = read[np.argsort(receipts["received_at"].to_numpy()[read], kind="stable")]
    serial, fate = receipts["serial"].to_numpy(copy=True), receipts["serial_fate"].to_numpy()
    for place in np.flatnonzero(fate[order] == RECEIVED_BEFORE).tolist():
        serial[order[place]] = serial[order[0 if place == 0 else place - 1]]
    receipts["serial"] = serial


def add_findings(
    rng: np.random.Generator,
    habits: Habits,
    items: Items,
    lines: pd.DataFrame,
    receipts: pd.DataFrame,
    inspections: pd.DataFrame,
) -> None:
    """Add `item_found` and `weight_g` (of all units) to inspections: some boxes hold something else."""
    receipt = inspections["receipt"].to_numpy()
    item = lines["item"].to_numpy()[receipts["line"].to_numpy()[receipt]]
    finding = _fates(rng, habits, habits.findings, len(inspections))
    another = (item + rng.integers(1, items.sold, len(item))) % items.sold
    found = np.where(finding == ANOTHER_ITEM, another, item)
    weight = items.weight[found] * receipts["quantity"].to_numpy()[receipt]
    inspections["item_found"] = found
    inspections["weight_g"] = np.where(finding == EMPTY_BOX, weight * EMPTY_BOX_PCT // 100, weight)
