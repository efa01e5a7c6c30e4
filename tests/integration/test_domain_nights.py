"""Whole nights: a settlement batch that is off by 25.00 holds back finance alone, until it is mended."""

from __future__ import annotations

import csv
import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nightly import stages
from nightly.errors import NightFailed
from warehouse.connections import connect
from warehouse.settings import ROOT, process_environment, settings

pytestmark = pytest.mark.timeout(1500)
HISTORY = dt.date(2026, 1, 31)
HELD, NEXT = HISTORY + dt.timedelta(days=1), HISTORY + dt.timedelta(days=2)
OFF_BY = Decimal("25.00")
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


def _put_off(landing: Path) -> tuple[Path, bytes]:
    """Take OFF_BY from the net of a refund in a batch that is paid out; returns the file and what it was."""
    (file,) = landing.rglob(f"erp_payment_settlements_{HELD:%Y%m%d}*.csv")
    good = file.read_bytes()
    lines = good.decode("utf-8-sig").splitlines()
    dialect = csv.Sniffer().sniff(lines[0], delimiters=",;\t|")
    names, *rows = csv.reader(lines, dialect)
    kind, batch, net = (names.index(name) for name in ("type", "batch_no", "net_amount"))
    paid = {row[batch] for row in rows if row[kind] == "payout"}
    off = next(row for row in rows if row[kind] == "refund" and row[batch] in paid)
    off[net] = str(Decimal(off[net]) - OFF_BY)
    # TRAILER, rows, total: of a processor that adds up what it says, else the loader refuses the file.
    rows[-1][2] = str(Decimal(rows[-1][2]) - OFF_BY)
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, dialect).writerows([names, *rows])
    return file, good


def test_finance_waits_while_operations_go_on(company: Path) -> None:
    stages.whole_night(HISTORY.isoformat(), print)
    assert _standing() == {"marts": HISTORY, "finance": HISTORY}
    finance = _everything("finance")

    spoilt["settlements"] = _put_off(company)
    ended = subprocess.run(
        [sys.executable, "-m", "nightly", HELD.isoformat()],
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
