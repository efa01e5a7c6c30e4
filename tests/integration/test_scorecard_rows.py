"""What the scorecards read: the books before the first publication, and the published tables after it.

Every expected figure is counted by hand from the rows of `night_by_hand`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from lxml import html
from rich.console import Console

from revlog.config.settings import settings
from revlog.database.connections import connect
from revlog.reports import nights, product_changes
from revlog.reports.finance_page import write_finance_page
from revlog.reports.night_work import work_of
from revlog.reports.reconciliation import read_reconciliation
from revlog.reports.scorecard import write_scorecard
from revlog.reports.scorecard_leads import leads_of
from revlog.reports.scorecard_rows import ScorecardRows, read_scorecard_rows
from revlog.reports.summary import print_summary
from tests.integration.night_by_hand import publish_by_hand

NIGHT = dt.date(2026, 2, 10)


def test_before_the_first_publication_the_page_is_written(database: Path) -> None:
    assert "Nothing has been published yet" in write_scorecard().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(database: Path) -> ScorecardRows:
    """One published night, written by hand."""
    publish_by_hand()
    return read_scorecard_rows()


@pytest.fixture()
def page(rows: ScorecardRows) -> Iterator[html.HtmlElement]:
    yield html.fromstring(write_scorecard().read_text(encoding="utf-8"))


def _words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def _cells(page: html.HtmlElement, table: str) -> list[list[str]]:
    return [
        [_words(cell) for cell in row.xpath("td")] for row in page.xpath(f"//*[@id='rows-{table}']//tbody/tr")
    ]


def test_a_day_of_a_kpi_says_how_much_of_it_is_final(rows: ScorecardRows) -> None:
    found = {
        (r["kpi"], r["day"]): (r["numerator"], r["denominator"], r["final_denominator"], r["final_rows"])
        for r in rows.days
    }
    assert len(found) == 7
    assert found["product_return_rate", dt.date(2026, 1, 8)] == (2, 10, 10, 1)
    assert found["product_return_rate", dt.date(2026, 1, 20)] == (2, 10, 0, 0)


def test_the_headline_is_of_the_final_days_beside_the_same_days_before(page: html.HtmlElement) -> None:
    """1 and 8 January are final: 3 of 20; 20 January is not. Of 1 to 8 December: 1 of 20."""
    text = _words(page.xpath("//article[@id='kpi-product_return_rate']")[0])
    assert "15.0%SALE 1–8 Jan 2026, final: 3 units / 20 units" in text
    assert "▲ 10.0 points from 5.0% in 1–8 Dec 2025" in text
    assert "Partly: does not count X." in text


def test_a_card_leads_to_the_dictionary_before_and_after_it_is_written(rows: ScorecardRows) -> None:
    """`make docs` may come after the page: the link is there already, and says what it waits for."""
    link = "//article[@id='kpi-product_return_rate']//a[.='In the data dictionary']"
    written = settings().var / "pages" / "kpis.html"
    written.unlink(missing_ok=True)  # of another test
    for exists, said in ((False, "once make docs has written it"), (True, "")):
        if exists:
            written.parent.mkdir(exist_ok=True)
            written.touch()
        (found,) = html.fromstring(write_scorecard().read_text(encoding="utf-8")).xpath(link)
        assert found.get("href") == "../pages/kpis/product_return_rate.html"
        assert _words(found.getparent()).removeprefix("In the data dictionary").lstrip(", ") == said
    written.unlink()


def test_the_trend_ends_in_the_headline(page: html.HtmlElement) -> None:
    (data,) = page.xpath("//article[@id='kpi-product_return_rate']//div[@class='chart']/script/text()")
    chart = json.loads(data)
    assert chart["texts"] == ["Dec 2025: 15.0% (6 / 40)", "1–8 Jan 2026: 15.0% (3 / 20)"]


def test_the_rows_of_a_kpi_are_its_months_and_its_slices(page: html.HtmlElement) -> None:
    """By channel, of the headline's 3 of 20: web 1 of 10, app 2 of 10. Other days are in none."""
    found = _cells(page, "kpi-product-return-rate")
    assert [row[2:7] for row in found if row[1] == "channel"] == [
        ["APP", "1–8 Jan 2026", "2", "10", "20.0%"], ["WEB", "1–8 Jan 2026", "1", "10", "10.0%"],
    ]  # fmt: skip
    (stock,) = [row for row in _cells(page, "kpi-returned-stock-days") if row[1] == "site"]
    assert stock[2:6] == ["LEJ", "10 Feb 2026", "60", "20"]
    assert [row[2] for row in found if row[1] == "time"] == ["1–8 Jan 2026", "Dec 2025"]


