"""build_marts: write, audit, publish one business date."""

from __future__ import annotations

from airflow.sdk import DAG, task
from assets import (
    POOL_SLOTS,
    PUBLISHED,
    START,
    TASK_DEFAULTS,
    as_role,
    in_time,
    night_of,
    when_all_have_landed,
)

from nightly import stages

DOC = """
### Build the warehouse and publish the marts

Starts by itself when ERP, WMS and CRM have landed a business date.

gate *landed* → staging → core → gate *core* → marts → gate *publish* → publish → report

A critical check that fails stops the night before publishing: readers keep the last good night, and the
task's message names check, rows, file and line. Mend the cause, then clear the failed task; what ran
before is not harmed by running again. `ops.validation_results` holds every check.
"""

with DAG(
    dag_id="build_marts",
    description="Build the warehouse of one business date, judge it, publish it",
    schedule=when_all_have_landed(),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS | {"pool_slots": POOL_SLOTS} | as_role("transformer"),
    doc_md=DOC,
    tags=["reverse-logistics", "build"],
    deadline=in_time(),
):

    @task(**as_role("validator"))
    def gate_landed(dag_run=None) -> None:
        """Judge this night's raw rows."""
        print(stages.gate("landed", night_of(dag_run)))

    @task
    def staging(dag_run=None) -> None:
        """Newest version of each key, one model a feed."""
        print(stages.begin_build(night_of(dag_run)))
        print(stages.transform("staging"))

    @task
    def core() -> None:
        """Dimensions and facts of the touched orders."""
        print(stages.transform("core"))

    @task(**as_role("validator"))
    def gate_core(dag_run=None) -> None:
        """Judge staged and core rows."""
        print(stages.gate("core", night_of(dag_run)))

    @task
    def marts() -> None:
        """What will be published, built where nobody reads it."""
        print(stages.transform("marts"))

    @task(**as_role("validator"))
    def gate_publish(dag_run=None) -> None:
        """Judge what will be published."""
        print(stages.gate("publish", night_of(dag_run)))

    @task(outlets=[PUBLISHED], **as_role("publisher"))
    def publish(dag_run=None) -> None:
        """Publish in one transaction."""
        print(stages.finish_build())
        print(stages.publish(night_of(dag_run)))

    @task(pool="default_pool", pool_slots=1, **as_role("reporter"))
    def report(dag_run=None) -> None:
        """Write the pages that people look at."""
        print(stages.report(night_of(dag_run)))

    (
        gate_landed()
        >> staging()
        >> core()
        >> gate_core()
        >> marts()
        >> gate_publish()
        >> publish()
        >> report()
    )
