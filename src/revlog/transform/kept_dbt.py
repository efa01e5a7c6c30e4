"""One dbt for a night: imported and parsed once, while the night loads, for all layers that need it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

MODULE = [sys.executable, "-m", "revlog.transform.dbt_command"]
LOOK_EVERY_SECONDS = 5.0
LONGEST_PARSE_SECONDS = 120
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """A task that is killed takes dbt with it; else dbt would go on beside the task's second try."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class KeptDbt:
    """A process that runs commands of dbt one after the other; it starts with the first, or when told to."""

    def __init__(self, start: Callable[[], subprocess.Popen[str]], said: Path, parse: list[str]) -> None:
        self._start, self._said, self._parse = start, said, parse
        self._process: subprocess.Popen[str] | None = None
        self._is_parsed = False

    def begin(self) -> None:
        """Start the process, if it has not been, and let it parse."""
        if self._process is None:
            self._process = self._start()
            # One that has ended already is told of by the first command.
            with contextlib.suppress(BrokenPipeError):
                self._order(self._parse)

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process is not None and self._process.poll() is not None

    def run(
        self, arguments: list[str], look: Callable[[], object]
    ) -> subprocess.CompletedProcess[str] | None:
        """Run a command and return what it said; None where the project could not be parsed, or dbt is gone.

        `look` is called now and then; what it raises ends the process, and the command with it.
        """
        self.begin()
        assert self._process
        try:
            # The answer to the command that parses comes before all others.
            if not self._is_parsed and self._answer(look) is None:
                return None
            self._is_parsed = True
            self._order(arguments)
            code = self._answer(look)
        except BrokenPipeError:
            return None
        except BaseException:
            self._process.kill()
            raise
        said = (self._said.with_suffix(suffix) for suffix in (".out", ".err"))
        texts = [file.read_text(encoding="utf-8", errors="replace") for file in said]
        return subprocess.CompletedProcess(arguments, self._process.wait() if code is None else code, *texts)

    def close(self) -> None:
        """Let the process end; what it may be parsing still is written whole."""
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(LONGEST_PARSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _order(self, arguments: list[str]) -> None:
        assert self._process and self._process.stdin
        command = {
            "arguments": arguments,
            "stdout": str(self._said.with_suffix(".out")), "stderr": str(self._said.with_suffix(".err")),
        }  # fmt: skip
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _answer(self, look: Callable[[], object]) -> int | None:
        assert self._process and self._process.stdout
        while not select.select([self._process.stdout], [], [], LOOK_EVERY_SECONDS)[0]:
            look()
        answer = self._process.stdout.readline()
        return int(answer) if answer else None


_kept: list[KeptDbt] = []


def current() -> KeptDbt | None:
    """The dbt that this process keeps, if any."""
    return _kept[-1] if _kept else None


@contextlib.contextmanager
def keeping(kept: KeptDbt) -> Iterator[None]:
    """Let every layer that is built inside run in one dbt."""
    _kept.append(kept)
    try:
        yield
    finally:
        _kept.remove(kept)
        kept.close()
