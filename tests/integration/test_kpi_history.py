"""Past nights read again, and a closed month after late and corrected files: a small company, real nights.

What a past night must say is a copy that was taken in that night.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.closing import periods
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.integration.core_perturbations import drop_first_half_of_lines, move
from tests.nights import build_night

HISTORY_END = dt.date(2026, 1, 15)
NIGHTS = [HISTORY_END, dt.date(2026, 2, 1), dt.date(2026, 2, 3)]
# Feeds whose files of the last days of January come after January is closed, and the one whose longest file
# comes again without half of its rows.
HELD_BACK = ("crm_refunds", "erp_payment_settlements", "erp_credit_memos")
HELD_DAYS = [f"202601{day}" for day in range(20, 31)]
CORRECTED = "wms_return_receipts"
COLUMNS = (
    "kpi, basis, period_date, channel, product_category, site, currency, numerator, denominator, is_mature,"
    " business_date"
)
CELL = "kpi, basis, period_date, channel, product_category, site, currency"
CLOSED = ("refund_proof_as_reported", "period_acts", "period_status")
EXPLAINED = ("restatements", "refund_proof_as_restated", "period_postings")
Rows = list[tuple[Any, ...]]

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@dataclass
class Past:
    """What was seen in its time: kpi_daily by night, figures of January when it was closed, files."""

    kpis: dict[dt.date, Rows] = field(default_factory=dict)
    closed: dict[str, Rows] = field(default_factory=dict)
    late: list[Path] = field(default_factory=list)
    corrected: Path = Path()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    simulate(
        Company(
            out=folder / "landing", truth=folder / "truth", order_lines=1000, seed=5,
            start=dt.date(2025, 9, 1), history_end=HISTORY_END, nights=19, dirt=0.0,
            night_order_lines=30, habits=DENSE,
        )
    )  # fmt: skip
    return folder / "landing"


@pytest.fixture(scope="module")
def past(company: Path, database: Path) -> Past:
    """Three nights; January is closed after the second, and the third brings what changes it."""
    past = Past()
    _hand_over(company, database, NIGHTS[0])
    _night(past, NIGHTS[0])
    held = [f for feed in HELD_BACK for day in HELD_DAYS for f in _files(company, f"{feed}_{day}")]
    assert len(held) > 30, "a small company has days without refunds, though few"
    aside = database.parent / "late"
    held = [move(file, aside) for file in held]
    _hand_over(company, database, NIGHTS[1])
    _night(past, NIGHTS[1])
    periods.close("2026-01", "A. Controller", with_earlier=True)
    past.closed = {view: _all(view) for view in CLOSED}
    past.late = [move(file, database) for file in held]
    received = [f for day in range(16, 32) for f in _files(database, f"{CORRECTED}_202601{day}")]
    past.corrected = max(received, key=lambda file: file.stat().st_size)
    drop_first_half_of_lines(past.corrected)
    _hand_over(company, database, NIGHTS[2])
    _night(past, NIGHTS[2])
    return past


def test_a_past_night_reads_as_it_was(past: Past) -> None:
    for night, then in past.kpis.items():
        assert len(then) > 1000
        assert _kpis(f"marts.kpi_daily_as_of('{night}')") == then, night
    assert past.kpis[NIGHTS[0]] != past.kpis[NIGHTS[1]] != past.kpis[NIGHTS[2]]


def test_a_day_without_a_night_reads_as_the_night_before(past: Past) -> None:
    assert _kpis("marts.kpi_daily_as_of('2026-01-31')") == past.kpis[NIGHTS[0]]
    assert _kpis("marts.kpi_daily_as_of('2026-01-14')") == []


def test_what_changed_leads_from_one_night_to_the_next(past: Past) -> None:
    """The changes of a publication, worked out by comparing the copies."""
    numbers = _rows("bi_reader", "select publication_id from marts.publications order by 1")
    for (publication,), before, after in zip(numbers[1:], NIGHTS, NIGHTS[1:], strict=False):
        sides = [{row[:7]: row[7:10] for row in past.kpis[night]} for night in (before, after)]
        keys = sides[0].keys() | sides[1].keys()
        nothing = (None, None, None)
        expected = {
            key: (sides[0].get(key, nothing), sides[1].get(key, nothing))
            for key in keys
            if sides[0].get(key) != sides[1].get(key)
        }
        found = {
            row[:7]: (row[7:10], row[10:])
            for row in _rows(
                "bi_reader",
                f"select {CELL}, numerator_before, denominator_before, was_mature, numerator_after,"
                f" denominator_after, is_mature from marts.kpi_changes where publication_id = {publication}",
            )
        }
        assert len(expected) > 100
        assert found == expected


def test_a_change_names_the_files_that_came_with_it(past: Past) -> None:
    names = {
        name.rsplit("/", 1)[-1]
        for (name,) in _rows(
            "bi_reader",
            "select name from marts.publication_files where publication_id in"
            " (select publication_id from marts.kpi_changes where business_date = '2026-02-03')",
        )
    }
    # Files of days without settlements are all alike, and the second of a kind brings nothing.
    alike = Counter(file.read_bytes() for file in past.late)
    late = {file.name for file in past.late if alike[file.read_bytes()] == 1}
    assert len(late) > len(past.late) / 2
    assert {past.corrected.name, *late} <= names
    assert not any("20260114" in name or "20260115" in name for name in names)


def test_closed_figures_stay_and_every_later_cent_is_explained(past: Past) -> None:
    assert {view: _all(view) for view in CLOSED if view != "period_status"} == {
        view: rows for view, rows in past.closed.items() if view != "period_status"
    }
    kinds: dict[str, int] = dict(
        _rows(
            "finance_reader",
            "select leg || ' ' || kind, count(*) from finance.restatements where original_period = '2026-01'"
            " and subject = 'document' and (leg, kind) in (('T', 'new'), ('P', 'new'), ('M', 'new'),"
            " ('E', 'withdrawn')) group by 1",
        )
    )
    assert set(kinds) == {"T new", "P new", "M new", "E withdrawn"}
    unexplained = _rows(
        "finance_reader",
        """
        select entity, currency, leg, sum(difference) from (
            select entity, currency, leg, difference from finance.refund_proof_as_restated
            where line = 'leg'
            union all
            select entity, currency, leg, -difference from finance.restatements where leg is not null
        ) as sides group by 1, 2, 3 having sum(difference) <> 0
        """,
    )
    assert unexplained == []


def test_restated_is_what_the_proof_says_now(past: Past) -> None:
    lines = "period, entity, currency, position"
    now = _rows(
        "finance_reader",
        f"select {lines}, amount from finance.refund_proof where period <= '2026-01' and amount <> 0"
        f" order by {lines}",
    )
    assert len(now) > 50
    assert now == _rows(
        "finance_reader",
        f"select {lines}, restated_amount from finance.refund_proof_as_restated where restated_amount <> 0"
        f" order by {lines}",
    )


def test_an_explained_document_leads_to_the_line_that_brought_it(past: Past, database: Path) -> None:
    # Late files, and those of the nights since the close
    late = {file.name for file in past.late}
    brought = {f.name: f for stem in HELD_BACK for f in _files(database, stem)}
    brought = {name: f for name, f in brought.items() if name in late or "_202602" in name}
    rows = _rows(
        "finance_reader",
        "select document_no, file_name, line_no, kind, publication_id from finance.restatements"
        " where original_period = '2026-01' and leg in ('T', 'P') and kind = 'new'",
    )
    assert len(late & {Path(row[1]).name for row in rows}) > 3
    last = _rows("finance_reader", "select max(publication_id) from marts.publications")
    for document, name, line, _, publication in rows:
        text = brought[Path(name).name].read_text(encoding="utf-8").splitlines()[line - 1]
        assert document in text
        assert [(publication,)] == last
    gone = _rows(
        "finance_reader",
        "select distinct file_name, publication_id from finance.restatements"
        " where leg = 'E' and kind = 'withdrawn'",
    )
    assert [(Path(name).name, publication) for name, publication in gone] == [
        (past.corrected.name, last[0][0])
    ]


def test_a_full_build_leaves_closed_figures_history_and_explanations_the_same(past: Past) -> None:
    before = {view: _all(view) for view in (*CLOSED, *EXPLAINED)}
    versions = _rows("auditor", "select count(*), max(from_publication) from marts.kpi_cells__history")
    publication = publish(build_night(NIGHTS[2], full_refresh=True)).publication_id
    assert publication is not None
    assert {view: _all(view) for view in (*CLOSED, *EXPLAINED)} == before
    assert (
        _rows("auditor", "select count(*), max(from_publication) from marts.kpi_cells__history") == versions
    )
    # Nothing differed, and the publication can still be read.
    assert _kpis(f"marts.kpi_daily_history where publication_id = {publication}") == past.kpis[NIGHTS[2]]
    assert _rows("bi_reader", f"select 1 from marts.kpi_changes where publication_id = {publication}") == []


def test_readers_of_kpis_see_their_history_and_nothing_else_of_the_books(past: Past) -> None:
    with connect("bi_reader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from ops.publications")
    for role in ("bi_reader", "loader"):
        with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from finance.restatements")
    with connect("loader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from marts.kpi_daily_as_of('2026-02-01')")


def test_the_function_has_the_columns_of_kpi_daily(past: Past) -> None:
    with connect("bi_reader") as connection:
        described = [
            [
                (c.name, c.type_code)
                for c in connection.execute(f"select * from {what} limit 0").description or ()
            ]
            for what in ("marts.kpi_daily", "marts.kpi_daily_as_of('2026-02-01')")
        ]
    # How complete a past night's KPIs were is in kpi_completeness__history.
    said_of_today = [column for column in described[0] if not column[0].startswith("completeness")]
    assert said_of_today == described[1]


def _night(past: Past, date: dt.date) -> None:
    for feed in feeds():
        load_feed(feed, date, lambda line: None)
    assert publish(build_night(date)).is_new
    past.kpis[date] = _kpis("marts.kpi_daily")


def _kpis(source: str) -> Rows:
    return _rows("bi_reader", f"select {COLUMNS} from {source} order by {CELL}")


def _all(view: str) -> Rows:
    return sorted(_rows("finance_reader", f"select * from finance.{view}"), key=repr)


def _rows(role: str, query: str) -> Rows:
    with connect(role) as connection:
        return connection.execute(query).fetchall()


def _files(landing: Path, stem: str) -> list[Path]:
    return [file for file in landing.rglob(f"{stem}*") if file.suffix != ".done"]


def _hand_over(company: Path, landing: Path, date: dt.date) -> None:
    """Move the files up to `date` that have not been handed over yet."""
    for file in sorted(_dated(company, date)):
        target = landing / file.relative_to(company)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)


def _dated(company: Path, date: dt.date) -> Iterator[Path]:
    for file in company.rglob("*"):
        stamp = next((p for p in file.name.replace(".", "_").split("_") if len(p) == 8 and p.isdigit()), "")
        if file.is_file() and stamp and stamp <= f"{date:%Y%m%d}":
            yield file
