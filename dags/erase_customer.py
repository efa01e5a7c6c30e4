"""erase_customer: delete what names a customer, for good; a DAG of its own, for a right of its own."""

from __future__ import annotations

from airflow.sdk import DAG, Param, task
from assets import POOL_SLOTS, TASK_DEFAULTS

from nightly import upkeep

DOC = """
### Erase customers

Runs only when triggered. It deletes the direct identifiers of the customers (keyed hashes) and remembers
them, so that a replay of old files does not bring them back.

What is given stays in Airflow's books of this run, which only who may erase can read.

It takes all slots of the pool, so no night writes meanwhile.
"""

with DAG(
    dag_id="erase_customer",
    description="Erase customers",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS | {"pool_slots": POOL_SLOTS},
    doc_md=DOC,
    tags=["reverse-logistics", "privacy"],
    params={
        "customers": Param(
            type="array", items={"type": "string"}, minItems=1, description="Customers, as keyed hashes."
        ),
    },
):

    @task
    def erase(params=None) -> None:
        """Delete for good what names these customers."""
        print(upkeep.erase(params["customers"]))

    erase()