def test_a_level_is_that_of_its_last_day(page: html.HtmlElement) -> None:
    text = _words(page.xpath("//article[@id='kpi-returned_stock_days']")[0])
    assert "3.00 dSTOCK 10 Feb 2026: 60 units / 20 units" in text


def test_what_is_overdue_stands_with_its_days_step_and_site(
    rows: ScorecardRows, page: html.HtmlElement
) -> None:
    """Due on 15 January and 6 February, by 10 February: 26 and 4 days."""
    found = [(r["document"], r["days_overdue"], r["waits_for"], r["product"]) for r in rows.under_way]
    assert found == [("2", 26, "customer", "Lamp"), ("4", 4, "us", "L2"), ("1", 0, "customer", "Lamp")]
    lead = page.xpath("//section[@class='lead operations']")[0]
    assert "2 return lines overdue, of 3 under way" in _words(lead)
    (link,) = lead.xpath(".//a[@aria-label='1 of decide, LEJ']")
    assert json.loads(link.get("data-where")) == {"Overdue": "yes", "Next step": "decide", "Site": "LEJ"}
    assert "2 wait for the customer to send the goods, 1 of them overdue" in _words(
        page.xpath("//section[@class='lead service']")[0]
    )


def test_each_of_the_worst_rows_leads_to_itself_and_what_is_overdue_to_just_that(
    page: html.HtmlElement,
) -> None:
    """Return 2 waits for the customer and is overdue, 1 is not; 4 waits for us."""
    lead = page.xpath("//section[@class='lead operations']")[0]
    worst = [(_words(a), json.loads(a.get("data-where"))) for a in lead.xpath(".//ol//a")]
    assert worst == [("2", {"Return": "2"}), ("4", {"Return": "4"})]
    assert "Lamp (L1), not received: customer sends goods" in _words(lead.xpath(".//ol/li")[0])
    assert {row[3] for row in _cells(page, "under_way")} == {"not received", "LEJ"}
    (link,) = lead.xpath(".//a[@aria-label='1 of customer sends goods, not received']")
    assert json.loads(link.get("data-where"))["Site"] == "not received"
    (late,) = page.xpath("//section[@class='lead service']//a[span='1 of them overdue']")[:1]
    assert json.loads(late.get("data-where")) == {"Waits for": "customer", "Overdue": "yes"}
    (product,) = page.xpath("//section[@class='lead product']//ol//a[.='Lamp (L1)']")
    assert json.loads(product.get("data-where")) == {"Kind": "product", "SKU or category": "L1"}


def test_counts_by_status_lead_to_just_the_lines_that_are_under_way(page: html.HtmlElement) -> None:
    """Of the two that are inspected one waits for nothing: it is among no rows of the page."""
    found = {
        _words(row[0]): (
            [_words(cell) for cell in row[1:]],
            [json.loads(link.get("data-where")) for link in row.xpath(".//a")],
        )
        for row in page.xpath("//div[@aria-label='Where returns are']//tbody/tr")
    }
    assert found == {
        "APPROVED": (["2", "2", "1"], [{"Status": "APPROVED"}, {"Status": "APPROVED", "Overdue": "yes"}]),
        "INSPECTED": (["2", "1", "1"], [{"Status": "INSPECTED"}, {"Status": "INSPECTED", "Overdue": "yes"}]),
        "CLOSED": (["1", "0", "0"], []),
    }


def test_who_is_waited_for_goes_by_the_next_step(rows: ScorecardRows) -> None:
    """Where no feed tells of goods, what is approved waits for its refund, and that is ours to do."""
    step = "update marts.return_tracking set next_step = %s where return_line_key = 'RMA:1'"
    with connect("admin") as connection:
        connection.execute(step, ["refund or close"])
    try:
        found = read_scorecard_rows().under_way
    finally:
        with connect("admin") as connection:
            connection.execute(step, ["customer sends goods"])
    waits = {row["document"]: (row["status"], row["waits_for"]) for row in found}
    assert waits == {"1": ("APPROVED", "us"), "2": ("APPROVED", "customer"), "4": ("INSPECTED", "us")}


