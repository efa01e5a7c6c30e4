"""One dbt for all builds that a test session makes in its own process.

Started and parsed for each layer anew, dbt takes a third of a small build's time.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
from collections.abc import Callable, Iterator

from revlog.config.settings import settings
from revlog.database.connections import dbt_environment
from revlog.transform import dbt_process, kept_dbt, project


class SharedDbt:
    """Stands where a night keeps its dbt; what was parsed is parsed anew where anything of it differs."""

    def __init__(self) -> None:
        self._kept: kept_dbt.KeptDbt | None = None
        self._parsed = ""

    def run(
        self, arguments: list[str], look: Callable[[], object]
    ) -> subprocess.CompletedProcess[str] | None:
        """Run a command that builds; all others are dbt's own, in a process of their own."""
        if arguments[0] != "build":
            self.close()
            return None
        if (now := _what_is_parsed()) != self._parsed or self._kept is None:
            self.close()
            self._kept, self._parsed = dbt_process.kept(), now
        try:
            done = self._kept.run(arguments, look)
        except BaseException:
            self.close()
            raise
        if done is None or self._kept.has_ended:
            self.close()
        return done

    def close(self) -> None:
        """End the process, if there is one."""
        if self._kept is not None:
            self._kept.close()
        self._kept = None


@contextlib.contextmanager
def sharing() -> Iterator[None]:
    """Let all builds inside run in one dbt."""
    shared = SharedDbt()
    kept_dbt._kept.append(shared)  # type: ignore[arg-type]
    try:
        yield
    finally:
        kept_dbt._kept.remove(shared)  # type: ignore[arg-type]
        shared.close()


@contextlib.contextmanager
def none_shared() -> Iterator[None]:
    """Let each build inside do as it does outside of tests."""
    before, kept_dbt._kept[:] = list(kept_dbt._kept), []
    try:
        yield
    finally:
        kept_dbt._kept[:] = before


def _what_is_parsed() -> str:
    """Everything that dbt's parsed project goes by: files, variables, where it connects."""
    digest = hashlib.sha256(project.definitions().encode())
    for file in sorted(project.PROJECT.rglob("*.yml")):
        digest.update(f"{file}\n".encode() + file.read_bytes())
    asked = sorted(
        (name, value)
        for name, value in dbt_environment("transformer").items()
        if name.startswith(("DBT_", "PG", "RUN_BY")) or name == "PATH"
    )
    digest.update(repr((settings().var, asked)).encode())
    return digest.hexdigest()
