"""Run by a test in a process of its own: a small DAG that tells as nights do; prints its notes, as JSON."""

from __future__ import annotations

import json

import notes_of_nights
from airflow.models.asset import AssetEvent
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG, Asset, task
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import prohibit_commit
from assets import tell
from sqlalchemy import select

from revlog.night import lineage, notices
from revlog.night.errors import NightFailed
from revlog.night.lineage import Origin, Place, Step
from revlog.night.told import Told

OUTLET = Asset(name="landed_erp", uri="x-landing://reverse-logistics/erp")
FILE, TABLE = Place("file", "/srv/landing/a.csv"), Place("postgres://db:5432", "acme.raw.erp_items")
STEP = Step("ingest.erp_items", (FILE,), TABLE, {"sku": (Origin(FILE, "Artikel"),)}, {"sku": "text"})

CALLBACKS = {"on_failure_callback": notices.failed, "on_success_callback": lineage.ended}

with DAG(dag_id="told", schedule=None, default_args=CALLBACKS) as dag:

    @task
    def feeds() -> list[str]:
        """Feeds to load."""
        return ["erp_items", "erp_vendors"]

    @task(map_index_template="{{ told | default('not yet') }}")
    def load(feed: str) -> None:
        """One feed."""
        tell(Told(f"{feed}: 1 file, 7 rows\nmore"))

    @task(outlets=[OUTLET])
    def landed() -> None:
        """The source."""
        tell(Told("ERP: 2 files of /srv/landing, [a](http://x) ``` <b>", lambda: [STEP], files=2), OUTLET)

    @task
    def gate() -> None:
        """A check that says no."""
        raise NightFailed("Gate landed: rejected_files, password=kept-secret-1-and-long")

    load.expand(feed=feeds()) >> landed() >> gate()

if __name__ == "__main__":
    initdb()
    dag.test()
    with create_session() as session:
        run = session.execute(select(DagRun)).scalar_one()
        tasks = run.get_task_instances(session=session)
        found = {
            "run": run.note,
            "labels": sorted(t.rendered_map_index for t in tasks if t.task_id == "load"),
            "tasks": {t.task_id: t.note for t in tasks},
            "events": [event.extra for event in session.execute(select(AssetEvent)).scalars()],
        }
        # As the scheduler does: its session may not be committed while it decides.
        run.partition_key = "2026-01-31"
        with prohibit_commit(session) as guard:
            notes_of_nights.on_dag_run_failed(run, "")
            guard.commit()
        session.expire_all()
        found["night"] = run.note
        run.dag_run_note.content, run.dag_run_note.user_id = "we know of it", "a person"
        session.commit()
        notes_of_nights.on_dag_run_failed(run, "")
        session.expire_all()
        print(json.dumps(found | {"kept": run.note}))
