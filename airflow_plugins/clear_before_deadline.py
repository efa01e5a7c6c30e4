"""Let Airflow 3.3 clear a run whose deadline is still ahead.

It keeps a deadline's interval as JSON since 3.3.0, and its clearing takes it for seconds: every clear of a
night within NIGHT_DEADLINE_MINUTES ends in a TypeError (apache/airflow#70368). To be removed with the release
that mends it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.models import taskinstance
from airflow.plugins_manager import AirflowPlugin


def seconds_of(interval: Any) -> float:
    """Seconds of a stored interval: a number, or a serialised timedelta."""
    return float(interval["__data__"] if isinstance(interval, dict) else interval)


class Intervals(dt.timedelta):
    """A timedelta that takes its seconds as the metadata database keeps them."""

    def __new__(cls, seconds: Any = 0, **parts: Any) -> Any:
        """Make a plain timedelta."""
        return dt.timedelta(seconds=seconds_of(seconds), **parts)


# The only name by which clearing reads an interval.
taskinstance.timedelta = Intervals


class ClearBeforeDeadline(AirflowPlugin):
    """Airflow imports this module for the sake of it."""

    name = "clear_before_deadline"
