"""PostgreSQL's own programs for clients, pg_dump and pg_restore. No password is ever an argument."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from revlog.config.redaction import environment_without_secrets
from revlog.database import server

Tell = Callable[[str], object]
SECONDS_BETWEEN_LINES = 5.0
# Errors of a server come with the statement and its data in other lines, which nobody has to read.
ERROR = re.compile(r"^\w+: (?:error|detail|hint): (.*)|^(?:ERROR|HINT): +(.*)")
MOST_ERRORS, LONGEST_ERROR = 5, 500


class ProgramFailed(RuntimeError):
    """A program ended with an error; the message is its own."""


class Progress:
    """Tells from time to time how many of a known number of steps are done."""

    def __init__(self, steps: int, of_what: str, tell: Tell) -> None:
        self.steps, self.of_what, self.tell = steps, of_what, tell
        self.done = 0
        self._told_at = time.monotonic()

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        if time.monotonic() - self._told_at >= SECONDS_BETWEEN_LINES:
            self._told_at = time.monotonic()
            self.tell(f"  {self.done:,} of {self.steps:,} {self.of_what}")


def major(name: str) -> int:
    """Major version of PostgreSQL that the program is of."""
    done = subprocess.run([server.program(name), "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\d+", done.stdout)
    assert found is not None, done.stdout
    return int(found[0])


def output(name: str, *arguments: str) -> str:
    """What the program prints that needs no server. Raises ProgramFailed."""
    done = subprocess.run([server.program(name), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgramFailed(_told(name, done.stderr.splitlines()))
    return done.stdout


def run(name: str, address: str, *arguments: str, on_line: Tell = lambda line: None) -> None:
    """Run the program against the database of the URI `address`; `on_line` gets each line that it tells.

    What it writes only its owner reads. Raises ProgramFailed.
    """
    with (
        _service(address) as (service, variables),
        subprocess.Popen(
            [server.program(name), f"--dbname=service={service}", *arguments],
            env=environment_without_secrets() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            umask=0o077,
        ) as process,
    ):
        assert process.stderr is not None
        errors = []
        try:
            for line in process.stderr:
                on_line(line)
                if ERROR.match(line):
                    errors.append(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise ProgramFailed(_told(name, errors))


def _told(name: str, lines: list[str]) -> str:
    found = [next(filter(None, match.groups())) for line in lines if (match := ERROR.match(line))]
    return f"{name}: " + "; ".join(text.strip()[:LONGEST_ERROR] for text in found[:MOST_ERRORS])


@contextmanager
def _service(address: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A service of libpq with everything that `address` says, for as long as the program runs."""
    with tempfile.TemporaryDirectory(prefix="reverse-logistics-") as folder:
        file = Path(folder) / "pg_service.conf"
        write_service(file, "warehouse", address)
        yield "warehouse", {"PGSERVICEFILE": str(file)}


def write_service(path: Path, service: str, address: str) -> None:
    """Write a new service file of libpq (0600) with everything that the URI `address` says.

    Raises ValueError for a value that such a file can't hold.
    """
    lines = [f"{name}={_line(name, str(value))}" for name, value in conninfo_to_dict(address).items()]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join([f"[{service}]", *lines, ""]))


def _line(name: str, value: str) -> str:
    """libpq takes a value to the end of its line, but for white space there."""
    if value != value.rstrip() or not value.isprintable():
        raise ValueError(f"the {name} ends with a space or holds a line break, which a service file can't")
    return value
