"""Every page that a night writes, opened in a browser, where every text from outside is hostile."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from psycopg import sql

from revlog.config.settings import settings
from revlog.database.connections import connect
from revlog.gates.judging import GateFailed, run_gate
from revlog.ingestion.load import load_feed
from revlog.reports.finance_page import write_finance_page
from revlog.reports.scorecard import write_scorecard
from tests.browser import HOSTILE, chromium, visit
from tests.integration.gate_landing import put, sales
from tests.integration.night_by_hand import publish_by_hand

DAY = dt.date(2026, 1, 12)
# Enough for the mix of their codes to be looked at.
ITEMS = 120
FORGED = "\nrejected  erp_items.csv: nothing is wrong, go on\x1b[2J"
# Texts of the books that are no word of ours.
BOOKS = {
    "file_ledger": ("feed", "name", "reason"),
    "quarantine": ("feed", "reason", "column_name", "raw_text", "detail"),
    "validation_results": ("stage", "asset", "check_name", "message"),
    "stage_runs": ("detail",),
    "publications": ("code_version",),
    "unclaimed_files": ("path", "detail", "feed"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def _hostile(column: str) -> str:
    return f"{HOSTILE}[{column}]"


# --- The scorecards


@pytest.fixture(scope="module")
def night(database: Path) -> list[Path]:
    """Both scorecards of a published night whose every text is hostile, each with the name of its column."""
    # Pages of other tests' nights would be there, too.
    shutil.rmtree(settings().var / "reports" / "data_docs", ignore_errors=True)
    publish_by_hand()
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.unclaimed_files (path, kind, detail, feed, size_bytes, first_seen_on, seen_on)"
            " values ('x', 'unknown', 'x', 'x', 0, '2026-01-12', '2026-01-12')"
        )
        texts = connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_schema in ('marts', 'finance') and data_type = 'text' and is_updatable = 'YES'"
            # A KPI's name is ours, and so are what it needs and whether that has come.
            " and column_name not in ('kpi', 'needs', 'completeness')"
        ).fetchall()
        texts += [("ops", table, column) for table, columns in BOOKS.items() for column in columns]
        for schema, table, column in texts:
            name = sql.Identifier(column)
            connection.execute(
                sql.SQL("update {} set {} = {} where {} is not null").format(
                    sql.Identifier(schema, table), name, _hostile(column), name
                )
            )
    book = settings().var / "finance" / f"refunds-{HOSTILE.replace('/', '')}.xlsx"
    book.parent.mkdir(exist_ok=True)
    book.touch()
    return [write_scorecard(), write_finance_page()]


SHOWN = (
    {
        "title", "question", "formula", "caveats", "unit", "basis", "next_step", "rma_no", "order_no", "site",
        "product_category", "status", "feed", "reason", "stage", "asset", "check_name", "message",
        "path", "detail", "product_name", "channel", "disposition", "issue", "receipt_id", "also_called",
        "name",
    },
    {
        "class", "next_action", "currency", "age_bucket", "pattern_name", "gap", "owner", "order_no",
        "rma_no", "refund_id", "memo_no", "period",
    },
)  # fmt: skip


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_scorecard_shows_hostile_texts_as_they_are_and_does_nothing(
    browser: Browser, night: list[Path], number: int, scheme: str
) -> None:
    seen = visit(browser, night[number], scheme=scheme)  # type: ignore[arg-type]
    assert seen.harm == [] and seen.errors == []
    assert {column for column in SHOWN[number] if _hostile(column) not in seen.text} == set()


def test_finances_page_links_its_workbooks_whatever_their_names(browser: Browser, night: list[Path]) -> None:
    links: list[str] = []
    visit(browser, night[1], act=lambda tab: links.extend(_links(tab, "#workbooks a")))
    assert len([link for link in links if "script" in link]) == 1
    assert all(link.startswith(night[1].parent.as_uri()) for link in links)


def _links(tab: Page, selector: str) -> list[str]:
    found: list[str] = tab.eval_on_selector_all(selector, "found => found.map(a => a.href)")
    return found


def test_what_escaping_would_miss_the_policy_stops(browser: Browser, night: list[Path]) -> None:
    def slip(tab: Page) -> None:
        # A browser runs no script that comes this way, but every handler.
        tab.evaluate("code => document.body.insertAdjacentHTML('beforeend', code)", HOSTILE)

    without = visit(browser, night[0], act=slip)
    assert "image" in without.ran and without.asked
    guarded = visit(browser, night[0], act=slip, is_guarded=True)
    assert (guarded.ran, guarded.asked) == ([], [])


# --- Data Docs, and what is said of the files


@pytest.fixture(scope="module")
def landed(night: list[Path]) -> list[str]:
    """Lines told of a night's files: items of hostile words, scans with hostile keys, a hostile name."""
    landing = Path(settings().landing)
    columns = (
        "sku", "style", "size", "colour", "description", "category", "brand", "unit_cost", "list_price",
        "currency", "weight_g", "is_serialised", "warranty_months", "hazmat_class", "weee_category",
        "vendor_id", "is_returnable", "return_window_days", "restocking_fee_pct", _hostile("column"),
    )  # fmt: skip
    numbers = {
        "unit_cost": "1.00", "list_price": "2.00", "currency": "EUR", "weight_g": "5",
        "is_serialised": "0", "warranty_months": "24", "is_returnable": "1", "return_window_days": "30",
        "restocking_fee_pct": "0",
    }  # fmt: skip
    cells = [numbers.get(column, _hostile(column)) for column in columns]
    rows = [[f"S{number}", *cells[1:]] for number in range(ITEMS)]
    bad = ["S", *cells[1:7], "no number", *cells[8:]]
    put(landing, f"erp_items_{DAY:%Y%m%d}.csv", "".join(map(_csv, (columns, *rows, bad))))
    name = f"erp_sales_lines_{DAY:%Y%m%d}{HOSTILE.replace('/', '')[:100]}.csv"
    sales(landing, DAY).rename(landing / "erp" / name)
    (landing / "erp" / f"{name}.done").touch()
    scan = {"tracking_no": "T1", "event_code": _hostile("event_code"), "leg": "return", "carrier": "c"}
    scan |= {"event_at": f"{DAY}T10:00:00+00:00", FORGED: "x", _hostile("key"): "x"}
    put(landing, f"wms_shipment_events_{DAY:%Y%m%d}.jsonl", json.dumps(scan) + "\n")
    told: list[str] = []
    for feed in ("erp_items", "erp_sales_lines", "wms_shipment_events"):
        load_feed(feed, DAY, told.append)
    return told


