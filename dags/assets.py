"""What producers and consumer share: the assets, the partition rule, and how tasks behave."""

from __future__ import annotations

import datetime as dt
import os

from airflow.sdk import (
    Asset,
    AsyncCallback,
    CronPartitionTimetable,
    DeadlineAlert,
    DeadlineReference,
    ExceptionRetryPolicy,
    PartitionedAssetTimetable,
    RetryAction,
    RetryRule,
    StartOfDayMapper,
    get_current_context,
)

from revlog.night import lineage, notices
from revlog.night.errors import ConnectionBroken, NightFailed
from revlog.night.told import Told

# The partition of every run is the business date.
DATE = "%Y-%m-%d"
SOURCES = {"erp": "30 1 * * *", "wms": "45 1 * * *", "crm": "15 1 * * *"}
LANDED = {s: Asset(name=f"landed_{s}", uri=f"x-landing://reverse-logistics/{s}") for s in SOURCES}
PUBLISHED = Asset(name="published_marts", uri="x-warehouse://reverse-logistics/marts")

# Ingestion takes one slot a feed, a build takes all of them: two nights never write at once.
POOL, POOL_SLOTS = "warehouse_writes", 4
# Queues of an executor that has workers.
INGEST, BUILD = "ingest", "build"

TASK_DEFAULTS = {
    "owner": "data-engineering",
    "retries": 3,
    "retry_delay": dt.timedelta(seconds=20),
    # A broken connection may be back in a moment; a failed check says the same again.
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(exception=ConnectionBroken, action=RetryAction.RETRY)],
        default=RetryAction.FAIL,
    ),
    "on_failure_callback": notices.failed,
    "on_success_callback": lineage.ended,
    "pool": POOL,
    "queue": BUILD,
}
START = dt.datetime(2010, 1, 1, tzinfo=dt.UTC)
# Business date of the first night that runs by itself, or `never` (`make run`, tests). Without it a DAG
# that is unpaused runs last night's date at once. Dates that are asked for (backfills) need not mind it.
NIGHTLY_FROM = os.environ.get("NIGHTLY_FROM") or START.strftime(DATE)
# A night runs on the morning after its business date.
FIRST, END = (
    (START, START)
    if NIGHTLY_FROM == "never"
    else (dt.datetime.strptime(NIGHTLY_FROM, DATE).replace(tzinfo=dt.UTC) + dt.timedelta(days=1), None)
)
DEADLINE = dt.timedelta(minutes=float(os.environ.get("NIGHT_DEADLINE_MINUTES") or 180))


def as_role(role: str) -> dict[str, str]:
    """Run a task as the system user that is called like its role, where there are such users (Docker)."""
    return {"run_as_user": role} if os.environ.get("TASKS_RUN_AS_ROLES") else {}


def in_time() -> DeadlineAlert:
    """Tell once where a run has not ended well within the deadline."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=DEADLINE,
        callback=AsyncCallback(notices.late),
    )


def nightly(cron: str) -> CronPartitionTimetable:
    """Run after midnight for the business date that has just ended."""
    return CronPartitionTimetable(cron, timezone="UTC", run_offset=-1, key_format=DATE)


def when_all_have_landed() -> PartitionedAssetTimetable:
    """Run for a business date once every source has landed it."""
    return PartitionedAssetTimetable(
        assets=LANDED["erp"] & LANDED["wms"] & LANDED["crm"],
        default_partition_mapper=StartOfDayMapper(input_format=DATE, output_format=DATE),
    )


def night_of(dag_run) -> str:
    """Business date of a run, as YYYY-MM-DD."""
    if not dag_run.partition_key:
        raise NightFailed(
            "this run has no business date: give it one as partition key (2026-01-31), or run a backfill"
        )
    return dag_run.partition_key


def asked_by(dag_run) -> str:
    """Who triggered a run, by the name they are logged in with."""
    if not dag_run.triggering_user_name:
        raise NightFailed("Airflow does not know who triggered this run; trigger it as a user of your own")
    return dag_run.triggering_user_name


def tell(told: str, outlet: Asset | None = None) -> None:
    """Tell what a stage did where people and programs look.

    It goes to the log, the task's note, the label of a mapped task, the metadata of the asset's event and,
    where it is wanted, to OpenLineage once the task has ended.
    """
    context = get_current_context()
    print(told)
    context["told"] = told.partition("\n")[0]
    notices.note(context["ti"], told)
    if outlet is not None and isinstance(told, Told):
        context["outlet_events"][outlet].extra = told.facts
    context["lineage"] = lineage.kept(context["ti"], told)
