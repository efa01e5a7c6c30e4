"""What is to be expected and decided, in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from revlog.reports.ahead import TABLES, lines

ROW: dict[str, Any] = {
    "units": Decimal("412.4"), "give_or_take": 37.6, "new_alerts": 2, "alerts": 9,
    "at_stake": Decimal("1234.50"), "ending": 7, "ending_amount": Decimal("1930.00"), "claims": 31,
    "claims_amount": Decimal("8000.10"), "waiting": 73, "gained": Decimal("99.00"), "losing": 48, "above": 3,
    "currency": "EUR",
}  # fmt: skip


def _texts(row: dict[str, Any]) -> list[str]:
    return [line.text for line in lines(row)]


def test_a_line_for_each() -> None:
    assert _texts(ROW) == [
        "expected next 7 days: 412 units ± 38",
        "2 new quality alerts this week; 9 stand, 1,234.50 EUR at stake",
        "7 claims expire this week, 1,930.00 EUR; 31 can be filed, 8,000.10 EUR",
        "73 units wait for a decision; their best ways should bring 99.00 EUR more than the second best",
        "48 products cost more to take back than they bring",
        "3 customers return more than what they bought explains",
    ]


def test_one_is_one() -> None:
    one = dict.fromkeys(("new_alerts", "alerts", "ending", "claims", "waiting", "losing", "above"), 1)
    found = _texts(ROW | one | {"units": Decimal("1.2"), "give_or_take": None})
    assert found[0] == "expected next 7 days: 1 unit"
    assert found[1].startswith("1 new quality alert this week; 1 stand")
    assert found[2].startswith("1 claim expires this week")
    assert (
        found[3].startswith("1 unit waits") and found[4] == "1 product costs more to take back than it brings"
    )
    assert found[5] == "1 customer returns more than what they bought explains"


def test_nothing_to_say_yet() -> None:
    none = dict.fromkeys(("new_alerts", "alerts", "ending", "claims", "waiting", "losing", "above"), 0)
    found = _texts(ROW | none | {"units": None, "give_or_take": None, "currency": None})
    assert found[:2] == ["expected next 7 days: nobody can say yet", "0 new quality alerts this week"]


def test_a_line_names_the_table_that_tells_all_of_it() -> None:
    named = [line.table for line in lines(ROW)]
    assert len(set(named)) == 6 and set(named) < set(TABLES)
