"""erase_customer: delete what names a customer, for good; a DAG of its own, for a right of its own."""

from __future__ import annotations

from airflow.sdk import DAG, Param, task
from assets import POOL_SLOTS, TASK_DEFAULTS, as_role

from revlog.night import upkeep

DOC = """
### Erase customers

Runs only when triggered. It deletes what names the customers, and remembers them, so that a replay of old
files does not bring it back. Give the company's own customer numbers, or `hash:` and a keyed hash. It fails
where one is unknown, and then erases none; else it says how many rows it found by table.

What is given stays in Airflow's books of this run, which only who may erase can read.

It takes all slots of the pool, so no night writes meanwhile.
"""

with DAG(
    dag_id="erase_customer",
    description="Erase customers",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS | {"pool_slots": POOL_SLOTS} | as_role("maintainer"),
    doc_md=DOC,
    tags=["reverse-logistics", "privacy"],
    params={
        "customers": Param(
            type="array",
            items={"type": "string"},
            minItems=1,
            description="Customers: the company's own numbers, or hash: and a keyed hash.",
        ),
        "reason": Param("requested", type="string", minLength=1, description="Why; names no customer."),
    },
):

    @task
    def erase(params=None) -> None:
        """Delete for good what names these customers."""
        print(upkeep.erase(params["customers"], params["reason"]))

    erase()
