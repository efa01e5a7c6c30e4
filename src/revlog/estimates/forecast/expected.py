"""Units expected to come back in the next four weeks, with a measured error.

What is under way comes by its own hazard of arrival (way.py), what was sold sends back by the curves
of its category, what will be sold by the level of sales and those curves (cohorts.py). Each origin of
the back-test knows what had happened by its end (history.known_on). docs/decisions/0059-expected-
returns.md
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import psycopg

from revlog.estimates.estimate import Estimate, rows_of

if TYPE_CHECKING:
    import pandas as pd

# A year of origins and what each looks back to: a year of returns, of sales of up to a year before.
HISTORY_DAYS = 400 + 364 + 366
# Goods that came later may still be worked on.
SETTLED_DAYS = 14


def compute(connection: psycopg.Connection[Any], as_of: dt.date) -> pd.DataFrame:
    """Rows of `estimates.return_forecast`: what is ahead of the date, and the weeks of the back-test."""
    # NumPy, pandas and SciPy are loaded by builds only, not by every command.
    from revlog.estimates.forecast.history import LEARNT_DAYS, read
    from revlog.estimates.forecast.rows import forecast_rows

    parameters = {"as_of": as_of, "days": LEARNT_DAYS, "settled_days": SETTLED_DAYS}
    work = rows_of(connection, "forecast_work", parameters)
    return forecast_rows(read(connection, as_of, HISTORY_DAYS), work, as_of)


ESTIMATE = Estimate("return_forecast", compute)