def test_a_check_that_ran_again_counts_once(rows: ScorecardRows) -> None:
    """`mended` failed and then passed, `still` warned: two checks, as beside it one alert."""
    found = [(r["stage"], r["checks"], r["failed"], r["warned"]) for r in rows.figures.checks]
    assert found == [("landed", 2, 0, 1)]
    assert [row["check_name"] for row in rows.alerts] == ["still"]


def test_a_product_got_worse_where_its_final_cohorts_say_so(rows: ScorecardRows) -> None:
    """Lamps: 10 of 20 against 10 of 100. What is not final and what is older than that counts for neither."""
    found = {c.row["name"]: c for c in product_changes.changes(rows.cohorts)}
    lamp = found["L1"]
    assert [int(lamp.row[n]) for n in product_changes.COLUMNS] == [10, 20, 10, 100]
    assert (lamp.is_worse, found["L2"].is_worse, "L3" in found) == (True, False, False)
    # The category has all three: 10 + 2 + 9 of 49 against 10 + 10 + 0 of 300.
    assert [int(found["home"].row[n]) for n in product_changes.COLUMNS] == [21, 49, 20, 300]


def test_compliance_sees_units_with_an_issue_and_those_still_open(rows: ScorecardRows) -> None:
    lead = next(lead for lead in leads_of(rows, {}, [], work_of([])) if lead.part == "compliance")
    assert [(figure.name, figure.value) for figure in lead.figures] == [("issues", 2), ("regulated_open", 3)]
    assert [one[:3] for one in lead.worst] == [
        ("R1", "Lamp (L1), LEJ: LANDFILL is not allowed for e-waste category 5", "2 units")
    ]


def test_freshness_and_refusals_stand_by_feed(rows: ScorecardRows) -> None:
    assert [(r["source"], r["feed"], r["files"], r["refused"], r["loaded"]) for r in rows.sources] == [
        ("CRM", "crm_cases", 0, 1, 0), ("ERP", "erp_items", 1, 0, 3),
    ]  # fmt: skip
    assert [(r["name"], r["rows"], r["is_last"]) for r in rows.quarantined] == [
        ("b", 2, True),
        ("a", 1, False),
    ]
    assert [(r["night"], r["feed"], r["status"]) for r in rows.refused] == [(NIGHT, "crm_cases", "rejected")]


def test_a_night_is_as_long_as_any_stage_was_at_work(rows: ScorecardRows) -> None:
    """02:00 to 02:04 and 04:00 to 04:01: 300 s; what failed is left out. Before: 60 and 120 s, so 90 s."""
    work = work_of(rows.work)
    assert (work.seconds, work.usual, work.nights, work.is_slow) == (300, 90, 2, True)
    assert [(s["step"], s["seconds"], s["usual"]) for s in work.steps] == [
        ("ingestion", 240, 90), ("core", 60, None),
    ]  # fmt: skip


def test_no_row_as_it_came_stands_on_the_page_for_everyone(rows: ScorecardRows) -> None:
    with connect("admin") as connection:
        connection.execute("update ops.quarantine set raw_text = 'jane@example.org', detail = 'Jane Doe'")
    text = write_scorecard().read_text(encoding="utf-8")
    assert "jane@example.org" not in text and "Jane Doe" not in text


def test_money_open_is_without_its_sign_by_class_and_age(rows: ScorecardRows) -> None:
    """5 too much and 7 too little are 12 open, not 2."""
    found = read_reconciliation()
    assert [(r["class"], r["age_bucket"], r["items"], r["gross"], r["net"]) for r in found.ages] == [
        ("DUPLICATE", "90+", 1, 7, -7), ("DUPLICATE", "0-3", 1, 5, 5),
    ]  # fmt: skip
    assert {(r["class"], r["items"], r["amount"]) for r in found.exceptions} == {
        ("DUPLICATE", 2, Decimal(-2)), ("ROUNDING", 1, Decimal("0.01")),
    }  # fmt: skip
    page = html.fromstring(write_finance_page().read_text(encoding="utf-8"))
    assert "12.00 EUR open between refund legs" in _words(
        page.xpath("//section[@class='lead reconciliation']")[0]
    )
    assert [row[2:5] for row in _cells(page, "exceptions")] == [
        ["yes", "-7.00", "EUR"], ["yes", "5.00", "EUR"], ["no", "0.01", "EUR"],
    ]  # fmt: skip
    # What differs beside the chain stands in a list of its own, and in no sum.
    assert [row[:4] for row in _cells(page, "beside")] == [["DUPLICATE", "open", "3.00", "EUR"]]


