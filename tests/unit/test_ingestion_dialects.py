"""Files as real systems write them: titles, footers, repeated headers, a format of its own for a column."""

from __future__ import annotations

import io

import openpyxl
import pytest

from revlog.contracts.contract import ContractError
from revlog.ingestion.readers import csv, fixed_width
from revlog.values.reasons import FileRejected
from tests.unit.small_layout import contract, read, texts

PLAIN = {"timestamp": {"format": "%Y-%m-%d %H:%M:%S", "zone": "UTC"}}
# Record types as in payment reports: only those of type SB are rows, and CH names their columns.
TYPED = (
    '"RH","2026/02/01","A"\n"FH","01"\n"CH","key","amount"\n'
    '"SB","a1","5.00"\n"SB","a2","7.00"\n"SF","EUR","12.00"\n"RC","2"\n'
)


def test_lines_above_the_header_are_titles() -> None:
    part = read({"header_row": 3}, 'Report "of" January\n\nkey,amount\na1,5.00\n')
    assert (texts(part, "key"), texts(part, "_line_no")) == (["a1"], ["4"])


def test_lines_that_the_layout_leaves_out_are_counted_and_the_header_is_the_first_other() -> None:
    layout = {
        "skip": ['^"(RH|FH|SF)"'], "extra_columns": "ignore",
        "control": {"first_column": "RC", "count_column": 2},
    }  # fmt: skip
    part = read(layout, TYPED)
    assert texts(part, "key") == ["a1", "a2"]
    assert texts(part, "_line_no") == ["4", "5"]
    assert (part.skipped, part.control, part.bad) == (1, [["RC", "2"]], [])


def test_a_footer_that_no_layout_leaves_out_is_quarantined() -> None:
    assert read({}, "key,amount\na1,5.00\nTotal\n").faults == [(3, "ragged_row", None)]
    part = read({"skip": ["^Total"]}, "key,amount\na1,5.00\nTotal\n")
    assert (part.bad, part.skipped, part.rows) == ([], 1, 1)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_pattern_that_fits_a_blank_line_leaves_out_no_row_above_it(end: str) -> None:
    part = read(
        {"skip": ["^[^a-z]", "^$"]}, end.join(["", "key,amount", "", "a1,5.00", "", "", "9", "a2,6.00", ""])
    )
    assert (texts(part, "key"), texts(part, "_line_no")) == (["a1", "a2"], ["4", "8"])
    assert (part.skipped, part.bad) == (1, [])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_header_that_comes_again_is_no_row(end: str) -> None:
    part = read({}, end.join(["key,amount", "a1,5.00", "key,amount", "a2,6.00", "key,amount"]))
    assert (texts(part, "key"), part.skipped, part.bad) == (["a1", "a2"], 2, [])


def test_a_row_that_only_begins_like_the_header_is_a_row() -> None:
    part = read({"extra_columns": "ignore"}, "key,amount\nkey,amount2\nxkey,amount\n")
    assert (part.rows, part.skipped) == (0, 0)
    assert part.faults == [(2, "not_a_number", "amount"), (3, "not_a_number", "amount")]


def test_columns_without_a_header_are_named_by_the_layout() -> None:
    part = read({"names": ["key", "x", "amount"], "extra_columns": "ignore"}, "a1,?,5.00\na2,?,6.00\n")
    assert (texts(part, "key"), texts(part, "amount")) == (["a1", "a2"], ["5.00", "6.00"])
    assert texts(part, "_line_no") == ["1", "2"]


def test_a_name_that_stands_twice_does_no_harm_where_it_is_not_used() -> None:
    part = read({"extra_columns": "ignore"}, "key,Charge,Charge,amount\na1,x,y,5.00\n")
    assert texts(part, "amount") == ["5.00"]


def test_a_name_that_stands_twice_is_told_apart_by_its_number() -> None:
    layout = {"columns": {"amount": "Sum", "fee": "Sum [2]"}}
    part = read(layout, "key,Sum,Sum\na1,5.00,0.30\n")
    assert (texts(part, "amount"), texts(part, "fee")) == (["5.00"], ["0.30"])


