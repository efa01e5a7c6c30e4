"""Values that came in wrong without a word: each is read exactly, or set apart with its reason."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from decimal import Decimal
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from revlog.values import hashing
from revlog.values.currencies import CODES, WITH_THREE_DECIMALS, WITHOUT_DECIMALS
from revlog.values.reasons import FileRejected
from tests.faults.formats import parquet, workbook
from tests.faults.special import BOOK, DATA, edited
from tests.unit.one_file import customer_key, read  # noqa: F401


def lines(*rows: Any) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def _extra(found: Any) -> list[Any]:
    return [None if v is None else json.loads(v) for v in found.column("_extra")]


def _refused(content: str | bytes, **layout: Any) -> tuple[str, str]:
    with pytest.raises(FileRejected) as told:
        read(content, **layout)
    return str(told.value.reason), str(told.value)


# -- JSON


@pytest.mark.parametrize("value", [["A", "B"], [], {"no": "A"}, [{"no": "A"}], [[1]]])
@pytest.mark.parametrize("column", ["order_no", "note", "amount", "sold_on"])
def test_a_list_or_object_where_one_value_belongs_is_set_apart(column: str, value: Any) -> None:
    found = read(lines({"order_no": "1", column: value}, {"order_no": "2"}), format="jsonl")
    assert found.faults == [(1, "nested_value", column)]
    assert found.column("order_no") == ["2"]


def test_a_list_column_takes_lists_of_values_and_nothing_deeper() -> None:
    rows = [["A", None, 1.50], [], "B", ["A", {"x": 1}], [["A"]], {"a": "A"}, ["A\x1fB"]]
    content = lines(*({"order_no": str(n), "serial_nos": v} for n, v in enumerate(rows)))
    found = read(content, format="jsonl")
    assert found.column("serial_nos") == [["A", "", "1.5"], None, ["B"]]
    assert found.faults == [(line, "nested_value", "serial_nos") for line in (4, 5, 6, 7)]


def test_what_a_derived_column_or_a_filter_reads_is_one_value_too() -> None:
    how: dict[str, Any] = {"format": "jsonl", "extra_columns": "ignore"}
    content = lines({"order_no": "1", "kind": ["sale"]}, {"order_no": "2", "kind": "sale"})
    assert read(content, **how, rows=[{"column": "kind", "in": ["sale"]}]).faults == [
        (1, "nested_value", "kind")
    ]
    assert read(content, **how, derive={"note": {"concat": ["kind"]}}).column("note") == ["sale"]


def test_what_nobody_knows_keeps_its_json_to_the_digit() -> None:
    nested = '{"a": 1.50, "b": [1e5, 12345678901234567890.10, true, null, "x\\"é"], "c": {"d": -0.0}}'
    found = read(lines(f'{{"order_no": "1", "more": {nested}, "n": 1.10, "none": null}}', {"order_no": "2"}),
                 format="jsonl")  # fmt: skip
    assert _extra(found) == [{"more": nested, "n": "1.10", "none": None}, None]
    assert found.told == [f"unknown_column: unknown column {n}" for n in ("more", "n", "none")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (r'{"order_no": "1", "k\u0000": 1}', "nul_byte"),
        (r'{"order_no": "1", "more": {"a": ["\u0000"]}}', "nul_byte"),
        (r'{"order_no": "1", "more": {"\u0000": 1}}', "nul_byte"),
        (r'{"order_no": "1", "more": {"\ud800": 1}}', "bad_json"),
        (r'{"order_no": "1", "note": "\ud800"}', "bad_json"),
        ('{"order_no": "1", "more": {"a": 1, "a": 2}}', "duplicate_json_key"),
        ('{"order_no": "1", "more": [NaN]}', "bad_json"),
        ('{"order_no": "1", "%s": 1}' % ("k" * 501), "too_long"),
        ('{"order_no": "1", "more": %s}' % ("[" * 500 + "]" * 500), "bad_json"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_what_no_text_may_hold_is_set_apart_wherever_it_stands(form: str, line: str, reason: str) -> None:
    good = '{"order_no": "2"}'
    content = f"{line}\n{good}\n" if form == "jsonl" else f"[{line},\n{good}]"
    found = read(content, format=form)
    assert [(number, why) for number, why, _ in found.faults] == [(1, reason)]
    assert found.column("order_no") == ["2"]


def test_a_backslash_before_u0000_is_text() -> None:
    found = read(lines({"order_no": "1", "more": "a\\u0000"}), format="jsonl")
    assert _extra(found) == [{"more": "a\\u0000"}]


def test_a_truth_is_no_id_and_an_array_of_rows_is_no_line() -> None:
    found = read(lines({"order_no": True}, {"order_no": "2", "note": True, "is_void": True}), format="jsonl")
    assert found.faults == [(1, "bad_boolean", "order_no")]
    assert (found.column("note"), found.column("is_void")) == (["true"], [True])
    reason, told = _refused(json.dumps([{"order_no": "1"}, {"order_no": "2"}]) + "\n", format="jsonl")
    assert reason == "not_this_format" and "an array of 2 items" in told


def test_each_line_may_have_keys_of_its_own_at_a_linear_cost() -> None:
    """16 million cells if each key were a column: 51 s and 1.8 GB."""
    count = 4_000
    found = read(lines(*({"order_no": str(n), f"key{n}": n} for n in range(count))), format="jsonl")
    assert len(found.column("order_no")) == count
    assert _extra(found)[7] == {"key7": "7"}
    assert max(part.rows.num_columns for part in found.parts) < 40
    assert "3,980 times more unknown column" in str(found.findings.text())


# -- XML

XML: dict[str, Any] = {"format": "xml", "record": "row", "fields": {"order_no": "no", "note": "text"}}


def test_text_that_is_split_over_elements_is_set_apart() -> None:
    rows = "<row><no>1<b>2</b>3</no><text>a</text></row>\n<row><no>4</no><text>a<i/>b</text></row>\n"
    content = f"<rows>\n{rows}<row><no>5<!-- c -->6</no><text><![CDATA[a]]>b</text></row></rows>"
    found = read(content, **XML)
    assert found.faults == [(2, "nested_value", "order_no"), (3, "nested_value", "note")]
    assert (found.column("order_no"), found.column("note")) == (["56"], ["ab"])


def test_a_records_own_text_stands_beside_elements_that_others_read() -> None:
    how = XML | {"fields": {"order_no": "@no", "amount": ".", "note": "text"}}
    content = '<rows><row no="1">10.00<text>a</text></row>\n<row no="2">1<b/>0</row>\n' \
              '<row no="3">1<text>a</text>0</row></rows>'  # fmt: skip
    found = read(content, **how)
    assert found.column("amount") == [Decimal("10.00")]
    assert found.faults == [(2, "nested_value", "amount"), (3, "nested_value", "amount")]


def test_unknown_elements_keep_what_they_hold() -> None:
    content = "<rows><row><no>1</no><text/><more><a x='1'>2</a><a>3</a></more><k>v</k></row></rows>"
    assert _extra(read(content, **XML)) == [{"more": '<more><a x="1">2</a><a>3</a></more>', "k": "v"}]


@pytest.mark.parametrize(
    ("content", "reason", "told"),
    [
        ("<e:Envelope xmlns:e='u'><e:Body><e:Fault>no</e:Fault></e:Body></e:Envelope>", "not_this_format",
         "no <row> in it, but <Body>, <Fault>"),
        ("<rows><line><no>1</no></line></rows>", "not_this_format", "no <row> in it, but <line>, <no>"),
        ("<rows><row><no>1</no><row><no>2</no></row></row></rows>", "malformed", "a <row> within another"),
    ],
)  # fmt: skip
def test_records_that_would_vanish_reject_the_file(content: str, reason: str, told: str) -> None:
    found, message = _refused(content, **XML)
    assert found == reason and told in message


def test_records_at_depths_that_cut_each_other_off_are_missed() -> None:
    how = XML | {"fields": {"order_no": "no", "note": "../text"}}
    content = "<rows><x><row><no>1</no></row><y><row><no>2</no></row></y><text>t</text></x></rows>"
    assert "2 <row> stand in the file" in _refused(content, **how)[1]


def test_an_empty_day_and_a_record_alone_are_sound() -> None:
    assert read("<rows/>", **XML).column("order_no") == []
    counted = XML | {"control": {"root_count": "n"}}
    assert read('<rows n="0"><made>today</made></rows>', **counted).column("order_no") == []
    assert read("<row><no>1</no><text>a</text></row>", **XML).column("order_no") == ["1"]


def test_a_cell_is_the_one_at_its_place_where_others_are_left_out() -> None:
    """Excel's XML, as NetSuite exports it."""
    of_excel = "urn:schemas-microsoft-com:office:spreadsheet"
    namespace = f'xmlns="{of_excel}" xmlns:ss="{of_excel}"'

    def row(*cells: str) -> str:
        return "<Row>" + "".join(f"<Cell{cell}</Data></Cell>" for cell in cells) + "</Row>"

    rows = row("><Data>1", "><Data>a", "><Data>x"), row("><Data>2", ' ss:Index="3"><Data>y'), row("><Data>3")
    content = f"<Workbook {namespace}><Table>{''.join(rows)}</Table></Workbook>"
    fields = {"order_no": "Cell[1]/Data", "note": "Cell[2]/Data", "sku": "Cell[3]/Data"}
    found = read(content, format="xml", record="Row", fields=fields)
    assert found.column("note") == ["a", None, None]
    assert found.column("sku") == ["x", "y", None]
    assert found.bad == [] and found.told == []


