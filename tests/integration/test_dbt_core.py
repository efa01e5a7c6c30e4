"""Core after nights with late, corrected, repeated and moved rows, against one build of the same files."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import pytest

from ingestion.contract import feeds
from ingestion.load import load_feed
from simulator.company import Company
from simulator.run import simulate
from warehouse import build
from warehouse.connections import connect

HISTORY_END = dt.date(2026, 1, 31)
NIGHTS = [HISTORY_END + dt.timedelta(days=n) for n in range(3)]
Prints = dict[str, tuple[int, str]]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landing zone of a small company: a history and two nights."""
    folder = tmp_path_factory.mktemp("company")
    simulate(
        Company(
            out=folder / "landing", truth=folder / "truth", order_lines=2000, seed=3,
            start=dt.date(2025, 6, 1), history_end=HISTORY_END, nights=2, dirt=1.0,
            night_order_lines=60, only_nights=None,
        )
    )  # fmt: skip
    return folder / "landing"


@pytest.fixture(scope="module")
def nightly(company: Path, database: Path) -> Prints:
    """Core after three nights whose files came late, twice, corrected and out of order."""
    _hand_over(company, database, NIGHTS[0])
    _night(NIGHTS[0])

    _hand_over(company, database, NIGHTS[1])
    late = [
        file
        for feed in ("wms_return_receipts", "wms_inspections", "crm_refunds", "erp_fx_rates")
        for file in _files(database, feed, NIGHTS[1])
    ]
    assert len(late) > 1
    held_back = [_move(file, company) for file in late]
    _night(NIGHTS[1])

    for file in held_back:
        _move(file, database)
    _hand_over(company, database, NIGHTS[2])
    _drop_last_row(_file(database, "erp_sales_lines", NIGHTS[1]))
    _repeat(_file(database, "wms_dispositions", NIGHTS[1]), f"{NIGHTS[2]:%Y%m%d}_again")
    _late_snapshot(_file(database, "erp_items", NIGHTS[0]))
    _move_returns_to_other_orders(_file(database, "erp_return_authorizations", NIGHTS[2]))
    _night(NIGHTS[2])
    return _fingerprints()


def test_nights_in_any_order_equal_one_full_build(
    nightly: Prints, database: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDING_URL", str(database))
    _night(NIGHTS[-1])
    rebuilt = _fingerprints()
    assert {t: (nightly[t], rebuilt[t]) for t in nightly if nightly[t] != rebuilt.get(t)} == {}
    assert nightly.keys() == rebuilt.keys()


def test_core_is_not_empty(nightly: Prints) -> None:
    assert all(rows > 0 for rows, _ in nightly.values())


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
    build.begin(date)
    build.run_layer("staging")
    build.run_layer("core")
    build.finish()


def _fingerprints() -> Prints:
    """Rows and content hash of every fact and dimension."""
    found = {}
    with connect("auditor") as connection:
        tables = connection.execute(
            "select table_name, string_agg(column_name, ', ' order by column_name)"
            " from information_schema.columns where table_schema = 'core'"
            " and table_name ~ '^(dim|fct)_' group by table_name"
        ).fetchall()
        for table, columns in tables:
            row = connection.execute(
                "select count(*), md5(string_agg(content, '|' order by content))"
                f" from (select md5(row({columns})::text) as content from core.{table}) as rows"
            ).fetchone()
            assert row is not None
            found[table] = (row[0], row[1] or "")
    return found


def _hand_over(company: Path, landing: Path, date: dt.date) -> None:
    """Move the files up to `date` that have not been handed over yet."""
    for file in sorted(company.rglob("*")):
        stamp = next((p for p in file.name.replace(".", "_").split("_") if len(p) == 8 and p.isdigit()), "")
        if file.is_file() and stamp and stamp <= f"{date:%Y%m%d}":
            target = landing / file.relative_to(company)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)


def _files(landing: Path, feed: str, date: dt.date) -> list[Path]:
    source = landing / feed.split("_")[0]
    return [f for f in sorted(source.glob(f"{feed}_{date:%Y%m%d}.*")) if f.suffix != ".done"]


def _file(landing: Path, feed: str, date: dt.date) -> Path:
    return _files(landing, feed, date)[0]


def _move(file: Path, folder: Path) -> Path:
    target = folder / file.parent.name / file.name
    shutil.move(file, target)
    return target


def _drop_last_row(file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    _touch(file)


def _repeat(file: Path, suffix: str) -> None:
    feed = file.stem.rsplit("_", 1)[0]
    copy = file.with_name(f"{feed}_{suffix}{file.suffix}")
    shutil.copy(file, copy)
    copy.with_name(copy.name + ".done").touch()


def _late_snapshot(items: Path) -> None:
    """An item file of two weeks before that comes now, with other categories."""
    late = items.with_name("erp_items_20260117.csv")
    text = items.read_text(encoding="utf-8")
    late.write_text(text.replace(",apparel,", ",home,", 20), encoding="utf-8")
    late.with_name(late.name + ".done").touch()


def _move_returns_to_other_orders(file: Path) -> None:
    """Give the RMA lines of a file each other's orders, as a correction in the ERP would."""
    header, *rows = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines()]
    order, line = header.index("order_no"), header.index("order_line_no")
    orders = [(row[order], row[line]) for row in rows]
    for row, (order_no, line_no) in zip(rows, orders[1:] + orders[:1], strict=True):
        row[order], row[line] = order_no, line_no
    file.write_text("\n".join(",".join(r) for r in [header, *rows]) + "\n", encoding="utf-8")
    _touch(file)


def _touch(file: Path) -> None:
    later = file.stat().st_mtime + 60
    os.utime(file, (later, later))
