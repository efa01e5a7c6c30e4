"""Closing months of hand-made refunds: what was reported stays, and every later cent is told apart.

Each whole return is 119.00 (100.00 and 19.00 tax) in every leg, all on one day. The tests build on each
other in the order of the file, as publications do. Amounts are worked out by hand.
"""

from __future__ import annotations

import datetime as dt
import os
import pwd
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from revlog.closing import periods
from revlog.closing.periods import Refused
from revlog.commands.closing import app
from revlog.contracts.contract import feeds
from revlog.database.actor import of_system
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.night import stages
from revlog.night.errors import NightFailed
from revlog.publication.publish import publish
from revlog.transform import project
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.integration.refund_books import Books, Reconciler
from tests.nights import build_night, finished_build

DAY = dt.date(2026, 1, 31)
# Rows that a whole return is made of: entitlement, two memo components, refund, cash, and two postings.
WHOLE = 7
LEGS = ("E", "M", "P", "G", "T", "GM")
WHO = "A. Controller"


class HandMade:
    """A company whose documents a test writes, and whose nights it publishes."""

    def __init__(self) -> None:
        self.books = Books()
        self.reconciler = Reconciler()

    def night(self) -> None:
        """Build and publish the books as they are now."""
        self.reconciler.keep(self.books)
        assert publish(finished_build(DAY)).is_new

    def memo(self, number: str, component: str, amount: str) -> None:
        """Correct one component of a credit memo."""
        for row in self.books.rows["core.fct_credit_memo_component"]:
            if (row["memo_no"], row["component"]) == (number, component):
                row["amount"] = amount

    def accrue(self, month: str, opening: int, accrued: int, used: int, re_estimated: int) -> None:
        """The accrual of a month for toys, instead of what was built; the asset is half the liability."""
        closing = opening + accrued - used + re_estimated
        with connect("admin") as connection:
            connection.execute("delete from build.refund_liability where month = %s", [month])
            connection.execute(
                "insert into build.refund_liability (month, product_category, shipped_value, revenue,"
                " opening_value, accrued_value, used_value, re_estimated_value, refund_liability,"
                " expected_cost, recovery_share, right_of_return_asset, returned_since,"
                " not_come_yet_or_overestimated, is_back_test_settled, currency)"
                " values (%s, 'TOYS', 1000, 1000 - %s::numeric, %s, %s, %s, %s, %s, %s, 0.5,"
                " %s::numeric / 2, 0, 0, false, 'EUR')",
                [month, accrued, opening, accrued, used, re_estimated, closing, closing, closing],
            )

    def withdraw_cash(self, refund: str) -> None:
        """Take a settlement and its journal back, as a corrected export without them does."""
        for fact, column in (("core.fct_settlement", "refund_id"), ("core.fct_gl_line", "document_ref")):
            self.books.rows[fact] = [row for row in self.books.rows[fact] if row[column] != refund]