def test_twenty_thousand_attributes_are_one_row() -> None:
    """400 million comparisons if each were a column: 14 s."""
    attributes = " ".join(f'a{n}="{n}"' for n in range(20_000))
    found = read(f"<rows><row {attributes}><no>1</no><text/></row></rows>", **XML)
    assert len(_extra(found)[0]) == 20_000
    assert found.parts[-1].rows.num_columns < 40


# -- encodings


@pytest.mark.parametrize("encoding", ["latin-1", "iso-8859-15"])
def test_bytes_that_only_cp1252_has_reject_the_file_and_name_it(encoding: str) -> None:
    content = "order_no,note\n1,100 €\n".encode("cp1252")
    reason, told = _refused(content, encoding=encoding)
    assert reason == "encoding" and "0x80" in told and "'€' in cp1252" in told and "declare cp1252" in told
    assert read(content, encoding="cp1252").column("note") == ["100 €"]
    assert read("order_no,note\n1,Grün\n".encode(encoding), encoding=encoding).column("note") == ["Grün"]


def test_the_same_holds_of_xml_and_of_fixed_width() -> None:
    head = b'<?xml version="1.0" encoding="ISO-8859-1"?>'
    content = head + "<rows><row><no>1</no><text>100 €</text></row></rows>".encode("cp1252")
    assert "'€' in cp1252" in _refused(content, **XML)[1]
    how: dict[str, Any] = {"format": "fixed_width", "widths": {"order_no": [1, 2], "note": [3, 5]}}
    assert "0x80" in _refused("1 100 €\n".encode("cp1252"), encoding="latin-1", **how)[1]


