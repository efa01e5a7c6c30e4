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
    tell,
    when_all_have_landed,
)

from revlog.night import stages

DOC = """
### Build the warehouse and publish the marts

Starts by itself when ERP, WMS and CRM have landed a business date.

begin → gate *landed* → staging → core → gate *core* → marts → gate *publish* → publish → report → complete

A critical check that fails holds back what it is about, *marts* or *finance*: the other is published, and
`complete` fails with check, rows and remedy. Where all are held back the night stops there: readers keep
the last good night, the scorecard that `report` writes all the same says so, and the task's message names
check, rows, file and line. Mend the cause, then clear the failed task with those after it; where another
night has begun since, or a domain is held back, clear `begin`: it opens a new build. Whatever is cleared in
which order, a build is published under its own date only, and only what every gate of it has said yes to
(`ops.build_steps`). `ops.validation_results` holds every check.

After publish, outbound tells other systems; where one is away, the publication stands. What each task did
stands in its note, the night in that of the run, what was published in the event of `published_marts`.
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

    @task
    def begin(dag_run=None) -> int:
        """Open the build of this night; each task hands its number on to the next."""
        build_id = stages.begin_build(night_of(dag_run), f"Airflow, {dag_run.dag_id}, {dag_run.run_id}")
        tell(f"build {build_id} of the night of {night_of(dag_run)} has begun")
        return build_id

    @task(**as_role("validator"))
    def gate_landed(build_id: int) -> int:
        """Judge this night's raw rows."""
        tell(stages.gate(build_id, "landed"))
        return build_id

    @task
    def staging(build_id: int) -> int:
        """Newest version of each key, one model a feed."""
        tell(stages.transform(build_id, "staging"))
        return build_id

    @task
    def core(build_id: int) -> int:
        """Dimensions and facts of the touched orders."""
        tell(stages.transform(build_id, "core"))
        return build_id

    @task(**as_role("validator"))
    def gate_core(build_id: int) -> int:
        """Judge staged and core rows."""
        tell(stages.gate(build_id, "core"))
        return build_id

    @task
    def marts(build_id: int) -> int:
        """What will be published, built where nobody reads it."""
        tell(stages.transform(build_id, "marts"))
        return build_id

    @task(**as_role("validator"))
    def gate_publish(build_id: int) -> int:
        """Judge what will be published."""
        tell(stages.gate(build_id, "publish"))
        return build_id

    @task(outlets=[PUBLISHED], **as_role("publisher"))
    def publish(build_id: int) -> int:
        """Publish in one transaction whatever all that judged this very build said yes to."""
        tell(stages.publish(build_id), PUBLISHED)
        return build_id

    @task(pool="default_pool", pool_slots=1, **as_role("sender"))
    def outbound() -> None:
        """Tell other systems what is published; it stays so, whoever can't be told of it."""
        tell(stages.tell_others())

    # After a night that stopped, too: its page says so.
    @task(pool="default_pool", pool_slots=1, trigger_rule="all_done", **as_role("reporter"))
    def report(dag_run=None) -> None:
        """Write the pages that people look at."""
        tell(stages.report(night_of(dag_run)))

    @task(pool="default_pool", pool_slots=1, **as_role("publisher"))
    def complete(build_id: int) -> None:
        """Fail where a check holds back a domain, so that somebody looks; the other is published by then."""
        tell(stages.complete(build_id))

    published = publish(gate_publish(marts(gate_core(core(staging(gate_landed(begin())))))))
    published >> outbound()
    published >> report() >> complete(published)
