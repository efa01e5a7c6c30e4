"""The star that BI tools slice, as docs/how-to/connect-bi.md asks it, of a company counted by hand.

| line | customer       | shipped    | SKU  | units | net   | came back                            |
|------|----------------|------------|------|-------|-------|--------------------------------------|
| A-1  | C1             | 2026-01-10 | S-M  | 4     | 40.00 | 2: too large, parcel T1 by DHL       |
| A-2  | C1             | 2026-01-10 | LAMP | 1     | 40.00 |                                      |
| B-1  | C2             | 2026-02-03 | S-L  | 5     | 50.00 | 1: defective, parcel T2 by DHL       |
| C-1  | C3, in no file | 2026-02-05 | MYST | 2     | 20.00 | 1: defective, parcel T3 by UPS       |
| E-1  | nobody named   | 2026-01-20 | S-L  | 3     | 30.00 |                                      |
| D-1  | C1             | 2026-03-25 | S-M  | 10    | 99.00 | its window is open until 2026-05-08  |

C1 is a consumer in Germany, C2 a business in Sweden. S-M and S-L are sizes of style SHIRT of brand Kestrel by
vendor V1, LAMP is of brand Nordhus by V2, whom no vendor file shows; MYST is in no item file. Leipzig counts
in at 1.20 a unit. DHL charged 6.00 and 0.50 for T1, 4.10 for T2, UPS 7.00 for T3; 3.00 were charged for T9,
which nobody knows. T4 of UPS is a label without a scan. Of the two S-M, which cost 4.00 each, one goes back
into stock and one is given away, MYST is thrown away, all on the day they came and ungraded; S-L lies there.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest

from revlog.config.settings import ROOT
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from revlog.publication.unpublish import unpublish
from simulator.headers import HEADERS
from tests.nights import build_night

pytestmark = pytest.mark.long

FIRST, SECOND, THIRD = dt.date(2026, 4, 25), dt.date(2026, 6, 10), dt.date(2026, 6, 11)
PAGE = ROOT / "docs" / "how-to" / "connect-bi.md"
JANUARY, FEBRUARY, MARCH = (dt.date(2026, month, 1) for month in (1, 2, 3))
SALES = (
    ("A", 1, "10.01.2026", "C1", "S-M", 4, "40,00"), ("A", 2, "10.01.2026", "C1", "LAMP", 1, "40,00"),
    ("B", 1, "03.02.2026", "C2", "S-L", 5, "50,00"), ("C", 1, "05.02.2026", "C3", "MYST", 2, "20,00"),
    ("E", 1, "20.01.2026", "", "S-L", 3, "30,00"), ("D", 1, "25.03.2026", "C1", "S-M", 10, "99,00"),
)  # fmt: skip
ITEMS = (
    "S-M,SHIRT,M,red,{name},APPAREL,Kestrel,4.0000,10.00,EUR,200,0,0,,,V1,1,30,0\n"
    "S-L,SHIRT,L,red,Slim shirt L,APPAREL,Kestrel,4.0000,10.00,EUR,210,0,0,,,V1,1,30,0\n"
    "LAMP,LUX,ONE,,Desk lamp,HOME,Nordhus,20.0000,40.00,EUR,900,0,0,,,V2,1,30,0\n"
)
CUSTOMERS = (
    "C1,Anna Berg,a@example.org,+49 1,DE,consumer,2025-01-01 10:00:00,,yes\n"
    "C2,Bo Ek,b@example.org,+46 1,SE,business,2025-01-01 10:00:00,,no\n"
    "C4,A. Berg,a@example.org,+49 1,DE,consumer,2024-01-01 10:00:00,C1,yes\n"
)
# Order, line, RMA, SKU, units, reason as the ERP spells it, parcel, day of the receipt.
RETURNS = (
    ("A", 1, "R1", "S-M", 2, "{too_large}", "T1", "2026-02-04"),
    ("B", 1, "R2", "S-L", 1, "{defective}", "T2", "2026-02-12"),
    ("C", 1, "R3", "MYST", 1, "{defective}", "T3", "2026-02-24"),
)
SCANS = (
    ("T1", "label_created", "2026-01-30T09:00:00+00:00", "DHL"),
    ("T1", "dropped_off", "2026-02-01T10:00:00+00:00", "DHL"),
    ("T1", "delivered", "2026-02-03T10:00:00+00:00", "DHL"),
    ("T2", "dropped_off", "2026-02-10T08:00:00+00:00", "DHL"),
    ("T2", "in_transit", "2026-02-10T20:00:00+00:00", "DHL"),
    ("T2", "delivered", "2026-02-11T08:00:00+00:00", "DHL"),
    ("T3", "in_transit", "2026-02-20T00:00:00+00:00", "UPS"),
    ("T3", "delivered", "2026-02-23T06:00:00+00:00", "UPS"),
    ("T4", "label_created", "2026-02-23T06:00:00+00:00", "UPS"),
)
CHARGES = (
    ("T1", "freight", "6,00"), ("T1", "fuel", "0,50"), ("T2", "freight", "4,10"), ("T3", "freight", "7,00"),
    ("T9", "freight", "3,00"),
)  # fmt: skip
DISPOSITIONS = (
    (1, "901", "RS", "2026-02-04T12:00:00Z"), (2, "901", "DN", "2026-02-04T12:00:00Z"),
    (3, "903", "LF", "2026-02-24T12:00:00Z"),
)  # fmt: skip
Rows = list[tuple[Any, ...]]

EXPECTED: dict[str, Rows] = {
    "Return rate by customer segment": [
        ("UNKNOWN", 5, 1, Decimal("0.2000")), ("business", 5, 1, Decimal("0.2000")),
        ("consumer", 5, 2, Decimal("0.4000")),
    ],
    "Return rate by country": [("DE", 5, 2), ("SE", 5, 1), ("UNKNOWN", 5, 1)],
    "Return rate by brand, style and size": [
        ("Kestrel", "SHIRT", "L", 8, 1), ("Kestrel", "SHIRT", "M", 4, 2), ("Nordhus", "LUX", "ONE", 1, 0),
        ("UNKNOWN", "UNKNOWN", "UNKNOWN", 2, 1),
    ],
    "Return rate by vendor": [("No vendor named", 2, 1), ("Shirts AB", 12, 3), ("V2", 1, 0)],
    "SKU by month of the sale": [
        (JANUARY, "LAMP", "Desk lamp", 1, 0, Decimal("0.00")),
        (JANUARY, "S-L", "Slim shirt L", 3, 0, Decimal("0.00")),
        (JANUARY, "S-M", "Slim shirt", 4, 2, Decimal("20.00")),
        (FEBRUARY, "MYST", "MYST", 2, 1, Decimal("10.00")),
        (FEBRUARY, "S-L", "Slim shirt L", 5, 1, Decimal("10.00")),
    ],
    "Cost per returned unit by SKU": [
        ("MYST", "MYST", Decimal("8.20"), 1, Decimal("8.20")),
        ("S-L", "Slim shirt L", Decimal("5.30"), 1, Decimal("5.30")),
        ("S-M", "Slim shirt", Decimal("8.90"), 2, Decimal("4.45")),
    ],
    "Cost per returned unit by reason": [
        ("Does not work", Decimal("13.50"), 2, Decimal("6.75")),
        ("Too large", Decimal("8.90"), 2, Decimal("4.45")),
    ],
    "Cost per returned unit by carrier": [
        ("DHL", Decimal("14.20"), 3, Decimal("4.73")), ("UPS", Decimal("8.20"), 1, Decimal("8.20")),
    ],
    "Cost by kind and carrier, charges for unknown parcels included": [
        ("DHL", "freight", Decimal("10.60")), ("DHL", "receiving", Decimal("3.60")),
        ("No scan known", "freight", Decimal("3.00")),
        ("UPS", "freight", Decimal("7.00")), ("UPS", "receiving", Decimal("1.20")),
    ],
    # 48 and 24 hours; 78 hours.
    "Carriers' lead time and cost per parcel": [
        ("DHL", 2, 2, Decimal("36.0"), Decimal("5.30")), ("UPS", 2, 1, Decimal("78.0"), Decimal("7.00")),
    ],
    # Goods that nobody graded are worth 0.90 of their cost; of MYST nobody tells one.
    "What became of the goods, by disposition and grade": [
        ("Back into sellable stock", "Not graded", 1, Decimal("4.00"), Decimal("3.60")),
        ("Given away", "Not graded", 1, Decimal("4.00"), Decimal("0.00")),
        ("To landfill", "Not graded", 1, Decimal("0.00"), Decimal("0.00")),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def nights(database: Path) -> dict[str, dict[str, Rows]]:
    """What the questions of the page found after each of two nights, and after a third was withdrawn."""
    _land(database)
    found = {"first": _night(FIRST)}
    _put(database, f"erp/erp_items_{SECOND:%Y%m%d}.csv", _items("Slim shirt, new cut"))
    found["second"] = _night(SECOND)
    _put(database, f"erp/erp_items_{THIRD:%Y%m%d}.csv", _items("Fat shirt"))
    found["third"] = _night(THIRD)
    unpublish("A. Name", "a test")
    return found | {"withdrawn": _asked()}


def _night(date: dt.date) -> dict[str, Rows]:
    for feed in feeds():
        load_feed(feed, date)
    reshaped = publish(build_night(date)).reshaped
    # Else the night could not be withdrawn.
    assert date == FIRST or reshaped == []
    return _asked()


def _questions() -> dict[str, str]:
    """The SQL of the page, by what it answers."""
    page = PAGE.read_text().split("## One star for every slice")[1]
    block = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)[0]
    return {title.strip(): query for title, query in re.findall(r"-- (.*?)\n(.*?);", block, re.DOTALL)}


def _asked() -> dict[str, Rows]:
    with connect("bi_reader") as connection:
        return {title: _rows(connection, query) for title, query in _questions().items()}


def _rows(connection: psycopg.Connection[Any], query: str) -> Rows:
    return connection.execute(query).fetchall()  # type: ignore[arg-type]


@pytest.mark.parametrize("question", EXPECTED)
def test_a_question_of_the_page_has_the_answer_counted_by_hand(
    nights: dict[str, dict[str, Rows]], question: str
) -> None:
    # In the order of code points, whatever the server's language.
    assert sorted(nights["first"][question]) == sorted(EXPECTED[question])


def test_every_question_of_the_page_is_counted() -> None:
    assert set(_questions()) == set(EXPECTED)


def test_a_cohort_counts_once_its_day_has_come_and_nothing_else_does(
    nights: dict[str, dict[str, Rows]],
) -> None:
    """Order D matured between the nights; nothing came for it."""
    assert sorted(nights["second"]["Return rate by country"]) == [
        ("DE", 15, 2), ("SE", 5, 1), ("UNKNOWN", 5, 1)
    ]  # fmt: skip
    months = nights["second"]["SKU by month of the sale"]
    assert (MARCH, "S-M", "Slim shirt, new cut", 10, 0, Decimal("0.00")) in months


def test_a_product_is_called_what_the_catalog_calls_it_today(nights: dict[str, dict[str, Rows]]) -> None:
    assert ("S-M", "Slim shirt, new cut", Decimal("8.90"), 2, Decimal("4.45")) in nights["second"][
        "Cost per returned unit by SKU"
    ]


def test_a_withdrawn_night_leaves_the_star_as_it_was(nights: dict[str, dict[str, Rows]]) -> None:
    assert nights["withdrawn"] == nights["second"] != nights["third"]


def test_every_key_of_a_fact_is_declared_and_leads_to_a_row(nights: dict[str, dict[str, Rows]]) -> None:
    keys = _keys()
    assert {(table, to) for table, to, _ in keys} == {
        (fact, f"dimension_{name}")
        for fact, names in {
            "sales_lines": ("product", "customer", "vendor", "channel", "site"),
            "return_lines": ("product", "customer", "vendor", "channel", "site", "reason", "carrier"),
            "return_costs": ("product", "vendor", "channel", "site", "reason", "carrier"),
            "return_parcels": ("carrier",),
            "dimension_product": ("vendor",),
        }.items()
        for name in names
    } | {("return_lines", "sales_lines"), ("return_costs", "return_lines")} | {
        (table, f"dimension_{name}")
        for table, names in {
            "return_positions": ("product",), "product_months": ("product",), "lot_trace": ("product",),
            "serial_positions": ("product",), "returned_stock": ("product", "site", "grade"),
            "disposition_outcomes": ("product", "site", "grade", "disposition"),
            "regulated_units": ("product", "site", "disposition"), "waste_by_month": ("site", "disposition"),
        }.items()
        for name in names
    }  # fmt: skip
    assert all(is_validated for _, _, is_validated in keys)


def test_every_table_of_products_calls_them_by_their_name(nights: dict[str, dict[str, Rows]]) -> None:
    with connect("bi_reader") as connection:
        columns = _rows(
            connection,
            "select table_name, array_agg(column_name::text) from information_schema.columns"
            " where table_schema = 'marts' and column_name in ('sku', 'product_name') group by 1",
        )
        named = {table for table, found in columns if len(found) == 2}
        called = {
            row
            for table in named
            for row in _rows(connection, f"select distinct sku, product_name from marts.{table}")
        }
    # Facts lead to the dimension; the others are what views with names read, and signals of customers.
    assert {table for table, found in columns if found == ["sku"]} == {
        "sales_lines", "return_lines", "return_costs",
        "return_positions", "product_months", "serial_positions", "return_signals",
    }  # fmt: skip
    assert named >= {
        "dimension_product", "product_returns", "return_tracking", "product_return_rates", "lot_return_rates",
        "product_reason_rates", "lot_trace", "serial_trace", "returned_stock", "returned_stock_now",
        "disposition_outcomes", "regulated_units",
    }  # fmt: skip
    assert called >= {("S-M", "Slim shirt, new cut"), ("S-L", "Slim shirt L"), ("MYST", "MYST")}
    assert len(called) == len({sku for sku, _ in called})


def test_every_sku_that_readers_see_has_a_name(nights: dict[str, dict[str, Rows]]) -> None:
    with connect("bi_reader") as connection:
        tables = [name for (name,) in _rows(
            connection,
            "select table_name from information_schema.columns where table_schema = 'marts'"
            " and column_name = 'sku'",
        )]  # fmt: skip
        nameless = [
            (table, sku)
            for table in tables
            for (sku,) in _rows(
                connection,
                f"select sku from marts.{table} where sku is not null except"
                " select sku from marts.dimension_product where product_name is not null",
            )
        ]
    assert len(tables) >= 10
    assert nameless == []


def test_lines_of_a_fact_add_up_to_the_facts_of_core(nights: dict[str, dict[str, Rows]]) -> None:
    """25 units shipped; 20.60 charged, 3.00 of it for no return, and 4.80 for the four units counted in."""
    with connect("bi_reader") as connection:
        assert _rows(
            connection,
            "select sum(shipped_quantity), sum(net_reporting) from marts.sales_lines"
            " union all select sum(received_quantity), sum(cost_reporting) from marts.return_lines"
            " union all select count(*), sum(reporting_amount) from marts.return_costs",
        ) == [(25, Decimal("279.00")), (4, Decimal("22.40")), (8, Decimal("25.40"))]


def _keys() -> Rows:
    with connect("auditor") as connection:
        return _rows(
            connection,
            "select c.relname, t.relname, k.convalidated from pg_constraint as k"
            " inner join pg_class as c on c.oid = k.conrelid inner join pg_class as t on t.oid = k.confrelid"
            " where k.contype = 'f' and k.connamespace = 'marts'::regnamespace",
        )


def test_a_customer_is_found_by_the_companys_own_number(nights: dict[str, dict[str, Rows]]) -> None:
    with connect("auditor") as connection:
        found = _rows(
            connection,
            "select sum(shipped_quantity) from marts.sales_lines where customer_id = marts.customer_of('C1')",
        )
        nobody = _rows(connection, "select marts.customer_of('C99'), marts.customer_of(null)")
        merged = _rows(connection, "select marts.customer_of('C4') = marts.customer_of('C1')")
    assert found == [(15,)]
    assert merged == [(True,)]
    assert nobody == [(None, None)]


def test_a_bi_reader_may_not_look_a_customer_up(nights: dict[str, dict[str, Rows]]) -> None:
    with connect("bi_reader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select marts.customer_of('C1')")


def _items(name: str) -> str:
    quoted = f'"{name}"' if "," in name else name
    return HEADERS["erp_items"] + "\n" + ITEMS.format(name=quoted)


def _land(landing: Path) -> None:
    sales = "".join(
        f"{order};{line};{day} 08:00:00;{day} 10:00:00;{customer};web;{sku};{units};"
        f"{'9,90' if net == '99,00' else '40,00' if sku == 'LAMP' else '10,00'};;{net};0,00;;EUR;;;;LEJ;;"
        f"30.03.2026 10:00:00;\n"
        for order, line, day, customer, sku, units, net in SALES
    )
    codes = {"too_large": "D07", "defective": "D01"}
    rmas = "".join(
        f"{rma},1,{order},{line},,{sku},{units},{reason.format(**codes)},refund,open,"
        f"2026-01-30T09:00:00Z,2026-04-30T09:00:00Z,{parcel},false,2026-01-30T09:00:00Z\n"
        for order, line, rma, sku, units, reason, parcel, _ in RETURNS
    )
    receipts = "".join(
        json.dumps({
            "receipt_id": rma.replace("R", "90"), "rma_no": rma, "tracking_no": parcel, "sku": sku,
            "quantity": units, "site": "LEJ", "received_at": f"{day}T10:00:00",
            "received_zone": "Europe/Berlin",
        }) + "\n"
        for _, _, rma, sku, units, _, parcel, day in RETURNS
    )  # fmt: skip
    scans = "".join(
        json.dumps({
            "tracking_no": parcel, "event_code": code, "event_at": at, "leg": "return", "carrier": carrier,
            "location": "Halle", "rma_no": None,
        }) + "\n"
        for parcel, code, at, carrier in SCANS
    )  # fmt: skip
    gone = "".join(
        f'<disposition id="D{number}"><receipt_id>{receipt}</receipt_id><quantity>1</quantity>'
        f'<code>{code}</code><handling_cost currency="EUR">0.00</handling_cost>'
        f"<disposed_at>{at}</disposed_at></disposition>"
        for number, receipt, code, at in DISPOSITIONS
    )
    charges = "".join(f"I1;{parcel};{kind};{amount};EUR;28/02/2026\n" for parcel, kind, amount in CHARGES)
    total = "TOTAL;5;;20,60;;\n"
    day = f"{FIRST:%Y%m%d}"
    _put(landing, f"erp/erp_items_{day}.csv", _items("Slim shirt"))
    _put(landing, f"crm/crm_customers_{day}.csv", HEADERS["crm_customers"] + "\n" + CUSTOMERS)
    _put(landing, f"erp/erp_sales_lines_{day}.csv", HEADERS["erp_sales_lines"] + "\n" + sales)
    _put(landing, f"erp/erp_return_authorizations_{day}.csv",
         HEADERS["erp_return_authorizations"] + "\n" + rmas)  # fmt: skip
    _put(landing, f"wms/wms_return_receipts_{day}.jsonl", receipts)
    _put(landing, f"wms/wms_shipment_events_{day}.jsonl", scans)
    _put(landing, f"wms/wms_dispositions_{day}.xml",
         f'<dispositions records="3" extracted_at="2026-03-31T10:00:00Z">{gone}</dispositions>')  # fmt: skip
    _put(landing, f"wms/wms_carrier_invoices_{day}.csv",
         HEADERS["wms_carrier_invoices"] + "\n" + charges + total)  # fmt: skip
    book = openpyxl.Workbook()
    book.active.title = "Vendors"
    for row in (["vendor_id", "name", "country", "rtv_window_days", "rtv_recovery_pct"],
                ["V1", "Shirts AB", "SE", "60", "80"]):  # fmt: skip
        book.active.append(row)
    book.save(landing / "erp" / f"erp_vendors_{day}.xlsx")
    (landing / "erp" / f"erp_vendors_{day}.xlsx.done").touch()


def _put(landing: Path, name: str, text: str) -> None:
    path = landing / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.with_name(path.name + ".done").touch()