def test_control_characters_elsewhere_are_mojibake() -> None:
    assert read("order_no,note\n1,a\u0080\n").told == ["mojibake: mojibake in note"]


# -- CSV


def test_a_return_before_a_delimiter_is_no_line_end() -> None:
    found = read(b"order_no,note,sku\n1,a\r,b\n2,c,d\r\n")
    assert found.faults == [(2, "ragged_row", None)]
    assert found.column("order_no") == ["2"]


def test_columns_without_a_name_are_called_by_their_place_and_empty_ones_are_nothing() -> None:
    found = read("order_no,,note,,\n1,x,a,,\n2,,b,,\n")
    assert _extra(found) == [{"no. 2": "x"}, {"no. 2": None}]
    assert found.told == ["unknown_column: unknown column no. 2"]
    assert read(",order_no\n0,1\n").column("order_no") == ["1"], "the index that pandas writes"


@pytest.mark.parametrize("name", ["n" * 501, "n" * 200_000])
def test_a_name_that_is_none_rejects_the_file(name: str) -> None:
    reason, told = _refused(f"order_no,{name}\n1,2\n")
    assert reason == "header" and f"column 2 has {len(name):,} characters" in told


def test_a_field_longer_than_the_module_csv_takes_is_one_row() -> None:
    found = read("order_no\n" + "9" * 200_000 + "\n2\n")
    assert found.faults == [(2, "too_long", "order_no")]
    assert found.column("order_no") == ["2"]


