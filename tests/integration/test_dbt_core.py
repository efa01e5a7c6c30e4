"""Core after nights with late, corrected, repeated and moved rows, against one build of the same files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.integration.core_perturbations import (
    ERP_CSV,
    count_again,
    drop_first_half,
    drop_last_row,
    find_in_the_corner,
    halve,
    move,
    put,
    recategorise,
    repeat,
    send_again,
    serials_received,
    serials_sold,
    swap,
    swap_in_place,
    swap_receipts_of_work_orders,
)
from tests.nights import build_night
from tests.tables import Prints, fingerprints

pytestmark = pytest.mark.long

HISTORY_END = dt.date(2026, 1, 31)
NIGHTS = [HISTORY_END + dt.timedelta(days=n) for n in range(3)]
# Feeds whose files of the second night come with the third
LATE = (
    "wms_return_receipts", "wms_inspections", "crm_refunds", "erp_fx_rates", "wms_work_orders",
    "erp_vendor_claims",
)  # fmt: skip
# Files that come months late
LATE_BY_MONTHS = (
    "crm/crm_customers_20251001.csv", "erp/erp_vendors_20250801.xlsx",
    "wms/wms_returned_stock_20250731.parquet", "wms/wms_returned_stock_20251031.parquet",
)  # fmt: skip
# Of the sales lines with serial numbers: those that get another one's, and those that lose theirs
MOVED, BLANK = slice(0, None, 5), slice(1, None, 25)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landing zone of a small company: a history and two nights."""
    folder = tmp_path_factory.mktemp("company")
    simulate(
        Company(
            out=folder / "landing", truth=folder / "truth", order_lines=2000, seed=3,
            start=dt.date(2025, 6, 1), history_end=HISTORY_END, nights=2, dirt=1.0,
            night_order_lines=60, only_nights=None, habits=DENSE,
        )
    )  # fmt: skip
    return folder / "landing"


@pytest.fixture(scope="module")
def nightly(company: Path, database: Path) -> Prints:
    """Core after three nights whose files came late, twice, corrected and out of order."""
    move(_oldest(company, "erp_items"), company / "lost")
    held_back = [move(company / file, company / "late") for file in LATE_BY_MONTHS]
    _hand_over(company, database, NIGHTS[0])
    _night(NIGHTS[0])

    _hand_over(company, database, NIGHTS[1])
    _correct_first(database)
    held_back += [move(f, company / "late") for feed in LATE for f in _files(database, feed, NIGHTS[1])]
    assert len(held_back) > len(LATE)
    _night(NIGHTS[1])

    for file in held_back:
        move(file, database)
    _hand_over(company, database, NIGHTS[2])
    _correct(database)
    _night(NIGHTS[2])
    return _fingerprints()


def _correct_first(landing: Path) -> None:
    """What the second night brings besides its own: other items, goods without paper, dollars."""
    history, again = NIGHTS[0], f"{NIGHTS[1]:%Y%m%d}_again"
    items = _file(landing, "erp_items", history)
    recategorise(items, "20260117")
    recategorise(items, "20250620", whole=False)  # older than all that came before
    sales = _file(landing, "erp_sales_lines", history)
    receipts = _file(landing, "wms_return_receipts", history)
    serials = serials_sold(sales, MOVED)[:40] + serials_sold(sales, BLANK)
    find_in_the_corner(receipts, again, serials, "2026-02-01T10:00:00")
    dollars = put("01.02.2026 22:00:00", currency="USD")
    assert send_again(_file(landing, "erp_vendor_claims", history), again, dollars, **ERP_CSV)


