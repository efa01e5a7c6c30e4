"""What a command costs, with all that it starts: CPU, also of the server, and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from revlog.config.settings import ROOT, process_environment
from revlog.database.connections import connect

# A small process in between: a child of a large one begins with that one's peak (getrusage).
MEASURE = """
import json, os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w") as file:
    in_bytes = 1 if sys.platform == "darwin" else 1024
    json.dump([used.ru_utime + used.ru_stime, used.ru_maxrss * in_bytes], file)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU, of a command and of the server while it ran, its seconds, and its peak in bytes."""

    cpu: float
    server: float
    seconds: float
    peak: int

    @property
    def both(self) -> float:
        """CPU of command and server."""
        return self.cpu + self.server


def run(arguments: Sequence[str], **environment: str) -> Cost:
    """Run Python with these arguments and say what it cost. Raises RuntimeError where the command fails."""
    with tempfile.NamedTemporaryFile("r") as file:
        server, started = server_cpu(), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-S", "-c", MEASURE, file.name, sys.executable, *arguments],
            env=process_environment() | environment, cwd=ROOT,
            capture_output=True, text=True,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        cpu, peak = json.load(file)
    return Cost(cpu, server_cpu() - server, seconds, peak)


def server_cpu() -> float:
    """Seconds of CPU of the embedded server, with sessions that have ended."""
    postmaster = psutil.Process(int((_data() / "postmaster.pid").read_text().split()[0]))
    ended = postmaster.cpu_times()
    now = [ended.user, ended.system, ended.children_user, ended.children_system]
    for session in postmaster.children():
        try:
            used = session.cpu_times()
        except psutil.NoSuchProcess:
            continue
        now += [used.user, used.system]
    return sum(now)


def bytes_on_disk() -> int:
    """Size of the server's folder, write-ahead log and all."""
    files = (Path(folder) / name for folder, _, names in os.walk(_data()) for name in names)
    return sum(file.stat().st_size for file in files if file.exists())


def _data() -> Path:
    with connect("admin") as connection:
        row = connection.execute("show data_directory").fetchone()
    assert row is not None
    return Path(row[0])