def test_names_and_ids_are_what_one_sees() -> None:
    content = "\u200border_no\u00a0,note\n\u200b1\u00ad2\u200f,a\u200bb\nA\u00a0B,c\n\u2066\u2069,d\n12,e\n"
    found = read(content)
    assert found.column("order_no") == ["12", "A B", "12"]
    assert found.column("note")[0] == "a\u200bb", "text is left as it is"
    assert found.faults == [(4, "missing_value", "order_no")]
    assert found.told == ["invisible: invisible characters taken out of order_no"]
    assert found.findings.rows()[0]["rows"] == 3


def test_ids_hold_no_control_characters() -> None:
    found = read("order_no\x02,note\nA\x1f1,a\x1fb\nA\x7f1\x01,c\nA 1,d\n")
    assert found.column("order_no") == ["A1", "A1", "A 1"]
    assert found.column("note")[0] == "a\x1fb", "text is left as it is"
    assert found.told == ["invisible: invisible characters taken out of order_no"]


@pytest.mark.parametrize(
    ("text", "is_bad"),
    [("1,23E+12", True), ("1.23E+12", True), ("1,2e5", True), ("12E5", False), ("1,2", False)],
)
def test_an_id_in_scientific_notation_is_one_in_either_spelling(text: str, is_bad: bool) -> None:
    found = read(f'order_no\n"{text}"\n2\n')
    assert found.faults == ([(2, "scientific_id", "order_no")] if is_bad else [])


# -- currencies (ISO 4217, list one: minor units)


