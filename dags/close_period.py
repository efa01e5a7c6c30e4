"""close_period: freeze a fiscal period as reported, or reopen it; recorded with approver and login."""

from __future__ import annotations

from airflow.sdk import DAG, Param, task
from assets import POOL_SLOTS, TASK_DEFAULTS, as_role, asked_by, tell

from revlog.night import stages

DOC = """
### Close or reopen a fiscal period

Runs only when triggered. It closes the earliest open period once a night after its end is published, or
reopens the latest closed one. What was reported stays in `finance.refund_proof_as_reported`; what changes
later posts to the open period, and `finance.restatements` explains it row by row.

A refusal says what to do. Who closed what: `finance.period_status`, `finance.period_acts`; beside the
approver whom you name they hold the name that you are logged in with.

It takes all slots of the pool, so no night writes meanwhile.
"""

with DAG(
    dag_id="close_period",
    description="Close or reopen a fiscal period",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS | {"pool_slots": POOL_SLOTS} | as_role("publisher"),
    doc_md=DOC,
    tags=["reverse-logistics", "finance"],
    params={
        "act": Param("close", type="string", enum=["close", "reopen"], description="close or reopen."),
        "period": Param(
            type="string", pattern="^[0-9]{4}-[0-9]{2}$", description="Fiscal period, as 2026-01."
        ),
        "approver": Param(type="string", pattern=r"\S", description="Name of the person who answers for it."),
        "note": Param("", type="string", description="Why, in words."),
        "with_earlier": Param(
            False, type="boolean", description="Close the open periods before it, too, one act each."
        ),
    },
):

    @task
    def close(params=None, dag_run=None) -> list[str]:
        """Record the act, with what it freezes and who triggered it; returns the periods."""
        given = [params[name] for name in ("act", "period", "approver", "note", "with_earlier")]
        return stages.close_period(*given, airflow_user=asked_by(dag_run))

    @task(**as_role("reporter"))
    def workbooks(periods: list[str]) -> None:
        """Write the workbooks of these periods anew."""
        tell(stages.write_workbooks(periods))

    workbooks(close())