def test_a_name_that_stands_twice_and_is_used_as_if_once_rejects_the_file() -> None:
    with pytest.raises(FileRejected, match=r"stand twice: amount.*\[2\]"):
        read({}, "key,amount,amount\na1,5.00,6.00\n")


@pytest.mark.parametrize(
    ("format", "text", "at"),
    [
        # at: computed with GNU date, as in `date -u -d '2025-12-01 11:09:27 -0500'`
        ("%Y-%m-%d %H:%M:%S %z", "2025-12-01 11:09:27 -0500", "2025-12-01 16:09:27+00:00"),
        ("iso_offset", "2025-12-01T11:09:27-0500", "2025-12-01 16:09:27+00:00"),
        ("epoch", "1764605365", "2025-12-01 16:09:25+00:00"),
        ("epoch_ms", "1764605365123", "2025-12-01 16:09:25.123000+00:00"),
        ("%b %-d, %Y %-I:%M:%S %p %Z", "Jan 5, 2026 12:00:01 AM PST", "2026-01-05 08:00:01+00:00"),
    ],
)
def test_an_instant_needs_no_zone(format: str, text: str, at: str) -> None:
    part = read({"timestamp": {"format": format}}, f'key,at\na1,"{text}"\n')
    assert (texts(part, "at"), part.bad) == ([at], [])


