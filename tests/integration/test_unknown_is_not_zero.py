"""What no feed tells is unknown, not zero: a company whose authorizations come a night late, counted by hand.

| order | customer | sold           | came back                                      |
|-------|----------|----------------|------------------------------------------------|
| A     | K1       | 2 TEE at 10.00 | 1 TEE, by an RMA that comes with the second night |
| B     | K2       | 1 TEE at 10.00 | nothing                                        |

Nothing else ever comes: no refund, no case, no item master, no disposition.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.contracts.contract import all_feeds, feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from tests.nights import build_night

pytestmark = pytest.mark.long

FIRST, SECOND = dt.date(2026, 1, 30), dt.date(2026, 1, 31)
SALES = (
    "order_no;line_no;ordered_at;shipped_at;customer_id;channel;sku;quantity;unit_price;discount_amount;"
    "net_amount;tax_amount;shipping_amount;currency;unit_cost;lot_no;serial_nos;ship_from_site;is_void;updated_at\n"
)
RMAS = (
    "rma_no,rma_line_no,order_no,order_line_no,request_id,sku,quantity_authorized,reason_code,resolution,"
    "status,authorized_at,expires_at,tracking_no,is_void,updated_at\n"
    "RA,1,A,1,,TEE,1,01,refund,open,2026-01-20T10:00:00Z,,TRA,false,2026-01-20T10:00:00Z\n"
)
RATES = """
select kpi, basis, sum(numerator), sum(denominator), min(completeness), min(completeness_reason)
from marts.kpi_daily where kpi = any(%s) group by kpi, basis order by kpi, basis
"""
# Each is counted from something that has not come on the first night.
LISTED = (
    "co2e_per_return", "order_return_rate", "refund_rate", "return_value_rate", "returnless_share",
)  # fmt: skip
NO_RETURNS = "needs crm_return_requests or erp_return_authorizations (nothing has come yet)"
NO_CASH = "needs erp_payment_settlements (nothing has come yet)"
NO_SALE = "no return that came has a known sale"
NO_COHORT = "counts returns without a known sale that shipped, which may have been sold before the first file"
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def nights(database: Path) -> dict[str, dict[str, Rows]]:
    """What BI read after each of the two nights."""
    _land_sales_and_receipt(database)
    found = {"first": _night(FIRST)}
    _put(database, "erp/erp_return_authorizations_20260131.csv", RMAS)
    return found | {"second": _night(SECOND)}


def _night(date: dt.date) -> dict[str, Rows]:
    for feed in feeds():
        load_feed(feed, date)
    publish(build_night(date))
    with connect("bi_reader") as connection:

        def rows(query: str, *given: Any) -> Rows:
            return connection.execute(query, given).fetchall()  # type: ignore[arg-type]

        return {
            "rates": rows(RATES, [*LISTED, "product_return_rate"]),
            "products": rows(
                " union all ".join(
                    f"select '{level}', returned_quantity, return_rate, rate_low, rate_high,"
                    " unattributed_quantity, completeness, completeness_reason"
                    f" from marts.{level}_return_rates"
                    for level in ("category", "product")
                )
                + " order by 1"
            ),
            "customers": rows(
                "select orders, purchased_units, return_lines, returned_units, returned_value,"
                " unit_return_rate, refunded_value, contacts, csat_answers, completeness"
                " from marts.customer_overview where purchased_units > 0 order by purchased_units desc"
            ),
            "sales": rows(
                "select order_no, shipped_quantity, returned_quantity, returned_reporting"
                " from marts.sales_lines order by order_no"
            ),
            "tracking": rows(
                "select credited_amount, settled_amount, refunded_amount, refunded_quantity,"
                " credited_reporting, settled_reporting, refunded_reporting from marts.return_tracking"
            ),
            "dock": rows(
                "select received_units, disposed_units, open_units, p50_hours,"
                " completeness, completeness_reason from marts.dock_to_disposition_overall"
            ),
            "cycle": rows(
                "select events, censored, competing, p50_hours, completeness,"
                " completeness_reason from marts.return_cycle_time_overall"
            ),
            "emissions": rows(
                "select units, co2e_g, completeness, completeness_reason from marts.emissions_by_month"
            ),
        }


def test_before_returns_are_authorized_nobody_knows_which_sale_came_back(
    nights: dict[str, dict[str, Rows]],
) -> None:
    lacking = NO_SALE
    assert nights["first"]["rates"] == [
        ("co2e_per_return", "RETURN", None, None, "lacking",
         "needs erp_items (nothing has come yet), wms_dispositions (nothing has come yet)"),
        ("order_return_rate", "SALE", None, None, "lacking", lacking),
        ("product_return_rate", "RETURN", 1, 3, "complete", None),
        ("product_return_rate", "SALE", None, None, "lacking", lacking),
        ("refund_rate", "REFUND", None, None, "lacking", NO_CASH),
        ("refund_rate", "SALE", None, None, "lacking", NO_CASH),
        ("return_value_rate", "RETURN", None, None, "lacking", lacking),
        ("return_value_rate", "SALE", None, None, "lacking", lacking),
        ("returnless_share", "REQUEST", None, None, "lacking",
         f"{NO_RETURNS}, crm_refunds (nothing has come yet)"),
    ]  # fmt: skip


def test_a_product_has_its_rate_then_and_a_customer_has_none(nights: dict[str, dict[str, Rows]]) -> None:
    # One of three came back, of whichever sale: the interval is that of Wilson's formula.
    came = (1, Decimal("0.333333"), Decimal("0.061492"), Decimal("0.792340"), 1, "partly", NO_COHORT)
    assert nights["first"]["products"] == [("category", *came), ("product", *came)]
    assert nights["first"]["customers"] == [
        (1, 2, None, None, None, None, None, None, None, "lacking"),
        (1, 1, None, None, None, None, None, None, None, "lacking"),
    ]


def test_when_the_authorization_comes_the_rates_are_known(nights: dict[str, dict[str, Rows]]) -> None:
    rates = {row[:2]: row[2:] for row in nights["second"]["rates"]}
    assert rates["order_return_rate", "SALE"] == (1, 2, "complete", None)
    assert rates["return_value_rate", "SALE"] == (10, 30, "complete", None)
    assert rates["return_value_rate", "RETURN"] == (10, 30, "complete", None)
    assert rates["product_return_rate", "SALE"] == (1, 3, "complete", None)
    assert rates["refund_rate", "SALE"][:3] == (None, None, "lacking")
    rate = (1, Decimal("0.333333"))
    assert [(row[0], row[1], row[2], row[5:]) for row in nights["second"]["products"]] == [
        ("category", *rate, (0, "complete", None)), ("product", *rate, (0, "complete", None)),
    ]  # fmt: skip
    assert nights["second"]["customers"] == [
        (1, 2, 1, 1, Decimal("10.00"), Decimal("0.5000"), None, None, None, "complete"),
        (1, 1, 0, 0, Decimal("0.00"), Decimal("0.0000"), None, None, None, "complete"),
    ]


def test_a_sale_has_no_returns_until_they_are_known_then_every_sale_has(
    nights: dict[str, dict[str, Rows]],
) -> None:
    """Nothing came for order B with the second night."""
    assert nights["first"]["sales"] == [("A", 2, None, None), ("B", 1, None, None)]
    assert nights["second"]["sales"] == [("A", 2, 1, Decimal("10.00")), ("B", 1, 0, Decimal("0.00"))]


def test_amounts_and_times_that_no_feed_has_told_are_null(nights: dict[str, dict[str, Rows]]) -> None:
    first = nights["first"]
    assert first["tracking"] == [(None,) * 7]
    assert first["dock"] == [
        (1, None, None, None, "lacking", "needs wms_dispositions (nothing has come yet)")
    ]
    no_dispositions = "does not count wms_dispositions (nothing has come yet)"
    assert first["cycle"] == [(None,) * 4 + ("lacking", f"{NO_RETURNS}; {no_dispositions}")]


def test_goods_that_nobody_weighed_emit_nobody_knows_what(nights: dict[str, dict[str, Rows]]) -> None:
    unknown = (1, None, "lacking", "needs erp_items (nothing has come yet)")
    assert nights["first"]["emissions"] == nights["second"]["emissions"] == [unknown]


def test_the_first_night_is_still_shown_without_figures(nights: dict[str, dict[str, Rows]]) -> None:
    with connect("bi_reader") as connection:
        then, now = (
            connection.execute(
                "select kpi, sum(numerator), sum(denominator) from marts.kpi_daily_as_of(%s)"
                " where kpi in ('order_return_rate', 'product_return_rate') and basis = 'SALE'"
                " group by kpi order by kpi",
                [date],
            ).fetchall()
            for date in (FIRST, SECOND)
        )
        told = connection.execute(
            "select distinct business_date, completeness from marts.kpi_daily_history"
            " where kpi = 'order_return_rate' order by 1"
        ).fetchall()
    assert then == [("order_return_rate", None, None), ("product_return_rate", None, None)]
    assert now == [("order_return_rate", 1, 2), ("product_return_rate", 1, 3)]
    assert told == [(FIRST, "lacking"), (SECOND, "complete")]


def test_readers_have_the_views_that_leave_out_what_is_unknown_and_not_the_cells_below(
    nights: dict[str, dict[str, Rows]],
) -> None:
    """The cells count orders before anybody knows of returns: 0 of them came back, as they have it."""
    query = "select count(*) from marts.{} where kpi = 'order_return_rate' and basis = 'SALE'"
    for role in ("bi_reader", "finance_reader"):
        for cells in ("kpi_cells", "kpi_cells__history"):
            with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query.format(cells).encode())
        with connect(role) as connection:
            for view in ("kpi_daily", "kpi_daily_history", "kpi_changes"):
                assert connection.execute(query.format(view).encode()).fetchall() > [(0,)]


def test_what_a_night_changed_says_that_nothing_was_known_before(nights: dict[str, dict[str, Rows]]) -> None:
    with connect("bi_reader") as connection:
        changes = connection.execute(
            "select business_date, numerator_before, numerator_after, denominator_before, denominator_after"
            " from marts.kpi_changes where kpi = 'order_return_rate' and period_date = '2026-01-01'"
            " order by business_date"
        ).fetchall()
    # The cell of order A: 0 of 1 orders, which was no figure, and 1 of 1.
    assert [row for row in changes if row[0] == SECOND] == [(SECOND, None, 1, None, 1)]
    assert {row[1:] for row in changes if row[0] == FIRST} == {(None, None, None, None)}


def test_every_feed_has_its_row(nights: dict[str, dict[str, Rows]]) -> None:
    with connect("auditor") as connection:
        rows = connection.execute("select feed, has_come from core.dim_feed order by feed").fetchall()
    assert [feed for feed, _ in rows] == all_feeds()
    assert {feed for feed, has_come in rows if has_come} == {
        "erp_return_authorizations", "erp_sales_lines", "wms_return_receipts",
    }  # fmt: skip


def _land_sales_and_receipt(landing: Path) -> None:
    rows = "".join(
        f"{order};1;01.01.2026 08:00:00;{day:02}.01.2026 10:00:00;{customer};web;TEE;{units};10,00;;"
        f"{units * 10},00;{units * 190 // 100},{units * 190 % 100:02};;EUR;;;;LEJ;;29.01.2026 10:00:00\n"
        for order, day, customer, units in (("A", 1, "K1", 2), ("B", 2, "K2", 1))
    )
    _put(landing, "erp/erp_sales_lines_20260130.csv", SALES + rows)
    receipt = {
        "receipt_id": "1", "rma_no": "RA", "tracking_no": "TRA", "sku": "TEE", "quantity": 1, "site": "LEJ",
        "received_at": "2026-01-25T10:00:00", "received_zone": "Europe/Berlin",
    }  # fmt: skip
    _put(landing, "wms/wms_return_receipts_20260130.jsonl", json.dumps(receipt) + "\n")


def _put(landing: Path, name: str, text: str) -> None:
    path = landing / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.with_name(path.name + ".done").touch()
