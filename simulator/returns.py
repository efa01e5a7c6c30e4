"""Return lines and what happens to the goods: requests, RMAs, parcels, receipts, dispositions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.claims import make_claims
from simulator.company import (
    CHANGED_MIND,
    COUNTRY_SITE,
    CUSTOMER_FAULT,
    DAY,
    DEFECTIVE,
    DN,
    EXCHANGE,
    HOUR,
    HZ,
    LF,
    MS,
    NEVER,
    OTHER,
    PRICE_FACTOR_PCT,
    QU,
    RC,
    REASONS,
    REFUND,
    REPAIR,
    REPLACEMENT,
    RF,
    RP,
    RS,
    RTC,
    RV,
    SITE_CURRENCY,
    SIZE_SMALL,
    SS,
    STORE_CREDIT,
    UNMAPPED,
    WARRANTY,
    Ids,
    Items,
    pick,
    quota,
    rounded,
)
from simulator.found import add_findings, add_serials
from simulator.habits import Habits
from simulator.orders import Block, unambiguous
from simulator.workshop import make_work_orders

PATHS = (
    "normal", "rma_only", "blind_order", "declined", "cancelled_early", "cancelled_late",
    "expired", "returnless", "lost", "warranty", "undecided", "blind",
)  # fmt: skip
(NORMAL, RMA_ONLY, BLIND_ORDER, DECLINED, CANCELLED_EARLY, CANCELLED_LATE,
 EXPIRED, RETURNLESS, LOST, WARRANTY_PATH, UNDECIDED, BLIND) = range(12)  # fmt: skip
IS_APPROVED = (NORMAL, RMA_ONLY, CANCELLED_LATE, EXPIRED, RETURNLESS, LOST, WARRANTY_PATH)
HAS_RMA = (NORMAL, RMA_ONLY, CANCELLED_LATE, EXPIRED, LOST, WARRANTY_PATH)
HAS_PARCEL = (NORMAL, RMA_ONLY, EXPIRED, LOST, WARRANTY_PATH)
HAS_GOODS = (NORMAL, RMA_ONLY, BLIND_ORDER, WARRANTY_PATH, BLIND)
NO_REQUEST = (RMA_ONLY, BLIND_ORDER, BLIND)

DECISIONS = ("requested", "approved", "declined", "cancelled")
FIRST_CODES = {RS: 0.50, RF: 0.07, RP: 0.04, SS: 0.12, RV: 0.07, DN: 0.03, RC: 0.04,
               HZ: 0.01, LF: 0.03, RTC: 0.02, MS: 0.01, QU: 0.06}  # fmt: skip
FOLLOW_UPS = {
    QU: {RS: 0.5, SS: 0.2, LF: 0.1, RV: 0.1, RC: 0.1},
    RF: {RS: 0.6, SS: 0.4},
    RP: {RS: 0.4, SS: 0.3, RTC: 0.3},
}
# Cents of EUR list price level; scaled to the site's currency.
HANDLING_CENTS = np.array([85, 640, 910, 150, 420, 60, 230, 690, 180, 350, 0, 40])


@dataclass
class Goods:
    """Everything that happens to the returned goods of one block."""

    lines: pd.DataFrame
    receipts: pd.DataFrame
    inspections: pd.DataFrame
    dispositions: pd.DataFrame
    recoveries: pd.DataFrame
    charges: pd.DataFrame
    scans: pd.DataFrame
    work_orders: pd.DataFrame
    claims: pd.DataFrame


def make_goods(seed: int, habits: Habits, items: Items, block: Block, sales: pd.DataFrame, ids: Ids) -> Goods:
    """Let customers of the block send goods back, and the company deal with them."""
    rng = np.random.default_rng([seed, 4, block.number])
    more = np.random.default_rng([seed, 9, block.number])
    lines = _make_lines(rng, habits, items, block, sales, ids)
    receipts = _make_receipts(rng, habits, lines, ids)
    add_serials(more, habits, sales, lines, receipts, ids)
    inspections = _make_inspections(rng, habits, lines, receipts, ids)
    add_findings(more, habits, items, lines, receipts, inspections)
    dispositions = _make_dispositions(rng, lines, receipts, inspections, ids)
    return Goods(
        lines,
        receipts,
        inspections,
        dispositions,
        _make_recoveries(rng, items, lines, receipts, dispositions, ids),
        _make_charges(rng, lines),
        _make_scans(rng, lines, sales),
        make_work_orders(more, habits, receipts, dispositions, ids),
        make_claims(more, items, lines, receipts, dispositions, ids),
    )


def delay(goods: Goods, cases: pd.DataFrame, seed: list[int], dirt: float, history_end: int) -> None:
    """Hold back a few rows of the last weeks of history until the night after it."""
    rng = np.random.default_rng(seed)
    for table, column in (
        (goods.charges, "invoiced_on"),
        (goods.inspections, "inspected_at"),
        (goods.work_orders, "opened_at"),
        (goods.claims, "opened_at"),
        (cases, "opened_at"),
    ):
        at = table[column].to_numpy()
        recent = (at < history_end) & (at >= history_end - 21 * DAY)
        late = recent & (rng.random(len(table)) < 0.03 * dirt)
        table["is_late"] = late
        table["seen"] = np.where(late, history_end + 12 * HOUR, table["seen"])


# -- lines -----------------------------------------------------------------------------------------


def _make_lines(
    rng: np.random.Generator, habits: Habits, items: Items, block: Block, sales: pd.DataFrame, ids: Ids
) -> pd.DataFrame:
    sale = _returned_sales(rng, habits, sales)
    lines = sales.iloc[sale][
        ["order", "line_no", "item", "category", "channel", "currency", "country", "site",
         "customer", "quantity", "net", "tax", "unit_cost", "fee_pct", "window", "shipped_at"]
    ].reset_index(drop=True)  # fmt: skip
    lines = lines.rename(columns={"quantity": "sold", "site": "ship_site"})
    lines.insert(0, "sale", sale)
    lines["path"] = _paths(rng, habits, sales, sale)
    _lose_line(lines)
    lines = pd.concat([lines, _blind_lines(rng, items, block, len(lines))], ignore_index=True)
    lines["id"] = ids.take("line", len(lines))
    part = rng.random(len(lines)) < 0.25
    sold = lines["sold"].to_numpy()
    lines["quantity"] = np.where(part, 1 + rng.integers(0, 4, len(lines)) % sold, sold)
    _add_reason(rng, lines, sales)
    _add_leader(lines)
    _add_times(rng, habits, lines)
    _add_parcel(rng, lines)
    return lines


def _returned_sales(rng: np.random.Generator, habits: Habits, sales: pd.DataFrame) -> np.ndarray:
    chance = np.array(habits.return_share)[sales["category"].to_numpy()]
    chance = np.where(sales["channel"] == 1, chance * 0.5, chance)
    chance = np.where(sales["is_second_size"], 0.55, chance)
    chance = np.where(sales["is_bad_lot"], habits.bad_lot_share, chance)
    chance = np.where(sales["shipped_at"] < NEVER, chance, 0)
    return np.flatnonzero(rng.random(len(sales)) < chance)


def _paths(rng: np.random.Generator, habits: Habits, sales: pd.DataFrame, sale: np.ndarray) -> np.ndarray:
    path = quota(rng, np.array(habits.paths), len(sale))
    # A blind parcel names only its order: the SKU must be on one line of it.
    # Where it is on two, the order is known and the line is not.
    repeated = sales.duplicated(["order", "item"], keep=False).to_numpy()[sale]
    path = np.where((path == BLIND_ORDER) & repeated, RMA_ONLY, path)
    some = np.flatnonzero(_is_unclear(sales)[sale] & _comes_alone(sales, sale) & (path == NORMAL))[::3]
    path[some] = BLIND
    return path


def _is_unclear(sales: pd.DataFrame) -> np.ndarray:
    """True for lines that nothing but their number tells from another one of the same order and SKU."""
    sent = sales[sales["voided_at"] == NEVER]
    twins = sent.groupby(["order", "item"])[["line_no", "shipped_at", "quantity"]].transform("nunique")
    alike = (twins["line_no"] > 1) & (twins["shipped_at"] == 1) & (twins["quantity"] == 1)
    return sales.index.isin(sent.index[alike])


def _comes_alone(sales: pd.DataFrame, sale: np.ndarray) -> np.ndarray:
    """True for returns of which no other is of the same order and SKU, so that neither line is taken."""
    return ~sales.iloc[sale].duplicated(["order", "item"], keep=False).to_numpy()


def _lose_line(lines: pd.DataFrame) -> None:
    """Forget which line of the order a blind parcel came from."""
    blind = lines["path"] == BLIND
    for name in ("sale", "line_no", "category", "channel", "currency", "ship_site", "unit_cost"):
        lines.loc[blind, name] = -1
    lines.loc[blind, ["net", "tax", "fee_pct"]] = 0


def _blind_lines(rng: np.random.Generator, items: Items, block: Block, returns: int) -> pd.DataFrame:
    """Parcels that name neither an RMA nor an order."""
    size = max(2, round(returns * 0.01))
    country = rng.integers(0, 5, size)
    start, end = int(block.times[0]), max(int(block.times[-1]), int(block.times[0]) + DAY)
    return pd.DataFrame({
        "sale": -1, "order": -1, "line_no": -1, "item": rng.integers(0, items.sold, size),
        "category": -1, "channel": -1, "currency": -1, "country": country, "ship_site": -1,
        "customer": -1, "sold": 2, "net": 0, "tax": 0, "unit_cost": -1, "fee_pct": 0, "window": 30,
        "shipped_at": rng.integers(start, end, size), "path": BLIND,
    })  # fmt: skip


def _add_reason(rng: np.random.Generator, lines: pd.DataFrame, sales: pd.DataFrame) -> None:
    size, path = len(lines), lines["path"].to_numpy()
    weights = np.array([10, 6, 8, 5, 3, 17, 12, 12, 18, 3, 1, 0, 1, 3, 0.4])
    reason = quota(rng, weights, size, least=1)
    reason = np.where(reason == WARRANTY, CHANGED_MIND, reason)
    sized = np.isin(lines["category"], (0, 1))
    reason = np.where(~sized & np.isin(reason, (SIZE_SMALL, SIZE_SMALL + 1)), CHANGED_MIND, reason)
    bad = sales["is_bad_lot"].to_numpy()[lines["sale"]] & (lines["sale"].to_numpy() >= 0)
    reason = np.where(bad, DEFECTIVE, reason)
    lines["reason"] = np.where(path == WARRANTY_PATH, WARRANTY, reason)
    resolution = quota(rng, np.array([0.74, 0.11, 0.08, 0.02, 0.05]), size)
    resolution = np.where(np.isin(path, (BLIND, BLIND_ORDER, RETURNLESS)), REFUND, resolution)
    repaired = np.where(rng.random(size) < 0.6, REPAIR, REPLACEMENT)
    lines["resolution"] = np.where(path == WARRANTY_PATH, repaired, resolution)


def _add_leader(lines: pd.DataFrame) -> None:
    """Lines of one order share a request and an RMA; the leader is the first of them."""
    shared = ~np.isin(lines["path"], (*NO_REQUEST, WARRANTY_PATH))
    position = np.arange(len(lines))
    group = np.where(shared, lines["order"], -2 - position)
    leader = pd.Series(position).groupby(group).transform("min").to_numpy()
    lines["leader"] = leader
    for name, members in (
        ("request_line", ~np.isin(lines["path"], NO_REQUEST)),
        ("rma_line", np.isin(lines["path"], HAS_RMA)),
    ):
        rank = pd.Series(members.astype(int)).groupby(leader).cumsum().to_numpy()
        lines[name] = np.where(members, rank, -1)
    number = lines["id"].to_numpy()[leader]
    lines["request"] = np.where(lines["request_line"] > 0, number, -1)
    lines["rma"] = np.where(lines["rma_line"] > 0, number, -1)
    lines["tracking"] = np.where(np.isin(lines["path"], HAS_PARCEL), number, -1)


def _add_times(rng: np.random.Generator, habits: Habits, lines: pd.DataFrame) -> None:
    size, path = len(lines), lines["path"].to_numpy()
    leader = lines["leader"].to_numpy()
    wait = np.where(
        path == WARRANTY_PATH,
        rng.integers(45 * DAY, 240 * DAY, size),
        2 * DAY + (rng.gamma(2.0, 5.5, size) * DAY).astype(np.int64),
    )
    if habits.late_requests is not None:
        wait = _within_window(rng, habits.late_requests, lines, wait)
    start = lines["shipped_at"].groupby(leader).transform("max").to_numpy() + wait[leader]
    quick = rng.random(size) < 0.6
    think = np.where(quick, rng.integers(30, HOUR, size), rng.integers(HOUR, 3 * DAY, size))[leader]
    decided = np.where(path == UNDECIDED, NEVER, start + think)
    cancelled = decided + rng.integers(HOUR, 6 * DAY, size)
    issued = np.where(np.isin(path, NO_REQUEST), 0, rng.integers(0, 2 * HOUR, size)[leader])
    lines["requested_at"] = np.where(lines["request"] >= 0, start, NEVER)
    lines["decided_at"] = decided
    late = path == CANCELLED_LATE
    lines["cancelled_at"] = np.where(late, np.maximum(cancelled, decided + 3 * HOUR), NEVER)
    lines["decision"] = np.select(
        [path == DECLINED, path == CANCELLED_EARLY, path == UNDECIDED], [2, 3, 0], 1
    )
    authorized = np.where(lines["rma"] >= 0, start + think + issued, NEVER)
    lines["authorized_at"] = authorized
    lines["expires_at"] = np.where(lines["rma"] >= 0, authorized + 30 * DAY, NEVER)
    fewer = (rng.random(size) < 0.05) & (lines["quantity"].to_numpy() > 1)
    lines["authorized"] = np.where(lines["rma"] >= 0, lines["quantity"] - fewer, 0)
    lines["dropped_at"] = start + think + issued + rng.integers(DAY // 2, 11 * DAY, size)[leader]


def _within_window(
    rng: np.random.Generator, late_share: float, lines: pd.DataFrame, wait: np.ndarray
) -> np.ndarray:
    """Let all but a share of the requests come before the shortest window of their order's lines ends."""
    window = lines["window"].groupby(lines["leader"]).transform("min").to_numpy() * DAY
    in_time = rng.integers(2 * DAY, window)
    too_late = (wait > window) & (lines["path"] != WARRANTY_PATH).to_numpy()
    return np.where(too_late & (rng.random(len(lines)) >= late_share), in_time, wait)


