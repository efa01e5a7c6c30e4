"""A loader killed in mid-load leaves nothing half done; memory does not grow with the file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from revlog.config.settings import process_environment
from revlog.database.connections import connect
from tests.integration.ingestion_landing import FEED, HEADER, load, query, sale, sales, statuses

ROWS = 90_000  # more than one block of 4 MiB
# Runs a load with a stop at one point, at which it tells and waits to be killed.
STOPPED = """
import datetime as dt, sys, time
from revlog.ingestion import ledger, load
def stop(*arguments, **named):
    print("here", flush=True)
    time.sleep(600)
point = sys.argv[1]
if point == "before":
    load._Load.run = stop
elif point == "between":
    sent, send = [], load._Load._send
    def once(*arguments):
        if sent: stop()
        sent.append(1)
        send(*arguments)
    load._Load._send = once
elif point == "ledger":
    ledger.Ledger.close = stop
load.load_feed("erp_recovery_sales", dt.date(2026, 2, 1))
"""
MEASURED = """
import datetime as dt, resource
from revlog.ingestion.load import load_feed
[file] = load_feed("erp_recovery_sales", dt.date(2026, 2, 1)).files
assert file.status == "loaded" and file.counts.loaded > 1, file
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _many(count: int) -> list[str]:
    return [sale(f"K{n}") for n in range(count)]


@pytest.mark.parametrize("point", ["before", "between", "ledger"])
def test_a_killed_load_leaves_nothing_and_the_next_one_ends_as_if_undisturbed(
    fresh_database: Path, point: str
) -> None:
    sales(fresh_database, "20260131", *_many(ROWS))
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, point], env=process_environment(), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert query(f"select count(*) from raw.{FEED}") == [(0,)]
    assert all("loaded" not in seen for seen in statuses().values())
    assert [f.status for f in load().files] == ["loaded"]
    assert query(f"select count(*), count(distinct recovery_id) from raw.{FEED}") == [(ROWS, ROWS)]
    assert query("select status, rows_loaded from ops.file_ledger") == [("loaded", ROWS)]


def test_a_load_killed_at_any_moment_ends_well(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", *_many(ROWS))
    code = "import datetime as dt; from revlog.ingestion.load import load_feed;"
    code += "print('here', flush=True); load_feed('erp_recovery_sales', dt.date(2026, 2, 1))"
    for wait in (0.2, 0.5, 0.9):
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=process_environment(), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    load()
    assert query(f"select count(*), count(distinct recovery_id) from raw.{FEED}") == [(ROWS, ROWS)]


def test_statements_of_a_dead_client_end(fresh_database: Path) -> None:
    sales(fresh_database, "20260131", sale("A"))
    load()
    with connect("admin") as connection:
        [(left,)] = connection.execute(
            "select count(*) from pg_stat_activity where usename = 'loader' and datname = current_database()"
        ).fetchall()
    assert left == 0


def test_a_file_ten_times_as_large_takes_no_more_than_half_as_much_memory_again(
    fresh_database: Path,
) -> None:
    # Both files span several blocks of 4 MiB, so that the pipeline is full in both.
    small, large = (_peak_kilobytes(fresh_database, count) for count in (120_000, 1_200_000))
    assert large <= 1.5 * small, f"{small} and {large} kB"


def _peak_kilobytes(landing: Path, rows: int) -> int:
    path = landing / "erp" / f"{FEED}_20260131.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        file.write(HEADER)
        for start in range(0, rows, 10_000):
            file.writelines(sale(f"{rows}-{n}") for n in range(start, start + 10_000))
    os.utime(path)
    path.with_name(f"{path.name}.done").touch()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], env=process_environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])
