"""maintenance: what has to be done now and then so that the nights stay fast and lawful."""

from __future__ import annotations

from airflow.sdk import DAG, Param, task
from assets import END, FIRST, POOL_SLOTS, TASK_DEFAULTS, as_role, tell

from revlog.night import upkeep

DOC = """
### Maintenance

* **retention** removes superseded raw rows and quarantined rows older than `keep_days`.
* **uphold_erasures** erases again whoever was erased (DAG `erase_customer`), should they have come back
  another way, such as a backup.
* **vacuum** gives the planner fresh statistics.

It takes all slots of the pool, so no night writes meanwhile.
"""

with DAG(
    dag_id="maintenance",
    description="Erasures upheld, retention, vacuum",
    schedule="0 12 * * 0",
    start_date=FIRST,
    end_date=END,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS | {"pool_slots": POOL_SLOTS} | as_role("maintainer"),
    doc_md=DOC,
    tags=["reverse-logistics", "maintenance"],
    params={
        "keep_days": Param(
            400, type="integer", minimum=30, description="Days to keep superseded and quarantined rows."
        ),
    },
):

    @task
    def uphold_erasures() -> None:
        """Erase again whoever was erased before."""
        tell(upkeep.erase([], "upheld"))

    @task
    def retention(params=None) -> None:
        """Remove what no longer counts."""
        tell(upkeep.remove_old(params["keep_days"]))

    @task
    def vacuum() -> None:
        """Vacuum and analyse."""
        tell(upkeep.vacuum())

    uphold_erasures() >> retention() >> vacuum()
