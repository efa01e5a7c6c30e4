"""MetricFlow's `mf`, run against the published marts as the role that BI tools have.

`mf` reads `target/semantic_manifest.json` below a folder with a `dbt_project.yml`; `var/semantic` is
that folder, parsed with the dbt target `published`, so that no query sees an unpublished night.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from warehouse.connections import dbt_environment
from warehouse.settings import ROOT, settings

PROJECT = ROOT / "dbt_project"
ROLE = "bi_reader"


class NotUnderstood(RuntimeError):
    """dbt can't parse the project; the message is dbt's own."""


def run(arguments: list[str], is_quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run `mf` with these arguments; `is_quiet` keeps its output from the terminal.

    Raises NotUnderstood where the project does not parse.
    """
    if _is_stale():
        parse()
    return _python("from dbt_metricflow.cli.main import cli; cli()", arguments, _folder(), is_quiet)


def parse() -> Path:
    """Write the semantic manifest of the published tables; returns its path."""
    _folder().mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / "dbt_project.yml", _folder())
    done = _python("from dbt.cli.main import cli; cli()", ["parse"], PROJECT, is_quiet=True)
    if done.returncode:
        raise NotUnderstood(f"dbt does not understand the project:\n{done.stdout}{done.stderr}")
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


def _python(
    code: str, arguments: list[str], project: Path, is_quiet: bool
) -> subprocess.CompletedProcess[str]:
    """Run a command line of dbt's family; the password goes by environment, never by argument."""
    environment = {
        **dbt_environment(ROLE),
        "DBT_TARGET": "published",
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_PROJECT_DIR": str(project),
        "DBT_TARGET_PATH": str(_folder() / "target"),
        "DBT_LOG_PATH": str(_folder() / "logs"),
    }
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment, cwd=project, capture_output=is_quiet, text=True, check=False,
    )  # fmt: skip
