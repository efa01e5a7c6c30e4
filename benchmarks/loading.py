"""Landing to raw beside a bare COPY of the same bytes and beside dlt with arrow; and with a SELECT."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks import sales_file
from benchmarks.report import Row
from benchmarks.workplace import fresh
from revlog.config.settings import process_environment
from revlog.contracts.contract import CONTRACTS
from revlog.database.connections import connect, dsn
from revlog.ingestion.load import load_feed

DATE = dt.date(2026, 1, 31)
FEED = "erp_sales_lines"
# The best of three: what else the machine did is not ours to measure.
REPEATS = 3
# Two amounts computed from others, which the file has as well.
SELECT = """
select * replace (
  number(quantity) * number(unit_price) - number(discount_amount) as net_amount,
  number(tax_amount) + 0 as tax_amount
) from file
"""


def measure(place: Path, rows: int) -> list[Row]:
    """Seconds of each way into the database; every one reads the same file."""
    landing = place / "loading"
    file = sales_file.write(landing, DATE, rows)
    fresh("bench_loading", landing)
    copy = min(_copy(file) for _ in range(REPEATS))
    ours = min(_ours() for _ in range(REPEATS))
    size = f"{rows:,} rows, {file.stat().st_size / 1e6:.0f} MB"
    found = [Row(f"landing to raw, {size}", f"{ours:.2f} s", f"COPY {copy:.2f} s", ours / copy, "<= 1.8")]
    with _selecting(place):
        selected = min(_ours() for _ in range(REPEATS))
    what = "the same with a SELECT that computes two amounts"
    found.append(Row(what, f"{selected:.2f} s", f"without {ours:.2f} s", selected / ours, "<= 2"))
    dlt = _dlt(file, place)
    if dlt is not None:
        found.append(
            Row("dlt with arrow beside ours", f"{ours:.2f} s", f"dlt {dlt:.2f} s", dlt / ours, ">= 8")
        )
    shutil.rmtree(landing)
    return found


@contextlib.contextmanager
def _selecting(place: Path) -> Iterator[None]:
    """Let the feed's own layout have a SELECT."""
    folder = place / "selecting"
    folder.mkdir()
    layouts = yaml.safe_load((CONTRACTS / f"{FEED}.yml").read_text(encoding="utf-8"))["layouts"]
    selecting = {name: layout | {"select": SELECT} for name, layout in layouts.items()}
    (folder / f"{FEED}.yml").write_text(yaml.safe_dump({"layouts": selecting}), encoding="utf-8")
    os.environ["COMPANY"] = str(folder)
    try:
        yield
    finally:
        os.environ["COMPANY"] = ""


def _copy(file: Path) -> float:
    """A bare COPY of the bytes into text columns, committed."""
    names = sales_file.HEADER.split(";")
    with connect("admin") as connection:
        connection.execute("drop table if exists bare")
        connection.execute(f"create table bare ({', '.join(f'{n} text' for n in names)})")
        connection.commit()
        started = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "copy bare from stdin (format csv, header, delimiter ';', encoding 'latin1')"
            ) as target,
            file.open("rb") as source,
        ):
            while block := source.read(1 << 20):
                target.write(block)
        connection.commit()
    return time.perf_counter() - started


def _ours() -> float:
    with connect("admin") as connection:
        connection.execute(f"truncate raw.{FEED}, ops.file_ledger, ops.quarantine cascade")
    started = time.perf_counter()
    result = load_feed(FEED, DATE)
    seconds = time.perf_counter() - started
    assert result.files and result.files[0].status == "loaded", result
    return seconds


def _dlt(file: Path, place: Path) -> float | None:
    """dlt in a process of its own (it sets up logging and signals); None where it isn't there."""
    script = Path(__file__).with_name("dlt_rival.py")
    environment = os.environ | {
        "DESTINATION__POSTGRES__CREDENTIALS": dsn("admin"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DLT_DATA_DIR": str(place / "dlt"),
    }
    done = subprocess.run(
        [sys.executable, str(script), str(file), str(place / "dlt" / "pipelines")],
        env=process_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"dlt left out: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return float(done.stdout.strip().splitlines()[-1])
