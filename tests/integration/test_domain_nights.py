"""Whole nights: a settlement batch that is off by 25.00 holds back finance alone, until it is mended."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from revlog.builds import domains, judged
from revlog.config.settings import ROOT, process_environment, settings
from revlog.database.connections import connect
from revlog.night import stages
from revlog.night.errors import NightFailed
from revlog.publication.publish import publish
from revlog.transform import build, project
from tests.batches import put_off
from tests.nights import begin, build_night, passes

pytestmark = pytest.mark.timeout(1500)
HISTORY = dt.date(2026, 1, 31)
HELD, NEXT = HISTORY + dt.timedelta(days=1), HISTORY + dt.timedelta(days=2)
# The tests build on each other, as nights do: the file that the first one spoils, and what it was.
spoilt: dict[str, tuple[Path, bytes]] = {}


@pytest.fixture(scope="module")
def company(database: Path) -> Path:
    """A small company: a history and two nights, the first of which has a batch that is off."""
    subprocess.run(
        [
            sys.executable, "-m", "simulator", "--dense", "--order-lines", "800", "--seed", "11",
            "--out", str(database), "--truth", str(settings().var / "truth_domains"),
            "--start", "2025-09-01", "--history-end", HISTORY.isoformat(), "--nights", "2", "--dirt", "0",
        ],
        cwd=ROOT, env=process_environment(), check=True, capture_output=True,
    )  # fmt: skip
    return database


def _rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connect("auditor") as connection:
        return connection.execute(query, values).fetchall()


def _standing() -> dict[str, dt.date]:
    return dict(_rows("select domain, business_date from ops.standing"))


def _everything(schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every published table; histories and views over the books say when, not what."""
    tables = _rows(
        "select c.relname from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relkind = 'r' and c.relname not like '%%\\_\\_history'"
        " and c.relname <> 'histories' order by 1",
        schema,
    )
    return {name: sorted(_rows(f"select t::text from {schema}.{name} as t")) for (name,) in tables}


