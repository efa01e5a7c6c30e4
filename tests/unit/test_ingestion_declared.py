"""What a layout names and a file lacks is told, never left empty in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from revlog.contracts.contract import ContractError
from revlog.values.reasons import FileRejected
from tests.faults.formats import workbook
from tests.unit.one_file import COLUMNS, contract_of, customer_key, read  # noqa: F401

ORDERS = "Name,Email,Qty,Day\n#1001,a@b.example,2,2026-01-31\n"
NAMED: dict[str, Any] = {"columns": {"order_no": "Name", "note": "E-mail"}, "extra_columns": "ignore"}


def _refused(content: str | bytes, **layout: Any) -> str:
    with pytest.raises(FileRejected) as told:
        read(content, **layout)
    assert told.value.reason == "header"
    return told.value.detail


def test_a_column_that_the_layout_names_and_the_file_lacks_is_told_with_what_is_near() -> None:
    told = _refused(ORDERS, **NAMED)
    assert "note ('E-mail' in the layout, the file has 'Email')" in told
    assert "the file has Name, Email, Qty, Day" in told


@pytest.mark.parametrize("mend", [{"optional": ["note"]}, {"aliases": {"note": ["Email"]}}])
def test_an_optional_column_and_one_with_an_alias_may_be_missing(mend: dict[str, Any]) -> None:
    found = read(ORDERS, **NAMED, **mend)
    assert found.column("order_no") == ["#1001"]
    assert found.column("note") == [None if "optional" in mend else "a@b.example"]


def test_a_required_column_can_not_be_optional() -> None:
    with pytest.raises(ContractError, match=r"requires \['order_no'\]"):
        contract_of({"optional": ["order_no"]})


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ({"rows": [{"column": "Kind", "matches": "x"}]}, "rows ('Kind' in the layout"),
        ({"derive": {"note": {"concat": ["Name", "Quantity"]}}}, "note ('Quantity' in the layout"),
        ({"derive": {"amount": {"product": ["Qty", "Price"]}}}, "amount ('Price' in the layout"),
        ({"derive": {"line_no": {"ordinal_of": ["Invoice"]}}}, "line_no ('Invoice' in the layout"),
        ({"derive": {"note": {"concat": ["Name", "#ordinal_of:Name+Sku"]}}}, "note ('Sku' in the layout"),
        ({"timestamp": {"format": "%Y", "zone_column": "place"}}, "the zone of place ('place' in the"),
    ],
)
def test_whatever_a_rule_of_the_layout_reads_must_be_there(layout: dict[str, Any], told: str) -> None:
    assert told in _refused(ORDERS, columns={"order_no": "Name"}, extra_columns="ignore", **layout)


LINES = "".join(json.dumps(row) + "\n" for row in ({"Name": "#1", "email": "x"}, {"Name": "#2"}))


def test_a_key_that_no_line_of_json_has_is_told() -> None:
    told = _refused(LINES, format="jsonl", **NAMED)
    assert "note ('E-mail' in the layout, the file has 'email')" in told
    assert read(LINES, format="jsonl", columns={"order_no": "Name", "note": "email"}).column("note") == [
        "x", None,
    ]  # fmt: skip


def test_a_path_that_leads_nowhere_in_xml_is_told() -> None:
    content = "<rows><row><no>1</no><mail>x</mail></row></rows>"
    how: dict[str, Any] = {"format": "xml", "record": "row", "fields": {"order_no": "no", "note": "email"}}
    assert "note" in _refused(content, **how)
    assert read(content, **how, optional=["note"]).column("note") == [None]


def test_a_filter_on_a_key_that_comes_late_or_never_is_no_traceback() -> None:
    rows = [{"order_no": "1"}, {"order_no": "2", "kind": "sale"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    how: dict[str, Any] = {"format": "jsonl", "rows": [{"column": "kind", "in": ["sale"]}]}
    assert read(lines, **how).column("order_no") == ["2"]
    assert read("\n", **how).parts[0].rows.num_rows == 0
    assert "rows ('kind'" in _refused('{"order_no": "1"}\n', **how)


def test_a_sheet_lacks_what_the_layout_names() -> None:
    told = _refused(workbook([["Name", "Email"], ["#1", "x"]]), format="xlsx", **NAMED)
    assert "note ('E-mail' in the layout, the file has 'Email')" in told


def test_names_of_a_customer_file_without_its_header_are_not_told() -> None:
    columns = COLUMNS | {"place": {"type": "text", "pii": "direct", "description": "Name."}}
    columns |= {"customer_id": {"type": "id", "pii": "pseudonym", "description": "Customer."}}
    contract = contract_of({}, columns=columns)
    with pytest.raises(FileRejected) as told:
        read("C1,Ada Secret,ada@example.com\nC2,Ben Secret,ben@example.com\n", contract)
    assert "the file has 3 columns, 0 of them named as in the contract" in told.value.detail
    assert "the line with the names may be missing" in told.value.detail
    assert "Ada" not in str(told.value) and "example" not in str(told.value)


def test_an_extract_that_fits_no_value_is_told_and_holds_the_night() -> None:
    found = read(ORDERS, columns={"order_no": "Name"}, extract={"order_no": "(?P<no>[0-9]+)$"},
                 extra_columns="ignore")  # fmt: skip
    assert (found.column("order_no"), found.told) == (["1001"], [])
    found = read(ORDERS, columns={"order_no": "Name", "note": "Email"}, extra_columns="ignore",
                 extract={"note": "RMA-(?P<no>[0-9]+)"})  # fmt: skip
    assert found.told == ["useless_rule: extract of note knows not one of its values: is it right?"]
    assert found.findings.rows()[0]["is_critical"]


def test_a_map_that_knows_no_value_is_told_unless_all_are_words_of_the_contract_already() -> None:
    def told(codes: dict[str, str], **more: Any) -> list[str]:
        return read("order_no,note\n1,RED\n2,GREEN\n", value_maps={"note": codes}, **more).told

    assert told({"R": "red", "G": "green"}) == [
        "useless_rule: value_maps of note knows not one of its values: is it right?"
    ]
    assert told({"RED": "red"}) == [], "some value it knows"
    assert told({"R": "RED"}) == [], "a value that it would give is there"
    assert told({"R": "red"}, optional=["note"]) == []


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ({}, ["A-1", None, None, None]),
        ({"separator": "/"}, ["A/1", None, None, None]),
        ({"if_empty": "0"}, ["A-1", "0-2", "B-0", "0-0"]),
        ({"default": "none"}, ["A-1", "none", "none", "none"]),
    ],
)
def test_a_key_of_parts_is_never_a_stump(rule: dict[str, str], values: list[str | None]) -> None:
    content = "order_no,a,b\n1,A,1\n2,,2\n3,B,\n4,,\n"
    derive = {"note": {"concat": ["a", "b"]} | rule}
    assert read(content, derive=derive, extra_columns="ignore").column("note") == values
    assert read("order_no,a,b\n1,,\n", derive=derive, extra_columns="ignore").column("note") == values[3:]


def test_what_fills_a_part_is_said_once_and_of_parts_only() -> None:
    with pytest.raises(ContractError, match="give one of them"):
        contract_of({"derive": {"note": {"concat": ["a"], "if_empty": "0", "default": "1"}}})
    with pytest.raises(ContractError, match="belong to `concat`"):
        contract_of({"derive": {"note": {"constant": "a", "default": "1"}}})


def test_local_times_need_a_zone() -> None:
    local = {"format": "%Y-%m-%d %H:%M:%S"}
    with pytest.raises(ContractError, match="layout own: sold_at in local time need"):
        contract_of({"timestamp": local})
    for zone in ({"zone": "UTC"}, {"zone": "America/New_York"}, {"zone_column": "place"}):
        contract_of({"timestamp": local | zone})
    contract_of({"timestamp": {"format": "iso_offset"}})
    with pytest.raises(ContractError, match=r"unknown columns \['where'\]"):
        contract_of({"timestamp": local | {"zone_column": "where"}})


@pytest.mark.parametrize("zone", ["localtime", "Factory", "Europe/Leipzig", "UTC+2", "dateutil//etc/x"])
def test_a_zone_that_is_no_place_is_none(zone: str) -> None:
    with pytest.raises(ContractError, match="no time zone"):
        contract_of({"timestamp": {"format": "%Y", "zone": zone}})
    how: dict[str, Any] = {"timestamp": {"format": "%Y-%m-%d", "zone_column": "place"}}
    found = read(f"order_no,sold_at,place\n1,2026-01-31,{zone}\n2,2026-01-31,UTC\n", **how)
    assert found.faults == [(2, "bad_timestamp", "sold_at")]
    assert found.column("order_no") == ["2"]


@pytest.mark.parametrize("encoding", ["latin-9x", "rot13", "utf-32", "utf-7", "unicode_escape", "cp037"])
def test_an_encoding_that_can_not_be_read_is_told_when_the_layout_is(encoding: str) -> None:
    with pytest.raises(ContractError, match=encoding):
        contract_of({"encoding": encoding})
