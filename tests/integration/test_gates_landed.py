"""The landed gate: what holds a night, what is only told, and what is written down."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from revlog.config.settings import settings
from revlog.contracts import contract as contracts
from revlog.contracts.contract import CONTRACTS
from revlog.database.connections import connect
from revlog.gates import judging as gates
from revlog.gates.acceptance import accept
from revlog.gates.asset import CRITICAL, Asset, no_rows
from revlog.gates.judging import GateFailed, GateResult, run_gate
from revlog.ingestion.load import load_feed
from tests.integration.gate_landing import SALES, put, requests, sales, sales_row

DAY = dt.date(2026, 1, 12)
FEED = "erp_sales_lines"


def _nights(landing: Path, count: int = 6, rows: int = 100) -> None:
    """Good nights before DAY, published or not: none was held."""
    for back in range(count, 0, -1):
        date = DAY - dt.timedelta(days=back)
        sales(landing, date, rows)
        load_feed(FEED, date)


def _load(date: dt.date = DAY) -> None:
    load_feed(FEED, date)


def _failed(date: dt.date = DAY) -> str:
    with pytest.raises(GateFailed) as failed:
        run_gate("landed", date)
    return str(failed.value)


def _checks(result: GateResult, severity: str) -> set[str]:
    return {c.check for c in result.checks if not c.success and c.severity == severity}


def _rows(statement: str, *values: Any) -> list[Any]:
    with connect("auditor") as connection:
        return connection.execute(statement, values).fetchall()


def test_a_usual_night_passes_and_is_written_down(fresh_database: Path) -> None:
    _nights(fresh_database)
    sales(fresh_database, DAY, 95)
    _load()
    result = run_gate("landed", DAY)
    assert result.failures == []
    rows = _rows(
        "select check_name, column_name, severity, observed from ops.validation_results"
        " where run_id = %s and asset = 'raw.erp_sales_lines' and engine = 'gx'"
        " and business_date = %s and stage = 'landed' and success",
        result.run_id,
        DAY,
    )
    assert ("null_share", "ship_from_site", "warning", {"value": 1.0}) in rows
    mix = next(observed for check, column, _, observed in rows if column == "channel")
    assert sorted(mix["partition"]["values"]) == ["app", "marketplace", "store", "web"]


def test_data_docs_are_written_and_found_from_their_index(fresh_database: Path) -> None:
    # Pages of other tests' nights would be there, too.
    shutil.rmtree(settings().var / "reports" / "data_docs", ignore_errors=True)
    sales(fresh_database, DAY)
    _load()
    page = run_gate("landed", DAY).page
    index = settings().var / "reports" / "data_docs" / "index.html"
    assert f"{DAY}/landed/index.html" in index.read_text()
    older = index.parent / "2025-01-01" / "publish"
    older.mkdir(parents=True)
    (older / "index.html").touch()
    run_gate("landed", DAY)
    told = index.read_text()
    assert f"Last night, {DAY}:" in told and told.index(str(DAY)) < told.index("2025-01-01")
    pages = list((page.parent / "validations").rglob("*.html"))
    assert any("ship_from_site" in p.read_text() for p in pages)
    shutil.rmtree(older.parent)


def test_a_file_cut_off_between_two_rows_is_held_by_its_volume(fresh_database: Path) -> None:
    _nights(fresh_database)
    sales(fresh_database, DAY, 40)
    _load()
    message = _failed()
    assert "volume_low" in message
    assert f"{FEED}_{DAY:%Y%m%d}.csv" in message and "rows=40" in message


def test_a_file_that_breaks_off_at_noon_is_held_whatever_its_volume(fresh_database: Path) -> None:
    _nights(fresh_database)
    morning = [sales_row(DAY, n) for n in range(300) if n % 10 < 4]
    put(
        fresh_database, f"{FEED}_{DAY:%Y%m%d}.csv", "\n".join([SALES, *morning]) + "\n", "latin-1"
    )  # fmt: skip
    _load()
    message = _failed()
    assert "ends_early" in message and "volume_low" not in message
    assert f"last_event={DAY} 10:00, earliest_usual={DAY} 15:15" in message
    assert f"file={FEED}_{DAY:%Y%m%d}.csv" in message
    accept(FEED, DAY, "closed at noon")
    assert "ends_early_accepted" in _checks(run_gate("landed", DAY), "warning")


def test_after_a_history_in_one_file_its_days_are_the_baseline(fresh_database: Path) -> None:
    days = [DAY - dt.timedelta(days=back) for back in range(20, 0, -1)]
    lines = [SALES] + [sales_row(day, n) for day in days for n in range(100)]
    put(fresh_database, f"{FEED}_{days[-1]:%Y%m%d}.csv", "\n".join(lines) + "\n", "latin-1")
    load_feed(FEED, days[-1])
    assert run_gate("landed", days[-1]).failures == []
    sales(fresh_database, DAY, 40)
    _load()
    assert "volume_low" in _failed()


def test_what_was_held_is_held_the_next_night_too(fresh_database: Path) -> None:
    _nights(fresh_database)
    sales(fresh_database, DAY, 40)
    _load()
    _failed()
    tomorrow = DAY + dt.timedelta(days=1)
    sales(fresh_database, tomorrow, 100)
    _load(tomorrow)
    assert f"business_date={DAY}" in _failed(tomorrow)


def test_an_accepted_volume_is_told_and_does_not_block(fresh_database: Path) -> None:
    _nights(fresh_database)
    sales(fresh_database, DAY, 40)
    _load()
    accept(FEED, DAY, "closed in the afternoon")
    accept(FEED, DAY, "said twice")
    result = run_gate("landed", DAY)
    assert "volume_low_accepted" in _checks(result, "warning")
    assert _rows("select reason from ops.acceptances") == [("closed in the afternoon",)]


def test_an_acceptance_needs_a_known_feed_and_a_reason(fresh_database: Path) -> None:
    with pytest.raises(ValueError, match="unknown feed"):
        accept("erp_sales", DAY, "because")
    with pytest.raises(ValueError, match="say why"):
        accept(FEED, DAY, " ")


def test_a_corrected_file_under_the_same_name_lifts_the_hold(fresh_database: Path) -> None:
    _nights(fresh_database)
    sales(fresh_database, DAY, 40)
    _load()
    _failed()
    sales(fresh_database, DAY, 100)
    _load()
    assert run_gate("landed", DAY).failures == []


def test_a_rejected_file_holds_until_its_replacement_comes(fresh_database: Path) -> None:
    name = f"{FEED}_{DAY:%Y%m%d}.csv"
    put(fresh_database, name, "<html><body>502 Bad Gateway</body></html>\n")
    _load()
    message = _failed()
    assert "rejected_files" in message and name in message and "reason=" in message
    sales(fresh_database, DAY)
    _load()
    assert run_gate("landed", DAY).failures == []


def test_a_replacement_may_keep_the_older_time_of_its_source(fresh_database: Path) -> None:
    empty = put(fresh_database, f"{FEED}_{DAY:%Y%m%d}.csv", "")
    _load()
    assert "empty_file" in _failed()
    began = empty.stat().st_mtime
    sales(fresh_database, DAY)
    os.utime(empty, (began - 3600, began - 3600))
    _load()
    assert run_gate("landed", DAY).failures == []


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("erp_gl_entries_{}.txt", {"finance"}),
        ("wms_work_orders_{}.xlsx", {"marts"}),
        (FEED + "_{}.csv", {"marts", "finance"}),
    ],
)
def test_a_rejected_file_holds_the_domains_that_its_feed_leads_to(
    fresh_database: Path, name: str, held: set[str]
) -> None:
    put(fresh_database, name.format(f"{DAY:%Y%m%d}"), "<html><body>502 Bad Gateway</body></html>\n")
    load_feed(name.removesuffix(name[name.index("_{}") :]), DAY)
    with pytest.raises(GateFailed) as failed:
        run_gate("landed", DAY)
    assert set(failed.value.result.held) == held
    assert [c.check for c in failed.value.result.failures] == ["rejected_files"]


def test_many_bad_rows_hold_and_the_first_is_named(fresh_database: Path) -> None:
    lines = [SALES] + [sales_row(DAY, n, quantity="many" if 60 <= n < 90 else "1") for n in range(100)]
    put(fresh_database, f"{FEED}_{DAY:%Y%m%d}.csv", "\n".join(lines) + "\n", "latin-1")
    _load()
    message = _failed()
    assert "quarantine_share" in message and "reason=not_a_number" in message
    assert "column_name=quantity" in message and "line=62" in message


def test_a_few_bad_rows_are_told_and_do_not_block(fresh_database: Path) -> None:
    lines = [SALES] + [sales_row(DAY, n, quantity="many" if n < 3 else "1") for n in range(100)]
    put(fresh_database, f"{FEED}_{DAY:%Y%m%d}.csv", "\n".join(lines) + "\n", "latin-1")
    _load()
    assert "quarantine_share_raised" in _checks(run_gate("landed", DAY), "warning")


def test_a_feed_with_a_rhythm_is_missed_when_it_does_not_come(fresh_database: Path) -> None:
    _nights(fresh_database, 8)
    message = _failed()
    assert "missing_feed" in message and f"feed={FEED}" in message
    # The fourteen others never came.
    assert "feed=crm_refunds" not in message.split("warning")[0]


@pytest.fixture()
def two_channels(fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop and a marketplace export orders of their own, as one feed."""
    layouts = tmp_path / "layouts"
    layouts.mkdir()
    monkeypatch.setenv("COMPANY", str(layouts))
    _channels(layouts, "shop", "market")
    for back in range(8, 0, -1):
        date = DAY - dt.timedelta(days=back)
        _exports(fresh_database, date, "shop", "market")
        load_feed(FEED, date)
    return fresh_database


