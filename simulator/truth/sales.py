"""KPIs of what was sold: how much of it came back, by line, by value and by order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.company import DECISION_DAYS, HAND_OVER_DAYS, REFUND_DAYS, SIZES, TRANSIT_DAYS, rounded
from simulator.truth.known import KnownReturns, total
from simulator.truth.kpis import KpiCells, Where, day_of

SALE, RETURN = "SALE", "RETURN"


def add(cells: KpiCells, known: KnownReturns) -> None:
    """Add product and value return rates, order return rate and bracketing rate."""
    back = received_by_sale(known)[known.shipped.index.to_numpy()]
    _add_lines(cells, known, back)
    _add_receipts(cells, known)
    _add_orders(cells, known, back)


def where_sold(sales: pd.DataFrame) -> Where:
    """Channel, category and shipping site of sales lines."""
    return Where(sales["channel"].to_numpy(), sales["category"].to_numpy(), sales["site"].to_numpy())


def is_immature(known: KnownReturns, sales: pd.DataFrame) -> np.ndarray:
    """Sales lines of which something that was asked for in time may still come."""
    return mature_on(sales) > known.today


def mature_on(sales: pd.DataFrame) -> np.ndarray:
    """Day by line on which what is asked for on the last day of its window has come, each way at its longest.

    Nothing tells when a parcel came to the customer: the window begins when the longest way has passed.
    """
    last_day = day_of(sales["shipped_at"]) + TRANSIT_DAYS + sales["window"].to_numpy()
    return last_day + DECISION_DAYS + HAND_OVER_DAYS + TRANSIT_DAYS


def is_refunding(known: KnownReturns, sales: pd.DataFrame) -> np.ndarray:
    """Sales lines of which the refund of what came in time may still be due."""
    return mature_on(sales) + REFUND_DAYS > known.today


def received_by_sale(known: KnownReturns) -> np.ndarray:
    """Units received back by sales line."""
    sale = known.column("sale")
    sold = sale >= 0
    return total(sale[sold], known.received[sold], len(known.world.sales))


def _add_lines(cells: KpiCells, known: KnownReturns, back: np.ndarray) -> None:
    sales, nothing = known.shipped, np.zeros(len(known.shipped), dtype=np.int64)
    day, where, young = day_of(sales["shipped_at"]), where_sold(sales), is_immature(known, sales)
    units = sales["quantity"].to_numpy()
    net = known.euro(sales["net"], sales["currency"], sales["ordered_at"])
    cells.put("product_return_rate", SALE, day, where, back, units, young)
    cells.put("product_return_rate", RETURN, day, where, nothing, units)
    cells.put("return_value_rate", SALE, day, where, rounded(net * back, units), net, young)
    cells.put("return_value_rate", RETURN, day, where, nothing, net)


def _add_receipts(cells: KpiCells, known: KnownReturns) -> None:
    rows = known.receipts
    line, units, day = rows["line"].to_numpy(), rows["quantity"].to_numpy(), day_of(rows["received_at"])
    where = known.where_received()
    cells.put("product_return_rate", RETURN, day, where, units, 0)
    lost = known.column("sale")[line] < 0
    cells.put("return_value_rate", RETURN, day[~lost], where[~lost], _values(known)[~lost], 0)


def _values(known: KnownReturns) -> np.ndarray:
    """Share of the sale's net that each receipt brings back: the shares of a line add up exactly."""
    rows = known.receipts[["line", "quantity", "received_at", "id"]].reset_index(drop=True)
    ordered = rows.sort_values(["line", "received_at", "id"])
    upto = ordered.groupby("line")["quantity"].cumsum().reindex(rows.index).to_numpy()
    line = rows["line"].to_numpy()
    net, sold = known.net[line], np.maximum(known.column("sold")[line], 1)
    return rounded(net * upto, sold) - rounded(net * (upto - rows["quantity"].to_numpy()), sold)


def _add_orders(cells: KpiCells, known: KnownReturns, back: np.ndarray) -> None:
    """One row per order: the day of its first parcel, dims of the first line in that."""
    lines = known.shipped[["order", "line_no", "shipped_at", "channel", "category", "site", "item"]].assign(
        has_return=back > 0,
        immature=is_immature(known, known.shipped),
        day=day_of(known.shipped["shipped_at"]),
    )
    lines = lines.sort_values(["order", "day", "line_no"])
    lines["bracketed"] = _is_bracketed(lines) & lines["has_return"]
    order = lines["order"].to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], order[1:] != order[:-1]])[: len(order)])
    if len(starts) == 0:
        return
    day = lines["day"].to_numpy()[starts]
    where, young = where_sold(lines)[starts], np.logical_or.reduceat(lines["immature"].to_numpy(), starts)
    for kpi, column in (("order_return_rate", "has_return"), ("bracketing_rate", "bracketed")):
        happened = np.logical_or.reduceat(lines[column].to_numpy(), starts)
        cells.put(kpi, SALE, day, where, happened.astype(int), 1, young)


def _is_bracketed(lines: pd.DataFrame) -> np.ndarray:
    """Lines of which the order shipped another size of the same style."""
    style = lines["item"].to_numpy() // SIZES
    one = lines["order"].to_numpy() * (style.max(initial=0) + 1) + style
    sizes = np.unique(np.stack([one, lines["item"].to_numpy() % SIZES]), axis=1)[0]
    found, counts = np.unique(sizes, return_counts=True)
    return np.isin(one, found[counts > 1])