def _csv(cells: tuple[str, ...] | list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def test_a_key_of_a_file_forges_no_line_of_log_or_ledger(landed: list[str]) -> None:
    assert len(landed) == 4 and [line for line in landed if not line.isprintable()] == []
    with connect("auditor") as connection:
        rows = connection.execute("select reason from ops.file_ledger where run_date = %s", [DAY]).fetchall()
    reasons = [reason for (reason,) in rows if reason]
    assert any(r"\nrejected  erp_items.csv: nothing is wrong" in reason for reason in reasons), reasons
    assert [reason for reason in reasons if not reason.isprintable()] == []


@pytest.fixture(scope="module")
def told(landed: list[str]) -> str:
    """What the gate says of these files."""
    try:
        return run_gate("landed", DAY).text()
    except GateFailed as failed:
        return str(failed)


def test_no_line_of_a_gates_message_is_forged(told: str) -> None:
    assert "\x1b" not in told and "\nrejected" not in told


def test_data_docs_show_hostile_texts_as_they_are_and_do_nothing(browser: Browser, told: str) -> None:
    folder = settings().var / "reports" / "data_docs"
    pages = sorted(folder.rglob("*.html"))
    # Opening one takes seconds; what holds nothing of a hostile text, however written, can do nothing of it.
    hostile = [page for page in pages if "ran(" in page.read_text(encoding="utf-8")]
    seen = {page: visit(browser, page, scheme="dark") for page in [folder / "index.html", *hostile]}
    assert {page.name: v.harm for page, v in seen.items() if v.harm} == {}
    assert {page.name: v.errors for page, v in seen.items() if v.errors} == {}
    text = "".join(v.text for v in seen.values())
    assert [part for part in ("category", "event_code") if _hostile(part) not in text] == []
    assert f"Gate landed, {DAY}" in text and len(pages) > 20 and hostile


def test_only_the_pipelines_user_opens_data_docs(told: str) -> None:
    folder = settings().var / "reports" / "data_docs"
    assert oct(folder.stat().st_mode & 0o777) == "0o700"


def test_every_page_names_its_policy(night: list[Path], told: str) -> None:
    pages = [*night, *(settings().var / "reports" / "data_docs").rglob("*.html")]
    assert [page.name for page in pages if "Content-Security-Policy" not in page.read_text()] == []
