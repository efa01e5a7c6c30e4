"""MetricFlow's `mf`, run against the published marts as the role that BI tools have.

`mf` reads `target/semantic_manifest.json` below a folder with a `dbt_project.yml`; `var/semantic` is
that folder, parsed with the dbt target `published`, so that no query sees an unpublished night.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from revlog.config.settings import ROOT, settings
from revlog.database.connections import dbt_environment
from revlog.outputs.escaping import continued, csv_cell, lines
from revlog.outputs.files import write_text

PROJECT = ROOT / "dbt_project"
ROLE = "bi_reader"
MF = "from dbt_metricflow.cli.main import cli; cli(prog_name='revlog metrics')"
# A picture of `mf`'s spinner, which it draws for no terminal, too.
WAITING = re.compile(r"^[\u2800-\u28ff] .*\n\s*", re.MULTILINE)


class NotUnderstood(RuntimeError):
    """dbt can't parse the project; the message is dbt's own."""


def run(arguments: list[str], is_quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run `mf` with these arguments; `is_quiet` keeps its output from the terminal.

    What it prints is inert, and so is the file of `--csv`. Raises NotUnderstood where the project does not
    parse, NotWritten where the file can't be written. Its help asks for no warehouse.
    """
    if "--help" in arguments:
        return subprocess.run(
            [sys.executable, "-c", MF, *arguments],
            env={**os.environ, "NO_COLOR": "1"},
            text=True,
            check=False,
        )
    if _is_stale():
        parse()
    file, others = _without_csv(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        part = Path(scratch) / "rows.csv"
        into = ["--csv", str(part), "--quiet"] if file else []
        done = _python(MF, [*others, *into], _folder())
        if not is_quiet:
            print(lines(WAITING.sub("", done.stdout)).lstrip("\n"), end="")
            print(lines(WAITING.sub("", done.stderr)), end="", file=sys.stderr)
        if file and done.returncode == 0:
            _write_inert(part, file)
    return done


def _without_csv(arguments: list[str]) -> tuple[Path | None, list[str]]:
    """The file that `--csv` names, and all other arguments."""
    others, file = list(arguments), None
    for place, argument in enumerate(arguments):
        if argument.startswith("--csv="):
            file, others = argument.removeprefix("--csv="), [a for a in arguments if a != argument]
        elif argument == "--csv" and place + 1 < len(arguments):
            file, others = arguments[place + 1], arguments[:place] + arguments[place + 2 :]
    return (Path(file) if file else None), others


def _write_inert(part: Path, file: Path) -> None:
    """Write the rows to `file`, no cell of which a spreadsheet evaluates; says so where there are none."""
    if not part.exists():
        print(f"{file} is not written: the query brought no rows")
        return
    with part.open(encoding="utf-8", newline="") as read:
        text = io.StringIO()
        csv.writer(text).writerows([csv_cell(cell) for cell in row] for row in csv.reader(read))
    print(write_text(file, text.getvalue()))


def parse() -> Path:
    """Write the semantic manifest of the published tables; returns its path."""
    _folder().mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / "dbt_project.yml", _folder())
    done = _python("from dbt.cli.main import cli; cli()", ["parse"], PROJECT)
    if done.returncode:
        raise NotUnderstood(f"dbt does not understand the project: {continued(done.stdout + done.stderr)}")
    return _manifest()


def _folder() -> Path:
    return settings().var / "semantic"


def _manifest() -> Path:
    return _folder() / "target" / "semantic_manifest.json"


def _is_stale() -> bool:
    """True while the manifest is missing or older than a file of the project."""
    if not _manifest().exists():
        return True
    made = _manifest().stat().st_mtime
    files = [PROJECT / "dbt_project.yml", PROJECT / "profiles.yml"]
    for folder in ("models", "seeds", "macros"):
        files += [file for file in (PROJECT / folder).rglob("*") if file.is_file()]
    return any(file.stat().st_mtime > made for file in files)


def _python(code: str, arguments: list[str], project: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line of dbt's family; the password goes by environment, never by argument."""
    environment = {
        **dbt_environment(ROLE),
        "DBT_TARGET": "published",
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_PROJECT_DIR": str(project),
        "DBT_TARGET_PATH": str(_folder() / "target"),
        "DBT_LOG_PATH": str(_folder() / "logs"),
        "NO_COLOR": "1",
    }
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment, cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