def test_every_class_and_the_groups_to_look_at_lead_to_their_rows(rows: ScorecardRows) -> None:
    """Explained ones, too: two items of one class, one of the other; two are of a group to look at."""
    page = html.fromstring(write_finance_page().read_text(encoding="utf-8"))
    links = {
        _words(link): json.loads(link.get("data-where")) for link in page.xpath("//*[@id='classes']//td/a")
    }
    assert links == {"DUPLICATE": {"Class": "DUPLICATE"}, "ROUNDING": {"Class": "ROUNDING"}}
    assert [row[0] for row in _cells(page, "exceptions")] == ["DUPLICATE", "DUPLICATE", "ROUNDING"]
    (link,) = page.xpath("//p[@class='figure warn']/a[contains(., 'to look at')]")
    assert "1 refund group to look at, of 3 (2 items)" in _words(link)
    assert json.loads(link.get("data-where")) == {"To look at": "yes"}


def test_what_most_money_is_open_of_comes_first_whatever_its_currency(rows: ScorecardRows) -> None:
    """60 SEK are 5.28 EUR: less than 7 EUR and more than 5. Two items of 0.10 GBP are 0.24 EUR together."""
    others = [("SEK", 60, "5.28"), ("GBP", "0.10", "0.12"), ("GBP", "0.10", "0.12")]
    with connect("admin") as connection:
        for currency, amount, reporting in others:
            connection.execute(
                "insert into finance.refund_exceptions (class, gap, currency, status, next_action, amount,"
                " reporting_amount, age_bucket, age_days, is_chain, group_key) values"
                " ('TAX', 'E-M', %s, 'open', 'look', %s, %s, '0-3', 1, true, 'D')",
                [currency, amount, reporting],
            )
    try:
        page = html.fromstring(write_finance_page().read_text(encoding="utf-8"))
    finally:
        with connect("admin") as connection:
            connection.execute("delete from finance.refund_exceptions where group_key = 'D'")
    lead = page.xpath("//section[@class='lead reconciliation']")[0]
    assert [_words(b) for b in lead.xpath(".//ol//b")] == [
        "-7.00 EUR, 99 d", "60.00 SEK (5.28 EUR), 1 d", "5.00 EUR, 2 d", "0.10 GBP (0.12 EUR), 1 d",
        "0.10 GBP (0.12 EUR), 1 d",
    ]  # fmt: skip
    drawn = [_words(h).rpartition(" ")[2] for h in page.xpath("//section[@class='lead wide']/h2")]
    assert drawn == ["EUR", "SEK", "GBP"]


def test_the_cents_stand_on_finances_page_and_on_no_other(rows: ScorecardRows) -> None:
    everyones, finances = write_scorecard(), write_finance_page()
    kept = finances.parent / nights.FOLDER
    paths = (everyones, finances, finances.parent, kept, kept / f"{NIGHT}.json")
    assert [oct(p.stat().st_mode & 0o777) for p in paths] == ["0o644", "0o600", "0o700", "0o700", "0o600"]
    assert "12.00" in finances.read_text() and "1 of 3 groups agree" in finances.read_text()
    pages = (everyones, everyones.parent / nights.FOLDER / f"{NIGHT}.json")
    for finances_own in ("12.00", "DUPLICATE", "ROUNDING", "groups agree", "money_open"):
        assert all(finances_own not in page.read_text() for page in pages)


def test_the_next_night_says_what_changed(rows: ScorecardRows) -> None:
    """The night before had one line overdue, and a rate of 12 %."""
    folder = settings().var / "reports" / nights.FOLDER
    (folder / "2026-02-09.json").write_text(
        '{"overdue": "1", "waits_for_us": "1", "kpi:product_return_rate:SALE:EUR": "12.0% in Dec 2025"}'
    )
    (folder / "2026-02-08.json").write_text('{"overdue": "99"}')
    page = html.fromstring(write_scorecard().read_text(encoding="utf-8"))
    lead = _words(page.xpath("//section[@class='lead operations']")[0])
    assert "of 3 under way ▲ 1 since 9 Feb" in lead
    assert "as on 9 Feb" in _words(page.xpath("//section[@class='lead service']")[0])
    assert "not counted on 9 Feb" in _words(page.xpath("//section[@class='lead compliance']")[0])
    assert "night of 9 Feb: 12.0% in Dec 2025" in _words(
        page.xpath("//article[@id='kpi-product_return_rate']")[0]
    )