def test_finance_waits_while_operations_go_on(company: Path) -> None:
    stages.whole_night(HISTORY.isoformat(), print)
    assert _standing() == {"marts": HISTORY, "finance": HISTORY}
    finance = _everything("finance")

    spoilt["settlements"] = put_off(company, HELD)
    ended = subprocess.run(
        [sys.executable, "-m", "revlog", "night", HELD.isoformat()],
        cwd=ROOT, env=process_environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 1
    assert f"The night of {HELD} is published without finance (stays at {HISTORY})" in ended.stderr
    assert "batches_net_to_their_payout" in ended.stderr and "What to do: docs/runbook.md" in ended.stderr
    assert _standing() == {"marts": HELD, "finance": HISTORY}
    assert _rows("select business_date from marts.publication") == [(HELD,)]
    assert _rows("select business_date from finance.finance_publication") == [(HISTORY,)]
    assert _everything("finance") == finance
    held = "select holds, success from ops.validation_results where check_name = %s order by result_id desc"
    assert _rows(held, "batches_net_to_their_payout")[0] == (["finance"], False)
    newest = "select domains, business_date, finance_business_date from marts.publications"
    assert _rows(f"{newest} order by publication_id desc limit 1") == [(["marts"], HELD, HISTORY)]
    assert _kpis(HELD) == _kpis() != []
    page = (settings().var / "reports" / "scorecard.html").read_text()
    assert f"finance stays at {HISTORY} (batches_net_to_their_payout)" in page


def test_what_nobody_mends_is_told_again_though_the_next_night_does_not_touch_it(company: Path) -> None:
    with pytest.raises(NightFailed, match="batches_net_to_their_payout"):
        stages.whole_night(NEXT.isoformat(), print)
    assert _standing() == {"marts": NEXT, "finance": HISTORY}


def test_a_mended_file_heals_both_as_a_full_build_would(company: Path) -> None:
    file, good = spoilt["settlements"]
    file.write_bytes(good)
    stages.whole_night(NEXT.isoformat(), print)
    assert _standing() == {"marts": NEXT, "finance": NEXT}
    healed = {schema: _everything(schema) for schema in ("marts", "finance")}
    stages.whole_night(NEXT.isoformat(), print, full_refresh=True)
    assert {schema: _everything(schema) for schema in ("marts", "finance")} == healed


def test_kpis_of_a_night_whose_marts_were_held_are_those_of_the_night_before(company: Path) -> None:
    """Finance alone comes with it, and a night later both."""
    held, after = NEXT + dt.timedelta(days=1), NEXT + dt.timedelta(days=2)
    before = _kpis()
    night = build_night(held)
    with connect("admin") as connection:
        connection.execute(
            "update ops.build_steps set held = %s where build_id = %s and step = 'gate publish'",
            ['{"marts": "by hand"}', night],
        )
        connection.execute("update ops.builds set held = '{marts}' where build_id = %s", [night])
    assert publish(night).domains == ("finance",)
    assert _standing() == {"marts": NEXT, "finance": held}
    assert (_kpis(held), _kpis()) == (before, before)
    assert publish(build_night(after)).domains == ("marts", "finance")
    assert _kpis(held) == before
    assert _kpis(after) == _kpis() != before


BREAKS = """
create function public.breaks() returns event_trigger language plpgsql as $$ begin
    if exists (
        select from pg_event_trigger_ddl_commands() where object_identity like 'build.refund_leg_days%'
    ) then raise exception 'no legs tonight'; end if;
end $$;
create event trigger breaks on ddl_command_end execute function public.breaks();
"""
MENDS = "drop event trigger breaks; drop function public.breaks();"


def test_kpis_do_not_wait_for_a_reconciliation_that_breaks(company: Path) -> None:
    """What reads it, over-refunds, stays where finance stays; the next whole night heals both."""
    broken, whole = NEXT + dt.timedelta(days=3), NEXT + dt.timedelta(days=4)
    finance, over = _everything("finance"), "select * from marts.kpi_cells where kpi = 'over_refund_amount'"
    over_refunds = sorted(_rows(over))
    night = begin(broken)
    with connect("admin") as connection:
        connection.execute(BREAKS)
    try:
        told = [build.run_layer(night, layer) for layer in build.LAYERS]
    finally:
        with connect("admin") as connection:
            connection.execute(MENDS)
    assert "finance is held back, stays as published" in told[-1] and "no legs tonight" in told[-1]
    for gate in ("core", "publish"):
        passes(night, gate)
    judged.finish(night)
    assert publish(night).domains == ("marts",)
    assert _standing() == {"marts": broken, "finance": broken - dt.timedelta(days=1)}
    newest = "select max(period_date) from marts.kpi_daily where basis = 'SNAPSHOT'"
    assert _rows(newest) == [(broken,)], "the backlog is that of the night"
    assert sorted(_rows(over)) == over_refunds != []
    assert _everything("finance") == finance
    assert publish(build_night(whole)).domains == ("marts", "finance")
    healed = {schema: _everything(schema) for schema in ("marts", "finance")}
    publish(build_night(whole, full_refresh=True))
    assert {schema: _everything(schema) for schema in ("marts", "finance")} == healed


def test_without_a_feed_that_only_one_domain_reads_the_other_goes_on(company: Path) -> None:
    """What the landed checks miss leads to finance alone: the ledger's files; or to marts alone: cases."""
    with connect("auditor") as connection:
        kinds = {
            feed: connection.execute(
                "select holds from ops.validation_results where stage = 'landed' and suite = %s limit 1",
                [f"landed.{feed}"],
            ).fetchone()
            for feed in ("erp_gl_entries", "crm_cases", "erp_sales_lines")
        }
    assert kinds == {
        "erp_gl_entries": (["finance"],), "crm_cases": (["marts"],),
        "erp_sales_lines": (["marts", "finance"],),
    }  # fmt: skip


def test_feeds_lead_where_the_domains_say(company: Path) -> None:
    """By dbt's own lineage, without what only chooses the units that a night computes anew."""
    manifest = json.loads((project.target() / "manifest.json").read_text())
    nodes, children = manifest["nodes"], manifest["child_map"]

    def leads_to(name: str) -> set[str]:
        found: set[str] = set()
        seen, waiting = {name}, [name]
        while waiting:
            for child in children[waiting.pop()]:
                if child in seen or not child.startswith("model.") or "touched" in child:
                    continue
                seen.add(child)
                waiting.append(child)
                found |= {str(meta) for meta in [nodes[child]["config"]["meta"].get("publish_to")] if meta}
        return found

    wrong = {}
    for name, node in nodes.items():
        if not node["name"].startswith("stg_"):
            continue
        feed = node["name"].removeprefix("stg_").replace("__", "_")
        held, found = domains.of_feeds([feed]), leads_to(name)
        # Of journals, KPIs only read whose refunds they join; amounts of theirs stand in no mart.
        if feed != "erp_gl_entries" and not found <= set(held):
            wrong[feed] = (held, found)
    assert wrong == {}


def _kpis(as_of: dt.date | None = None) -> list[tuple[Any, ...]]:
    """Cells of kpi_daily now, or of a past night; without their completeness, which is not kept there."""
    source = f"marts.kpi_daily_as_of('{as_of}')" if as_of else "marts.kpi_daily"
    names = "kpi, basis, period_date, channel, product_category, site, currency, numerator, denominator"
    return sorted(_rows(f"select ({names}, is_mature, business_date)::text from {source}"))