def _channels(layouts: Path, *channels: str) -> None:
    standard = yaml.safe_load((CONTRACTS / f"{FEED}.yml").read_text())["layouts"]["standard"]
    own = {channel: standard | {"file": f"erp_{channel}_{{date}}.csv"} for channel in channels}
    (layouts / f"{FEED}.yml").write_text(yaml.safe_dump({"layouts": own}))
    contracts._read.cache_clear()


def _exports(landing: Path, date: dt.date, *channels: str) -> None:
    for channel in channels:
        rows = [sales_row(date, n, order_no=f"{channel}-{date}-{n}") for n in range(50)]
        put(landing, f"erp_{channel}_{date:%Y%m%d}.csv", "\n".join([SALES, *rows]) + "\n", "latin-1")


def test_a_channel_with_files_of_its_own_is_missed_though_others_of_its_feed_came(two_channels: Path) -> None:
    _exports(two_channels, DAY, "shop")
    _load()
    message = _failed()
    assert "missing_feed" in message and f"feed={FEED}, layout=market" in message
    assert "layout=shop" not in message
    _exports(two_channels, DAY, "market")
    _load()
    assert run_gate("landed", DAY).failures == []


def test_a_layout_in_whose_place_another_came_is_only_mentioned(two_channels: Path, tmp_path: Path) -> None:
    _channels(tmp_path / "layouts", "shop", "market", "bazaar")
    _exports(two_channels, DAY, "shop", "bazaar")
    _load()
    assert "feed_without_file" in _checks(run_gate("landed", DAY), "warning")


