"""Records that are written well and can't be true, over all feeds, each with what must become of it.

They hang on an order that is sound: five toys of order N1, of which RMA NR brought one back as receipt NC.
What is quarantined has a reason; what is carried breaks a rule of `core.fct_implausible_record`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from revlog.companies.company import COMPANIES
from revlog.contracts.contract import CONTRACTS, all_feeds, load_contract

DAY, STAMP = "2026-01-31", "2026-01-31T12:00:00+00:00"
HUGE = "99999999999999.00"  # a hundred trillion: half of what would overflow a published column
Values = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """A row of a feed, beside what a sound one of its feed has; how it ends is a reason or a rule."""

    what: str
    feed: str
    values: Values
    ends: str
    is_carried: bool = False


SOUND: dict[str, Values] = {
    "erp_sales_lines": {
        "order_no": "N1", "line_no": 1, "ordered_at": "2026-01-02T10:00:00+00:00",
        "customer_id": "C000000001",
        "channel": "web", "sku": "TOY-00009", "quantity": 5, "unit_price": "10.0000",
        "discount_amount": "0.00",
        "net_amount": "50.00", "tax_amount": "9.50", "shipping_amount": "0.00", "currency": "EUR",
        "unit_cost": "4.0000", "ship_from_site": "LEJ", "is_void": False, "updated_at": STAMP,
    },
    "crm_return_requests": {
        "request_id": "NQ", "request_line": 1, "order_no": "N1", "order_line_no": 1, "quantity": 1,
        "customer_id": "C000000001", "reason_code": "changed_mind", "desired_resolution": "refund",
        "status": "declined", "requested_at": "2026-01-10T10:00:00+00:00",
        "decided_at": "2026-01-10T11:00:00+00:00", "updated_at": STAMP,
    },
    "erp_return_authorizations": {
        "rma_no": "NR", "rma_line_no": 1, "order_no": "N1", "order_line_no": 1, "sku": "TOY-00009",
        "quantity_authorized": 2, "reason_code": "D09", "resolution": "refund", "status": "open",
        "authorized_at": "2026-01-10T12:00:00+00:00", "is_void": False, "updated_at": STAMP,
    },
    "wms_return_receipts": {
        "receipt_id": "NC", "rma_no": "NR", "rma_line_no": 1, "sku": "TOY-00009", "quantity": 1,
        "site": "LEJ", "received_at": "2026-01-20T10:00:00+00:00", "received_zone": "UTC",
    },
    "wms_inspections": {
        "inspection_id": "NI", "receipt_id": "NC", "functional_grade": "F2", "cosmetic_grade": "C1",
        "labour_minutes": "0", "inspected_at": "2026-01-21T10:00:00+00:00",
    },
    "wms_dispositions": {
        "disposition_id": "ND", "receipt_id": "NC", "quantity": 1, "code": "RESTOCK", "handling_cost": "0.00",
        "currency": "EUR", "disposed_at": "2026-01-22T10:00:00+00:00",
    },
    "wms_work_orders": {
        "work_order_no": "NW", "receipt_id": "NC", "type": "repack", "opened_at": "2026-01-21T10:00:00+00:00",
        "labour_minutes": "0", "labour_rate": "0.0000", "parts_cost": "0.00", "currency": "EUR",
        "updated_at": STAMP,
    },
    "wms_carrier_invoices": {
        "invoice_no": "NF", "tracking_no": "NT", "charge_type": "freight", "amount": "0.00",
        "currency": "EUR", "invoiced_on": DAY,
    },
    "erp_vendor_claims": {
        "claim_no": "NV", "line_no": 1, "vendor_id": "V000", "receipt_id": "NC", "sku": "TOY-00009",
        "quantity": 1, "claimed_amount": "0.00", "credited_amount": "0.00", "currency": "EUR",
        "status": "rejected", "opened_on": DAY, "updated_at": STAMP,
    },
    "erp_recovery_sales": {
        "recovery_id": "NY", "disposition_id": "ND", "sku": "TOY-00009", "quantity": 1, "channel": "outlet",
        "gross_proceeds": "0.00", "fees": "0.00", "currency": "EUR", "sold_at": "2026-01-25T10:00:00+00:00",
    },
    "erp_credit_memos": {
        "memo_no": "NM", "memo_line_no": 1, "component": "merchandise", "order_no": "N1", "order_line_no": 1,
        "amount": "0.00", "currency": "EUR", "posted_on": "2026-01-25",
    },
    "crm_refunds": {
        "refund_id": "NB", "tender_no": 1, "order_no": "N1", "order_line_no": 1, "customer_id": "C000000001",
        "amount": "1.00", "currency": "EUR", "tender": "card", "status": "failed", "is_returnless": False,
        "created_at": "2026-01-25T10:00:00+00:00", "updated_at": STAMP,
    },
    "erp_payment_settlements": {
        "settlement_id": "NS", "batch_no": "NN", "type": "refund", "refund_id": "NB",
        "gross_amount": "-1.00",
        "fee_amount": "0.00", "net_amount": "-1.00", "currency": "EUR", "booked_at": STAMP,
        "status": "failed",
    },
    "erp_gl_entries": {
        "journal_no": "NJ", "line_no": 1, "posted_on": "2026-01-25", "fiscal_period": "2026-01",
        "account": "480100", "amount": "0.00", "currency": "EUR",
    },
    "erp_fx_rates": {"rate_date": DAY, "from_currency": "GBP", "to_currency": "EUR", "rate": "1.15"},
    "crm_cases": {
        "case_id": "NK", "customer_id": "C000000001", "topic": "complaint",
        "opened_at": "2026-01-25T10:00:00+00:00", "updated_at": STAMP,
    },
    "wms_shipment_events": {
        "tracking_no": "NT", "event_code": "in_transit", "event_at": "2026-01-25T10:00:00+00:00",
        "leg": "return", "carrier": "DHL",
    },
}  # fmt: skip
# What is there before the nonsense comes, beside the first record of each of these feeds.
CARRIERS = (
    ("erp_sales_lines", {"shipped_at": "2026-01-03T10:00:00+00:00"}),
    ("erp_return_authorizations", {}),
    ("wms_return_receipts", {}),
    ("wms_dispositions", {}),
    ("wms_dispositions", {"disposition_id": "ND-R", "reverses_disposition_id": "ND",
                          "disposed_at": "2026-01-23T10:00:00+00:00"}),
    ("erp_credit_memos", {}),
    ("erp_credit_memos", {"memo_no": "NM-R", "reverses_memo_no": "NM"}),
    ("crm_refunds", {}),
)  # fmt: skip

QUARANTINED = (
    # feed, what, values, reason
    ("erp_fx_rates", "rate of zero", {"rate": "0"}, "zero_not_allowed"),
    ("erp_fx_rates", "negative rate", {"rate": "-1.15"}, "negative_not_allowed"),
    ("erp_fx_rates", "rate of seven to itself", {"from_currency": "USD", "to_currency": "USD", "rate": "7"},
     "rate_to_itself"),
    ("erp_fx_rates", "no rate", {"rate": None}, "missing_value"),
    ("erp_fx_rates", "rate beyond any currency", {"rate": "2000000"}, "number_out_of_range"),
    ("erp_fx_rates", "one day with one rate", {"from_currency": "SEK", "rate": "0.09"},
     "conflicting_duplicate"),
    ("erp_fx_rates", "the same day with another", {"from_currency": "SEK", "rate": "9"},
     "conflicting_duplicate"),
    ("erp_fx_rates", "rate of a currency that is none", {"from_currency": "EUX"}, "unknown_currency"),
    ("erp_sales_lines", "negative units", {"quantity": -1}, "negative_not_allowed"),
    ("erp_sales_lines", "five billion units", {"quantity": 5_000_000_000}, "number_out_of_range"),
    ("erp_sales_lines", "ordered at the epoch", {"ordered_at": "1970-01-01T00:00:00+00:00"},
     "date_out_of_range"),
    ("erp_sales_lines", "shipped in 2099", {"shipped_at": "2099-01-01T00:00:00+00:00"}, "date_out_of_range"),
    ("erp_sales_lines", "amount that overflows when converted", {"net_amount": HUGE, "currency": "GBP"},
     "number_out_of_range"),
    ("erp_sales_lines", "price that overflows by the piece", {"unit_price": "99999999999.0000"},
     "number_out_of_range"),
    ("erp_sales_lines", "negative discount", {"discount_amount": "-5.00"}, "negative_not_allowed"),
    ("erp_sales_lines", "negative tax", {"tax_amount": "-5.00"}, "negative_not_allowed"),
    ("crm_return_requests", "negative units asked back", {"quantity": -2}, "negative_not_allowed"),
    ("crm_return_requests", "asked for in 2099", {"requested_at": "2099-06-01T00:00:00+00:00"},
     "date_out_of_range"),
    ("erp_return_authorizations", "negative units authorized", {"quantity_authorized": -2},
     "negative_not_allowed"),
    ("erp_return_authorizations", "authorized at the epoch", {"authorized_at": "1970-01-01T00:00:00+00:00"},
     "date_out_of_range"),
    ("wms_return_receipts", "receipt of nothing", {"quantity": 0}, "zero_not_allowed"),
    ("wms_return_receipts", "receipt of less than nothing", {"quantity": -1}, "negative_not_allowed"),
    ("wms_return_receipts", "received in 2099", {"received_at": "2099-01-20T10:00:00+00:00"},
     "date_out_of_range"),
    ("wms_inspections", "grade that does not exist", {"functional_grade": "F9"}, "value_not_allowed"),
    ("wms_inspections", "negative minutes", {"labour_minutes": "-1"}, "negative_not_allowed"),
    ("wms_inspections", "two thousand tons", {"weight_g": 2_000_000_000}, "number_out_of_range"),
    ("wms_dispositions", "reversal of itself", {"reverses_disposition_id": "OWN"}, "names_itself"),
    ("wms_dispositions", "disposition of nothing", {"quantity": 0}, "zero_not_allowed"),
    ("wms_dispositions", "negative cost", {"handling_cost": "-3.00"}, "negative_not_allowed"),
    ("wms_work_orders", "minutes of years", {"labour_minutes": "9999999"}, "number_out_of_range"),
    ("wms_carrier_invoices", "negative freight", {"amount": "-7.00"}, "negative_not_allowed"),
    ("erp_vendor_claims", "negative claim", {"claimed_amount": "-7.00"}, "negative_not_allowed"),
    ("erp_vendor_claims", "claim of an unknown state", {"status": "lost"}, "value_not_allowed"),
    ("erp_recovery_sales", "negative proceeds", {"gross_proceeds": "-7.00"}, "negative_not_allowed"),
    ("erp_recovery_sales", "negative fee", {"fees": "-7.00"}, "negative_not_allowed"),
    ("erp_recovery_sales", "sale of nothing", {"quantity": 0}, "zero_not_allowed"),
    ("erp_credit_memos", "memo that reverses itself", {"reverses_memo_no": "OWN"}, "names_itself"),
    ("erp_credit_memos", "negative merchandise that reverses nothing", {"amount": "-1.00"},
     "negative_not_allowed"),
    ("erp_credit_memos", "credit beyond any shop", {"amount": HUGE}, "number_out_of_range"),
    ("erp_credit_memos", "one line", {"memo_no": "NM-TWICE", "amount": "0.01"}, "conflicting_duplicate"),
    ("erp_credit_memos", "the same line with another amount", {"memo_no": "NM-TWICE", "amount": "0.02"},
     "conflicting_duplicate"),
    ("erp_credit_memos", "posted at the epoch", {"posted_on": "1970-01-01"}, "date_out_of_range"),
    ("crm_refunds", "negative refund", {"amount": "-1.00"}, "negative_not_allowed"),
    ("crm_refunds", "refund beyond any shop", {"amount": HUGE}, "number_out_of_range"),
    ("crm_refunds", "refund of an unknown state", {"status": "perhaps"}, "value_not_allowed"),
    ("erp_payment_settlements", "settlement of an unknown state", {"status": "perhaps"}, "value_not_allowed"),
    ("erp_payment_settlements", "settlement beyond any shop", {"gross_amount": f"-{HUGE}"},
     "number_out_of_range"),
    ("erp_gl_entries", "period that is none", {"fiscal_period": "Q1"}, "pattern_mismatch"),
    ("crm_cases", "six of five stars", {"csat": 6}, "value_not_allowed"),
    ("crm_cases", "opened at the epoch", {"opened_at": "1970-01-01T00:00:00+00:00"}, "date_out_of_range"),
    ("wms_shipment_events", "scanned in 2099", {"event_at": "2099-01-01T00:00:00+00:00"},
     "date_out_of_range"),
)  # fmt: skip
CARRIED = (
    # feed, what, values, rule. Lines that were not shipped, and requests that were declined, are in no KPI.
    ("erp_sales_lines", "sale of no units", {"quantity": 0, "net_amount": "0.00", "tax_amount": "0.00"},
     "sold_no_units"),
    ("erp_sales_lines", "shipped before it was ordered",
     {"is_void": True, "quantity": 0, "net_amount": "0.00", "tax_amount": "0.00",
      "shipped_at": "2026-01-01T10:00:00+00:00"}, "shipped_before_ordered"),
    ("erp_sales_lines", "discount above the price",
     {"discount_amount": "50.01", "net_amount": "0.00", "tax_amount": "0.00"}, "discount_above_price"),
    ("erp_sales_lines", "net that is not price less discount", {"net_amount": "70.00"},
     "net_is_not_price_less_discount"),
    ("erp_sales_lines", "tax above the net", {"tax_amount": "51.00"}, "tax_above_net"),
    ("erp_sales_lines", "product that nobody knows", {"sku": "NOSUCH"}, "sku_unknown"),
    ("erp_sales_lines", "site that nobody knows", {"ship_from_site": "MOON"}, "site_unknown"),
    ("erp_sales_lines", "two currencies in one order", {"order_no": "N2", "currency": "USD"},
     "currencies_mixed_in_order"),
    ("erp_sales_lines", "the other of two currencies", {"order_no": "N2", "currency": "EUR"},
     "currencies_mixed_in_order"),
    ("erp_sales_lines", "currency that has no rate", {"order_no": "N4", "currency": "AMD"},
     "currency_without_rate"),
    ("erp_sales_lines", "a serial twice", {"quantity": 1, "unit_price": "50.0000",
                                           "serial_nos": ["S1", "S1"]}, "more_serials_than_units"),
    ("erp_sales_lines", "exchange of itself", {"order_no": "N3", "line_no": 1, "replaces_rma_no": "NR-3"},
     "replaces_itself"),
    ("crm_return_requests", "asked back before the sale",
     {"requested_at": "2026-01-01T10:00:00+00:00"}, "requested_before_sale"),
    ("crm_return_requests", "decided before it was asked", {"decided_at": "2026-01-09T10:00:00+00:00"},
     "decided_before_requested"),
    ("crm_return_requests", "no units asked back", {"quantity": 0}, "requested_no_units"),
    ("crm_return_requests", "more units than were sold", {"quantity": 6}, "requested_above_sold"),
    ("crm_return_requests", "order that nobody knows", {"order_no": "NOSUCH"}, "order_unknown"),
    ("erp_return_authorizations", "authorized before the sale",
     {"is_void": True, "authorized_at": "2026-01-01T10:00:00+00:00"}, "authorized_before_sale"),
    ("erp_return_authorizations", "lapsed before it was authorized",
     {"is_void": True, "expires_at": "2026-01-09T10:00:00+00:00"}, "expires_before_authorized"),
    ("erp_return_authorizations", "more authorized than sold", {"is_void": True, "quantity_authorized": 6},
     "authorized_above_sold"),
    ("erp_return_authorizations", "product that the line did not sell", {"is_void": True, "sku": "TOY-00001"},
     "sku_not_sold_on_line"),
    ("erp_return_authorizations", "RMA of an order that nobody knows",
     {"is_void": True, "order_no": "NOSUCH-2"}, "order_unknown"),
    ("erp_return_authorizations", "what the exchange of itself replaces",
     {"rma_no": "NR-3", "order_no": "N3", "is_void": True, "resolution": "exchange",
      "quantity_authorized": 6}, "authorized_above_sold"),
    ("wms_inspections", "look at goods that never came", {"receipt_id": "NOSUCH"}, "receipt_unknown"),
    ("wms_inspections", "look before the goods came", {"inspected_at": "2026-01-19T10:00:00+00:00"},
     "inspected_before_received"),
    ("wms_work_orders", "work on goods that never came", {"receipt_id": "NOSUCH"}, "receipt_unknown"),
    ("wms_work_orders", "work before the goods came", {"opened_at": "2026-01-19T10:00:00+00:00"},
     "opened_before_received"),
    ("wms_work_orders", "work that ended before it began", {"closed_at": "2026-01-20T12:00:00+00:00"},
     "closed_before_opened"),
    ("wms_dispositions", "goods that never came", {"receipt_id": "NOSUCH"}, "receipt_unknown"),
    ("wms_dispositions", "reversal of nothing", {"reverses_disposition_id": "NOSUCH"}, "reverses_nothing"),
    ("wms_dispositions", "reversal of a reversal", {"reverses_disposition_id": "ND-R",
                                                "disposed_at": "2026-01-24T10:00:00+00:00"},
     "reverses_a_reversal"),
    ("wms_dispositions", "reversal of more units than went", {"reverses_disposition_id": "ND", "quantity": 2},
     "reverses_more_units"),
    ("wms_dispositions", "reversal before what it reverses",
     {"reverses_disposition_id": "ND", "disposed_at": "2026-01-21T10:00:00+00:00"},
     "reverses_what_comes_later"),
    ("erp_vendor_claims", "vendor that nobody knows", {"vendor_id": "NOSUCH"}, "vendor_unknown"),
    ("erp_vendor_claims", "claim for goods that never came", {"receipt_id": "NOSUCH"}, "receipt_unknown"),
    ("erp_vendor_claims", "vendor claim credited before it was opened",
     {"status": "credited", "credited_on": "2026-01-24"}, "credited_before_opened"),
    ("erp_recovery_sales", "sale of goods that never went", {"disposition_id": "NOSUCH"},
     "disposition_unknown"),
    ("erp_recovery_sales", "sold before they went", {"sold_at": "2026-01-20T10:00:00+00:00"},
     "sold_before_disposed"),
    ("erp_recovery_sales", "more sold than went", {"quantity": 2}, "sold_above_disposed"),
    ("erp_credit_memos", "credit of an order that nobody knows", {"order_no": "NOSUCH-3"}, "return_unknown"),
    ("erp_credit_memos", "credit before the sale", {"posted_on": "2026-01-01"}, "posted_before_sale"),
    ("erp_credit_memos", "credit in another currency", {"currency": "USD"}, "currency_not_of_order"),
    ("erp_credit_memos", "memo that reverses nothing", {"reverses_memo_no": "NOSUCH"}, "reverses_nothing"),
    ("erp_credit_memos", "memo that reverses a reversal", {"reverses_memo_no": "NM-R"},
     "reverses_a_reversal"),
    ("erp_credit_memos", "reversal in another currency", {"reverses_memo_no": "NM", "currency": "USD"},
     "reverses_in_other_currency"),
    ("crm_refunds", "refund before the sale", {"created_at": "2026-01-01T10:00:00+00:00"},
     "refunded_before_sale"),
    ("crm_refunds", "refund in another currency", {"currency": "USD"}, "currency_not_of_order"),
    ("crm_refunds", "refund of an order that nobody knows", {"order_no": "NOSUCH-4"}, "order_unknown"),
    ("crm_refunds", "refund of nothing", {"amount": "0.00"}, "refunds_nothing"),
    ("crm_refunds", "changed before it was created", {"updated_at": "2026-01-24T10:00:00+00:00"},
     "changed_before_created"),
    ("crm_refunds", "one key", {"idempotency_key": "NKEY", "amount": "1.00"}, "one_key_for_other_amounts"),
    ("crm_refunds", "the same key with another amount", {"idempotency_key": "NKEY", "amount": "2.00"},
     "one_key_for_other_amounts"),
    ("erp_payment_settlements", "settlement of a refund that nobody knows", {"refund_id": "NOSUCH"},
     "refund_unknown"),
    ("erp_payment_settlements", "net that is not gross and fee", {"net_amount": "-3.00"},
     "net_is_not_gross_and_fee"),
    ("erp_payment_settlements", "settled in another currency", {"currency": "USD"}, "currency_not_of_refund"),
    ("erp_payment_settlements", "booked before the refund", {"booked_at": "2026-01-20T10:00:00+00:00"},
     "booked_before_refund"),
    ("erp_payment_settlements", "refund that takes from the customer",
     {"gross_amount": "1.00", "net_amount": "1.00"}, "refund_takes_from_customer"),
    ("erp_payment_settlements", "rate of a currency to itself",
     {"settled_currency": "EUR", "settled_amount": "-7.00", "fx_rate": "7"}, "rate_to_itself"),
    ("erp_gl_entries", "account that nobody knows", {"account": "999999"}, "account_unknown"),
    ("erp_gl_entries", "document that nobody knows", {"document_ref": "NOSUCH-5"}, "document_unknown"),
    ("erp_gl_entries", "period of another month", {"fiscal_period": "2026-03"}, "period_not_of_its_day"),
    ("crm_cases", "closed before it was opened", {"closed_at": "2026-01-24T10:00:00+00:00"},
     "closed_before_opened"),
    ("crm_cases", "RMA that nobody knows", {"rma_no": "NOSUCH"}, "rma_unknown"),
)  # fmt: skip
# Rules that some of these break beside their own.
ALSO = (
    ("erp_credit_memos", "currency_not_of_order"),  # the reversal in another currency
)
# Column by which records of a feed are told apart, where they name no key of their own.
NUMBERED = {
    "erp_sales_lines": "line_no", "crm_return_requests": "request_id", "erp_return_authorizations": "rma_no",
    "wms_return_receipts": "receipt_id", "wms_inspections": "inspection_id",
    "wms_dispositions": "disposition_id", "wms_work_orders": "work_order_no",
    "wms_carrier_invoices": "invoice_no", "erp_vendor_claims": "claim_no",
    "erp_recovery_sales": "recovery_id",
    "erp_credit_memos": "memo_no", "crm_refunds": "refund_id", "erp_payment_settlements": "settlement_id",
    "erp_gl_entries": "journal_no", "crm_cases": "case_id", "wms_shipment_events": "tracking_no",
}  # fmt: skip


def records() -> list[Record]:
    """The catalogue, each record with a number of its own."""
    found = []
    for is_carried, rows in ((False, QUARANTINED), (True, CARRIED)):
        for feed, what, values, ends in rows:
            found.append(Record(what, feed, _row(feed, values, len(found) + 2), ends, is_carried))
    return found


def write_company(folder: Path) -> None:
    """The simulated company, whose feeds may also come as lines of JSON."""
    shutil.copytree(COMPANIES / "simulated", folder)
    profile = yaml.safe_load((folder / "company.yml").read_text(encoding="utf-8"))
    profile = {name: value for name, value in profile.items() if name not in ("layouts", "database")}
    (folder / "company.yml").write_text(yaml.safe_dump(profile, sort_keys=False))
    for feed in all_feeds():
        layouts = yaml.safe_load((CONTRACTS / f"{feed}.yml").read_text(encoding="utf-8"))["layouts"]
        lines = {"file": f"{feed}_nonsense_{{date}}*.jsonl", "format": "jsonl", "list_separator": "|"}
        names = load_contract(feed, "standard").columns
        lines["optional"] = [n for n, c in names.items() if not c.required]
        (folder / f"{feed}.yml").write_text(
            yaml.safe_dump({"layouts": layouts | {"lines": lines}}, sort_keys=False)
        )


def write_carriers(landing: Path) -> None:
    """The sound order that nonsense hangs on."""
    _write(landing, "0", ((feed, SOUND[feed] | values) for feed, values in CARRIERS))


def write_nonsense(landing: Path) -> None:
    """Every record of the catalogue, one file a feed."""
    _write(landing, "1", ((record.feed, record.values) for record in records()))


def _row(feed: str, values: Values, number: int) -> Values:
    """A record under a number of its own, where it does not say another."""
    own = SOUND[feed].copy()
    if column := NUMBERED.get(feed):
        own[column] = number if column == "line_no" else f"{own[column]}-{number}"
    row = own | values
    return {name: own[NUMBERED[feed]] if value == "OWN" else value for name, value in row.items()}


def _write(landing: Path, part: str, rows: Iterable[tuple[str, Values]]) -> None:
    files: dict[str, list[str]] = {}
    for feed, values in rows:
        files.setdefault(feed, []).append(json.dumps(values))
    for feed, lines in files.items():
        name = f"{feed}_nonsense_{DAY.replace('-', '')}_{part}.jsonl"
        (landing / feed.split("_")[0] / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