def test_the_page_for_everyone_takes_no_right_to_finance(rows: ScorecardRows) -> None:
    with connect("admin", autocommit=True) as connection:
        connection.execute("revoke usage on schema finance from reporter")
    try:
        write_scorecard()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            write_finance_page()
    finally:
        with connect("admin", autocommit=True) as connection:
            connection.execute("grant usage on schema finance to reporter")


def test_the_terminal_counts_what_differs_and_names_no_amount(rows: ScorecardRows) -> None:
    out = StringIO()
    print_summary(Console(file=out, width=100), seconds=1, did_work=True)
    assert "1 of 3 groups agree to the cent (33.3%)" in out.getvalue()
    told = "1 more differ for a known reason that asks for nothing:\n  ROUNDING;"
    assert told in out.getvalue()
    assert "0 wait for a leg that is not late yet (66.7% with all these);" in out.getvalue()
    assert "1 have to be looked at (33.3%)." in out.getvalue()
    assert "DUPLICATE" in out.getvalue() and "12.00" not in out.getvalue()


def test_what_may_still_come_in_time_asks_nobody_to_look(rows: ScorecardRows) -> None:
    """Two more groups: one lacks a leg that is not late, the other does, too, and 5.00 besides."""
    add = (
        "insert into finance.refund_reconciliation values ('complete', false, 'D'), ('complete', false, 'E');"
        "insert into finance.refund_exceptions (class, gap, currency, status, amount, is_chain, group_key)"
        " values ('CUTOFF', 'P-G', 'EUR', 'waiting', 9, true, 'D'), ('CUTOFF', 'P-G', 'EUR', 'waiting', 9,"
        " true, 'E'), ('DUPLICATE', 'E-M', 'EUR', 'open', 5, true, 'E')"
    )
    with connect("admin", autocommit=True) as connection:
        connection.execute(add)
    try:
        found = read_reconciliation()
        assert (found.groups, found.agreed, found.explained, found.waiting, found.to_look_at) == (
            5,
            1,
            1,
            1,
            2,
        )
        to_look_at = {row["group_key"] for row in found.rows if row["to_look_at"] == "yes"}
        assert to_look_at == {"B", "E"}
    finally:
        with connect("admin", autocommit=True) as connection:
            for table in ("refund_reconciliation", "refund_exceptions"):
                connection.execute(f"delete from finance.{table} where group_key in ('D', 'E')")


def test_what_comes_next_is_of_the_published_night(page: html.HtmlElement) -> None:
    """Half of 20 and half of 6 units, which stray each for itself: the root of 100 and 9 is 10.4."""
    lines = [_words(line) for line in page.xpath("//section[@id='ahead']//li/span")]
    assert lines == [
        "expected next 7 days: 42 units ± 10",
        "1 new quality alert this week; 2 stand, 120.50 EUR at stake",
        "2 claims expire this week, 10.00 EUR; 3 can be filed, 15.00 EUR",
        "4 units wait for a decision; their best ways should bring 6.00 EUR more than the second best",
        "1 product costs more to take back than it brings",
        "1 customer returns more than what they bought explains",
    ]


def test_a_check_that_was_mended_is_no_alert(rows: ScorecardRows) -> None:
    assert [(r["check_name"], r["message"]) for r in rows.alerts] == [("still", "first line")]


def test_a_night_that_stopped_at_the_core_is_told_as_such(rows: ScorecardRows) -> None:
    """It ran twice, and failed both times after its landed gate said yes."""
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.stage_runs (business_date, stage, detail, outcome, started_at, finished_at)"
            " select '2026-02-11', stage, detail, outcome, now(), now() from (values"
            "  ('dbt', 'core', 'failed'), ('gate', 'landed', 'ok'), ('dbt', 'core', 'failed'),"
            "  ('report', '', 'ok')) as runs (stage, detail, outcome)"
        )
    try:
        text = write_scorecard().read_text(encoding="utf-8")
    finally:
        with connect("admin") as connection:
            connection.execute("delete from ops.stage_runs where business_date = '2026-02-11'")
    assert "The night of 2026-02-11 is not published (dbt core failed); readers see 2026-02-10" in text


def test_the_page_of_the_night_says_that_it_is_published(page: html.HtmlElement) -> None:
    assert "Published: readers see the night of 2026-02-10" in page.text_content()