def test_a_feed_without_a_rhythm_is_only_mentioned(fresh_database: Path) -> None:
    _nights(fresh_database, 3)
    _something_else(fresh_database)
    assert "feed_without_file" in _checks(run_gate("landed", DAY), "warning")


def _something_else(landing: Path) -> None:
    requests(landing, DAY)
    load_feed("crm_return_requests", DAY)


def test_a_night_without_any_file_is_held_and_says_when_the_last_came(fresh_database: Path) -> None:
    _nights(fresh_database, 3)
    message = _failed()
    assert "nothing_landed" in message
    assert f"business_date={DAY}, last_file_of={DAY - dt.timedelta(days=1)}" in message


def test_an_empty_landing_zone_is_held(fresh_database: Path) -> None:
    assert "nothing_landed" in _failed()


def test_a_late_file_alone_is_something(fresh_database: Path) -> None:
    sales(fresh_database, DAY - dt.timedelta(days=2))
    _load()
    assert run_gate("landed", DAY).failures == []


def test_a_weekday_without_files_a_week_ago_too_is_quiet(fresh_database: Path) -> None:
    for back in (8, 6, 5, 4, 3, 2, 1):
        date = DAY - dt.timedelta(days=back)
        sales(fresh_database, date)
        load_feed(FEED, date)
    assert "nothing_landed_tolerated" in _checks(run_gate("landed", DAY), "warning")


def test_a_source_that_has_been_silent_for_a_week_is_not_quiet(fresh_database: Path) -> None:
    _nights(fresh_database, 3)
    assert "nothing_landed" in _failed(DAY + dt.timedelta(days=14))


