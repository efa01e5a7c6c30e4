"""A real retailer's three months: marts against plain pandas over the same files, unit and penny."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lxml import html
from rich.console import Console

from revlog.config.secrets import customer_key
from revlog.config.settings import ROOT
from revlog.database.connections import connect
from revlog.local import retailer
from revlog.maintenance import migrate
from revlog.night import stages
from revlog.reports.carried import lacking
from revlog.reports.scorecard import page
from revlog.reports.scorecard_rows import read_scorecard_rows
from revlog.reports.summary import print_retailer

FILES = Path(os.environ.get("ONLINE_RETAIL") or ROOT.parent / "shared" / "data" / "online_retail")
pytestmark = pytest.mark.skipif(
    not FILES.is_dir(), reason=f"the retailer's files are not in {FILES}; set ONLINE_RETAIL"
)
# The codes of the data set's own documentation that are no product.
NO_PRODUCT = {
    "POST", "DOT", "C2", "D", "M", "S", "B", "CRUK", "PADS", "AMAZONFEE", "BANK CHARGES",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """All product rows of all files as text, with record number, month and exact numbers."""
    files = (pd.read_csv(f, dtype=str, keep_default_na=False) for f in sorted(FILES.glob("*.csv")))
    frame = pd.concat(file.assign(record=range(1, len(file) + 1)) for file in files)
    frame["sku"] = frame["StockCode"].str.strip().str.upper()
    frame["is_product"] = ~frame["sku"].isin(NO_PRODUCT) & ~frame["sku"].str.startswith("GIFT")
    frame["month"] = frame["InvoiceDate"].str[:7]
    frame["quantity"] = frame["Quantity"].astype(int)
    frame["amount"] = [
        (Decimal(q) * Decimal(p)).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
        for q, p in zip(frame["Quantity"], frame["UnitPrice"], strict=True)
    ]
    return frame[frame["is_product"]]


@pytest.fixture(scope="module")
def sold(rows: pd.DataFrame) -> pd.DataFrame:
    """Invoice lines of plain numbers, with positive quantity and price."""
    priced = rows["UnitPrice"].astype(float) > 0
    return rows[rows["InvoiceNo"].str.isdigit() & (rows["quantity"] > 0) & priced]


@pytest.fixture(scope="module")
def returned(rows: pd.DataFrame) -> pd.DataFrame:
    """Lines of C invoices."""
    return rows[rows["InvoiceNo"].str.startswith("C")]


@pytest.fixture(scope="module")
def published(database: Path) -> pd.DataFrame:
    """Run the pipeline over the folder in place and read marts.product_returns."""
    name = os.environ["REVLOG_DATABASE"]
    with pytest.MonkeyPatch.context() as patch:
        for key in ("LANDING_URL", "COMPANY", "REPORTING_CURRENCY", "LANDING_SETTLE_SECONDS"):
            patch.setenv(key, "")
        retailer.configure(FILES)
        patch.setenv("REVLOG_DATABASE", name)
        migrate.migrate()
        last = max(file.stem for file in FILES.glob("*.csv"))
        dt.date.fromisoformat(last)
        stages.whole_night(last)
        with connect("bi_reader") as connection:
            cursor = connection.execute(
                "select to_char(month, 'YYYY-MM') as month, sku, sum(shipped_quantity)::bigint as shipped,"
                " sum(returned_quantity)::bigint as returned, sum(credited_amount) as credited"
                " from marts.product_returns group by 1, 2"
            )
            yield pd.DataFrame(cursor.fetchall(), columns=[c.name for c in cursor.description or ()])


@pytest.fixture(scope="module")
def likely(sold: pd.DataFrame, returned: pd.DataFrame) -> pd.DataFrame:
    """The likely invoice of each returned line by plain Python, line by line from the oldest on."""
    sales: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in sold[sold["CustomerID"] != ""].to_dict("records"):
        sales[row["CustomerID"], row["sku"]].append(row | {"left": row["quantity"]})
    lines = returned.assign(receipt_id=returned["InvoiceNo"] + "-" + returned["record"].astype(str))
    found = [
        {
            "receipt_id": row["receipt_id"],
            "sku": row["sku"],
            "units": -row["quantity"],
            "credited": -row["amount"],
        }
        | _likely_sale(row, sales[row["CustomerID"], row["sku"]])
        for row in lines.sort_values(["InvoiceDate", "receipt_id"]).to_dict("records")
    ]
    return pd.DataFrame(found)


def _likely_sale(line: dict[str, Any], sales: list[dict[str, Any]]) -> dict[str, Any]:
    if not line["CustomerID"]:
        return {"rule": "no_customer", "order_no": None}
    earlier = [sale for sale in sales if sale["InvoiceDate"] <= line["InvoiceDate"]]
    units, credited = -line["quantity"], -line["amount"]
    enough = [sale for sale in earlier if sale["left"] >= units]
    if not enough:
        return {"rule": "no_units" if earlier else "no_sale", "order_no": None}
    # What the units cost then, against what was credited for them.
    apart = [abs(credited - _cents(sale["amount"] * units / sale["quantity"])) for sale in enough]
    near = [sale for sale, distance in zip(enough, apart, strict=True) if distance == min(apart)]
    newest = [sale for sale in near if sale["InvoiceDate"] == max(s["InvoiceDate"] for s in near)]
    if len({sale["InvoiceNo"] for sale in newest}) > 1:
        return {"rule": "ambiguous", "order_no": None}
    first = min(newest, key=lambda sale: sale["record"])
    first["left"] -= units
    rule = "only_sale" if len(enough) == 1 else "only_at_price" if len(near) == 1 else "newest_at_price"
    return {
        "rule": "nearest_price" if min(apart) > 0 else rule, "order_no": first["InvoiceNo"],
        "record_sold": first["record"], "sold": first["quantity"], "amount_sold": first["amount"],
    }  # fmt: skip


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _sums(frame: pd.DataFrame, by: list[str], column: str, sign: int = 1) -> dict[object, object]:
    sums = frame.groupby(by)[column].sum()
    return {key: sign * value for key, value in sums.items() if value}


@pytest.mark.parametrize("by", [["month"], ["sku"], ["month", "sku"]], ids=["month", "product", "both"])
def test_units_sold_agree(published: pd.DataFrame, sold: pd.DataFrame, by: list[str]) -> None:
    assert _sums(published, by, "shipped") == _sums(sold, by, "quantity")


@pytest.mark.parametrize("by", [["month"], ["sku"], ["month", "sku"]], ids=["month", "product", "both"])
def test_units_returned_agree(published: pd.DataFrame, returned: pd.DataFrame, by: list[str]) -> None:
    assert _sums(published, by, "returned") == _sums(returned, by, "quantity", -1)


@pytest.mark.parametrize("by", [["month"], ["sku"], ["month", "sku"]], ids=["month", "product", "both"])
def test_refunded_value_agrees_to_the_penny(
    published: pd.DataFrame, returned: pd.DataFrame, by: list[str]
) -> None:
    assert _sums(published, by, "credited") == _sums(returned, by, "amount", -1)


@pytest.mark.parametrize("table", ["product_return_rates", "lot_return_rates", "category_return_rates"])
def test_each_table_of_rates_has_every_unit_sold_and_returned(
    published: pd.DataFrame, sold: pd.DataFrame, returned: pd.DataFrame, table: str
) -> None:
    with connect("bi_reader") as connection:
        found = connection.execute(
            f"select sum(shipped_quantity), sum(returned_quantity) from marts.{table}".encode()
        ).fetchone()
    assert found == (int(sold["quantity"].sum()), -int(returned["quantity"].sum()))


@pytest.mark.parametrize("table", ["reason_return_rates", "product_reason_rates"])
def test_each_table_of_reasons_has_every_unit_returned(
    published: pd.DataFrame, returned: pd.DataFrame, table: str
) -> None:
    query = f"select sum(returned_quantity) from marts.{table}"
    with connect("bi_reader") as connection:
        assert connection.execute(query.encode()).fetchone() == (-int(returned["quantity"].sum()),)


def test_the_return_rate_of_kpi_daily_agrees_by_month(
    published: pd.DataFrame, sold: pd.DataFrame, returned: pd.DataFrame
) -> None:
    with connect("bi_reader") as connection:
        found = {
            month: (int(n), int(d))
            for month, n, d in connection.execute(
                "select to_char(period_date, 'YYYY-MM'), sum(numerator), sum(denominator)"
                " from marts.kpi_daily where kpi = 'product_return_rate' and basis = 'RETURN' group by 1"
            )
        }
    shipped, back = _sums(sold, ["month"], "quantity"), _sums(returned, ["month"], "quantity", -1)
    assert found == {month: (back[month], shipped[month]) for month in shipped}


def test_the_run_says_what_its_feeds_carry_and_what_the_others_lack(published: pd.DataFrame) -> None:
    rows = read_scorecard_rows()
    with connect("auditor") as connection:
        come = connection.execute("select feed from core.dim_feed where has_come and is_carried").fetchall()
    assert {feed for (feed,) in come} == {"erp_sales_lines", "wms_return_receipts", "erp_credit_memos"}
    lacks = {row["kpi"]: lacking(row) for row in rows.definitions}
    assert {kpi for kpi, lack in lacks.items() if not lack} == {
        "product_return_rate", "order_return_rate", "return_value_rate",
    }  # fmt: skip
    assert lacks["contacts_per_return"] == ("erp_return_authorizations", "crm_cases")
    assert lacks["order_return_rate"] == ()
    assert {kpi for kpi, lack in lacks.items() if not lack} <= {row["kpi"] for row in rows.days}
    console = Console(record=True, width=120, highlight=False)
    print_retailer(console)
    text = console.export_text()
    carried = "Order return rate, Product return rate, Return value rate"
    assert f"KPIs that these feeds carry  {carried}\n" in text
    assert any("Refund rate" in line and "erp_payment_settlements" in line for line in text.splitlines())
    tree = html.fromstring(page(rows))
    assert "Product return rate" in [title.text for title in tree.xpath("//article/h4")]
    assert "no row of erp_vendor_claims has come" in tree.text_content()


def test_what_the_retailers_feeds_cannot_tell_is_null_with_a_reason(published: pd.DataFrame) -> None:
    with connect("bi_reader") as connection:
        figures = connection.execute(
            "select kpi, basis, bool_and(numerator is null and denominator is null), min(completeness),"
            " min(completeness_reason) from marts.kpi_daily group by kpi, basis"
        ).fetchall()
        customers = connection.execute(
            "select distinct refunded_value, contacts, completeness from marts.customer_overview"
        ).fetchall()
    found = {(kpi, basis): told for kpi, basis, *told in figures}
    with_figure = {kpi for (kpi, _), (is_null, *_) in found.items() if not is_null}
    assert with_figure == {"product_return_rate", "order_return_rate", "return_value_rate"}
    assert found["product_return_rate", "RETURN"] == [False, "complete", None]
    by_sale = [False, "partly", "leaves out returns without a known sale"]
    for kpi in with_figure:
        assert found[kpi, "SALE"] == by_sale
    by_memo = [False, "partly", "returns without a known sale count by their memo, else not"]
    assert found["return_value_rate", "RETURN"] == by_memo
    assert found["refund_rate", "SALE"] == [True, "lacking", "needs erp_payment_settlements (not carried)"]
    no_requests = "needs crm_return_requests or erp_return_authorizations (not carried)"
    assert found["returnless_share", "REQUEST"] == [
        True, "lacking", f"{no_requests}, crm_refunds (not carried)",
    ]  # fmt: skip
    no_weights = "needs erp_items (not carried), wms_dispositions (not carried)"
    assert found["co2e_per_return", "RETURN"] == [True, "lacking", no_weights]
    assert customers == [(None, None, "partly")]


def test_customers_have_their_returns(published: pd.DataFrame, likely: pd.DataFrame) -> None:
    with connect("bi_reader") as connection:
        lines, units = connection.execute(
            "select sum(return_lines), sum(returned_units) from marts.customer_overview"
        ).fetchone() or (None, None)
    assert lines == int((likely["rule"] != "no_customer").sum())
    # also what has no known sale, and was mostly sold before the first file
    assert units == int(likely[likely["rule"] != "no_customer"]["units"].sum())


def test_each_return_goes_back_to_the_sale_that_plain_python_finds(
    published: pd.DataFrame, likely: pd.DataFrame
) -> None:
    with connect("auditor") as connection:
        rows = connection.execute(
            "select first_receipt_id, sale_rule, order_no from core.fct_return_line where is_product"
        ).fetchall()
    found = {receipt: (rule, order) for receipt, rule, order in rows}
    orders = likely["order_no"].astype(object).where(likely["order_no"].notna(), None)
    expected = dict(zip(likely["receipt_id"], zip(likely["rule"], orders, strict=True), strict=True))
    assert {r: (found[r], expected[r]) for r in expected if found[r] != expected[r]} == {}
    assert len(found) == len(expected) == 1795


def test_the_sale_of_six_in_ten_lines_and_of_most_units_is_inferred(likely: pd.DataFrame) -> None:
    # What stays blind was mostly sold before the first file.
    assert Counter(likely["rule"]) == {
        "only_sale": 839, "only_at_price": 20, "newest_at_price": 197, "nearest_price": 40,
        "ambiguous": 1, "no_units": 20, "no_sale": 639, "no_customer": 39,
    }  # fmt: skip
    assert likely["units"].sum() == 98_399
    assert likely[likely["order_no"].notna()]["units"].sum() == 83_466


def test_units_come_back_to_the_month_in_which_they_were_sold(
    published: pd.DataFrame, sold: pd.DataFrame, likely: pd.DataFrame
) -> None:
    month_of = dict(zip(sold["InvoiceNo"], sold["month"], strict=True))
    inferred = likely[likely["order_no"].notna()]
    sums = inferred.groupby(inferred["order_no"].map(month_of))["units"].sum()
    expected = {month: int(units) for month, units in sums.items()}
    with connect("bi_reader") as connection:
        found = connection.execute(
            "select to_char(period_date, 'YYYY-MM'), sum(numerator) from marts.kpi_daily"
            " where kpi = 'product_return_rate' and basis = 'SALE' and channel = 'WEB' group by 1"
        ).fetchall()
        units, blind = connection.execute(
            "select sum(returned_quantity), sum(unattributed_quantity) from marts.product_return_rates"
        ).fetchone() or (None, None)
    assert dict(found) == expected
    assert (units, blind) == (98_399, 98_399 - 83_466)


def test_what_came_back_is_worth_its_sale_else_its_memo(
    published: pd.DataFrame, returned: pd.DataFrame, likely: pd.DataFrame
) -> None:
    # Of each sold line, the share of the units that came back, rounded once; and what is credited blind.
    found = likely[likely["order_no"].notna()]
    shares = found.groupby(["order_no", "record_sold"]).agg(
        units=("units", "sum"), sold=("sold", "first"), amount=("amount_sold", "first")
    )
    inferred = sum(_cents(row.amount * int(row.units) / int(row.sold)) for row in shares.itertuples())
    blind = likely[likely["order_no"].isna()]["credited"].sum()
    with connect("bi_reader") as connection:
        value = connection.execute(
            "select sum(numerator) from marts.kpi_daily where kpi = 'return_value_rate' and basis = 'RETURN'"
        ).fetchone()
    assert value == (inferred + blind,)


def test_memo_and_receipt_of_one_line_of_the_file_are_one_return(
    published: pd.DataFrame, returned: pd.DataFrame
) -> None:
    with connect("auditor") as connection:
        rules = connection.execute(
            "select distinct match_rule from core.fct_credit_memo_component"
        ).fetchall()
        credited = connection.execute(
            "select sum(credited_amount) from core.fct_return_line where is_product"
        ).fetchone()
        alone = connection.execute(
            "select count(*) from core.dim_refund_group where return_lines <> 1 or memos <> 1"
        ).fetchone()
    assert rules == [("receipt",)]
    assert credited == (-returned["amount"].sum(),)
    assert alone == (0,)


def test_nobody_waits_for_an_inspection_that_the_retailer_does_not_make(published: pd.DataFrame) -> None:
    with connect("bi_reader") as connection:
        steps = connection.execute("select distinct next_step from marts.return_tracking").fetchall()
    assert "inspect and grade" not in {step for (step,) in steps}


def test_the_country_of_the_file_is_carried(published: pd.DataFrame, sold: pd.DataFrame) -> None:
    with connect("auditor") as connection:
        found = connection.execute(
            "select customer_country, sum(shipped_quantity)::bigint from core.fct_sales_line"
            " where customer_country in ('GB', 'IE', 'NO') group by 1"
        ).fetchall()
    units = sold.groupby("Country")["quantity"].sum()
    assert dict(found) == {"GB": units["United Kingdom"], "IE": units["EIRE"], "NO": units["Norway"]}


def test_products_have_the_names_of_the_file(published: pd.DataFrame, sold: pd.DataFrame) -> None:
    with connect("bi_reader") as connection:
        found = dict(connection.execute("select sku, product_name from marts.dimension_product").fetchall())
    names = sold.assign(name=sold["Description"].str.strip()).groupby("sku")["name"]
    only = names.first()[names.nunique() == 1]
    assert len(only) > 2_000
    assert {sku: found.get(sku) for sku in only.index} == only.to_dict()


def test_true_repeats_are_kept_and_every_row_is_accounted_for(published: pd.DataFrame) -> None:
    with connect("auditor") as connection:
        duplicate, quarantined, files = connection.execute(
            "select sum(rows_duplicate), sum(rows_quarantined), count(*) from ops.file_ledger"
            " where feed = 'erp_sales_lines'"
        ).fetchone()
    assert (duplicate, quarantined, files) == (0, 0, len(list(FILES.glob("*.csv"))))


def test_each_row_is_taken_by_a_feed_or_set_apart_by_name(published: pd.DataFrame) -> None:
    every = pd.concat(pd.read_csv(f, dtype=str, keep_default_na=False) for f in FILES.glob("*.csv"))
    free = every["UnitPrice"].astype(float) == 0
    with connect("auditor") as connection:
        shared = connection.execute(
            "select sum((rows_shared -> 'set_apart' ->> 'without_price')::int),"
            " sum((rows_shared -> 'taken' ->> 'erp_sales_lines')::int), sum(rows_quarantined),"
            " sum(rows_loaded), sum(rows_parsed) from ops.file_ledger where feed = 'erp_credit_memos'"
        ).fetchone()
    assert shared is not None
    apart, sold, quarantined, credited, parsed = shared
    assert (apart, quarantined) == (int((free & every["InvoiceNo"].str.isdigit()).sum()), 0)
    assert apart + sold + credited == parsed == len(every)


def test_a_customer_number_written_as_a_float_is_the_same_customer(published: pd.DataFrame) -> None:
    from revlog.ingestion.pseudonym import pseudonym

    with connect("auditor") as connection:
        count = connection.execute(
            "select count(*) from raw.erp_sales_lines where customer_id = %s",
            [pseudonym("17850", customer_key())],
        ).fetchone()
    assert count is not None and count[0] > 0


def test_one_order_of_74215_units_that_was_taken_back_is_not_expected_again(published: pd.DataFrame) -> None:
    """It came in January. Three months are too few for the model, and the table says so."""
    with connect("bi_reader") as connection:
        said = connection.execute(
            "select max(expected_units), min(expected_units) from marts.forecast_backtest"
        ).fetchone()
        ahead = connection.execute(
            "select distinct method, reason from marts.return_forecast_weeks"
        ).fetchall()
    assert said is not None
    assert 500 < said[1] <= said[0] < 3000
    assert [method for method, _ in ahead] == ["naive"]
    assert "to test the model on" in ahead[0][1]