@pytest.mark.parametrize(
    ("currency", "amount", "is_sound"),
    [
        ("KWD", "1.234", True), ("KWD", "1.2345", False), ("KWD", "1.2340", True), ("TND", "-0.001", True),
        ("EUR", "1.234", False), ("EUR", "1.23", True), ("JPY", "1.5", False), ("JPY", "1", True),
        ("JPY", "1.00", True), ("BHD", "9999999999999.999", True), ("BHD", "99999999999999999", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("beside", ["EUR", "KWD", "JPY"])
def test_amounts_have_the_decimals_of_their_currency(
    currency: str, amount: str, is_sound: bool, beside: str
) -> None:
    found = read(f"order_no,amount,currency\n1,{amount},{currency}\n2,7.00,{beside}\n")
    assert found.column("amount") == [*([Decimal(amount)] if is_sound else []), Decimal(7)]
    assert [(line, column) for line, _, column in found.faults] == ([] if is_sound else [(2, "amount")])


def test_the_lists_of_minor_units_are_of_known_currencies() -> None:
    assert not {*WITHOUT_DECIMALS, *WITH_THREE_DECIMALS} - set(CODES)
    assert not set(WITHOUT_DECIMALS) & set(WITH_THREE_DECIMALS)
    assert set(WITH_THREE_DECIMALS) == {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}


def test_equal_rows_have_equal_hashes_whatever_stands_beside_them() -> None:
    two = pa.array([Decimal("10.00"), Decimal("-0.01"), None], pa.decimal128(18, 2))
    three = pa.array([Decimal("10.000"), Decimal("-0.010"), None], pa.decimal128(19, 3))
    assert np.array_equal(hashing.row_numbers([two]), hashing.row_numbers([three]))
    fine = pa.array([Decimal("1.234"), Decimal("12.340"), Decimal("0.123")], pa.decimal128(19, 3))
    assert len({*hashing.row_numbers([fine]).tolist()}) == 3


# -- workbooks


def _cell(xml: str, **layout: Any) -> Any:
    """A sheet of one row whose second cell is what `xml` says."""
    names = list(layout.pop("names", ["order_no", "note"]))
    content = edited(workbook([names, ["1", "@@"]], change=None), "")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        text = archive.read(DATA).decode()
    old = next("<c " + piece.split("</c>")[0] + "</c>" for piece in text.split("<c ") if 'r="B2"' in piece)
    return read(edited(content, DATA, (old, xml)), format="xlsx", **layout)


@pytest.mark.parametrize(("value", "truth"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_truths_of_a_sheet_are_those_of_xml(value: str, truth: bool) -> None:
    found = _cell(f'<c r="B2" t="b"><v>{value}</v></c>', names=["order_no", "is_void"])
    assert found.column("is_void") == [truth]


def test_what_is_no_truth_or_stands_for_an_id_is_set_apart() -> None:
    assert _cell('<c r="B2" t="b"><v>yes</v></c>', names=["order_no", "is_void"]).faults == [
        (2, "bad_boolean", "is_void")
    ]
    assert _cell('<c r="B2" t="b"><v>1</v></c>', names=["order_no", "sku"]).faults == [
        (2, "bad_boolean", "sku")
    ]


@pytest.mark.parametrize(
    ("value", "rule", "expected"),
    [
        ("2026-01-31T10:00:00+02:00", {"format": "iso_offset"}, "2026-01-31 08:00"),
        ("2026-01-31T10:00:00Z", {"format": "%Y-%m-%d %H:%M:%S", "zone": "UTC"}, "2026-01-31 10:00"),
        ("2026-01-31T10:00:00+02:00", {"format": "%Y-%m-%d %H:%M:%S", "zone": "UTC"}, "2026-01-31 08:00"),
        ("2026-01-31T10:00:00Z", {"format": "%Y-%m-%d %H:%M:%S", "zone": "Europe/Berlin"}, None),
        ("2026-01-31T10:00:00", {"format": "%Y-%m-%d %H:%M:%S", "zone": "Europe/Berlin"}, "2026-01-31 09:00"),
        ("0001-01-01T00:00:00+14:00", {"format": "iso_offset"}, None),
    ],
)
def test_an_instant_in_a_date_cell_is_told_in_utc_or_refused(
    value: str, rule: dict[str, str], expected: str | None
) -> None:
    cell = f'<c r="B2" t="d"><v>{value}</v></c>'
    found = _cell(cell, names=["order_no", "sold_at"], timestamp=rule)
    told = [f"{at:%Y-%m-%d %H:%M}" for at in found.column("sold_at")]
    assert told == ([] if expected is None else [expected])
    assert len(found.faults) == (expected is None)


def test_a_cell_given_twice_or_in_another_row_is_not_taken() -> None:
    twice = '<c r="B2" t="str"><v>a</v></c><c r="B2" t="str"><v>b</v></c>'
    assert _cell(twice).faults == [(2, "repeated_element", "note")]
    with pytest.raises(FileRejected, match="a cell of another row stands in row 2"):
        _cell('<c r="B7" t="str"><v>a</v></c>')


def test_days_beyond_the_calendar_and_a_sheet_without_names_are_told() -> None:
    content = workbook([["order_no", "sold_on"], ["1", dt.date(2026, 1, 31)]])
    with zipfile.ZipFile(BytesIO(content)) as archive:
        serial = "46053"
        assert serial in archive.read(DATA).decode()
    late = edited(
        edited(content, DATA, (serial, "2958000")), BOOK, ("<workbookPr", '<workbookPr date1904="1"')
    )
    assert read(late, format="xlsx").faults == [(2, "bad_date", "sold_on")]
    assert _refused(workbook([[" ", " "], ["1", "2"]]), format="xlsx")[0] == "header"


def test_a_workbook_behind_another_is_refused() -> None:
    first, second = workbook([["order_no"], ["1"]]), workbook([["order_no"], ["2"]])
    assert _refused(first + second, format="xlsx")[0] == "unsafe_archive"


# -- Parquet


# A layout that names columns knows that others may be missing, or new.
MAPPED = {"order_no": "order_no"}


def _of(**columns: pa.Array) -> bytes:
    """A file of these columns with a key beside them."""
    count = len(next(iter(columns.values())))
    return parquet(pa.table({"order_no": [str(n) for n in range(count)]} | columns))


@pytest.mark.parametrize("scale", [2, 6, 7, 8, 18])
def test_zero_is_a_number_whatever_its_decimals(scale: int) -> None:
    """Spark and Oracle write decimal(38, 18), whose zero Arrow tells as 0E-18."""
    values = [Decimal(0), Decimal("1.50"), Decimal("-0.01"), None]
    found = read(_of(amount=pa.array(values, pa.decimal128(30, scale))), format="parquet")
    assert (found.column("amount"), found.faults) == (values, [])


def test_a_part_of_a_cent_is_too_many_decimals_and_no_exponent() -> None:
    amounts = pa.array([Decimal("0.0000001"), Decimal("-0.00000012")], pa.decimal128(30, 18))
    found = read(_of(amount=amounts), format="parquet")
    assert found.faults == [(n, "too_many_decimals", "amount") for n in (1, 2)]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([10**9, 0], pa.int32()).cast(pa.date32()),
        pa.array([2**40, 0], pa.timestamp("s")),
        pa.array([-(2**62), 0], pa.timestamp("us")),
        pa.array([2**62, 0], pa.timestamp("ms", "UTC")),
    ],
)
@pytest.mark.parametrize("column", ["sku", "sold_on", "sold_at", "more"])
def test_days_that_no_calendar_has_are_set_apart(values: pa.Array, column: str) -> None:
    found = read(_of(**{column: values}), format="parquet", columns=MAPPED)
    lines_at_fault = {line for line, _, _ in found.faults}
    assert (1 in lines_at_fault) == (column != "more")
    if column == "more":
        assert _extra(found)[0] == {"more": "beyond the years 1 to 9999"}


def test_truths_and_times_of_day_are_no_ids() -> None:
    assert read(_of(sku=pa.array([True])), format="parquet").faults == [(1, "bad_boolean", "sku")]
    times = pa.array([dt.time(10, 30)], pa.time32("s"))
    assert read(_of(sku=times), format="parquet").faults == [(1, "date_as_id", "sku")]


def test_names_of_parquet_may_be_odd_repeated_or_missing() -> None:
    names = ["order_no", "a\0b", "", "", "x.y"]
    table = pa.Table.from_arrays([pa.array(["1"])] * 5, names=names)
    found = read(parquet(table), format="parquet", columns=MAPPED)
    assert _extra(found) == [{"a\\x00b": "1", "no. 3": "1", "no. 4": "1", "x.y": "1"}]
    how: dict[str, Any] = {"format": "parquet", "extra_columns": "ignore"}
    assert read(parquet(table), **how, columns={"note": "x.y"}).column("note") == ["1"]


def test_columns_that_only_a_filter_or_a_key_of_parts_reads_are_read() -> None:
    table = parquet(pa.table({"order_no": ["1", "2"], "kind": ["a", "b"], "more": ["x", "y"]}))
    how: dict[str, Any] = {"format": "parquet", "extra_columns": "ignore"}
    assert read(table, **how, rows=[{"column": "kind", "in": ["b"]}]).column("order_no") == ["2"]
    assert read(table, **how, derive={"note": {"concat": ["kind", "more"]}}).column("note") == ["a-x", "b-y"]


def test_two_files_of_parquet_in_one_are_refused_and_a_value_that_looks_so_is_not() -> None:
    first, second = (parquet(pa.table({"order_no": [n]})) for n in ("1", "2"))
    reason, told = _refused(first + second, format="parquet")
    assert reason == "malformed" and "several Parquet files" in told
    plain = {"use_dictionary": False, "compression": "none"}
    looks_so = parquet(pa.table({"order_no": ["PAR1PAR1", "\x01\0\0\0PAR1PAR1"[4:]]}), **plain)
    assert read(looks_so, format="parquet").column("order_no") == ["PAR1PAR1"] * 2