@pytest.fixture(scope="module")
def company(rendered_by_dbt: None, database: Path, tmp_path_factory: pytest.TempPathFactory) -> HandMade:
    """Models as a full build compiles them, and the first publication: two returns in November, one in
    December whose memo is 10.00 short."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=300, seed=2,
            start=dt.date(2025, 10, 1), history_end=DAY, nights=0, dirt=0.0, defects=0, habits=DENSE,
        )
    )  # fmt: skip
    for feed in feeds():
        load_feed(feed, DAY)
    build_night(DAY)
    company = HandMade()
    company.books.whole("REQ:A-1", "2025-11-10", order="1")
    company.books.whole("REQ:B-1", "2025-11-12", order="2")
    company.books.whole("REQ:D-1", "2025-12-05", order="4")
    company.memo("CM REQ:D-1", "merchandise", "90.00")
    with connect("admin") as connection:
        connection.execute("delete from build.refund_liability")
    company.accrue("2025-11-01", 0, 300, 100, 0)
    company.accrue("2025-12-01", 200, 150, 120, 10)
    return company


def test_nothing_is_closed_before_anything_is_published(company: HandMade) -> None:
    with pytest.raises(Refused, match="nothing is published yet"):
        periods.close("2025-11", WHO)
    company.night()
    assert [(s.period, s.status) for s in periods.status()] == [
        ("2025-11", "open"), ("2025-12", "open"), ("2026-01", "open"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("period", "approver", "why"),
    [
        ("2025-11", "  ", "nobody approves"),
        ("Nov 2025", WHO, "is no fiscal period; write it as 2026-01"),
        ("2025-12", WHO, "2025-11 is still open, .* close 2025-11 first, or all up to 2025-12"),
        ("2024-01", WHO, "has no refunds: the periods are from 2025-11 to 2026-01"),
    ],
)
def test_a_close_is_refused_with_what_to_do(company: HandMade, period: str, approver: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        periods.close(period, approver)


def test_what_is_not_published_or_failed_a_check_is_not_closed(company: HandMade) -> None:
    with connect("transformer") as connection:
        row = connection.execute(
            "insert into ops.builds (business_date, from_seq, to_seq, status)"
            " values (%s, 0, 0, 'building') returning build_id",
            [DAY],
        ).fetchone()
    assert row is not None
    with pytest.raises(Refused, match=f"build {row[0]} of 2026-01-31 is building and not published"):
        periods.close("2025-11", WHO)
    company.night()
    _judge(success=False)
    with pytest.raises(Refused, match=r"1 critical checks of what is published have failed \(re_adds\)"):
        periods.close("2025-11", WHO)
    _judge(success=True)


def test_a_month_is_closed_as_it_stands(company: HandMade) -> None:
    (act,) = periods.close("2025-11", f" {WHO} ", "November signed")
    assert (act.period, act.approver, act.rows) == ("2025-11", WHO, 2 * WHOLE)
    rows = _rows(
        "select act, period, approver, note, business_date, frozen_rows, is_in_force,"
        " frozen_amounts #>> '{EUR,M}' from finance.period_acts"
    )
    assert rows == [("close", "2025-11", WHO, "November signed", DAY, 14, True, "238.00")]
    assert _reported("2025-11") == {leg: (Decimal(238), Decimal(0)) for leg in LEGS}
    assert _rows("select period, status, approver from finance.period_status order by 1") == [
        ("2025-11", "closed", WHO), ("2025-12", "open", None), ("2026-01", "open", None),
    ]  # fmt: skip
    assert _rows("select * from finance.restatements") == []
    _telescopes()


def test_the_accrual_of_the_month_is_closed_with_it(company: HandMade) -> None:
    assert _accrual("as_reported", "month, opening_value, earlier_value, refund_liability") == [
        (dt.date(2025, 11, 1), 0, 0, 200)
    ]
    assert {row[-1] for row in _accrual("as_restated", "figure, difference")} == {0}


def test_a_second_close_says_how_to_do_it_anew(company: HandMade) -> None:
    with pytest.raises(Refused, match=f"closed already by {WHO}.*reopen it first: revlog period reopen"):
        periods.close("2025-11", WHO)


def test_late_changed_and_withdrawn_rows_post_to_the_open_month(company: HandMade) -> None:
    company.books.whole("REQ:C-1", "2025-11-20", order="3")
    company.memo("CM REQ:A-1", "merchandise", "90.00")
    company.withdraw_cash("RF REQ:B-1")
    company.accrue("2025-11-01", 0, 300, 130, 0)
    company.accrue("2025-12-01", 170, 150, 120, 10)
    company.night()
    assert _reported("2025-11") == {leg: (Decimal(238), Decimal(0)) for leg in LEGS}
    assert _restated("2025-11") == {
        "E": (238, 357), "M": (238, 347), "P": (238, 238), "G": (238, 238), "T": (238, 357), "GM": (238, 357),
    }  # fmt: skip
    assert _restatements("2025-11", "leg, coalesce(component, '')") == [
        ("REQ:A-1", "M", "merchandise", 100, 90, "changed", "2025-12"),
        ("REQ:B-1", "G", "", 119, 0, "withdrawn", "2025-12"),
        ("REQ:B-1", "P", "", 119, 0, "withdrawn", "2025-12"),
        ("REQ:C-1", "E", "", 0, 119, "new", "2025-12"),
        ("REQ:C-1", "G", "", 0, 119, "new", "2025-12"),
        ("REQ:C-1", "GM", "", 0, 119, "new", "2025-12"),
        ("REQ:C-1", "M", "merchandise", 0, 100, "new", "2025-12"),
        ("REQ:C-1", "M", "tax", 0, 19, "new", "2025-12"),
        ("REQ:C-1", "P", "", 0, 119, "new", "2025-12"),
        ("REQ:C-1", "T", "card", 0, 119, "new", "2025-12"),
    ]
    # What A's memo is short of stands in each gap that the memo is a side of; B's memo waits for its cash.
    gaps = _rows(
        "select group_key, gap, sum(difference) from finance.restatements where subject = 'gap'"
        " group by 1, 2 order by 1, 2"
    )
    assert gaps == [
        ("REQ:A-1", "E-M", 10), ("REQ:A-1", "M-G", -10), ("REQ:A-1", "M-P", -10), ("REQ:A-1", "M-T", -10),
        ("REQ:B-1", "M-P", 119),
    ]  # fmt: skip
    assert ("PRICE_OR_DISCOUNT", 0, 10, "new") in _rows(
        "select class, reported_amount, restated_amount, kind from finance.restatements where gap = 'E-M'"
    )
    brought = _rows("select distinct publication_id from finance.restatements")
    assert brought == _rows("select max(publication_id) from marts.publications")
    _telescopes()


def test_a_return_that_came_late_restates_the_accrual_and_leaves_it_as_reported(company: HandMade) -> None:
    # 30.00 more came back in November than was known when it was closed: 300 - 130 = 170.
    assert _accrual("as_reported", "refund_liability, right_of_return_asset") == [(200, 100)]
    assert _rows("select refund_liability from finance.refund_liability order by month") == [(170,), (210,)]
    differ = _accrual("as_restated", "figure, reported_amount, restated_amount, difference")
    assert [row for row in differ if row[-1]] == [
        ("expected_cost", 200, 170, -30), ("refund_liability", 200, 170, -30),
        ("right_of_return_asset", 100, 85, -15), ("used_value", 100, 130, 30),
    ]  # fmt: skip


def test_the_next_close_takes_what_changed_with_it(company: HandMade) -> None:
    periods.close("2025-12", "B. Controller")
    # D's own, whose memo is 10.00 short, and what November has gained and lost since
    assert _reported("2025-12") == {
        "E": (119, 119), "M": (109, 109), "P": (119, 0), "G": (119, 0), "T": (119, 119), "GM": (119, 119),
    }  # fmt: skip
    checks = _rows("select distinct amount from finance.refund_proof_as_reported where line = 'check'")
    assert checks == [(0,)]
    assert _reported("2025-11") == {leg: (Decimal(238), Decimal(0)) for leg in LEGS}
    assert _restated("2025-11")["M"] == (238, 347)
    # From the 200.00 that were reported: less 30.00 of November, + 150.00 - 120.00 + 10.00.
    rolled = "month, opening_value, earlier_value, accrued_value, used_value, re_estimated_value"
    assert _accrual("as_reported", f"{rolled}, refund_liability") == [
        (dt.date(2025, 11, 1), 0, 0, 300, 100, 0, 200), (dt.date(2025, 12, 1), 200, -30, 150, 120, 10, 210),
    ]  # fmt: skip
    _telescopes()


def test_cents_that_move_to_another_class_are_reclassified(company: HandMade) -> None:
    company.memo("CM REQ:D-1", "merchandise", "100.00")
    company.memo("CM REQ:D-1", "tax", "9.00")
    company.night()
    found = _rows(
        "select class, reported_amount, restated_amount, kind, posted_periods from finance.restatements"
        " where original_period = '2025-12' and gap = 'E-M' order by class"
    )
    assert found == [
        ("PRICE_OR_DISCOUNT", 10, 0, "reclassified", "2026-01"), ("TAX", 0, 10, "reclassified", "2026-01"),
    ]  # fmt: skip
    assert _restatements("2025-12", "leg, component") == [
        ("REQ:D-1", "M", "merchandise", 90, 100, "changed", "2026-01"),
        ("REQ:D-1", "M", "tax", 19, 9, "changed", "2026-01"),
    ]
    _telescopes()


def test_a_month_that_is_not_over_stays_open(company: HandMade) -> None:
    with pytest.raises(Refused, match="2026-01 ends on 2026-01-31, and the last published night is"):
        periods.close("2026-01", WHO)


def test_only_the_latest_closed_month_is_reopened_and_both_acts_stay(company: HandMade) -> None:
    with pytest.raises(Refused, match=r"2025-12 is closed after it.*reopen 2025-12 first"):
        periods.reopen("2025-11", WHO)
    with pytest.raises(Refused, match=r"2026-01 was not closed by an act of its own; the latest .* 2025-12"):
        periods.reopen("2026-01", WHO)
    frozen = _rows("select * from ops.frozen_postings order by 1, 2, 3, 5, 6, 7, 9", "auditor")
    periods.reopen("2025-12", WHO, "memo of D corrected")
    assert _rows("select * from ops.frozen_postings order by 1, 2, 3, 5, 6, 7, 9", "auditor") == frozen
    assert _reported("2025-12") == {}
    assert _accrual("as_reported", "month") == [(dt.date(2025, 11, 1),)]
    assert _rows("select act, period, note, is_in_force from finance.period_acts order by act_id") == [
        ("close", "2025-11", "November signed", True), ("close", "2025-12", "", False),
        ("reopen", "2025-12", "memo of D corrected", False),
    ]  # fmt: skip
    # November's changes wait again in December.
    assert {row[-1] for row in _restatements("2025-11", "leg, component")} == {"2025-12"}
    _telescopes()


def test_a_month_closed_anew_is_reported_as_it_is_then(company: HandMade) -> None:
    periods.close("2025-12", WHO)
    assert _rows("select * from finance.restatements where original_period = '2025-12'") == []
    assert _reported("2025-12")["M"] == (109, 109)
    _telescopes()


def test_a_return_older_than_every_closed_month_posts_to_the_open_one(company: HandMade) -> None:
    company.books.whole("REQ:E-1", "2025-09-30", order="5")
    company.night()
    assert {row[-2:] for row in _restatements("2025-09", "leg, component")} == {("new", "2026-01")}
    assert _rows("select status, act_id from finance.period_status where period = '2025-09'") == [
        ("closed", None)
    ]
    _telescopes()


def test_closed_figures_change_for_nobody(company: HandMade) -> None:
    tables = (("period_acts", "note"), ("frozen_postings", "entity"), ("frozen_accruals", "currency"))
    for table, column in tables:
        for statement in (f"update ops.{table} set {column} = ''", f"delete from ops.{table}"):
            with connect("publisher") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            with connect("admin") as connection, pytest.raises(psycopg.errors.RaiseException, match="only"):
                connection.execute(statement)
    with connect("bi_reader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from finance.period_postings")


def test_a_frozen_cent_that_was_tampered_with_is_found(company: HandMade) -> None:
    test = _nightly_test("closed_figures_are_whole")
    with connect("admin") as connection:
        assert connection.execute(test).fetchall() == []
        connection.execute("alter table ops.frozen_postings disable trigger all")
        connection.execute(
            "update ops.frozen_postings set amount = amount + 1 where leg = 'E' and act_id = 1"
        )
        assert [row[1:] for row in connection.execute(test)] == [("EUR", "E", 240, 238)]
        connection.execute("delete from ops.frozen_postings where leg = 'T' and act_id = 1")
        assert len(connection.execute(test).fetchall()) == 3
        connection.rollback()


def test_a_cent_that_no_posting_accounts_for_is_found(company: HandMade) -> None:
    tests = [_nightly_test(n) for n in ("postings_add_up_to_what_is_now", "restatements_re_add")]
    with connect("admin") as connection:
        assert [connection.execute(test).fetchall() for test in tests] == [[], []]
        connection.execute(
            "update build.refund_proof_lines set amount = amount + 0.01 where leg = 'E' and line = 'leg'"
        )
        assert len(connection.execute(tests[0]).fetchall()) == 3
        connection.rollback()


def test_the_stage_turns_a_refusal_into_a_failed_night(company: HandMade) -> None:
    with pytest.raises(NightFailed, match="closed already"):
        stages.close_period("close", "2025-11", WHO, "", False)
    told: list[str] = []
    assert stages.close_period("reopen", "2025-12", WHO, "", False, told.append) == ["2025-12"]
    assert stages.close_period("close", "2025-12", WHO, "", True, told.append, "c.cash") == ["2025-12"]
    assert "2025-12 reopened by A. Controller" in told[0] and "2025-12 closed by" in told[1]


def test_an_act_records_who_was_logged_in_beside_who_they_say_they_are(company: HandMade) -> None:
    acts = "select act, approver, actor, database_user from ops.period_acts order by act_id desc limit 2"
    rows = _rows(acts, "auditor")
    me = pwd.getpwuid(os.getuid()).pw_name
    assert rows == [
        ("close", WHO, "airflow:c.cash", "publisher"), ("reopen", WHO, f"system:{me}", "publisher"),
    ]  # fmt: skip
    assert _rows("select approver, actor from finance.period_status where period = '2025-12'") == [
        (WHO, "airflow:c.cash")
    ]


def test_nobody_records_an_act_as_somebody_else_or_as_nobody(company: HandMade) -> None:
    copy = (
        "insert into ops.period_acts (act, period, approver, actor, database_user, publication_id,"
        " business_date, code_version, frozen_rows, frozen_amounts) select act, period, approver, {actor},"
        " 'finance_reader', publication_id, business_date, code_version, 0, '{{}}'"
        " from ops.period_acts limit 1"
        " returning database_user"
    )
    with connect("publisher") as connection:
        assert connection.execute(copy.format(actor="'system:x'")).fetchone() == ("publisher",)
        with pytest.raises(psycopg.errors.RaiseException, match="who was logged in"):
            connection.execute(copy.format(actor="null"))
        connection.rollback()


def test_the_system_user_is_the_kernels_word_not_a_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "somebody-else")
    assert of_system() == f"system:{pwd.getpwuid(os.getuid()).pw_name}"


def test_the_command_tells_what_it_did_and_what_it_refused(company: HandMade) -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["close", "2025-11", "--approver", WHO])
    assert done.exit_code == 1 and "reopen it first" in done.output
    assert "2026-01  open, next to be closed" in runner.invoke(app, ["status"]).output


def test_kpis_of_a_past_night_read_as_they_were(company: HandMade) -> None:
    """Cells are changed, removed and changed back as a night would; each copy is taken in its night."""
    nights = {
        "2026-02-01": "select 1",
        "2026-02-02": "update build.kpi_cells set numerator = numerator + 1 where period_date = (select"
        " max(period_date) from build.kpi_cells); delete from build.kpi_cells where channel = (select"
        " min(channel) from build.kpi_cells)",
        "2026-02-03": "update build.kpi_cells set numerator = numerator - 1, is_mature = not is_mature"
        " where period_date = (select max(period_date) from build.kpi_cells)",
    }
    seen = {}
    for night, change in nights.items():
        with connect("admin") as connection:
            connection.execute(change)
            connection.execute("update build.publication set business_date = %s", [night])
        publish(finished_build(dt.date.fromisoformat(night), full_refresh=True))
        seen[night] = _rows(
            "select kpi, basis, period_date, channel, product_category, site, currency, numerator,"
            " denominator, is_mature, business_date from marts.kpi_daily as k order by 1, 2, 3, 4, 5, 6, 7",
            "bi_reader",
        )
    assert seen["2026-02-01"] != seen["2026-02-02"] != seen["2026-02-03"]
    for night, then in seen.items():
        past = f"select * from marts.kpi_daily_as_of('{night}') order by 1, 2, 3, 4, 5, 6, 7"
        assert _rows(past, "bi_reader") == then


def _judge(success: bool) -> None:
    """The last word of a check on what is published."""
    with connect("transformer") as connection:
        connection.execute(
            "insert into ops.validation_results (run_id, business_date, stage, engine, asset, check_name,"
            " severity, success) values ('x', %s, 'marts', 'dbt', 'refund_proof', 're_adds', 'critical', %s)",
            [DAY, success],
        )


def _nightly_test(name: str) -> str:
    found = list((project.target() / "compiled").rglob(f"{name}.sql"))
    return found[0].read_text()


def _rows(query: str, role: str = "finance_reader") -> list[tuple[Any, ...]]:
    with connect(role) as connection:
        return connection.execute(query).fetchall()


def _reported(period: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Legs of a period as reported: its own cents, and those of earlier periods."""
    rows = _rows(
        "select leg, own_amount, earlier_amount from finance.refund_proof_as_reported"
        f" where line = 'leg' and period = '{period}'"
    )
    return {leg: (own, earlier) for leg, own, earlier in rows}