@pytest.mark.parametrize(
    ("format", "text", "at"),
    [
        # New York was five hours behind Greenwich in January 2026.
        ("%-m/%-d/%Y %H:%M", "1/5/2026 09:30", "2026-01-05 14:30:00+00:00"),
        ("%m/%d/%Y %I:%M %p", "01/05/2026 12:30 PM", "2026-01-05 17:30:00+00:00"),
        ("%m/%d/%Y %I:%M %p", "01/05/2026 12:30 am", "2026-01-05 05:30:00+00:00"),
        ("%d-%b-%y", "05-Jan-26", "2026-01-05 05:00:00+00:00"),
        ("%-d. %B %Y", "5. März 2026", "2026-03-05 05:00:00+00:00"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-01-05 09:30:00.25", "2026-01-05 14:30:00.250000+00:00"),
    ],
)
def test_a_local_time_is_placed_in_its_zone(format: str, text: str, at: str) -> None:
    part = read(
        {"timestamp": {"format": format, "zone": "America/New_York"}, "delimiter": ";"},
        f"key;at\na1;{text}\n",
    )
    assert (texts(part, "at"), part.bad) == ([at], [])


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("%m/%d/%Y %I:%M %p", "01/05/2026 13:30 PM"), ("%m/%d/%Y %I:%M %p", "01/05/2026 00:30 AM"),
        ("%-d %b %Y", "5 Jum 2026"), ("%-d %b %Y", "31 Feb 2026"), ("%Y-%j", "2025-366"), ("epoch", "x"),
        ("epoch", "99999999999999"), ("%Y-%m-%d %H:%M:%S %z", "2026-01-05 10:00:00 +9900"),
        ("%d %H:%M %Z", "05 10:00 XYZ"), ("%-m/%-d/%Y", "1/5/2026 "),
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_quarantined(format: str, text: str) -> None:
    part = read({"timestamp": {"format": format, "zone": "UTC"}, "strip": False}, f"key,at\na1,{text}\n")
    assert [(line, column) for line, _, column in part.faults] == [(2, "at")]


def test_each_column_may_be_written_in_its_own_way() -> None:
    layout = PLAIN | {
        "delimiter": ";",
        "date": {"format": "%d.%m.%Y"},
        "formats": {
            "day": "%-m/%-d/%Y",
            "at": {"format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"},
            "fee": {"decimal": ",", "thousands": ".", "null_values": ["-"]},
        },
    }
    part = read(layout, "key;amount;fee;at;day\na1;1.50;1.234,50;05.01.2026 10:00;1/5/2026\na2;2.50;-;;\n")
    assert part.bad == []
    assert (texts(part, "amount"), texts(part, "fee")) == (["1.50", "2.50"], ["1234.50", "None"])
    assert (texts(part, "day")[0], texts(part, "at")[0]) == ("2026-01-05", "2026-01-05 09:00:00+00:00")


def test_a_day_is_the_one_that_is_written_unless_a_zone_is_named() -> None:
    text = "key,day\na1,2026-01-31 22:30:00 -0500\n"
    form = "%Y-%m-%d %H:%M:%S %z"
    assert texts(read({"date": {"format": form}}, text), "day") == ["2026-01-31"]
    assert texts(read({"date": {"format": form, "zone": "UTC"}}, text), "day") == ["2026-02-01"]


def test_words_for_nothing_hold_in_every_format() -> None:
    layout = {"format": "jsonl", "null_values": ["N/A"]}
    part = read(layout, '{"key": "a1", "amount": "N/A"}\n{"key": "a2", "amount": 2}\n')
    assert texts(part, "amount") == ["None", "2.00"]


def test_signs_of_currencies_are_no_part_of_a_number() -> None:
    layout = {"symbols": ["$", "€"], "negatives": ["minus", "parentheses"], "thousands": ","}
    written = ["$28.00", "-$1,028.00", "($28.00)", "28.00 €", "$-28.00", "28.00€"]
    part = read(layout, "key,amount\n" + "".join(f'k{i},"{w}"\n' for i, w in enumerate(written)))
    assert part.bad == []
    assert texts(part, "amount") == ["28.00", "-1028.00", "-28.00", "28.00", "-28.00", "28.00"]


def test_a_currency_sign_in_the_middle_is_no_number() -> None:
    assert read({"symbols": ["$"]}, "key,amount\na1,2$8.00\n").faults == [(2, "not_a_number", "amount")]


def test_a_workbook_may_have_footers_no_header_and_a_name_twice() -> None:
    book = openpyxl.Workbook()
    for row in (["a1", 5, 6], ["a2", 7, 8], ["Total", 12, None]):
        book.active.append(row)
    data = io.BytesIO()
    book.save(data)
    layout = {"format": "xlsx", "names": ["key", "amount", "amount"], "skip": ["^Total"],
              "columns": {"fee": "amount [2]"}}  # fmt: skip
    part = read(layout, data.getvalue())
    assert (texts(part, "key"), texts(part, "fee"), part.skipped) == (["a1", "a2"], ["6.00", "8.00"], 1)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"timestamp": {"format": "%Y-%Q"}}, "%Q is not one of"),
        ({"timestamp": {"format": "%d.%m.%d", "zone": "UTC"}}, "%d stands twice"),
        ({"formats": {"no": "%Y"}}, r"unknown columns \['no'\]"),
        ({"formats": {"at": {"zone": "Mars/X"}}}, "no time zone"),
        ({"formats": {"at": "%d.%m.%Y"}}, "at in local time need"),
        ({"file": "x.csv"}, "needs {date}.*file_date"),
        ({"file_date": {"modified": "UTC"}}, "one of them tells"),
        ({"file": "x.csv", "file_date": {}}, "give one of `modified`"),
        ({"file": "x_{date}_{until}.csv"}, "tells the day twice"),
        ({"file": "x_{day}.csv"}, "{day} in the file pattern"),
        ({"skip": ["("]}, "is no regular expression"),
        ({"rows": [{"column": "key", "matches": "("}]}, "missing"),
    ],
)
def test_a_mistake_in_a_layout_is_told(layout: dict[str, object], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        contract(layout)


@pytest.mark.parametrize(
    ("thousands", "written"),
    [(" ", ["1 234,50", "1\u00a0234,50", "1\u202f234,50"]), ("'", ["1'234,50", "1\u2019234,50"])],
)
def test_a_mark_of_thousands_is_one_whichever_of_its_characters_is_written(
    thousands: str, written: list[str]
) -> None:
    layout = {"delimiter": ";", "decimal": ",", "thousands": thousands}
    content = "key;amount\n" + "".join(f"{n};{text}\n" for n, text in enumerate(written)) + "x;12 34,50\n"
    part = read(layout, content)
    assert texts(part, "amount") == ["1234.50"] * len(written)
    assert part.faults == [(len(written) + 2, "not_a_number", "amount")]


# -- lists in pages, as SAP prints them

RULE = "-" * 44
PAGED = {
    "delimiter": "|", "quote": "", "decimal": ",", "thousands": ".", "negatives": ["trailing_minus"],
    "skip": ["^[^|]", r"^\|[ \t]*\*"], "headings": {"key_of": "Account +([0-9]+)"}, "columns": {"key": "No.",
    "amount": "Amount"},
    "extra_columns": "ignore",
}  # fmt: skip


def _page(account: str, *rows: str) -> list[str]:
    head = ["28.11.2026   List Display   1", "", f"  G/L Account  {account} Revenue", RULE]
    return [*head, "|  |No.   |      Amount|Cur.|", RULE, *(f"|  |{row}|EUR |" for row in rows), RULE]


def _list(*pages: list[str]) -> str:
    return "".join(f"{line}\r\n" for page in pages for line in page)


def test_a_list_in_pages_is_read_without_titles_rules_and_totals() -> None:
    pages = _page("4000", "a1    |  1.234,56 ", "a2    | 1.234,56-"), _page("4100", "a3    |      7,00 ")
    total = ["|* |      |      7,00 |EUR |", "|**|      |      7,00 |EUR |", RULE]
    part = read(PAGED, _list(*pages, total))
    assert texts(part, "key") == ["a1", "a2", "a3"]
    assert texts(part, "amount") == ["1234.56", "-1234.56", "7.00"]
    assert texts(part, "_line_no") == ["7", "8", "16"]
    assert part.bad == [] and part.told == []


def test_a_line_of_a_list_with_a_stroke_too_many_is_set_apart() -> None:
    part = read(PAGED, _list(_page("4000", "a1    |  1,00 ", "a|2   |  2,00 ")))
    assert (texts(part, "key"), part.faults) == (["a1"], [(8, "ragged_row", None)])


@pytest.mark.parametrize("block_bytes", [64, 4 << 20])
def test_what_a_heading_says_holds_for_the_rows_below_it(
    block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "BLOCK_BYTES", block_bytes)
    layout = PAGED | {"columns": {"key": "key_of", "amount": "Amount"}, "derive": {}}
    pages = _page("4000", "a1|1,00", "a2|2,00"), _page("4100"), _page("4200", "a3|3,00")
    part = read(layout, _list(*pages), duplicates="keep_all")
    assert texts(part, "key") == ["4000", "4000", "4200"]


def test_a_name_that_a_layout_gives_twice_is_told_apart_as_that_of_a_header() -> None:
    layout = {"names": ["key", "x", "x", "", "amount"], "extra_columns": "ignore"}
    assert texts(read(layout, "a1,?,!,-,5.00\n"), "amount") == ["5.00"]
    with pytest.raises(FileRejected, match="columns stand twice: key"):
        read(layout | {"names": ["key", "key", "amount"]}, "a1,a2,5.00\n")


def test_titles_above_a_header_row_are_headings_too() -> None:
    layout = {"header_row": 3, "headings": {"key": "^Batch;(.+)$"}, "delimiter": ";"}
    part = read(layout, "Report\nBatch;Ä7\namount;fee\n1.00;2.00\n")
    assert texts(part, "key") == ["Ä7"]


def test_a_heading_that_no_line_says_rejects_the_file() -> None:
    with pytest.raises(FileRejected, match="no line above the rows says key_of; correct `headings`"):
        read(PAGED, _list(_page("none", "a1|1,00")))
    with pytest.raises(FileRejected, match=r"has a column Cur\. itself"):
        read(PAGED | {"headings": {"Cur.": "Account +([0-9]+)"}}, _list(_page("1", "a1|1,00")))


@pytest.mark.parametrize("block_bytes", [16, 4 << 20])
def test_headings_hold_for_lines_of_fixed_width(block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_width, "BLOCK_BYTES", block_bytes)
    wide = {"format": "fixed_width", "widths": {"id": [1, 2], "amount": [3, 5]}, "skip": ["^Account"],
            "headings": {"key": "Account ([0-9]+)"}, "extra_columns": "ignore"}  # fmt: skip
    lines = "Account 4000\na1 1.00\na2 2.00\nAccount 4100\nAccount 4200\na3 3.00\n"
    part = read(wide, lines, duplicates="keep_all")
    assert (texts(part, "key"), part.skipped) == (["4000", "4000", "4200"], 3)
    with pytest.raises(FileRejected, match="no line above the rows says key; correct `headings`"):
        read(wide, "Account none\na1 1.00\n")
    with pytest.raises(FileRejected, match="has a column amount itself"):
        read(wide | {"headings": dict.fromkeys(("key", "amount"), "Account ([0-9]+)")}, lines)


def _book(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_headings_hold_for_rows_of_a_workbook() -> None:
    layout = {"format": "xlsx", "header_row": 2, "skip": ["^Account"], "extra_columns": "ignore",
              "headings": {"key": r"Account\t([0-9]+)"}}  # fmt: skip
    head: list[list[object]] = [["Report", "Account"], ["No.", "amount"]]
    rows: list[list[object]] = [
        ["Account", "4000"],
        ["a1", "1.00"],
        ["a2", "2.00"],
        ["Account", 4100],
        ["a3", "3.00"],
    ]
    part = read(layout, _book(*head, *rows), duplicates="keep_all")
    assert (texts(part, "key"), texts(part, "amount")) == (["4000", "4000", "4100"], ["1.00", "2.00", "3.00"])
    title = _book(["Account", "4200"], ["No.", "amount"], ["a1", "1.00"])
    assert texts(read(layout, title), "key") == ["4200"]
    with pytest.raises(FileRejected, match="no line above the rows says key; correct `headings`"):
        read(layout, _book(*head, ["a1", "1.00"]))
    with pytest.raises(FileRejected, match="has a column amount itself"):
        read(layout | {"headings": {"amount": r"Account\t([0-9]+)"}}, _book(*head, *rows))


# -- encodings that are no plain bytes


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", ["csv", "fixed_width", "jsonl", "json"])
def test_utf16_is_read_where_it_is_declared(form: str, encoding: str) -> None:
    content = {
        "csv": "key,amount\nÄ1,1.00\nÄ2,2.00\n", "fixed_width": "Ä1 1.00\nÄ2 2.00\n",
        "jsonl": '{"key": "Ä1", "amount": 1.00}\n{"key": "Ä2", "amount": 2.00}\n',
        "json": '[{"key": "Ä1", "amount": 1.00},\n{"key": "Ä2", "amount": 2.00}]',
    }[form]  # fmt: skip
    layout = {"format": form, "encoding": encoding}
    layout |= {"widths": {"key": [1, 3], "amount": [4, 4]}} if form == "fixed_width" else {}
    part = read(layout, content.encode(encoding))
    assert (texts(part, "key"), texts(part, "amount")) == (["Ä1", "Ä2"], ["1.00", "2.00"])
    assert texts(part, "_line_no") == ["2", "3"] if form == "csv" else ["1", "2"]


@pytest.mark.parametrize(
    "content", ["key\nä\n".encode("utf-16")[:-1], b"\xff\xfek\xd8k\x00", b"key,a\nb,c\n"]
)
def test_what_is_no_utf16_is_rejected(content: bytes) -> None:
    with pytest.raises(FileRejected, match=r"encoding|header"):
        read({"encoding": "utf-16"}, content)
