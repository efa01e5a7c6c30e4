"""The truth of each KPI against figures worked out by hand; the company is that of small_company.

A cell reads (date, channel, category, site) -> (numerator, denominator, is_mature).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulator.company import (
    DN,
    EXCHANGE,
    HZ,
    LF,
    MS,
    NEVER,
    RC,
    RS,
    RTC,
    RV,
    SS,
    STORE_CREDIT,
    UNMAPPED,
    WARRANTY,
)
from simulator.returns import BLIND, BLIND_ORDER, EXPIRED, LOST, RETURNLESS
from simulator.truth.costs import costs_by_component, recovered
from simulator.truth.every_kpi import KpiTruth
from simulator.truth.kpis import COMPONENTS
from tests.unit.small_company import Row, as_cells, at, cells, known, make_items, make_rates, of

WEB = ("WEB", "APPAREL", "LEJ")
NOWHERE = ("UNATTRIBUTED", "UNKNOWN", "UNATTRIBUTED")
# A parcel that names neither order nor RMA.
BLIND_LINE: Row = {
    "sale": -1, "category": -1, "channel": -1, "currency": -1, "ship_site": -1, "net": 0, "tax": 0,
    "unit_cost": -1, "path": BLIND, "request": -1, "request_line": -1, "rma": -1, "rma_line": -1,
    "tracking": -1, "requested_at": NEVER, "decided_at": NEVER, "authorized_at": NEVER,
    "expires_at": NEVER, "authorized": 0, "customer": -1,
}  # fmt: skip

# Asked for, and nobody has answered.
UNANSWERED: Row = {
    "decision": 0, "decided_at": NEVER, "rma": -1, "rma_line": -1, "authorized_at": NEVER,
    "expires_at": NEVER, "authorized": 0, "tracking": -1,
}  # fmt: skip


# -- what was sold --


def test_value_comes_back_in_shares_that_add_up() -> None:
    found = cells(
        sales=[{"quantity": 3}], lines=[{"sold": 3, "quantity": 2, "authorized": 2}],
        receipts=[{}, {"received_at": at(2, 25)}],
    )  # fmt: skip
    assert of(found, "return_value_rate", "RETURN") == {
        ("2025-02-01", *WEB): ("0.00", "100.00", "true"),
        ("2025-02-20", *WEB): ("33.33", "0.00", "true"),  # a third of 100.00
        ("2025-02-25", *WEB): ("33.34", "0.00", "true"),  # two thirds less that
    }
    assert of(found, "return_value_rate", "SALE") == {("2025-02-01", *WEB): ("66.67", "100.00", "true")}


def test_value_is_converted_at_the_day_of_the_order() -> None:
    found = cells(sales=[{"currency": 1, "net": 1001}], lines=[{"currency": 1, "net": 1001}], receipts=[{}])
    # 10.01 GBP at 1.20 is 12.012 EUR.
    assert of(found, "return_value_rate", "SALE") == {("2025-02-01", *WEB): ("12.01", "12.01", "true")}
    assert of(found, "return_value_rate", "RETURN")["2025-02-20", *WEB] == ("12.01", "0.00", "true")


def test_a_blind_parcel_is_in_no_cohort_and_brings_back_no_value() -> None:
    found = cells(sales=[{}], lines=[BLIND_LINE], receipts=[{}])
    assert ("2025-02-20", "UNATTRIBUTED", "APPAREL", "LEJ") not in of(found, "return_value_rate", "RETURN")
    assert of(found, "product_return_rate", "SALE") == {("2025-02-01", *WEB): ("0", "1", "true")}
    assert of(found, "product_return_rate", "RETURN") == {
        ("2025-02-01", *WEB): ("0", "1", "true"),
        ("2025-02-20", "UNATTRIBUTED", "APPAREL", "LEJ"): ("1", "0", "true"),
    }


def test_an_order_counts_once_at_its_first_parcel_and_the_first_line_in_it() -> None:
    found = cells(
        sales=[
            {"line_no": 10, "category": 1, "shipped_at": at(2, 5)},
            {"line_no": 20, "category": 2, "shipped_at": at(2, 3), "item": 4},
            {"order": 1},
        ],
        lines=[{"sale": 1}], receipts=[{}],
    )  # fmt: skip
    assert of(found, "order_return_rate", "SALE") == {
        ("2025-02-03", "WEB", "ELECTRONICS", "LEJ"): ("1", "1", "true"),
        ("2025-02-01", *WEB): ("0", "1", "true"),
    }


def test_an_order_is_mature_when_its_last_line_is() -> None:
    # 14 days there, 7 of the window, then 2 + 14 + 14: from 1 February to 24 March; of a window of 50 later.
    found = cells(sales=[{}, {"line_no": 20, "window": 50, "item": 4}])
    assert of(found, "order_return_rate", "SALE") == {("2025-02-01", *WEB): ("0", "1", "false")}


@pytest.mark.parametrize(
    ("items", "returned", "bracketed"),
    [((0, 1), True, 1), ((0, 1), False, 0), ((0, 0), True, 0), ((0, 4), True, 0)],
    ids=["two sizes", "both kept", "same size", "two items"],
)
def test_bracketing_needs_two_sizes_of_which_one_comes_back(
    items: tuple[int, int], returned: bool, bracketed: int
) -> None:
    found = cells(
        sales=[{"item": items[0]}, {"item": items[1], "line_no": 20}],
        lines=[{"sale": 1, "item": items[1]}], receipts=[{}] if returned else [],
    )  # fmt: skip
    assert of(found, "bracketing_rate", "SALE") == {("2025-02-01", *WEB): (str(bracketed), "1", "true")}


def test_a_return_of_something_else_is_no_bracketing() -> None:
    found = cells(
        sales=[{"item": 0}, {"item": 1, "line_no": 20}, {"item": 4, "order": 1}],
        lines=[{"sale": 2, "item": 4}], receipts=[{}],
    )  # fmt: skip
    assert sum(int(n) for n, _, _ in of(found, "bracketing_rate", "SALE").values()) == 0


# -- what came in --

TWO_UNITS = {"sold": 2, "quantity": 2, "authorized": 2}


def test_open_units_wait_until_now() -> None:
    found = cells(sales=[{"quantity": 2}], lines=[TWO_UNITS], receipts=[{"quantity": 2}], dispositions=[{}])
    # 20 February 09:00 to 21 February 10:30 is 25 whole hours; to the end of 31 March it is 951.
    assert of(found, "dock_to_disposition_time", "RETURN") == {
        ("2025-02-20", *WEB): (str(25 + 951), "1", "false")
    }


def test_restocked_units_of_those_disposed_of() -> None:
    found = cells(
        sales=[{"quantity": 2}], lines=[TWO_UNITS], receipts=[{"quantity": 2}],
        dispositions=[{"code": RS}, {"code": SS}],
    )  # fmt: skip
    assert of(found, "restock_rate", "RETURN") == {("2025-02-20", *WEB): ("1", "2", "true")}


def test_what_was_taken_back_from_stock_was_not_restocked() -> None:
    found = cells(
        sales=[{}], lines=[{}], receipts=[{}],
        dispositions=[
            {"reversed_at": at(2, 25)},
            {"reverses": 0, "disposed_at": at(2, 25)},
            {"code": SS, "disposed_at": at(2, 26), "follows": 0},
        ],
    )  # fmt: skip
    assert of(found, "restock_rate", "RETURN") == {("2025-02-20", *WEB): ("0", "1", "true")}


@pytest.mark.parametrize(
    ("stated", "confirmed", "expected"),
    [(0, 0, ("1", "1", "true")), (0, 13, ("0", "1", "true")), (UNMAPPED, 13, None)],
    ids=["confirmed", "another", "unmapped"],
)
def test_a_reason_is_confirmed_or_not(
    stated: int, confirmed: int, expected: tuple[str, str, str] | None
) -> None:
    found = cells(
        sales=[{}], lines=[{"reason": stated}], receipts=[{}],
        inspections=[
            {"confirmed_reason": 5}, {"confirmed_reason": confirmed, "inspected_at": at(2, 20, 12)},
        ],
    )  # fmt: skip
    assert of(found, "reason_confirmation_rate", "RETURN").get(("2025-02-20", *WEB)) == expected


@pytest.mark.parametrize(
    ("day", "reason", "against"),
    [(17, 8, 0), (18, 8, 1), (18, 0, 0), (18, WARRANTY, 0), (18, UNMAPPED, 1)],
    ids=["last day of the window", "a day late", "defective", "warranty", "unmapped reason"],
)
def test_late_returns_break_the_rules_unless_the_window_is_waived(
    day: int, reason: int, against: int
) -> None:
    # 1 February + 14 days on the way + 30 days is 17 March.
    asked: Row = {"reason": reason, "requested_at": at(3, day, 23), **UNANSWERED}
    found = cells(sales=[{"window": 30}], lines=[asked], receipts=[{"received_at": at(3, 25)}])
    assert of(found, "policy_violation_rate", "RETURN")["2025-03-25", *WEB] == (str(against), "1", "true")
    assert of(found, "policy_exception_rate", "RETURN")["2025-03-25", *WEB] == ("0", "1", "true")


@pytest.mark.parametrize(
    ("line", "violations", "exceptions"),
    [
        ({"requested_at": at(3, 17)}, 0, 0),
        ({"authorized_at": at(3, 17)}, 0, 0),
        ({"tracking": 0}, 0, 0),
        ({}, 1, 0),
        ({"decision": 1, "decided_at": at(3, 20)}, 0, 1),
        ({"decision": 1, "decided_at": at(4, 20)}, 1, 0),
        ({"decision": 1, "decided_at": at(3, 20), "cancelled_at": at(3, 21)}, 1, 0),
    ],
    ids=["asked in time", "authorized in time", "handed over in time", "none of them", "approved",
         "not yet approved", "approved and withdrawn"],
)  # fmt: skip
def test_the_first_that_is_known_of_a_return_counts_and_what_was_approved_is_an_exception(
    line: Row, violations: int, exceptions: int
) -> None:
    late: Row = {"reason": 8, **UNANSWERED, "requested_at": at(3, 19), **line}
    if "authorized_at" in line:
        late = {**late, "rma": 0, "expires_at": at(4, 30), "authorized": 1}
    found = cells(
        sales=[{"window": 30}], lines=[late], receipts=[{"received_at": at(3, 25)}],
        scans=[{"at": at(3, 17, 23)}],
    )  # fmt: skip
    key = ("2025-03-25", *WEB)
    assert of(found, "policy_violation_rate", "RETURN")[key] == (str(violations), "1", "true")
    assert of(found, "policy_exception_rate", "RETURN")[key] == (str(exceptions), "1", "true")


def test_goods_that_may_not_come_back_break_the_rules_unless_they_were_approved() -> None:
    found_known = known(sales=[{}], lines=[{}, UNANSWERED], receipts=[{}, {"line": 1, "quantity": 2}])
    found_known.world.items.returnable[0] = False
    truth = KpiTruth()
    truth.add(found_known)
    key = ("2025-02-20", *WEB)
    assert of(as_cells(truth), "policy_exception_rate", "RETURN") == {key: ("1", "3", "true")}
    assert of(as_cells(truth), "policy_violation_rate", "RETURN") == {key: ("2", "3", "true")}


@pytest.mark.parametrize(
    ("serial", "wrong"), [(20, 0), (21, 0), (22, 1), (99, 1)],
    ids=["first unit", "second unit", "of another line", "never shipped"],
)  # fmt: skip
def test_a_serial_number_belongs_to_the_sale_or_not(serial: int, wrong: int) -> None:
    found = cells(
        sales=[{"item": 4, "category": 2, "quantity": 2, "serial": 20}],
        lines=[{"item": 4, "category": 2, **TWO_UNITS}], receipts=[{"serial": serial}],
    )  # fmt: skip
    assert of(found, "serial_mismatch_rate", "RETURN") == {
        ("2025-02-20", "WEB", "ELECTRONICS", "LEJ"): (str(wrong), "1", "true")
    }


def test_a_serial_number_that_comes_again_is_wrong_the_second_time() -> None:
    electronic = {"item": 4, "category": 2}
    found = cells(
        sales=[{**electronic, "serial": 20}], lines=[{**electronic, **TWO_UNITS}],
        receipts=[{"serial": 20, "received_at": at(2, 22)}, {"serial": 20}],
    )  # fmt: skip
    assert of(found, "serial_mismatch_rate", "RETURN") == {
        ("2025-02-20", "WEB", "ELECTRONICS", "LEJ"): ("0", "1", "true"),
        ("2025-02-22", "WEB", "ELECTRONICS", "LEJ"): ("1", "1", "true"),
    }


def test_grams_kept_from_landfill() -> None:
    found = cells(
        sales=[{"quantity": 4, "item": 4}],
        lines=[{"sold": 4, "quantity": 4, "authorized": 4, "item": 4}],
        receipts=[{"quantity": 4}],
        dispositions=[{"code": code} for code in (RC, LF, HZ, MS)],
    )  # fmt: skip
    # Item 4 weighs 501 g; what is missing is weighed nowhere.
    assert of(found, "landfill_diversion_rate", "RETURN") == {("2025-02-20", *WEB): ("501", "1503", "true")}


@pytest.mark.parametrize(
    ("customer", "grams"), [(0, 4500), (1, 15_000), (3, 630_000)], ids=["DE", "FR", "US"]
)
def test_co2e_of_the_way(customer: int, grams: int) -> None:
    found = cells(
        sales=[{"quantity": 3, "customer": customer}],
        lines=[{"sold": 3, "quantity": 3, "authorized": 3, "customer": customer}],
        receipts=[{"quantity": 3}],
    )  # fmt: skip
    # 1.5 kg over 300 km and 1,000 km at 100 g a tonne-km, 7,000 km at 600 g; nothing disposed of yet.
    assert of(found, "co2e_per_return", "RETURN") == {
        ("2025-02-20", *WEB): (f"{grams / 100:.2f}", "3", "false")
    }


@pytest.mark.parametrize(
    ("code", "grams"), [(RS, 0), (SS, 0), (RV, 25), (DN, 10), (RC, 10.5), (HZ, 450), (LF, 225), (RTC, 0)]
)
def test_co2e_of_the_end(code: int, grams: float) -> None:
    found = cells(sales=[{}], lines=[{}], receipts=[{}], dispositions=[{"code": code}])
    way = 0.5 * 300 * 100 / 1000
    assert of(found, "co2e_per_return", "RETURN") == {
        ("2025-02-20", *WEB): (f"{way + grams:.2f}", "1", "true")
    }


# -- what it cost --


def cents(**tables: list[Row]) -> dict[str, int]:
    """Costs of the first line by component, those of nothing left out."""
    costs = costs_by_component(known(**tables))[:, 0]
    return {name: int(cost) for name, cost in zip(COMPONENTS, costs, strict=True) if cost}


def test_a_closed_work_order_costs_labour_and_parts() -> None:
    found = cents(sales=[{}], lines=[{}], receipts=[{}], work_orders=[{}, {"type": 2, "parts": 0}])
    # 30 minutes at 34.50 an hour is 17.25; parts are 1.25.
    assert (found["repair"], found["repack"]) == (1850, 1725)


def test_an_open_work_order_costs_what_it_has_cost_so_far() -> None:
    found = cents(sales=[{}], lines=[{}], receipts=[{}], work_orders=[{"closed_at": at(4, 1)}])
    assert found["repair"] == 345  # 6 minutes


def test_goods_are_stored_until_they_leave() -> None:
    three = {"sold": 3, "quantity": 3, "authorized": 3}
    found = cents(
        sales=[{"quantity": 3}], lines=[three], receipts=[{"quantity": 3, "site": 3}],
        dispositions=[{"disposed_at": at(2, 25, 1), "quantity": 2}],
    )  # fmt: skip
    # Two units from 20 to 25 February at 0.35 SEK are 3.50 SEK; at 0.09 that is 0.315 EUR.
    assert found["storage"] == 32


def test_a_case_is_shared_by_the_lines_of_its_rma() -> None:
    rma = {"rma": 7, "tracking": -1}
    costs = costs_by_component(
        known(
            sales=[{}, {"line_no": 20}, {"line_no": 30}],
            lines=[
                rma, {**rma, "sale": 1, "rma_line": 2, "request_line": 2, "authorized": 2},
                {**rma, "sale": 2, "rma_line": 3, "request_line": 3, "cancelled_at": at(2, 12)},
            ],
            cases=[{"rma": 7}, {"rma": -1}],
        )
    )  # fmt: skip
    # 4.50 over one and two units; the void line has no share.
    assert costs[COMPONENTS.index("case_handling")].tolist() == [150, 300, 0]


def test_what_the_vendor_credits_is_recovered() -> None:
    line = {"sales": [{}], "lines": [{}], "receipts": [{}], "dispositions": [{"code": RV}]}
    assert recovered(known(**line, claims=[{}])).tolist() == [8000]
    assert recovered(known(**line, claims=[{"answered_at": at(4, 2)}])).tolist() == [0]
    assert recovered(known(**line, claims=[{"receipt": -1}])).tolist() == [0]


# -- money --


def test_refunds_are_what_was_paid_less_what_failed() -> None:
    found = cells(
        sales=[{}], lines=[{}], receipts=[{}],
        settlements=[
            {"gross": -11_900}, {"type": 1, "gross": 11_900, "booked_at": at(2, 26)},
            {"gross": -5000, "booked_at": at(3, 1)}, {"status": 0, "gross": -70},
            {"type": 2, "gross": -90}, {"type": 4, "line": -2, "gross": -80},
        ],
    )  # fmt: skip
    captured = "124.00"  # 100.00 net, 19.00 tax, 5.00 shipping
    assert of(found, "refund_rate", "REFUND") == {
        ("2025-02-01", *WEB): ("0.00", captured, "true"),
        ("2025-02-23", *WEB): ("119.00", "0.00", "true"),
        ("2025-02-26", *WEB): ("-119.00", "0.00", "true"),
        ("2025-03-01", *WEB): ("50.00", "0.00", "true"),
    }
    # What came in time has come by 24 March; its refund is due until 7 April.
    assert of(found, "refund_rate", "SALE") == {("2025-02-01", *WEB): ("50.00", captured, "false")}


def test_refunds_of_an_order_line_that_never_came_back_count_for_its_sale() -> None:
    found = cells(sales=[{}], lines=[{}], settlements=[{"line": -1, "sale": 0, "gross": -500}])
    assert of(found, "refund_rate", "REFUND")["2025-02-23", *WEB] == ("5.00", "0.00", "true")
    assert of(found, "refund_rate", "SALE")["2025-02-01", *WEB] == ("5.00", "124.00", "false")


def test_refunds_of_no_known_sale_count_on_their_day_alone() -> None:
    found = cells(sales=[{}], lines=[{}], settlements=[{"line": -1, "gross": -500}])
    assert of(found, "refund_rate", "REFUND")["2025-02-23", *NOWHERE] == ("5.00", "0.00", "true")
    assert of(found, "refund_rate", "SALE") == {("2025-02-01", *WEB): ("0.00", "124.00", "false")}


@pytest.mark.parametrize(
    ("goods", "kept", "given"),
    [
        # Goods of 119.00 were shipped for what is credited with 60.00; ordered and not shipped; none.
        ([{"order": 5, "replaces": 0, "shipped_at": at(2, 24)}], "80.00", "28.00"),
        ([{"order": 5, "replaces": 0, "shipped_at": NEVER}], "20.00", "88.00"),
        ([], "20.00", "88.00"),
    ],
)  # fmt: skip
def test_money_kept_and_money_given_back_add_up_to_what_was_credited(
    goods: list[dict[str, int]], kept: str, given: str
) -> None:
    found = cells(
        sales=[{}, {"line_no": 20}, {"line_no": 30}, *goods],
        receipts=[{"line": 1}],
        lines=[
            {}, {"sale": 1, "resolution": EXCHANGE, "request_line": 2, "rma_line": 2},
            {"sale": 2, "resolution": STORE_CREDIT, "request_line": 3, "rma_line": 3},
        ],
        memos=[
            {"amount": 4000}, {"amount": 1000}, {"amount": -1000, "reverses": 0},
            {"line": 1, "amount": 6000}, {"line": 2, "amount": 500},
            # Goodwill: for an order line of which nothing came back, and for none.
            {"line": -1, "sale": 0, "amount": 300}, {"line": -1, "amount": 200},
        ],
        # 40.00 were wished for in cash, and 15.00 of them were issued as credit; 30.00 of those failed first.
        tenders=[
            {"amount": 2500}, {"amount": 1500, "tender": 3}, {"amount": 3000, "tender": 4, "status": 2},
            {"line": 2, "amount": 500, "tender": 3},
        ],
    )  # fmt: skip
    assert of(found, "retained_revenue_ratio", "REFUND") == {
        ("2025-02-22", *WEB): (kept, "108.00", "true"),
        ("2025-02-22", *NOWHERE): ("0.00", "2.00", "true"),
    }
    assert of(found, "refund_ratio", "REFUND") == {
        ("2025-02-22", *WEB): (given, "108.00", "true"),
        ("2025-02-22", *NOWHERE): ("2.00", "2.00", "true"),
    }


def test_a_wish_for_credit_that_was_paid_in_cash_keeps_nothing() -> None:
    found = cells(
        sales=[{}], lines=[{"resolution": STORE_CREDIT}], memos=[{"amount": 4000}], tenders=[{"amount": 4000}]
    )
    assert of(found, "retained_revenue_ratio", "REFUND") == {("2025-02-22", *WEB): ("0.00", "40.00", "true")}


@pytest.mark.parametrize(
    ("rows", "counted"),
    [
        # 40.00 on 2 March and 49.00 on the 5th, of one refund of 89.00
        ([(2, 0, 4000, 4000, False), (5, 0, 4900, 4900, False)], {"2025-03-05": ("13", "1", "true")}),
        # settled again a day later
        ([(2, 0, 8900, 8900, False), (3, 0, 8900, 8900, True)], {"2025-03-02": ("10", "1", "true")}),
        # failed, and paid again
        (
            [(2, 0, 8900, 8900, False), (4, 1, -8900, 8900, False), (6, 0, 8900, 0, False)],
            {"2025-03-06": ("14", "1", "true")},
        ),
        ([(2, 0, 8900, 8900, False), (4, 1, -8900, 8900, False)], {}),
        # the processor kept a fee
        ([(2, 0, 8600, 8900, False)], {"2025-03-02": ("10", "1", "true")}),
    ],
    ids=["in two parts", "twice", "failed once", "failed", "short"],
)
def test_a_refund_counts_once_when_it_is_wholly_paid(
    rows: list[tuple[int, int, int, int, bool]], counted: dict[str, tuple[str, str, str]]
) -> None:
    movements: list[Row] = [
        {
            "refund": 7, "booked_at": at(3, day), "type": kind, "gross": -cents, "due": due,
            "is_duplicate": again,
        }
        for day, kind, cents, due, again in rows
    ]  # fmt: skip
    found = cells(sales=[{}], lines=[{}], receipts=[{}], settlements=movements)
    assert of(found, "refund_lead_time", "REFUND") == {(day, *WEB): cell for day, cell in counted.items()}


@pytest.mark.parametrize(
    ("scans", "receipts", "start"),
    [
        ([{}], [{}], 15), ([], [{}], 20), ([{"at": at(2, 24)}], [{}], 20), ([], [], 10),
        ([{"code": 0}], [], 10), ([{"is_return": False}], [], 10),
    ],
    ids=["scan", "receipt", "receipt before scan", "request", "only printed", "outbound"],
)  # fmt: skip
def test_the_clock_starts_when_goods_move_else_with_the_request(
    scans: list[Row], receipts: list[Row], start: int
) -> None:
    found = cells(
        sales=[{}], lines=[{}], scans=scans, receipts=receipts, settlements=[{"booked_at": at(3, 1)}]
    )
    days = 28 - start + 1
    assert of(found, "refund_lead_time", "REFUND") == {("2025-03-01", *WEB): (str(days), "1", "true")}
    late = "1" if days > 14 else "0"
    assert of(found, "refund_late_share", "REFUND") == {("2025-03-01", *WEB): (late, "1", "true")}


def test_a_refund_before_anything_has_moved_takes_no_days() -> None:
    found = cells(sales=[{}], lines=[{}], receipts=[{}], settlements=[{"booked_at": at(2, 11)}])
    assert of(found, "refund_lead_time", "REFUND") == {("2025-02-11", *WEB): ("0", "1", "true")}


def test_cash_beyond_the_entitlement_is_over_refunded_on_its_last_day() -> None:
    company = known(sales=[{}], lines=[{}])
    group = {"line": 0, "currency": 1, "e": 5000, "p": 6000, "has_p": True, "p_at": at(2, 23)}
    groups = [
        group,  # 10.00 of 60.00 GBP too much, at 1.20
        {**group, "e": 7000, "p_at": at(2, 24)},  # less than entitled
        {**group, "p": 100, "has_p": False, "p_at": at(2, 25)},  # nothing is left of what was paid
        {**group, "line": -1, "currency": 0, "e": 0, "p": 500},  # goodwill
    ]
    truth = KpiTruth()
    truth.add_groups(company, pd.DataFrame(groups))
    assert of(as_cells(truth), "over_refund_amount", "REFUND") == {
        ("2025-02-23", *WEB): ("12.00", "72.00", "true"),
        ("2025-02-24", *WEB): ("0.00", "72.00", "true"),
        ("2025-02-23", *NOWHERE): ("5.00", "5.00", "true"),
    }


# -- what customers asked for --


@pytest.mark.parametrize(
    ("line", "received", "expected"),
    [
        ({}, 0, ("2", "2", "true")), ({"expires_at": at(4, 2)}, 0, ("0", "2", "false")),
        ({"expires_at": at(4, 2)}, 2, ("0", "2", "false")), ({}, 1, ("1", "2", "true")),
        ({"expires_at": at(3, 17)}, 0, ("2", "2", "true")),
        ({"expires_at": at(3, 18)}, 0, ("2", "2", "false")),
        ({"cancelled_at": at(2, 12)}, 0, None),
    ],
    ids=["expired", "not yet", "all here", "half", "14 days ago", "on its way yet", "cancelled"],
)  # fmt: skip
def test_units_that_were_approved_and_never_came(
    line: Row, received: int, expected: tuple[str, str, str] | None
) -> None:
    found = cells(
        sales=[{"quantity": 2}], lines=[{**TWO_UNITS, "path": EXPIRED, **line}],
        receipts=[{"quantity": received}] if received else [],
    )  # fmt: skip
    assert of(found, "no_show_rate", "REQUEST").get(("2025-02-10", *WEB)) == expected


def test_labels_are_used_or_not() -> None:
    later = {"sale": 1, "request_line": 2, "rma_line": 2}
    found = cells(
        sales=[{}, {"line_no": 20, "category": 1}, {"order": 1}, {"order": 2}],
        lines=[
            {}, {**later, "category": 1},  # two lines on one label
            {"sale": 2, "rma": 1, "request": 1, "tracking": 1, "channel": 2},
            {"sale": 3, "rma": 2, "request": 2, "tracking": 2, "channel": 2, "expires_at": at(4, 1)},
        ],
        scans=[{}, {"code": 4, "at": at(2, 16)}, {"number": 1, "code": 5}],
    )  # fmt: skip
    assert of(found, "label_use_rate", "REQUEST") == {
        ("2025-02-10", *WEB): ("1", "1", "true"),
        ("2025-02-10", "APP", "APPAREL", "LEJ"): ("0", "2", "false"),
    }


def test_a_label_that_has_expired_is_not_awaited_any_more() -> None:
    found = cells(sales=[{}], lines=[{}])
    assert of(found, "label_use_rate", "REQUEST") == {("2025-02-10", *WEB): ("0", "1", "true")}


def test_units_that_the_customer_keeps_beside_those_that_came() -> None:
    kept = {
        "sale": 1, "path": RETURNLESS, "quantity": 2, "rma": -1, "rma_line": -1, "tracking": -1,
        "authorized_at": NEVER, "expires_at": NEVER, "request": 1,
    }  # fmt: skip
    found = cells(
        sales=[{}, {"order": 1, "quantity": 2}], lines=[{}, kept], receipts=[{}],
        tenders=[{"line": 1}],
    )  # fmt: skip
    assert of(found, "returnless_share", "REQUEST") == {("2025-02-10", *WEB): ("2", "3", "true")}


def test_cases_count_at_the_first_line_that_is_not_void() -> None:
    rma = {"rma": 7, "tracking": -1}
    found = cells(
        sales=[{}, {"line_no": 20}],
        lines=[
            {**rma, "cancelled_at": at(2, 12)},
            {**rma, "sale": 1, "rma_line": 2, "request_line": 2, "channel": 2},
        ],
        cases=[
            {"rma": 7, "csat": 4}, {"rma": 7, "csat": 5, "closed_at": at(4, 1)}, {"rma": 7},
            {"rma": -1, "csat": 1},
        ],
    )  # fmt: skip
    place = ("2025-02-10", "APP", "APPAREL", "LEJ")
    assert of(found, "contacts_per_return", "REQUEST") == {place: ("3", "1", "false")}
    assert of(found, "csat", "REQUEST") == {place: ("4", "1", "false")}  # the 5 is not given yet


@pytest.mark.parametrize(
    ("expires_at", "are_final"),
    [
        (at(2, 17), ("true", "true", "true")), (at(2, 18), ("true", "true", "false")),
        (at(3, 3), ("true", "true", "false")), (at(3, 4), ("true", "false", "false")),
        (at(3, 17), ("true", "false", "false")), (at(3, 18), ("false", "false", "false")),
    ],
)  # fmt: skip
def test_customers_write_as_long_as_a_refund_is_due_and_rate_the_answer(
    expires_at: int, are_final: tuple[str, ...]
) -> None:
    """On 31 March: 14 days on the way, 14 more to ask for the money, 14 more for the answer."""
    found = cells(
        sales=[{}], lines=[{"expires_at": expires_at}], receipts=[{}], cases=[{"rma": 0, "csat": 4}]
    )
    place = ("2025-02-10", *WEB)
    kpis = ("returnless_share", "contacts_per_return", "csat")
    assert tuple(of(found, kpi, "REQUEST")[place][2] for kpi in kpis) == are_final


def test_a_request_without_authorization_is_final_as_if_it_took_as_long_as_stated() -> None:
    """Asked for on the 1st of March: decided by the 3rd, handed over by the 17th, here on the 31st."""
    for day, is_final in ((1, "true"), (2, "false")):
        line = {"rma": -1, "rma_line": -1, "authorized_at": NEVER, "expires_at": NEVER, "authorized": 0,
                "tracking": -1, "requested_at": at(3, day)}  # fmt: skip
        found = cells(sales=[{}], lines=[line], receipts=[{"received_at": at(3, 9)}])
        assert of(found, "returnless_share", "REQUEST") == {(f"2025-03-0{day}", *WEB): ("0", "1", is_final)}


# -- what is final --


@pytest.mark.parametrize(
    ("disposed_at", "claims", "are_final"),
    [
        (at(3, 1), [], ("true", "true")), (at(3, 2), [], ("false", "false")),
        (at(3, 1), [{"answered_at": at(4, 2)}], ("true", "false")), (at(3, 1), [{}], ("true", "true")),
    ],
    ids=["30 days ago", "29 days ago", "the vendor has not answered", "the vendor has answered"],
)  # fmt: skip
def test_costs_and_recovery_are_final_when_the_invoices_are_here(
    disposed_at: int, claims: list[Row], are_final: tuple[str, str]
) -> None:
    found = cells(
        sales=[{}], lines=[{}], receipts=[{}], dispositions=[{"disposed_at": disposed_at}], claims=claims
    )
    kpis = ("cost_per_return", "value_recovery_rate")
    assert tuple(of(found, kpi, "RETURN")["2025-02-20", *WEB][2] for kpi in kpis) == are_final


@pytest.mark.parametrize(("expires_at", "is_final"), [(at(3, 17), "true"), (at(3, 18), "false")])
def test_the_cost_of_half_a_return_is_final_when_the_rest_can_no_longer_come(
    expires_at: int, is_final: str
) -> None:
    found = cells(
        sales=[{"quantity": 2}], lines=[{**TWO_UNITS, "expires_at": expires_at}], receipts=[{}],
        dispositions=[{}],
    )  # fmt: skip
    assert of(found, "cost_per_return", "RETURN")["2025-02-20", *WEB][1:] == ("1", is_final)


@pytest.mark.parametrize(("day", "is_final"), [(28, "true"), (29, "false")])
def test_reasons_are_final_when_the_day_is_inspected(day: int, is_final: str) -> None:
    found = cells(
        sales=[{}], lines=[{}], receipts=[{"received_at": at(3, day, 9)}],
        inspections=[{"inspected_at": at(3, day, 11)}],
    )  # fmt: skip
    key = (f"2025-03-{day}", *WEB)
    assert of(found, "reason_confirmation_rate", "RETURN") == {key: ("1", "1", is_final)}


@pytest.mark.parametrize(("expires_at", "is_final"), [(at(3, 17), "true"), (at(3, 18), "false")])
def test_a_refund_before_the_goods_is_timed_when_they_can_no_longer_come(
    expires_at: int, is_final: str
) -> None:
    company: dict[str, list[Row]] = {"sales": [{}], "lines": [{"expires_at": expires_at}]}
    found = cells(**company, settlements=[{}])
    assert of(found, "refund_lead_time", "REFUND") == {("2025-02-23", *WEB): ("13", "1", is_final)}
    truth = KpiTruth()
    group = {"line": 0, "currency": 0, "e": 0, "p": 500, "has_p": True, "p_at": at(2, 23)}
    truth.add_groups(known(**company), pd.DataFrame([group]))
    assert of(as_cells(truth), "over_refund_amount", "REFUND") == {
        ("2025-02-23", *WEB): ("5.00", "5.00", is_final)
    }


@pytest.mark.parametrize(
    ("memo", "tenders", "is_final"),
    [
        ({}, [{}], "true"), ({}, [{"final_at": NEVER}], "false"), ({}, [], "true"),
        ({"posted_at": at(3, 17)}, [], "true"), ({"posted_at": at(3, 18)}, [], "false"),
        ({"posted_at": at(3, 18)}, [{}], "true"),
    ],
    ids=["paid", "pending", "nothing came", "due today", "due tomorrow", "paid lately"],
)  # fmt: skip
def test_what_a_memo_keeps_is_final_when_it_is_issued(memo: Row, tenders: list[Row], is_final: str) -> None:
    found = cells(sales=[{}], lines=[{}], memos=[memo], tenders=tenders)
    ((_, _, is_so),) = of(found, "retained_revenue_ratio", "REFUND").values()
    assert is_so == is_final


def test_a_label_that_is_used_waits_for_those_that_are_not() -> None:
    found = cells(sales=[{}], lines=[{"expires_at": at(4, 1)}], scans=[{}])
    assert of(found, "label_use_rate", "REQUEST") == {("2025-02-10", *WEB): ("1", "1", "false")}


# -- what is open --


@pytest.mark.parametrize(
    ("days", "age"),
    [(0, "0_7"), (7, "0_7"), (8, "8_14"), (14, "8_14"), (15, "15_30"), (30, "15_30"), (31, "31_60"),
     (60, "31_60"), (61, "60_plus")],
)  # fmt: skip
def test_open_units_by_age(days: int, age: str) -> None:
    asked = at(3, 31, 12) - days * 86_400
    found = cells(
        sales=[{"quantity": 3, "net": 10_000}],
        lines=[{
            "sold": 3, "quantity": 2, "authorized": 2, "requested_at": asked, "authorized_at": asked,
            "expires_at": at(4, 30), "path": LOST,
        }],
    )  # fmt: skip
    for name in ("0_7", "8_14", "15_30", "31_60", "60_plus"):
        units, value = ("2", "66.67") if name == age else ("0", "0.00")
        key = ("2025-03-31", *WEB)
        assert of(found, f"open_return_units.{name}", "SNAPSHOT") == {key: (units, "2", "true")}
        assert of(found, f"open_return_value.{name}", "SNAPSHOT") == {key: (value, "66.67", "true")}


def test_open_units_of_an_unknown_sale_have_no_value() -> None:
    found = cells(sales=[{}], lines=[BLIND_LINE], receipts=[{}])
    key = ("2025-03-31", "UNATTRIBUTED", "APPAREL", "UNATTRIBUTED")
    assert of(found, "open_return_units.31_60", "SNAPSHOT") == {key: ("1", "1", "true")}
    assert of(found, "open_return_value.31_60", "SNAPSHOT") == {}


def test_a_parcel_that_names_only_its_order_states_no_reason() -> None:
    line = {**BLIND_LINE, "sale": 0, "category": 0, "channel": 0, "ship_site": 0, "path": BLIND_ORDER}
    found = cells(sales=[{"window": 4}], lines=[line], receipts=[{}], inspections=[{"confirmed_reason": 0}])
    assert of(found, "reason_confirmation_rate", "RETURN") == {}
    # Whatever the reason was: nobody has waived the window.
    assert of(found, "policy_violation_rate", "RETURN") == {("2025-02-20", *WEB): ("1", "1", "true")}


# -- vendors and stock --


@pytest.mark.parametrize(
    ("claim", "recovery", "days"),
    [
        ({}, ("80.00", "100.00", "true"), ("28", "1", "true")),
        ({"answer": 3, "credited": 0}, ("0.00", "100.00", "true"), ("28", "0", "true")),
        ({"answered_at": NEVER}, ("0.00", "100.00", "false"), ("37", "0", "false")),
    ],
    ids=["credited", "rejected", "open"],
)
def test_claims_are_answered_or_wait(
    claim: Row, recovery: tuple[str, str, str], days: tuple[str, str, str]
) -> None:
    # 22 February to 22 March is 28 days, to 31 March 37.
    found = cells(sales=[{}], lines=[{}], receipts=[{"site": 1}], claims=[claim])
    key = ("2025-02-22", "WEB", "APPAREL", "MAN")
    assert of(found, "vendor_recovery_rate", "CLAIM") == {key: recovery}
    assert of(found, "vendor_days_outstanding", "CLAIM") == {key: days}


def test_claims_for_own_stock_know_only_the_category() -> None:
    found = cells(sales=[{}], lines=[{}], receipts=[{}], claims=[{"receipt": -1, "item": 4}])
    assert list(of(found, "vendor_recovery_rate", "CLAIM")) == [
        ("2025-02-22", "UNATTRIBUTED", "ELECTRONICS", "UNATTRIBUTED")
    ]


def stock_cells(stock: list[Row], **tables: list[Row]) -> dict[tuple[str, ...], tuple[str, str, str]]:
    """KPI cells with snapshots of stock beside what else there is."""
    truth = KpiTruth()
    truth.add(known(**tables))
    default = {"day": at(3, 31) // 86_400, "site": 0, "location": 0, "item": 0, "grade": 0, "quantity": 1}
    truth.add_stock(make_items(), make_rates(), pd.DataFrame([{**default, **row} for row in stock]))
    return as_cells(truth)


def test_stock_is_worth_its_cost_by_grade_in_the_money_of_the_site() -> None:
    found = stock_cells([{"grade": 1, "quantity": 3, "site": 1}, {"grade": 5}])
    # 20.00 EUR * 0.88 * 0.90 = 15.84 GBP; three are 47.52 GBP at 1.20. Scrap is worth nothing.
    assert of(found, "returned_stock_value", "STOCK") == {
        ("2025-03-31", "UNATTRIBUTED", "APPAREL", "MAN"): ("57.02", "3", "true"),
        ("2025-03-31", "UNATTRIBUTED", "APPAREL", "LEJ"): ("0.00", "1", "true"),
    }


@pytest.mark.parametrize(("day", "left"), [(1, 0), (2, 1), (31, 1)], ids=["too long ago", "first", "last"])
def test_days_of_stock_by_what_left_in_thirty_days(day: int, left: int) -> None:
    # The thirty days up to 31 March begin on 2 March.
    found = stock_cells(
        [{"quantity": 4}], sales=[{}], lines=[{}], receipts=[{}],
        dispositions=[{"disposed_at": at(3, day, 12)}],
    )  # fmt: skip
    assert of(found, "returned_stock_days", "STOCK") == {
        ("2025-03-31", "UNATTRIBUTED", "APPAREL", "LEJ"): ("120", str(left), "true")
    }


def test_what_leaves_counts_where_nothing_lies() -> None:
    found = stock_cells(
        [{"item": 4}], sales=[{}], lines=[{}], receipts=[{}], dispositions=[{"disposed_at": at(3, 20)}]
    )
    assert of(found, "returned_stock_days", "STOCK") == {
        ("2025-03-31", "UNATTRIBUTED", "ELECTRONICS", "LEJ"): ("30", "0", "true"),
        ("2025-03-31", "UNATTRIBUTED", "APPAREL", "LEJ"): ("0", "1", "true"),
    }


def test_nothing_that_comes_later_is_known() -> None:
    later = {"seen": at(4, 1)}
    known_later = known(
        sales=[{}], lines=[{}], receipts=[{**RECEIVED, **later}], inspections=[later], claims=[later],
        work_orders=[later], cases=[later], scans=[later], settlements=[later], memos=[later],
    )  # fmt: skip
    assert np.count_nonzero(costs_by_component(known_later)) == 0
    truth = KpiTruth()
    truth.add(known_later)
    assert {kpi for kpi, *_ in as_cells(truth)} == {
        "product_return_rate", "return_value_rate", "order_return_rate", "bracketing_rate", "refund_rate",
        "no_show_rate", "label_use_rate", "contacts_per_return", "return_cycle_time",
    }  # fmt: skip


RECEIVED = {"received_at": at(4, 1)}
