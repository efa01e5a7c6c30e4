"""How likely customers send a unit back, by hand, by SciPy's own distribution, and for planted customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sqlglot
from scipy import stats
from sqlglot import exp

from revlog.estimates.customers import COLUMNS, as_many_or_more, propensities
from revlog.estimates.estimate import QUERIES


def _bought(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    """All of it known at the end of the week."""
    found = pd.DataFrame(rows, columns=["customer_id", "product_category", "units", "returned_units"])
    return found.assign(known_units=found["units"], known_returned_units=found["returned_units"])


def test_nobody_bought_anything() -> None:
    found = propensities(_bought())
    assert list(found.columns) == list(COLUMNS) and found.empty


def test_what_is_expected_of_a_customer_follows_from_what_they_bought() -> None:
    # Of shoes 6 of 20 come back, of lamps 1 of 10: A's ten shoes and ten lamps should be 3 and 1.
    found = propensities(_bought(("A", "SHOES", 10, 6), ("A", "LAMPS", 10, 1), ("B", "SHOES", 10, 0)))
    assert found["expected_units"].tolist() == [4.0, 3.0]
    assert found["expected_units"].sum() == found["returned_units"].sum()
    assert found[["units", "returned_units"]].values.tolist() == [[20, 7], [10, 0]]


def test_customers_who_are_alike_have_one_propensity() -> None:
    # Exactly two of ten each: less than chance would make them differ, so nothing moves a mean.
    found = propensities(_bought(*((f"C{n:02}", "SHOES", 10, 2) for n in range(20))))
    assert found["propensity"].between(0.1999, 0.2001).all()
    assert (found["q_value"] == 1).all()


def test_a_share_moves_a_customer_as_far_as_their_units_weigh() -> None:
    """Moments by hand: 4 customers of 10 units, two return 8, two 0: mean 0.4, binomial variance 2.4 each.

    (16 * 4 - 2.4 * 4) / (2.4 * 4 * 9) = 54.4 / 86.4 = 0.62963, which weighs as 0.58824 units.
    """
    rows = (("A", 8), ("B", 8), ("C", 0), ("D", 0))
    found = propensities(_bought(*((name, "SHOES", 10, back) for name, back in rows)))
    weight = 1 / (54.4 / 86.4) - 1
    expected = [(weight * 0.4 + back) / (weight + 10) for _, back in rows]
    assert found["propensity"].tolist() == pytest.approx(expected, abs=1e-6)
    low, high = stats.beta.interval(0.95, weight * 0.4 + 8, weight * 0.6 + 2)
    assert found.loc[0, "propensity_low_95"] == pytest.approx(low, abs=1e-6)
    assert found.loc[0, "propensity_high_95"] == pytest.approx(high, abs=1e-6)


def test_news_of_one_customer_moves_no_other_within_a_week() -> None:
    bought = _bought(
        ("A", "SHOES", 10, 8), ("B", "SHOES", 10, 2), ("C", "LAMPS", 10, 5), ("D", "LAMPS", 10, 0)
    )
    before = propensities(bought)
    bought.loc[0, ["units", "returned_units"]] = [14, 12]
    after = propensities(bought)
    same = ["propensity", "propensity_low_95", "propensity_high_95", "expected_units"]
    assert after.loc[1:, same].equals(before.loc[1:, same])
    # Of shoes half come back, 14 bought: 7.
    assert after.loc[0, "expected_units"] == 7.0 and after.loc[0, "propensity"] > before.loc[0, "propensity"]


def test_a_category_of_which_nothing_is_known_goes_by_what_is_known_by_now() -> None:
    bought = _bought(("A", "SHOES", 10, 5), ("A", "LAMPS", 8, 2))
    bought.loc[1, ["known_units", "known_returned_units"]] = 0
    assert propensities(bought)["expected_units"].tolist() == [7.0]
    bought[["known_units", "known_returned_units"]] = 0
    assert propensities(bought)["expected_units"].tolist() == [7.0]


def test_a_few_units_that_were_known_say_nothing_of_all() -> None:
    """Of drones one unit was known, which stayed; since then twenty of X and two of twenty of Y came back."""
    rows = [("A", "DRONES", 1, 0), ("X", "DRONES", 20, 20), ("Y", "DRONES", 20, 2)]
    bought = _bought(*rows, *((f"C{n}", "LAMPS", 10, n % 4) for n in range(40)))
    bought.loc[[1, 2], ["known_units", "known_returned_units"]] = 0
    found = propensities(bought).set_index("customer_id")
    assert found.loc["X", "expected_units"] == pytest.approx(20 * 22 / 41)
    assert (
        found.loc["X", "propensity_low_95"]
        < found.loc["X", "propensity"]
        < found.loc["X", "propensity_high_95"]
    )


def test_nobody_stands_out_of_customers_of_whom_little_was_known() -> None:
    """A launch: of 5 % of customers a unit was known at the week's end, which tells nothing of a spread."""
    random = np.random.default_rng(4)
    for _ in range(10):
        units = random.integers(10, 40, 400)
        returned = stats.betabinom.rvs(units, 0.9, 2.1, random_state=random)
        bought = _bought(
            *((f"C{n}", "ALL", int(u), int(r)) for n, (u, r) in enumerate(zip(units, returned, strict=True)))
        )
        known = random.random(400) < 0.05
        bought["known_units"] = known.astype(int)
        bought["known_returned_units"] = (known & (random.random(400) < returned / units)).astype(int)
        assert (propensities(bought)["q_value"] <= 0.05).sum() <= 1


