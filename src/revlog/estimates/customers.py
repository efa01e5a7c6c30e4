"""How likely each customer sends a unit back, and whether that is more than what they bought explains.

A customer's units are drawn from a beta-binomial distribution: its mean is what all customers return of the
categories that they bought, its spread how much customers differ anyway. What a customer returned moves the
mean towards their own rate, the less the fewer units they bought.

What all customers do is learnt of units that were settled at the end of a week, where these are most of what
is settled by now: so from night to night only customers change of whom there is news, and not all of them by
a millionth. What comes back of a unit all the same, or is corrected, moves all of them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from revlog.companies.company import profile
from revlog.estimates.estimate import Estimate, rows_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

COLUMNS = (
    "customer_id", "units", "returned_units", "expected_units", "propensity", "propensity_low_95",
    "propensity_high_95", "p_value", "q_value",
)  # fmt: skip
# dbt_project.yml says the same to the models: of goods of which the item tells no window; and in which what
# is asked for on its last day is decided and handed over.
UNKNOWN_WINDOW_DAYS = 30
DECISION_DAYS, HAND_OVER_DAYS = 2, 14
# What was known at the end of the week is learnt from where it is so much of what is known by now.
MOST_OF = 0.5
COUNTS = ("units", "returned_units", "known_units", "known_returned_units")
# Between customers who are all alike, and customers of whom each always or never returns.
LEAST_SPREAD, MOST_SPREAD = 1e-4, 0.9
DIGITS = 6
# Of a sum of more terms a smooth tail of the same mean and variance is within 5 %, and takes no memory.
MOST_TERMS = 100_000


def compute(connection: psycopg.Connection[Any], as_of: dt.date) -> pd.DataFrame:
    """One row per customer with a unit that can't come back any more."""
    transit_days = profile().transit_days
    parameters = {
        "as_of": as_of,
        "sunday": as_of - dt.timedelta(days=as_of.isoweekday() % 7),
        "transit_days": transit_days,
        "unknown_window_days": UNKNOWN_WINDOW_DAYS,
        "days_to_come_back": DECISION_DAYS + HAND_OVER_DAYS + transit_days,
    }
    return propensities(rows_of(connection, "customers", parameters))


def propensities(bought: pd.DataFrame) -> pd.DataFrame:
    """The customers of these units: columns of sql/customers.sql."""
    import pandas as pd

    if bought.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    from scipy import stats

    bought = bought.astype(dict.fromkeys(COUNTS, float))
    found = _by_customer(bought)
    units, returned = found["units"].to_numpy(), found["returned_units"].to_numpy()
    expected = found["expected_units"].to_numpy()
    mean = expected / units
    by_now = _Moments.of(units, returned, expected)
    known = found[found["known_units"] > 0]
    by_then = _Moments.of(
        *(known[f"known_{name}"].to_numpy() for name in ("units", "returned_units", "expected_units"))
    )
    spread = (by_then if by_then.pairs >= MOST_OF * by_now.pairs else by_now).spread
    alike = 1 / spread - 1
    a, b = alike * mean + returned, alike * (1 - mean) + units - returned
    is_open = (mean > 0) & (mean < 1)
    found["propensity"] = a / (a + b)
    for column, share in (("propensity_low_95", 0.025), ("propensity_high_95", 0.975)):
        found[column] = found["propensity"]
        found.loc[is_open, column] = stats.beta.ppf(share, a[is_open], b[is_open])
    found["p_value"] = as_many_or_more(units, returned, alike * mean, alike * (1 - mean))
    found["q_value"] = stats.false_discovery_control(found["p_value"].to_numpy())
    found[["units", "returned_units"]] = found[["units", "returned_units"]].astype(int)
    return found[list(COLUMNS)].round(DIGITS)


def _by_customer(bought: pd.DataFrame) -> pd.DataFrame:
    """Counts of each customer, and how many are expected to come back by the rates of all customers.

    A category of which most is new, or of which none, or all, came back so far, has the rate of what is known
    by now.
    """
    of_all = bought.groupby("product_category")[list(COUNTS)].sum()
    units, returned = of_all["known_units"], of_all["known_returned_units"]
    is_known = (units >= MOST_OF * of_all["units"]) & (returned > 0) & (returned < units)
    rate = (returned / units).where(is_known, of_all["returned_units"] / of_all["units"])
    of_unit = bought["product_category"].map(rate)
    bought = bought.assign(
        expected_units=bought["units"] * of_unit, known_expected_units=bought["known_units"] * of_unit
    )
    columns = [*COUNTS, "expected_units", "known_expected_units"]
    return bought.groupby("customer_id", sort=True)[columns].sum().reset_index()


@dataclass(frozen=True)
class _Moments:
    """Sums over customers: variance of what they returned beyond chance, and what correlation adds to it."""

    beyond: float
    pairs: float

    @classmethod
    def of(cls, units: Numbers, returned: Numbers, expected: Numbers) -> _Moments:
        """The variance of a beta-binomial count is n m (1 - m) (1 + (n - 1) r)."""
        mean = expected / units
        binomial = units * mean * (1 - mean)
        beyond = ((returned - units * mean) ** 2 - binomial).sum()
        return cls(float(beyond), float((binomial * (units - 1)).sum()))

    @property
    def spread(self) -> float:
        """Correlation of two units of one customer."""
        return (
            min(max(self.beyond / self.pairs, LEAST_SPREAD), MOST_SPREAD) if self.pairs > 0 else LEAST_SPREAD
        )


def as_many_or_more(units: Numbers, returned: Numbers, a: Numbers, b: Numbers) -> Numbers:
    """Probability that a beta-binomial count is at least the one seen; 1 where it is no more than its mean.

    SciPy sums it in a loop of Python, once for each customer; here all of them are summed at once.
    """
    import numpy as np
    from scipy import special

    found = np.ones(len(units))
    is_more = (a > 0) & (b > 0) & (returned > units * a / (a + b))
    is_long = is_more & (units - returned >= MOST_TERMS)
    found[is_long] = _smooth_tail(units[is_long], returned[is_long], a[is_long], b[is_long])
    [many] = np.nonzero(is_more & ~is_long)
    terms = (units[many] - returned[many]).astype(int) + 1
    at = np.repeat(many, terms)
    beyond = np.arange(terms.sum()) - np.repeat(terms.cumsum() - terms, terms)
    n, x = units[at], returned[at] + beyond
    chance = (
        special.betaln(x + a[at], n - x + b[at])
        - special.betaln(a[at], b[at])
        - special.betaln(n - x + 1, x + 1)
        - np.log(n + 1)
    )
    found[many] = np.bincount(at, np.exp(chance), len(units))[many]
    return np.minimum(found, 1.0)


def _smooth_tail(units: Numbers, returned: Numbers, a: Numbers, b: Numbers) -> Numbers:
    """The same probability where units are too many to add up: their share is beta distributed, too."""
    import numpy as np
    from scipy import stats

    alike = (a + b + 1) * units / (a + b + units) - 1
    mean = a / (a + b)
    tail = stats.beta.sf((returned - 0.5) / units, mean * alike, (1 - mean) * alike)
    return np.asarray(tail, np.float64)


ESTIMATE = Estimate("customer_propensity", compute)