def _add_parcel(rng: np.random.Generator, lines: pd.DataFrame) -> None:
    """When the RMA line is closed in the ERP is set with its receipts; lost parcels never arrive."""
    carriers = rng.integers(0, 4, len(lines))
    lines["carrier"] = carriers[lines["leader"].to_numpy()]


# -- goods -----------------------------------------------------------------------------------------


def _make_receipts(rng: np.random.Generator, habits: Habits, lines: pd.DataFrame, ids: Ids) -> pd.DataFrame:
    """Receipts: line, part, quantity, site, received_at. Some come in two parts, some only in part."""
    came = np.flatnonzero(np.isin(lines["path"], HAS_GOODS))
    due = np.where(lines["rma"] >= 0, lines["authorized"], lines["quantity"])[came]
    blind = lines["rma"].to_numpy()[came] < 0
    split = (due > 1) & (rng.random(len(came)) < 0.3) & ~blind
    first = np.where(split, 1, due)
    arrived = lines["dropped_at"].to_numpy()[came] + rng.integers(2 * DAY, 9 * DAY, len(came))
    tardy = rng.random(len(came)) < 0.02
    expires = np.minimum(lines["expires_at"].to_numpy()[came], 2**60)
    late = np.where(blind, arrived, expires + rng.integers(DAY, 6 * DAY, len(came)))
    arrived = np.where(tardy, late, arrived)
    second = np.flatnonzero(split & (rng.random(len(came)) < 0.6))
    receipts = pd.DataFrame(
        {
            "line": np.concatenate([came, came[second]]),
            "part": np.concatenate([np.zeros(len(came), int), np.ones(len(second), int)]),
            "quantity": np.concatenate([first, (due - first)[second]]),
            "received_at": np.concatenate(
                [arrived, arrived[second] + rng.integers(2 * DAY, 12 * DAY, len(second))]
            ),
        }
    )
    home = COUNTRY_SITE[lines["country"].to_numpy()[receipts["line"]]]
    away = rng.random(len(receipts)) < 0.03
    receipts["site"] = np.where(away, 0, home)
    received = receipts["received_at"].to_numpy()
    if not habits.opens_on_sundays:
        received = np.where((received // DAY + 3) % 7 == 6, received + DAY, received)
    receipts["received_at"] = _outside_repeated_hours(received)
    receipts["id"] = ids.take("receipt", len(receipts))
    receipts["seen"] = receipts["received_at"]
    receipts["with_lot"] = rng.random(len(receipts)) < 0.4
    return receipts


def _outside_repeated_hours(seconds: np.ndarray) -> np.ndarray:
    """The same for Chicago: 07:00-08:00 UTC on the first Sunday of November."""
    days = seconds // DAY
    date = days.astype("datetime64[D]")
    month = date.astype("datetime64[M]").astype(int) % 12 + 1
    day = (date - date.astype("datetime64[M]")).astype(int) + 1
    repeated = (month == 11) & (day <= 7) & ((days + 3) % 7 == 6)
    inside = repeated & (seconds % DAY >= 6 * HOUR) & (seconds % DAY < 9 * HOUR)
    return unambiguous(np.where(inside, seconds + 3 * HOUR, seconds))


def _make_inspections(
    rng: np.random.Generator, habits: Habits, lines: pd.DataFrame, receipts: pd.DataFrame, ids: Ids
) -> pd.DataFrame:
    looked = np.flatnonzero(rng.random(len(receipts)) < 0.97)
    again = looked[rng.random(len(looked)) < 0.04]
    receipt = np.concatenate([looked, again])
    size = len(receipt)
    shortest, longest = habits.inspection_minutes
    first_at = receipts["received_at"].to_numpy() + rng.integers(2 * HOUR, 4 * DAY, len(receipts))
    later = np.concatenate([np.zeros(len(looked), int), rng.integers(HOUR, DAY, len(again))])
    stated = lines["reason"].to_numpy()[receipts["line"].to_numpy()]
    broken = np.isin(stated[receipt], (0, 1, 4, 11))
    functional = np.where(
        broken,
        pick(rng, np.array([5, 10, 25, 30, 20, 10]), size),
        pick(rng, np.array([70, 18, 6, 3, 2, 1]), size),
    )
    inspections = pd.DataFrame(
        {
            "receipt": receipt,
            "functional": functional,
            "cosmetic": pick(rng, np.array([35, 25, 14, 9, 6, 4, 3, 2, 1, 1]), size),
            "minutes": rng.integers(shortest * 100, longest * 100, size),
            "inspected_at": first_at[receipt] + later,
            "inspector": rng.integers(1, 40, size),
            "confirmed_reason": _confirmed(rng, stated[receipt]),
            "with_minutes": rng.random(size) < 0.98,
        }
    )
    inspections["id"] = ids.take("inspection", size)
    inspections["seen"] = inspections["inspected_at"]
    inspections["is_late"] = False
    return inspections


def _confirmed(rng: np.random.Generator, stated: np.ndarray) -> np.ndarray:
    """The reason that the inspector finds; another one where the customer's does not hold."""
    agrees = (rng.random(len(stated)) < 0.85) & (stated != UNMAPPED)
    return np.where(agrees, stated, OTHER)


def _make_dispositions(
    rng: np.random.Generator,
    lines: pd.DataFrame,
    receipts: pd.DataFrame,
    inspections: pd.DataFrame,
    ids: Ids,
) -> pd.DataFrame:
    """First decisions, what follows those in process, and reversals with what follows them.

    Columns: receipt, quantity, code, cost, currency, disposed_at, reverses (row, -1), reversed_at,
    follows (row of the decision that it comes after, -1).
    """
    first = _first_dispositions(rng, lines, receipts, inspections)
    steps = [first]
    steps.append(_follow_ups(rng, first))
    steps.extend(_reversals(rng, first))
    rows = pd.concat(steps, ignore_index=True)
    factor = PRICE_FACTOR_PCT[rows["currency"].to_numpy()]
    each = rounded(HANDLING_CENTS[rows["code"].to_numpy()] * factor, 100) * rows["quantity"]
    rows["cost"] = each + rng.integers(0, 40, len(rows)) * (each > 0)
    rows["id"] = ids.take("disposition", len(rows))
    rows["seen"] = rows["disposed_at"]
    return rows


def _first_dispositions(
    rng: np.random.Generator,
    lines: pd.DataFrame,
    receipts: pd.DataFrame,
    inspections: pd.DataFrame,
) -> pd.DataFrame:
    last = np.full(len(receipts), -1)
    np.maximum.at(last, inspections["receipt"].to_numpy(), inspections["inspected_at"].to_numpy())
    base = np.where(last < 0, receipts["received_at"].to_numpy() + 2 * DAY, last)
    handled = np.flatnonzero(rng.random(len(receipts)) > 0.02)
    quantity = receipts["quantity"].to_numpy()[handled]
    halved = (quantity > 1) & (rng.random(len(handled)) < 0.35)
    other = handled[halved]
    receipt = np.concatenate([handled, other])
    codes = quota(rng, np.array(list(FIRST_CODES.values())), len(receipt), least=1)
    code = np.array(list(FIRST_CODES))[codes]
    under_warranty = lines["path"].to_numpy()[receipts["line"].to_numpy()[receipt]] == WARRANTY_PATH
    code = np.where(under_warranty & (rng.random(len(receipt)) < 0.6), RTC, code)
    return pd.DataFrame(
        {
            "receipt": receipt,
            "quantity": np.concatenate([np.where(halved, 1, quantity), (quantity - 1)[halved]]),
            "code": code,
            "currency": SITE_CURRENCY[receipts["site"].to_numpy()[receipt]],
            "disposed_at": base[receipt] + rng.integers(HOUR, 6 * DAY, len(receipt)),
            "reverses": -1,
            "reversed_at": NEVER,
            "follows": -1,
        }
    )


def _follow_ups(rng: np.random.Generator, first: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for code, outcomes in FOLLOW_UPS.items():
        rows = first[first["code"] == code]
        rows = rows[rng.random(len(rows)) > 0.05].copy()
        chosen = quota(rng, np.array(list(outcomes.values())), len(rows), least=1)
        rows["code"] = np.array(list(outcomes))[chosen]
        rows["disposed_at"] += rng.integers(DAY, 15 * DAY, len(rows))
        rows["follows"] = rows.index
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _reversals(rng: np.random.Generator, first: pd.DataFrame) -> list[pd.DataFrame]:
    """A restocked unit turns out unsellable: the decision is taken back and made anew."""
    wanted = max(2, round(len(first) * 0.01))
    chosen = rng.permutation(np.flatnonzero(first["code"] == RS))[:wanted]
    taken_back = first.iloc[chosen].copy()
    taken_back["disposed_at"] += rng.integers(DAY, 7 * DAY, len(chosen))
    taken_back["reverses"] = chosen
    first.loc[chosen, "reversed_at"] = taken_back["disposed_at"].to_numpy()
    anew = taken_back.copy()
    anew["reverses"] = -1
    anew["code"] = SS
    anew["follows"] = chosen
    anew["disposed_at"] += rng.integers(HOUR, 4 * DAY, len(chosen))
    return [taken_back, anew]


def _make_recoveries(
    rng: np.random.Generator,
    items: Items,
    lines: pd.DataFrame,
    receipts: pd.DataFrame,
    dispositions: pd.DataFrame,
    ids: Ids,
) -> pd.DataFrame:
    """Sales of disposed goods: disposition, quantity, channel, gross, fees, currency, sold_at."""
    code = dispositions["code"].to_numpy()
    chance = np.select([code == SS, code == RC], [0.92, 0.5], 0.0)
    chance = np.where(dispositions["reverses"] >= 0, 0, chance)
    sold = np.flatnonzero(rng.random(len(code)) < chance)
    size, scrap = len(sold), code[sold] == RC
    quantity = dispositions["quantity"].to_numpy()[sold]
    currency = dispositions["currency"].to_numpy()[sold]
    item = lines["item"].to_numpy()[receipts["line"].to_numpy()[dispositions["receipt"].to_numpy()[sold]]]
    price = rounded(items.list_price[0, item] * PRICE_FACTOR_PCT[currency], 100)
    percent = np.where(scrap, 2, rng.integers(15, 60, size))
    gross = rounded(price * quantity * percent, 100)
    recoveries = pd.DataFrame(
        {
            "disposition": sold,
            "quantity": quantity,
            "channel": np.where(scrap, 4, rng.integers(0, 4, size)),
            "gross": gross,
            "fees": rounded(gross * rng.integers(0, 18, size), 100),
            "currency": currency,
            "sold_at": dispositions["disposed_at"].to_numpy()[sold] + rng.integers(DAY, 25 * DAY, size),
        }
    )
    recoveries["id"] = ids.take("recovery", size)
    recoveries["seen"] = recoveries["sold_at"]
    return recoveries


# -- parcels ---------------------------------------------------------------------------------------


def _parcels(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per return parcel that was really sent."""
    sent = lines[(lines["tracking"] >= 0) & (lines["path"] != EXPIRED)]
    return sent.drop_duplicates("tracking")


def _make_charges(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    """Carrier invoice rows: tracking, kind (0 freight, 1 fuel, 2 label, 3 credit), amount, day."""
    parcels = _parcels(lines)
    size = len(parcels)
    factor = PRICE_FACTOR_PCT[parcels["currency"].to_numpy()]
    dropped, issued = parcels["dropped_at"].to_numpy(), parcels["authorized_at"].to_numpy()
    billed = dropped + rng.integers(6 * DAY, 24 * DAY, size)
    kinds = (
        (rng.random(size) < 0.98, rng.integers(320, 990, size), billed),
        (rng.random(size) < 0.5, rng.integers(20, 110, size), billed),
        (rng.random(size) < 0.15, rng.integers(30, 60, size), issued + DAY),
        (rng.random(size) < 0.04, -rng.integers(50, 250, size), billed + 12 * DAY),
    )
    parts = [
        pd.DataFrame(
            {
                "tracking": parcels["tracking"][keep],
                "carrier": parcels["carrier"][keep],
                "currency": parcels["currency"][keep],
                "kind": kind,
                "amount": rounded(amount * factor, 100)[keep],
                "invoiced_on": (when // DAY * DAY)[keep],
            }
        )
        for kind, (keep, amount, when) in enumerate(kinds)
    ]
    charges = pd.concat(parts, ignore_index=True)
    charges["seen"] = charges["invoiced_on"]
    charges["is_late"] = False
    return charges


def _make_scans(rng: np.random.Generator, lines: pd.DataFrame, sales: pd.DataFrame) -> pd.DataFrame:
    """Carrier scans: is_return, number (order or tracking), code, at, carrier, rma."""
    parts = _outbound(rng, sales)
    parcels = _parcels(lines)
    lost = (parcels["path"] == LOST).to_numpy()
    back = {"is_return": True, "number": parcels["tracking"], "carrier": parcels["carrier"]}
    end = parcels["dropped_at"] + 2 * DAY - 2 * HOUR
    parts += [
        pd.DataFrame({**back, "code": 0, "at": parcels["authorized_at"] + 60}),
        pd.DataFrame({**back, "code": 1, "at": parcels["dropped_at"]}),
        pd.DataFrame({**back, "code": 2, "at": parcels["dropped_at"] + 6 * HOUR}),
        pd.DataFrame({**back, "code": np.where(lost, 5, 4), "at": end}),
    ]
    scans = pd.concat(parts, ignore_index=True)
    scans["seen"] = scans["at"]
    return scans


def _outbound(rng: np.random.Generator, sales: pd.DataFrame) -> list[pd.DataFrame]:
    orders = sales[sales["shipped_at"] < NEVER].drop_duplicates("order")
    travel = rng.integers(DAY, 6 * DAY, len(orders))
    out = {"is_return": False, "number": orders["order"], "carrier": orders["customer"] % 4}
    return [
        pd.DataFrame({**out, "code": 2, "at": orders["shipped_at"] + HOUR}),
        pd.DataFrame({**out, "code": 4, "at": orders["shipped_at"] + travel}),
    ]


def outbound_scans(seed: int, block: Block, sales: pd.DataFrame) -> pd.DataFrame:
    """Scans of parcels to customers; columns as of Goods.scans."""
    scans = pd.concat(_outbound(np.random.default_rng([seed, 12, block.number]), sales), ignore_index=True)
    scans["seen"] = scans["at"]
    return scans


__all__ = [
    "BLIND",
    "BLIND_ORDER",
    "CUSTOMER_FAULT",
    "EXCHANGE",
    "PATHS",
    "REASONS",
    "RETURNLESS",
    "STORE_CREDIT",
    "UNMAPPED",
    "Goods",
    "make_goods",
]  # fmt: skip
