"""Run dbt, as the role transformer: in the process that a night keeps for it, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

from revlog.companies import seeds
from revlog.config.settings import IMPORTS, settings
from revlog.database import locks
from revlog.database.connections import dbt_environment
from revlog.outputs import files
from revlog.transform import kept_dbt, project

# Longer than the longest statement that is let run; what takes longer hangs outside the database.
LONGEST_RUN_SECONDS = 12 * 3600
# How often a layer asks whether it still holds the night.
LOOK_EVERY_SECONDS = 5.0


def kept() -> kept_dbt.KeptDbt:
    """A dbt for a night, which has not started yet."""
    parse = ["parse", "--quiet", "--vars", project.variables()]
    return kept_dbt.KeptDbt(
        lambda: start(["serve"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL),
        settings().var / "dbt" / "said", parse,
    )  # fmt: skip


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run dbt, in the process that a night keeps for it where there is one."""
    command = [*arguments, "--vars", project.variables()]
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    if (night := kept_dbt.current()) and (done := night.run(command, lambda: look(command, deadline))):
        return done
    with start(command, stderr=subprocess.PIPE) as process:
        try:
            said = _said_in_time(process, deadline)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, *said)


def start(arguments: list[str], stderr: int, stdin: int | None = None) -> subprocess.Popen[str]:
    """Start dbt as the role transformer; the password goes by environment, never by argument."""
    # Its logs and results quote what the database says.
    files.own_folder(settings().var / "dbt")
    environment = {
        **dbt_environment("transformer"),
        "PYTHONPATH": IMPORTS,
        "DBT_PROFILES_DIR": str(project.PROJECT),
        "DBT_PROJECT_DIR": str(project.PROJECT),
        "DBT_TARGET_PATH": str(project.target()),
        "DBT_LOG_PATH": str(settings().var / "dbt" / "logs"),
        "DBT_SEEDS": str(seeds.write_seeds(project.seeds_folder())),
        # What ran and what failed; each statement stands below `target`.
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
        "DBT_USE_COLORS": "false",
        "RUN_BY_A_NIGHT": "yes",
    }
    return subprocess.Popen(
        [*kept_dbt.MODULE, *arguments],
        env=environment,
        cwd=project.PROJECT,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=kept_dbt.die_with_parent,
    )


def _said_in_time(process: subprocess.Popen[str], deadline: float) -> tuple[str, str]:
    """What the process said until its end, for which it is waited as long as the night is still held."""
    while True:
        try:
            return process.communicate(timeout=LOOK_EVERY_SECONDS)
        except subprocess.TimeoutExpired as error:
            look(error.cmd, deadline)


def look(command: Any, deadline: float) -> None:
    """Raise the database's error where the night is lost: then another night may build the same tables."""
    if time.monotonic() > deadline:
        raise subprocess.TimeoutExpired(command, LONGEST_RUN_SECONDS)
    if locks.holds(locks.NIGHT):
        locks.still_held(locks.NIGHT)