def _correct(landing: Path) -> None:
    """What source systems correct, repeat and move on the last night."""
    history, again, later = NIGHTS[0], f"{NIGHTS[2]:%Y%m%d}_again", "02.02.2026 22:00:00"
    drop_last_row(_file(landing, "erp_sales_lines", NIGHTS[1]))
    repeat(_file(landing, "wms_dispositions", NIGHTS[1]), again)
    swap_in_place(_file(landing, "erp_return_authorizations", NIGHTS[2]), ["order_no", "order_line_no"])
    sales = _file(landing, "erp_sales_lines", history)
    assert send_again(sales, again, swap(["serial_nos"], later), "serial_nos", MOVED, **ERP_CSV) > 40
    assert send_again(sales, again + "2", put(later, serial_nos=""), "serial_nos", BLANK, **ERP_CSV) > 5
    replacing = swap(["replaces_rma_no"], later)
    assert send_again(sales, again + "3", replacing, "replaces_rma_no", **ERP_CSV) > 1
    claims, moved = _file(landing, "erp_vendor_claims", history), swap(["receipt_id", "sku"], later)
    assert send_again(claims, again, moved, "receipt_id", slice(0, None, 2), **ERP_CSV) > 1
    cases, other = _file(landing, "crm_cases", history), swap(["order_no", "rma_no"], "2026-02-02T22:00:00Z")
    assert send_again(cases, again, other, rows=slice(0, None, 2)) > 1
    swap_receipts_of_work_orders(_file(landing, "wms_work_orders", history), again, "2026-02-02 22:00:00")
    receipts = _file(landing, "wms_return_receipts", history)
    find_in_the_corner(receipts, again, serials_received(receipts)[1::2], "2025-07-01T10:00:00")
    drop_first_half(_file(landing, "wms_returned_stock", history))
    count_again(_file(landing, "wms_returned_stock", NIGHTS[1]), f"{NIGHTS[1]:%Y%m%d}_again")
    assert send_again(_file(landing, "erp_fx_rates", history), again, halve("rate", "rate_date", "2025-11"))


def test_nights_in_any_order_equal_one_full_build(
    nightly: Prints, database: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDING_URL", str(database))
    _night(NIGHTS[-1])
    rebuilt = _fingerprints()
    assert {t: (nightly[t], rebuilt[t]) for t in nightly if nightly[t] != rebuilt.get(t)} == {}
    assert nightly.keys() == rebuilt.keys()


def test_core_is_not_empty(nightly: Prints) -> None:
    # Its ledger posts each refund by itself: no journal is a sum.
    assert {name for name, (rows, _) in nightly.items() if not rows} == {"bridge_posting_share"}


def test_a_night_without_news_touches_no_order(nightly: Prints) -> None:
    _night(NIGHTS[-1])
    with connect("transformer") as connection:
        touched = connection.execute(
            "select count(*) from intermediate.int_touched_units"
            " where unit_key not like '___:%%'"
            "   and unit_key not in (select order_no from staging.stg_erp__return_authorizations"
            "     where expires_at >= timestamptz '2026-02-02 00:00Z'"
            "       and expires_at < timestamptz '2026-02-03 00:00Z')"
        ).fetchone()
    assert touched == (0,)
    assert _fingerprints() == nightly


def test_every_test_of_the_build_is_in_the_books(nightly: Prints) -> None:
    with connect("auditor") as connection:
        row = connection.execute(
            "select count(*) > 100, bool_and(success) filter (where severity = 'critical')"
            " from ops.validation_results where engine = 'dbt' and stage = 'core'"
        ).fetchone()
    assert row == (True, True)


def _night(date: dt.date) -> None:
    for feed in feeds():
        load_feed(feed, date, lambda line: None)
    build_night(date)


def _fingerprints() -> Prints:
    return fingerprints("core", names="^(dim|fct|bridge|snap)_")


def _hand_over(company: Path, landing: Path, date: dt.date) -> None:
    """Move the files up to `date` that have not been handed over yet."""
    for source in ("crm", "erp", "wms"):
        for file in sorted((company / source).glob("*")):
            stamp = next(p for p in file.name.replace(".", "_").split("_") if len(p) == 8 and p.isdigit())
            if stamp <= f"{date:%Y%m%d}" and file.suffix != ".done":
                move(file, landing)


def _files(landing: Path, feed: str, date: dt.date) -> list[Path]:
    source = landing / feed.split("_")[0]
    return [f for f in sorted(source.glob(f"{feed}_{date:%Y%m%d}.*")) if f.suffix != ".done"]


def _file(landing: Path, feed: str, date: dt.date) -> Path:
    return _files(landing, feed, date)[0]


def _oldest(landing: Path, feed: str) -> Path:
    source = landing / feed.split("_")[0]
    return min(file for file in source.glob(f"{feed}_*") if file.suffix != ".done")