def test_the_tail_is_that_of_scipy() -> None:
    n, x, a, b = (np.array(v, float) for v in ([5, 12, 3], [4, 9, 3], [0.7, 2.0, 1.5], [2.1, 5.0, 0.5]))
    expected = stats.betabinom.sf(x - 1, n.astype(int), a, b)
    # 3 of 3 stand above their mean of 2.25, 4 of 5 above 1.25, 9 of 12 above 3.4.
    assert as_many_or_more(n, x, a, b) == pytest.approx(expected, rel=1e-9)
    assert as_many_or_more(n, np.zeros(3), a, b).tolist() == [1.0, 1.0, 1.0]


def test_the_tail_of_more_units_than_can_be_added_up() -> None:
    """The share of so many units is the customer's own rate, which is drawn from a beta distribution."""
    n, a, b = np.array([3e9, 2e6]), np.array([2.0, 5.0]), np.array([8.0, 45.0])
    x = n * [0.5, 0.25]
    assert as_many_or_more(n, x, a, b) == pytest.approx(stats.beta.sf(x / n, a, b), rel=1e-3)
    # Just beyond what is added up, by SciPy's own sum of the units that did not come back.
    n, x, a, b = (np.array([v], float) for v in (102_000, 1_500, 10.0, 990.0))
    expected = 1 - stats.betabinom.cdf(1_499, 102_000, 10.0, 990.0)
    assert as_many_or_more(n, x, a, b) == pytest.approx([expected], rel=0.02)


def test_categories_of_which_nothing_or_everything_comes_back() -> None:
    found = propensities(_bought(("A", "NEVER", 5, 0), ("B", "ALWAYS", 3, 3)))
    assert found["propensity"].tolist() == [0.0, 1.0]
    assert found["propensity_low_95"].tolist() == [0.0, 1.0] and found["p_value"].tolist() == [1.0, 1.0]


def test_few_are_above_their_peers_where_nobody_is() -> None:
    """Customers drawn from one beta distribution: in 40 companies at most one in twenty flags anybody."""
    rng = np.random.default_rng(11)
    flagged = 0
    for _ in range(40):
        units = rng.integers(1, 30, 400)
        back = rng.binomial(units, rng.beta(2, 8, 400))
        rows = [
            (f"C{n:03}", "SHOES", int(u), int(b)) for n, (u, b) in enumerate(zip(units, back, strict=True))
        ]
        flagged += bool((propensities(_bought(*rows))["q_value"] <= 0.05).any())
    assert flagged <= 4


def test_who_returns_nearly_everything_is_found() -> None:
    rng = np.random.default_rng(12)
    units = np.append(rng.integers(5, 30, 400), [40, 40])
    back = np.append(rng.binomial(units[:400], 0.1), [36, 38])
    rows = [(f"C{n:03}", "SHOES", int(u), int(b)) for n, (u, b) in enumerate(zip(units, back, strict=True))]
    found = propensities(_bought(*rows))
    assert found.loc[found["q_value"] <= 0.05, "customer_id"].tolist() == ["C400", "C401"]


def test_nothing_of_a_customer_is_read_but_what_they_bought_and_sent_back() -> None:
    """No trait that law protects, and none that stands for one: name, address, country, segment, text."""
    text = (QUERIES / "customers.sql").read_text(encoding="utf-8")
    query = sqlglot.parse_one(text.replace("%(", ":").replace(")s", ""), read="postgres")
    named = {table.name for table in query.find_all(exp.Table)}
    assert named - {cte.alias for cte in query.find_all(exp.CTE)} == {"fct_sales_line"}
    (settled,) = (cte.this for cte in query.find_all(exp.CTE))
    assert {column.name for column in settled.find_all(exp.Column)} == {
        "survivor_customer_id", "product_category", "shipped_quantity", "received_quantity",
        # which units count
        "is_product", "is_void", "is_exchange_replacement",
        "delivered_on", "shipped_on", "return_window_days",
    }  # fmt: skip
