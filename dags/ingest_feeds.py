"""ingest_erp, ingest_wms, ingest_crm: from files in the landing zone to raw tables."""

from __future__ import annotations

from airflow.sdk import DAG, Param, task
from assets import (
    END,
    FIRST,
    INGEST,
    LANDED,
    SOURCES,
    TASK_DEFAULTS,
    as_role,
    in_time,
    night_of,
    nightly,
    tell,
)

from revlog.night import stages

DOC = """
### Ingest the feeds of {source}

Takes every file of the source that is dated up to the **business date** (the partition of the run),
complete, and not loaded yet: late files are swept in by the next night. Each feed is one mapped task;
each file is one transaction of raw rows, quarantine and ledger.

* A file that can't be loaded is *rejected* whole; `ops.file_ledger` says why, and the gate of
  `build_marts` holds the night.
* Running a night again loads nothing twice.
* Files, rows and refusals stand in the notes of the run and its tasks, and in the metadata of the event of
  `landed_{source}`.
* Backfill: `airflow backfill create --dag-id ingest_{source} --from-date … --to-date …`; `build_marts`
  follows by itself once all three sources have landed a date.
"""


def ingest_dag(source: str, cron: str) -> DAG:
    """Build the DAG of one source system."""
    with DAG(
        dag_id=f"ingest_{source}",
        description=f"Files of the {source.upper()} dated up to the business date, into raw tables",
        schedule=nightly(cron),
        start_date=FIRST,
        end_date=END,
        catchup=False,
        max_active_runs=1,
        default_args=TASK_DEFAULTS | {"queue": INGEST} | as_role("loader"),
        doc_md=DOC.format(source=source),
        deadline=in_time(),
        tags=["reverse-logistics", "ingest", source],
        params={"feeds": Param(None, type=["null", "array"], description="Only these feeds; null: all.")},
    ) as dag:

        @task(pool="default_pool")
        def list_feeds(params=None) -> list[str]:
            """Name the feeds that the source delivers; none where the company has no such system."""
            return stages.feeds(source) if params["feeds"] is None else params["feeds"]

        @task(map_index_template="{{ told | default(task.op_kwargs['feed']) }}")
        def load(feed: str, dag_run=None) -> None:
            """Load one feed."""
            tell(stages.ingest(feed, night_of(dag_run)))

        # What is mapped over no feeds is skipped; a system that a company lacks has landed all the same.
        @task(outlets=[LANDED[source]], pool="default_pool", trigger_rule="none_failed")
        def landed(dag_run=None) -> None:
            """Say that the source has landed the business date, and name files that nobody takes."""
            tell(stages.landed(source, night_of(dag_run)), LANDED[source])

        load.expand(feed=list_feeds()) >> landed()
    return dag


for _source, _cron in SOURCES.items():
    globals()[f"ingest_{_source}"] = ingest_dag(_source, _cron)