def test_a_date_before_the_last_published_one_needs_no_file(fresh_database: Path) -> None:
    with connect("admin") as connection:
        connection.execute(
            "with b as (insert into ops.builds (business_date, from_seq, to_seq, status, is_full_refresh,"
            " definitions) values (%(date)s, 0, 0, 'built', true, '') returning build_id)"
            " insert into ops.publications (business_date, build_id, code_version, from_seq, to_seq, files,"
            " tables) select %(date)s, b.build_id, '', 0, 0, '[]', '{}' from b",
            {"date": DAY + dt.timedelta(days=1)},
        )
    assert "nothing_landed_tolerated" in _checks(run_gate("landed", DAY), "warning")


def test_an_accepted_date_without_files_passes(fresh_database: Path) -> None:
    accept(FEED, DAY, "closed for stocktaking")
    assert "nothing_landed_tolerated" in _checks(run_gate("landed", DAY), "warning")


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("delete from raw.erp_sales_lines where _line_no = 7", "rows_as_in_ledger"),
        (
            "update raw.erp_sales_lines set net_amount = 0.01 where _line_no = 7",
            "amounts_as_in_ledger",
        ),
    ],
)
def test_raw_that_is_not_what_the_ledger_says_holds(fresh_database: Path, statement: str, check: str) -> None:
    sales(fresh_database, DAY)
    _load()
    with connect("admin") as connection:
        connection.execute(statement)
    message = _failed()
    assert check in message and f"file={FEED}_{DAY:%Y%m%d}.csv" in message


def test_a_column_that_runs_dry_holds_and_names_file_and_line(fresh_database: Path) -> None:
    for back in (2, 1):
        before = DAY - dt.timedelta(days=back)
        sales(fresh_database, before)
        load_feed(FEED, before)
        run_gate("landed", before)
    sales(fresh_database, DAY, ship_from_site="")
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.publications (business_date, code_version, from_seq, to_seq, files,"
            " tables) select %s, '', 0, max(changed_seq), '[]', '{}' from ops.file_ledger",
            [before],
        )
    _load()
    message = _failed()
    assert "column_ran_dry on raw.erp_sales_lines.ship_from_site: 100 rows" in message
    assert f"file={FEED}_{DAY:%Y%m%d}.csv, line=2" in message


def test_a_mix_of_codes_that_drifts_is_told_and_does_not_block(fresh_database: Path) -> None:
    before = DAY - dt.timedelta(days=1)
    sales(fresh_database, before)
    load_feed(FEED, before)
    run_gate("landed", before)
    sales(fresh_database, DAY, rows=900, channel="web")
    _load()
    assert "code_mix" in _checks(run_gate("landed", DAY), "warning")


def test_a_check_that_can_not_be_evaluated_counts_as_failed(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Asset(
        "nowhere",
        "landed.broken",
        "select * from raw.no_such_table",
        [no_rows("broken", "select * from batch", severity=CRITICAL, description="No rows.")],
    )
    monkeypatch.setattr(gates, "suites", lambda stage, night: [broken])
    assert "could not be evaluated" in _failed()


def test_the_command_ends_with_one_when_a_night_is_held(fresh_database: Path) -> None:
    from revlog.commands.gates import app

    put(fresh_database, f"{FEED}_{DAY:%Y%m%d}.csv", "")
    _load()
    run = CliRunner().invoke(app, ["gate", "landed", "--business-date", str(DAY)])
    assert run.exit_code == 1 and "rejected_files" in run.stderr
    accepted = CliRunner().invoke(
        app,
        ["accept", "--feed", FEED, "--business-date", str(DAY), "--reason", "no trade that day"],
    )
    assert accepted.exit_code == 0
    again = CliRunner().invoke(app, ["gate", "landed", "--business-date", str(DAY)])
    assert again.exit_code == 0 and "0 critical failed" in again.stdout


def test_a_rule_of_a_layout_without_effect_holds_until_it_is_accepted(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts = tmp_path / "layouts"
    layouts.mkdir()
    own = yaml.safe_load((CONTRACTS / f"{FEED}.yml").read_text(encoding="utf-8"))["layouts"]
    own["standard"] |= {"extract": {"lot_no": "CHARGE (?P<no>.*)"}}
    (layouts / f"{FEED}.yml").write_text(yaml.safe_dump({"layouts": own}))
    monkeypatch.setenv("COMPANY", str(layouts))
    sales(fresh_database, DAY, 5)
    _load()
    message = _failed()
    assert "rule_without_effect" in message and "extract of lot_no" in message and "rows=5" in message
    assert f"file={FEED}_{DAY:%Y%m%d}.csv" in message
    accept(FEED, DAY, "no charges today")
    assert "rule_without_effect_accepted" in _checks(run_gate("landed", DAY), "warning")
