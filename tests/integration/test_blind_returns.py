"""Returns that name no order, and the sale that was inferred for each; counted by hand.

The second night brings order EA, the word that KA was sold to K1 after all, and receipt 15, which names ONE.

| SKU  | of | sold (order, day, units, price)    | came back (receipt, day, units, credited)       |
|------|----|------------------------------------|-------------------------------------------------|
| ONE  | K1 | ONE, 1st, 1 at 10                  | 1, 10th, 1 for 10: the only sale                |
| TWO  | K1 | TA, 1st, 1 at 10; TB, 2nd, 1 at 12 | 2, 10th, 1 for 10: TA has the price             |
| NEAR | K1 | NA, 1st, 1 at 10; NB, 2nd, 1 at 20 | 3, 10th, 1 for 11: NA is nearer                 |
| SAME | K1 | SA, 1st, 1 at 10; SB, 2nd, 1 at 10 | 4, 10th, 1 for 10: SB is newer                  |
| FREE | K1 | FA, 1st, 1 at 10; FB, 2nd, 2 at 10 | 5, 10th, 1 without memo: FB is newer            |
| USED | K1 | UA, 1st, 2 at 10                   | 6, 10th, 2 for 20: UA; 7, 11th, 1: none is left |
| HELD | K1 | HA, 1st, 1 at 10; HB, 2nd, 1 at 10 | 8 names HB on the 20th; 9, 10th, 1 for 10: HA   |
| LATE | K1 | LA, 15th, 1 at 10                  | 10, 10th: sold after it                         |
| KIN  | K2 | KA, 1st, 1 at 10                   | 11, 10th, by K1: another customer's             |
| TIE  | K1 | IA and IB, both 1st, 1 at 10       | 12, 10th, 1 for 10: either                      |
| NONE |    | OA, 1st, 1 at 10, to K1            | 13, 10th, by nobody known                       |
| SOON | K3 | EA, 1st, 1 at 10; told on the 31st | 14, 10th, 1 for 10                              |
| ASK  | K4 | RA, 1st, 1 at 10                   | asked for on the 5th, not received              |
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from tests.nights import build_night
from tests.tables import Prints, fingerprints

pytestmark = pytest.mark.long

FIRST, SECOND = dt.date(2026, 1, 30), dt.date(2026, 1, 31)
SALES = (
    "order_no;line_no;ordered_at;shipped_at;customer_id;channel;sku;quantity;unit_price;discount_amount;"
    "net_amount;tax_amount;shipping_amount;currency;unit_cost;lot_no;serial_nos;ship_from_site;is_void;updated_at\n"
)
# order, day, customer, SKU, units, price
SOLD = [
    ("ONE", 1, "K1", "ONE", 1, 10), ("TA", 1, "K1", "TWO", 1, 10), ("TB", 2, "K1", "TWO", 1, 12),
    ("NA", 1, "K1", "NEAR", 1, 10), ("NB", 2, "K1", "NEAR", 1, 20), ("SA", 1, "K1", "SAME", 1, 10),
    ("SB", 2, "K1", "SAME", 1, 10), ("FA", 1, "K1", "FREE", 1, 10), ("FB", 2, "K1", "FREE", 2, 10),
    ("UA", 1, "K1", "USED", 2, 10), ("HA", 1, "K1", "HELD", 1, 10), ("HB", 2, "K1", "HELD", 1, 10),
    ("LA", 15, "K1", "LATE", 1, 10), ("KA", 1, "K2", "KIN", 1, 10), ("IA", 1, "K1", "TIE", 1, 10),
    ("IB", 1, "K1", "TIE", 1, 10), ("OA", 1, "K1", "NONE", 1, 10), ("RA", 1, "K4", "ASK", 1, 10),
]  # fmt: skip
SOLD_LATER = [("EA", 1, "K3", "SOON", 1, 10), ("KA", 1, "K1", "KIN", 1, 10)]
# receipt, day, order, customer, SKU, units, credited
CAME = [
    ("1", 10, None, "K1", "ONE", 1, 10), ("2", 10, None, "K1", "TWO", 1, 10),
    ("3", 10, None, "K1", "NEAR", 1, 11), ("4", 10, None, "K1", "SAME", 1, 10),
    ("5", 10, None, "K1", "FREE", 1, None), ("6", 10, None, "K1", "USED", 2, 20),
    ("7", 11, None, "K1", "USED", 1, 10), ("8", 20, "HB", "K1", "HELD", 1, 10),
    ("9", 10, None, "K1", "HELD", 1, 10), ("10", 10, None, "K1", "LATE", 1, 10),
    ("11", 10, None, "K1", "KIN", 1, 10), ("12", 10, None, "K1", "TIE", 1, 10),
    ("13", 10, None, None, "NONE", 1, 10), ("14", 10, None, "K3", "SOON", 1, 10),
]  # fmt: skip
CAME_LATER = [("15", 20, "ONE", None, "ONE", 1, None)]
# return line: order, rule, sales that it could have been, confidence by the seed
FOUND: dict[str, tuple[str | None, str, int | None, str | None]] = {
    "RCV:1": ("ONE", "only_sale", 1, "0.98"),
    "RCV:2": ("TA", "only_at_price", 2, "0.98"),
    "RCV:3": ("NA", "nearest_price", 2, "0.40"),
    "RCV:4": ("SB", "newest_at_price", 2, "0.60"),
    "RCV:5": ("FB", "newest_sale", 2, "0.60"),
    "RCV:6": ("UA", "only_sale", 1, "0.98"),
    "RCV:7": (None, "no_units", 0, None),
    "RCV:8": ("HB", "named", None, "1.00"),
    "RCV:9": ("HA", "only_sale", 1, "0.98"),
    "RCV:10": (None, "no_sale", 0, None),
    "RCV:11": (None, "no_sale", 0, None),
    "RCV:12": (None, "ambiguous", 2, None),
    "RCV:13": (None, "no_customer", None, None),
    "RCV:14": (None, "no_sale", 0, None),
    "REQ:Q-1": ("RA", "only_sale", 1, "0.98"),
}
LATER = FOUND | {
    "RCV:1": (None, "no_units", 0, None),
    "RCV:11": ("KA", "only_sale", 1, "0.98"),
    "RCV:14": ("EA", "only_sale", 1, "0.98"),
    "RCV:15": ("ONE", "named", None, "1.00"),
}
Found = dict[str, tuple[Any, ...]]


@pytest.fixture(scope="module")
def nightly(nights: dict[str, Found]) -> Prints:
    """Core after the second night."""
    return _fingerprints()


@pytest.fixture(scope="module")
def nights(database: Path) -> dict[str, Found]:
    """The sale of each return line after each of two nights."""
    _land(database, "20260130", SOLD)
    _land_returns(database)
    found = {"first": _night(FIRST)}
    _land(database, "20260131", SOLD_LATER)
    _land_receipts(database, "20260131", CAME_LATER)
    return found | {"second": _night(SECOND)}


def _night(date: dt.date) -> Found:
    for feed in feeds():
        load_feed(feed, date)
    publish(build_night(date))
    return _sales()


def _sales() -> Found:
    with connect("auditor") as connection:
        rows = connection.execute(
            "select return_line_key, order_no, sale_rule, sale_candidates, sale_confidence::text"
            " from core.fct_return_line"
        ).fetchall()
    return {key: tuple(told) for key, *told in rows}


def test_each_return_goes_back_to_the_sale_counted_by_hand(nights: dict[str, Found]) -> None:
    assert nights["first"] == FOUND


def test_what_comes_later_changes_who_gets_which_sale(nights: dict[str, Found]) -> None:
    assert nights["second"] == LATER


def test_an_inferred_sale_counts_like_a_named_one_and_can_be_told_apart(nights: dict[str, Found]) -> None:
    with connect("auditor") as connection:
        flags = connection.execute(
            "select is_inferred, is_attributed, count(*) from core.fct_return_line"
            " group by is_inferred, is_attributed order by is_inferred, is_attributed"
        ).fetchall()
        came_back = connection.execute(
            "select order_no, received_quantity from core.fct_sales_line where received_quantity > 0"
        ).fetchall()
        attribution = connection.execute(
            "select attribution, count(*) from core.fct_receipt group by 1 order by 1"
        ).fetchall()
        worth = connection.execute("select sum(returned_amount) from build.kpi_of_receipts").fetchone()
        customers = connection.execute(
            "select returned_units, returned_value from marts.customer_overview where returned_units > 0"
            " order by 1"
        ).fetchall()
    # 8 and 15 are named; 9 of the other 14 are inferred
    assert flags == [(False, False, 5), (False, True, 2), (True, True, 9)]
    # what was requested has not come
    assert dict(came_back) == {
        "ONE": 1, "TA": 1, "NA": 1, "SB": 1, "FB": 1, "UA": 2, "HA": 1, "HB": 1, "EA": 1,
        "KA": 1,
    }  # fmt: skip
    assert attribution == [("inferred", 8), ("none", 5), ("order_line", 2)]
    # 11 units at 10 of their sale, and 10 by the memo of each of 1, 7, 10, 12 and 13
    assert worth == (Decimal("160.00"),)
    # K3 has EA; K1 the rest, each unit at 10 of its sale, and 1, 7, 10 and 12, each at 10 by its memo
    assert customers == [(1, Decimal("10.00")), (14, Decimal("140.00"))]


def test_what_stays_blind_counts_by_product_and_in_no_cohort(nights: dict[str, Found]) -> None:
    with connect("bi_reader") as connection:
        products = connection.execute(
            "select sku, shipped_quantity, returned_quantity, unattributed_quantity"
            " from marts.product_return_rates where sku in ('ONE', 'SOON', 'TIE', 'USED') order by sku"
        ).fetchall()
        units = connection.execute(
            "select basis, channel, sum(numerator), sum(denominator), min(completeness),"
            " min(completeness_reason) from marts.kpi_daily where kpi = 'product_return_rate'"
            " and (numerator <> 0 or basis = 'SALE') group by basis, channel order by basis, channel"
        ).fetchall()
        told = connection.execute(
            "select units_without_sale, units_never_shipped from marts.kpi_completeness"
            " where kpi = 'product_return_rate' and basis = 'SALE'"
        ).fetchall()
        cohorts = connection.execute(
            "select count(*) from marts.kpi_daily where basis = 'SALE' and coalesce(denominator, 0) = 0"
            " and numerator <> 0"
        ).fetchone()
        credited = connection.execute("select sum(credited_amount) from marts.product_returns").fetchone()
    assert products == [("ONE", 1, 2, 1), ("SOON", 1, 1, 0), ("TIE", 2, 1, 1), ("USED", 2, 3, 1)]
    # 16 came: 11 of a known sale, of 21 that were sold; 1, 7, 10, 12 and 13 by their day and product alone
    assert units == [
        ("RETURN", "UNATTRIBUTED", 5, 0, "complete", None),
        ("RETURN", "WEB", 11, 0, "complete", None),
        ("SALE", "WEB", 11, 21, "partly", "leaves out returns without a known sale"),
    ]
    assert told == [(5, 0)]
    assert cohorts == (0,)
    assert credited == (Decimal("141.00"),)


def test_a_memo_belongs_to_the_receipt_that_it_names(nights: dict[str, Found]) -> None:
    with connect("auditor") as connection:
        rows = connection.execute("select distinct match_rule from core.fct_credit_memo_component").fetchall()
        credited = connection.execute(
            "select return_line_key, credited_amount from core.fct_return_line where credited_amount <> 0"
        ).fetchall()
    assert rows == [("receipt",)]
    assert dict(credited) == {f"RCV:{n}": Decimal(paid) for n, *_, paid in CAME if paid}


def test_nights_equal_a_build_of_all_files(
    nightly: Prints, database: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDING_URL", str(database))
    for feed in feeds():
        load_feed(feed, SECOND)
    build_night(SECOND)
    assert _sales() == LATER
    rebuilt = _fingerprints()
    assert {t: (nightly[t], rebuilt[t]) for t in nightly if nightly[t] != rebuilt.get(t)} == {}


def _fingerprints() -> Prints:
    return fingerprints("core", names="^(dim|fct|bridge|snap)_")


def _land(landing: Path, stamp: str, sold: list[tuple[str, int, str, str, int, int]]) -> None:
    rows = "".join(
        f"{order};1;{day:02}.01.2026 08:00:00;{day:02}.01.2026 10:00:00;{customer};web;{sku};{units};"
        f"{price},00;;{units * price},00;;;EUR;;;;LEJ;;{int(stamp) % 100}.01.2026 10:00:00\n"
        for order, day, customer, sku, units, price in sold
    )
    _put(landing, f"erp/erp_sales_lines_{stamp}.csv", SALES + rows)


def _land_receipts(landing: Path, stamp: str, came: list[tuple[Any, ...]]) -> None:
    _put(landing, f"wms/wms_return_receipts_{stamp}.jsonl", [
        {"receipt_id": number, "order_no": order, "customer_id": customer, "sku": sku, "quantity": units,
         "site": "LEJ", "received_at": f"2026-01-{day:02}T10:00:00", "received_zone": "Europe/Berlin"}
        for number, day, order, customer, sku, units, _ in came
    ])  # fmt: skip


def _land_returns(landing: Path) -> None:
    _land_receipts(landing, "20260130", CAME)
    _put(landing, "crm/crm_return_requests_20260130.jsonl", [
        {"request_id": "Q", "request_line": 1, "customer_id": "K4", "sku": "ASK", "quantity": 1,
         "reason_code": "01", "desired_resolution": "refund", "status": "approved",
         "requested_at": "2026-01-05T10:00:00+00:00", "decided_at": "2026-01-05T11:00:00+00:00",
         "updated_at": "2026-01-05T11:00:00+00:00"}
    ])  # fmt: skip
    memos = "".join(
        f'<memo no="M{number}"><currency>EUR</currency><posted_on>2026-01-{day:02}</posted_on>'
        f"<customer_id>{customer or ''}</customer_id>"
        f'<line no="1"><receipt_id>{number}</receipt_id>'
        f'<sku>{sku}</sku><component code="merchandise">{credited}.00</component></line></memo>'
        for number, day, _, customer, sku, _, credited in CAME
        if credited
    )
    count, total = sum(bool(row[-1]) for row in CAME), sum(row[-1] or 0 for row in CAME)
    _put(
        landing, "erp/erp_credit_memos_20260130.xml",
        f'<credit_memos records="{count}" total="{total}.00" extracted_at="2026-01-30T22:00:00Z">{memos}'
        "</credit_memos>",
    )  # fmt: skip


def _put(landing: Path, name: str, content: str | list[dict[str, Any]]) -> None:
    file = landing / name
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
    file.write_text(text, encoding="latin-1")
    file.with_name(file.name + ".done").touch()
