"""dbt run by hand, with the password of who builds: what it has changed, no gate has judged."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from revlog.builds import judged
from revlog.builds.judged import BuildRefused
from revlog.companies import seeds
from revlog.config.settings import settings
from revlog.database import locks
from revlog.database.connections import connect, dbt_environment
from revlog.publication.publish import publish
from revlog.transform import build, dbt_process, project
from tests.integration.ingestion_landing import query, sale, sales
from tests.nights import finished_build

DAY = dt.date(2026, 2, 1)
SEED = ("seed", "--select", "grades")


def _by_hand(*arguments: str) -> subprocess.CompletedProcess[str]:
    """dbt as somebody starts it who has the password, in the target folder that is parsed already."""
    places = {
        "DBT_PROFILES_DIR": str(project.PROJECT), "DBT_PROJECT_DIR": str(project.PROJECT),
        "DBT_TARGET_PATH": str(project.target()), "DBT_LOG_PATH": str(settings().var / "dbt" / "logs"),
        "DBT_SEEDS": str(project.seeds_folder()),
    }  # fmt: skip
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli()"]
    return subprocess.run(
        [*dbt, *arguments, "--vars", project.variables()],
        env=dbt_environment("transformer") | places,
        cwd=project.PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _notes() -> list[tuple[object, ...]]:
    return query("select build_id, said from ops.build_steps where step = %s order by 1", judged.BY_HAND)


def test_a_build_that_somebody_has_changed_by_hand_is_not_published_and_the_next_computes_everything(
    fresh_database: Path,
) -> None:
    sales(fresh_database, "20260201", sale("A"))
    judged_good = finished_build(DAY)
    assert dbt_process.run([*SEED]).returncode == 0
    assert _notes() == [], "a night's own run is none by hand"
    assert publish(judged_good, []).is_new

    with locks.hold(locks.NIGHT, "transformer", "a night"):
        beside = _by_hand(*SEED)
    assert beside.returncode != 0
    assert "a night's work is under way: run dbt by hand when it has ended" in beside.stdout
    assert _by_hand("compile", "--select", "grades").returncode == 0
    assert _notes() == [], "neither has changed anything"

    done = _by_hand(*SEED)
    assert done.returncode == 0, done.stdout
    in_force = seeds.seeds(settings().company)
    assert {f.name: f.read_text(encoding="utf-8") for f in project.seeds_folder().iterdir()} == in_force
    assert _notes() == [(judged_good, "dbt seed")] * 2
    with pytest.raises(BuildRefused, match=r"dbt was run by hand at 20.* from its first step \(clear begin"):
        publish(judged_good, [])
    # Nothing else of it asks for a full build.
    with connect("admin") as connection:
        connection.execute("update ops.builds set definitions = %s", [project.definitions()])
    assert build.begin(DAY).is_full_refresh
