"""Which processes Airflow has, by its executor."""

from __future__ import annotations

import pytest

from revlog.local import airflow


def test_the_local_executor_has_no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_EXECUTOR", raising=False)
    monkeypatch.setenv("AIRFLOW_WORKERS", "3")
    assert list(airflow.processes()) == ["api-server", "dag-processor", "triggerer", "scheduler"]


def test_celery_has_as_many_as_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_EXECUTOR", "CeleryExecutor")
    monkeypatch.delenv("AIRFLOW_WORKERS", raising=False)
    assert [name for name in airflow.processes() if name.startswith("worker-")] == ["worker-1"]
    monkeypatch.setenv("AIRFLOW_WORKERS", "3")
    found = airflow.processes()
    assert [name for name in found if name.startswith("worker-")] == ["worker-1", "worker-2", "worker-3"]
    assert found["worker-2"][:2] == ("celery", "worker") and "worker-2@%h" in found["worker-2"]
    # It is started last, as without workers.
    assert list(found)[-1] == "scheduler"


def test_one_worker_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_WORKERS", "2")
    monkeypatch.setattr(airflow, "_running", lambda: dict.fromkeys([*airflow.PROCESSES, "worker-2"]))
    assert airflow.stopped() == []
    monkeypatch.setattr(airflow, "_running", lambda: dict.fromkeys(airflow.PROCESSES))
    assert airflow.stopped() == ["worker-1", "worker-2"]


def test_what_is_lacking_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_EXECUTOR", "Celery")
    with pytest.raises(airflow.AirflowError, match="neither LocalExecutor nor CeleryExecutor"):
        airflow.processes()
    monkeypatch.setenv("AIRFLOW_EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_BROKER_URL", "")
    with pytest.raises(airflow.AirflowError, match="wants AIRFLOW_BROKER_URL"):
        airflow._of_workers()
