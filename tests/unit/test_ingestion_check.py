"""`check` tells every fault of a company's layouts, each with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from revlog.companies.company import COMPANIES, SYSTEMS
from revlog.contracts.contract import STANDARD
from revlog.ingestion.check import faults

SALES = """\
layouts:
  own:
    file: "sales_{date}.csv"
    format: csv
    timestamp: {format: "%d.%m.%Y", zone: Europe/Berlin}
"""


def _told(folder: Path, content: str, name: str = "erp_sales_lines.yml") -> list[tuple[int, str]]:
    (folder / name).write_text(content)
    found = faults(str(folder))
    assert all(fault.path.endswith(name) for fault in found)
    return [(fault.line, fault.text) for fault in found]


SHIPPED = sorted(path.name for place in (COMPANIES, SYSTEMS) for path in place.iterdir() if path.is_dir())


@pytest.mark.parametrize("company", [STANDARD, *SHIPPED])
def test_what_is_shipped_has_no_fault(company: str) -> None:
    assert faults(company) == []


def test_a_sound_layout_has_no_fault(tmp_path: Path) -> None:
    assert _told(tmp_path, SALES) == []


def test_every_fault_is_told_with_its_line_and_not_the_first_alone(tmp_path: Path) -> None:
    content = SALES + (
        "    delimeter: ';'\n"
        "  other:\n"
        "    file: sales.csv\n"
        "    format: csv\n"
        "    quote: '**'\n"
        "    columns: {order: Nr}\n"
        "    formats: {ordered_at: '%d.%m.%Y'}\n"
    )
    assert [line for line, _ in _told(tmp_path, content)] == [6, 7, 8, 10, 11]
    texts = [text for _, text in _told(tmp_path, content)]
    parts = (
        "there is no key 'delimeter'; near: delimiter", "local time", "file_date", "one character or none",
        "['order']",
    )  # fmt: skip
    for part, text in zip(parts, texts, strict=True):
        assert part in text


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("sheet: Sales", "`sheet` means nothing for csv; it is for xlsx"),
        ("record: sale", "`record` means nothing for csv"),
        ("date: {format: '%Y'}", "`date` reads nothing: the feed has no column of type date"),
        ("formats: {sku: {decimal: ','}}", "`decimal` reads nothing in sku, which is of type id"),
        ("negate: [sku]", "sku is no number"),
        ("upper: [quantity]", "quantity is no text"),
        ("control: {count_column: 2}", "it says of no row and of no root"),
        ("control: {first_column: T, total_column: 2}", "not of which column: give total_of"),
        ("control: {root_count: n}", "csv has no root that states totals"),
        ("rows: [{column: x}]", "the test of x asks nothing"),
        ("rows: [{column: x, in: []}]", "no row can pass"),
        ("rows: [{column: x, in: [a, b]}, {column: x, matches: '^c'}]", "no row can pass"),
        ("rows: [{column: x, matches: '^c'}, {column: x, not_matches: '^c'}]", "no row can pass"),
        ("value_maps: {currency: {euro: EURO}}", "'euro' becomes 'EURO', no currency of ISO 4217"),
        ("upper: [channel]\n    value_maps: {channel: {web: store}}", "'web' is never met"),
        ("derive: {currency: {constant: Euro}}", "'Euro' is no currency of ISO 4217"),
        (
            "derive: {currency: {constant: EUR}}\n    columns: {currency: Cur}",
            "what stands here is never read",
        ),
        ("names: [order_no]", "no column of the file feeds line_no, which the contract requires"),
        ("names: [a]\n    select: select b as order_no, _record_no from file", "there is no column b"),
        ("names: [a]\n    select: select a from file", "it yields no _record_no"),
        ("names: [a]\n    select: select a as order_no, _record_no from file", "it yields no line_no, which"),
        ("select: select now() from file", "select: now gives another result each time"),
        ("lookups: {o: {feed: erp_items}}", "lookups: they are for `select`"),
        ("columns: {order_no: No}", "YAML reads No, Yes, On, Off and the like as truths"),
        ("encoding: klingon", "'klingon' is no encoding"),
        ("strip: true\n    strip: false", "the key 'strip' stands twice"),
        ("headings: {x: 'a(b)'}", "they are read where `skip` or `header_row` leave lines out"),
        ("headings: {x: b}\n    skip: [a]", "x: put the value into one group"),
        ("set_apart: {gone: [{column: x}]}", "the test of x asks nothing"),
        ("set_apart: {gone: []}", "gone has no test: it would take each row"),
        ("lookups: {o: {feed: erp_orders}}", "there is no feed erp_orders"),
        ("decimal: ','\n    thousands: ','", "it is the decimal sign, too"),
        ("folder: ../other", "it lies within the landing zone"),
        ("fields: {sku: a//b}", "'a//b' has a step that leads nowhere"),
    ],
)
def test_what_a_layout_says_in_vain_is_told_in_its_line(tmp_path: Path, key: str, told: str) -> None:
    found = _told(tmp_path, SALES + f"    {key}\n")
    lines = {line for line, text in found if told in text}
    assert lines and lines <= {6, 7}, found


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("Cell[0]", "places count from [1]"),
        ("a/@b/c", "an attribute is the last step"),
        ("@", "with its name"),
    ],
)
def test_paths_that_lead_nowhere_in_xml_are_told(tmp_path: Path, path: str, told: str) -> None:
    fields = f"format: xml\n    record: a/b\n    fields: {{sku: '{path}'}}"
    texts = [text for _, text in _told(tmp_path, SALES.replace("format: csv", fields))]
    assert any(told in text for text in texts) and any("'a/b' is no tag" in text for text in texts)


def test_a_fault_of_one_key_hides_none_of_another(tmp_path: Path) -> None:
    content = SALES + "    encoding: klingon\n    delimiter: ';;'\n    sheet: X\n    negate: [sku]\n"
    assert [line for line, _ in _told(tmp_path, content)] == [6, 7, 8, 9]


def test_an_instant_with_a_zone_is_told(tmp_path: Path) -> None:
    content = SALES.replace("%d.%m.%Y", "iso_offset")
    assert _told(tmp_path, content) == [(5, "a zone reads nothing: iso_offset tells the instant")]


def test_a_layout_that_takes_the_files_of_another_is_told(tmp_path: Path) -> None:
    content = SALES + SALES.removeprefix("layouts:\n").replace("own:", "all:").replace("sales_", "*_")
    assert [(line, text) for line, text in _told(tmp_path, content)] == [
        (3, "layout all takes its files, too: rows come twice")
    ]


@pytest.mark.parametrize(
    ("name", "content", "line", "told"),
    [
        ("erp_sale_lines.yml", SALES, 1, "near: erp_sales_lines"),
        ("erp_items.yaml", SALES, 1, "is not read"),
        ("erp_items.yml", "layouts:\n  own: {file: x\n  b: 1\n", 3, "no YAML"),
        ("erp_items.yml", "- a\n", 1, "a mapping is expected at the top"),
        (
            "erp_items.yml",
            "mode: ful\nlayouts:\n  own: {file: 'x_{date}', format: csv}\n",
            1,
            "Input should be",
        ),
    ],
)
def test_a_file_that_is_none_of_a_feed_is_told(
    tmp_path: Path, name: str, content: str, line: int, told: str
) -> None:
    found = _told(tmp_path, content, name)
    assert any(at == line and told in text for at, text in found), found