def _accrual(view: str, columns: str) -> list[tuple[Any, ...]]:
    """Rows of the refund liability of closed months, as reported or as restated."""
    return _rows(f"select {columns} from finance.refund_liability_{view} order by month, {columns}")


def _restated(period: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Legs of a period: as reported and as they are now."""
    rows = _rows(
        "select leg, reported_amount, restated_amount from finance.refund_proof_as_restated"
        f" where line = 'leg' and period = '{period}'"
    )
    return {leg: (reported, restated) for leg, reported, restated in rows}


def _restatements(period: str, what: str) -> list[tuple[Any, ...]]:
    return _rows(
        f"select group_key, {what}, reported_amount, restated_amount, kind, posted_periods"
        f" from finance.restatements where subject = 'document' and original_period = '{period}'"
        f" order by group_key, {what}"
    )


def _telescopes() -> None:
    """All postings of an original period are what the reconciliation says of it now; nothing else is."""
    posted = "select original_period, coalesce(leg, gap), coalesce(class, ''), sum(amount)"
    assert _rows(
        f"{posted} from finance.period_postings group by 1, 2, 3 having sum(amount) <> 0 order by 1, 2, 3"
    ) == _rows(
        "select period, leg, '', sum(group_amount) from finance.refund_documents group by 1, 2"
        " having sum(group_amount) <> 0 union all"
        " select period, gap, class, sum(amount) from finance.refund_gap_periods group by 1, 2, 3"
        " having sum(amount) <> 0 order by 1, 2, 3"
    )
    explained = _rows(
        "select original_period, leg, sum(difference) from finance.restatements where leg is not null"
        " group by 1, 2 having sum(difference) <> 0 order by 1, 2"
    )
    assert explained == _rows(
        "select period, leg, sum(difference) from finance.refund_proof_as_restated where line = 'leg'"
        " group by 1, 2 having sum(difference) <> 0 order by 1, 2"
    )
