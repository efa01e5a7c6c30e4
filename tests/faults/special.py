"""Faults of workbooks, Parquet and lines of fixed width that no other format can have."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tests.faults.case import Case
from tests.faults.files import BILLION_LAUGHS, EXTERNAL
from tests.faults.formats import MAIN, RELATIONS, parquet, workbook, written
from tests.faults.inputs import (
    ARCHIVE,
    BOUNDARY,
    COLUMNS,
    DATES,
    DTD,
    EXTRA,
    HEADER_ONLY,
    IDS,
    NOT_A_FILE,
    NUMBERS,
    ROWS,
    SAME,
    SOUND,
    SPELLING,
    TOTALS,
    TRUNCATED,
    TYPED,
)  # fmt: skip
from tests.faults.matrix import CLAIM, CLAIMS, CONTRACT, NAMES, claims

G, RMA = "erp_gl_entries", "erp_return_authorizations"

# -- lines of fixed width, as the ledger has them


def entry(number: int, amount: str = "100.20", text: str = "Rückerstattung", **change: str) -> str:
    """A line of the general ledger, each value where the contract says."""
    v = {"journal": f"J{number}", "line": "1", "currency": "EUR"} | change
    return (
        f"{v['journal']:<16}{v['line']:>9}202503012025-03{'4000':<6}{amount:>16}{v['currency']:<3}"
        f"{'CM1':<24}{text:<40}"
    )


def trailer(count: int | str, total: str) -> str:
    """The last line: count and total in the places of line number and amount."""
    return f"{'TRAILER':<16}{count:>9}{'':21}{total:>16}"


def ledger(*lines: str, end: str = "\n", encoding: str = "latin-1") -> bytes:
    return "".join(line + end for line in lines).encode(encoding)


def gl(name: str, title: str, content: bytes, loaded: int = 0, **expected: Any) -> Case:
    return Case(name, title, G, content, loaded, **expected)


FIRST, SECOND = entry(1), entry(2, "100.20-")
FIXED_WIDTH = [
    gl("sound ledger, trailing minus", SOUND, ledger(FIRST, SECOND, trailer(2, "0.00")), 2, control=1,
       values={"journal_no": ["J1", "J2"], "amount": ["100.20", "-100.20"], "text": ["Rückerstattung"] * 2,
               "posted_on": ["2025-03-01"] * 2, "document_ref": ["CM1"] * 2}),
    gl("trailer total with a trailing minus", SPELLING, ledger(SECOND, trailer(1, "100.20-")), 1, control=1),
    gl("minus in front", SPELLING, ledger(entry(1, "-100.20"), trailer(1, "-100.20")), 1, control=1,
       values={"amount": ["-100.20"]}),
    gl("minus on both sides", SPELLING, ledger(FIRST, entry(2, "-100.20-"), trailer(2, "0.00")), 1, control=1,
       quarantined=((2, "not_a_number", "amount"),)),
    gl("cut inside a line", TRUNCATED, ledger(FIRST, SECOND)[:-7], rejected="truncated"),
    gl("cut inside the trailer", TRUNCATED, ledger(FIRST, SECOND, trailer(2, "0.00"))[:-20],
       rejected="control_total"),
    gl("trailer missing", BOUNDARY, ledger(FIRST, SECOND), rejected="truncated"),
    gl("line missing before the trailer", BOUNDARY, ledger(FIRST, trailer(2, "0.00")),
        rejected="control_total"),
    gl("trailer total that disagrees", TOTALS, ledger(FIRST, SECOND, trailer(2, "0.01")),
       rejected="control_total"),
    gl("two trailers, of two files in one", TOTALS, ledger(FIRST, trailer(1, "100.20"), SECOND,
       trailer(1, "100.20-")), rejected="control_total"),
    gl("trailer count filled up with zeros", TOTALS, ledger(FIRST, SECOND, trailer("000000002", "0.00")), 2,
       control=1),
    gl("trailer as long as any line", TOTALS, ledger(FIRST, SECOND, f"{trailer(2, '0.00'):<129}"), 2,
        control=1),
    gl("trailer beside a short line", TOTALS, ledger(FIRST, SECOND[:64], trailer(2, "0.00")), 1, control=1,
       quarantined=((2, "ragged_row", None),)),
    gl("ledger in CSV", NOT_A_FILE, b"journal_no;line_no\nJ1;1\n", rejected="not_this_format"),
    gl("lines of another width", NOT_A_FILE, ledger(FIRST[:64], SECOND[:64], trailer(2, "0.00")),
       rejected="not_this_format"),
    gl("UTF-8 where Latin-1 is declared", NOT_A_FILE, ledger(
        FIRST, entry(2, text="plain"), trailer(2, "200.40"), encoding="utf-8"), rejected="encoding"),
    gl("UTF-8 byte order mark where Latin-1 is declared", NOT_A_FILE, b"\xef\xbb\xbf" + ledger(FIRST),
       rejected="encoding"),
    gl("CRLF, and a blank line at the end", SAME, ledger(FIRST, SECOND, trailer(2, "0.00"), "", end="\r\n"),
        2,
       control=1, values={"text": ["Rückerstattung"] * 2}),
    gl("blanks at the end of lines trimmed", SAME, ledger(
        FIRST.rstrip(), SECOND[:65], trailer(2, "0.00").rstrip()), 2, control=1,
        values={"text": ["Rückerstattung", "None"]}),
    gl("end-of-file sign of DOS", SAME, ledger(FIRST, trailer(1, "100.20")) + b"\x1a", 1, control=1),
    gl("trailer only", HEADER_ONLY, ledger(trailer(0, "0.00")), control=1),
    gl("line too short, line too long", ROWS, ledger(FIRST, FIRST[:64], FIRST + " ", SECOND, trailer(4, "0")),
        2,
       control=1, quarantined=((2, "ragged_row", None), (3, "ragged_row", None))),
    gl("carriage return inside a line", ROWS, ledger(FIRST, entry(2, text="a\rb"), trailer(2, "0")), 1,
        control=1,
       quarantined=((2, "ragged_row", None),)),
    gl("NUL bytes as blanks", ROWS, ledger(FIRST, SECOND.replace(" ", "\0"), trailer(2, "0")), 1, control=1,
       quarantined=((2, "nul_byte", None),)),
    gl("line shifted by a character", ROWS, ledger(FIRST, " " + SECOND[:-1], trailer(2, "0.00")),
        rejected="control_total"),
]  # fmt: skip

# -- workbooks


def cells(
    *changes: dict[str, Any], change: Callable[[Any], None] | None = None, sheet: str = "Data"
) -> bytes:
    """Claims in a workbook; the values of `changes` are what a cell holds, dates and numbers too."""
    native = {
        "line_no": 1, "quantity": 1, "claimed_amount": 100.2, "credited_amount": 1.1,
        "opened_on": dt.date(2025, 3, 1), "updated_at": dt.datetime(2025, 3, 2, 10),
    }  # fmt: skip
    rows = [CLAIM | native | {"claim_no": f"V{n}"} | c for n, c in enumerate(changes, start=1)]
    return workbook([NAMES, *([row[n] for n in NAMES] for row in rows)], sheet, change)


def place(name: str, row: int) -> str:
    """Where the column stands in a row of claims, as in B2."""
    return f"{chr(65 + NAMES.index(name))}{row}"


def shown(name: str, number_format: str, row: int = 2) -> Callable[[Any], None]:
    """Give a cell a number format."""

    def change(page: Any) -> None:
        page[place(name, row)].number_format = number_format

    return change


def edited(content: bytes, part: str, *changes: tuple[str, str], **more: bytes) -> bytes:
    """The workbook with text of one part replaced, and with further parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        assert not part or part in old.namelist(), old.namelist()
        for member in old.infolist():
            data = old.read(member)
            if member.filename == part:
                text = data.decode()
                for before, after in changes:
                    assert before in text, before
                    text = text.replace(before, after, 1)
                data = text.encode()
            new.writestr(member.filename, data)
        for name, data in more.items():
            new.writestr(name, data)
    return out.getvalue()


def in_utf16(content: bytes) -> bytes:
    """The workbook with its sheet in UTF-16."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member.filename, data.decode().encode("utf-16") if member.filename == DATA else data)
    return out.getvalue()


def garbled(content: bytes) -> bytes:
    """The largest part of a workbook with some packed bytes turned around."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.getinfo(DATA)
    at = member.header_offset + 30 + len(DATA) + member.compress_size // 2
    return content[:at] + bytes(255 - b for b in content[at : at + 8]) + content[at + 8 :]


def linked(content: bytes) -> bytes:
    """The workbook with a member that is a link."""
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        member = zipfile.ZipInfo("xl/link.xml")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    return out.getvalue()


def several(content: bytes) -> bytes:
    more = f'<sheet name="More" sheetId="9" xmlns:r="{RELATIONS}" r:id="rId1"/></sheets>'
    return edited(content, BOOK, ("</sheets>", more))


def formula(name: str, text: str, value: str, kind: str = "") -> bytes:
    """Claims of which one cell is a formula with the value that it gave last."""
    marked = cells({name: "@@"}, {})
    cell = place(name, 2)
    old = next(p for p in _cells_of(marked) if f'r="{cell}"' in p)
    return edited(marked, DATA, (old, f'<c r="{cell}"{kind}><f>{text}</f>{value}</c>'))


def raw_cell(name: str, xml: str, *rest: dict[str, Any]) -> bytes:
    """Claims of which one cell is what `xml` says, with {r} for its place."""
    marked = cells({name: "@@"}, *rest)
    cell = place(name, 2)
    old = next(p for p in _cells_of(marked) if f'r="{cell}"' in p)
    return edited(marked, DATA, (old, xml.replace("{r}", f'r="{cell}"')))


def _cells_of(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(DATA).decode()
    return ["<c " + piece.split("</c>")[0] + "</c>" for piece in text.split("<c ")[1:]]


def wb(name: str, title: str, content: bytes, loaded: int = 0, feed: str = CLAIMS, **expected: Any) -> Case:
    return Case(name, title, feed, content, loaded, format="xlsx", **expected)


def permits(*changes: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns of RMA lines."""
    row = {
        "rma_no": "A1", "rma_line_no": 1, "sku": "SKU-1", "quantity_authorized": 1, "resolution": "refund",
        "status": "open", "authorized_at": dt.datetime(2025, 3, 1, 10), "is_void": False,
        "updated_at": dt.datetime(2025, 3, 1, 10),
    }  # fmt: skip
    rows = [row | {"rma_no": f"A{n}"} | change for n, change in enumerate(changes, start=1)]
    return {name: [r[name] for r in rows] for name in row}


def permit_sheet(*changes: dict[str, Any]) -> bytes:
    columns = permits(*changes)
    return workbook([list(columns), *map(list, zip(*columns.values(), strict=True))])


DATA, BOOK, TEXTS = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"
OLD_XLS = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)
EURO, NOON = "credited_amount", dt.datetime(2025, 3, 2, 12)
MERGED_DOWN = [{}, {}, {}, {}]
STRICT = (MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main")


def merge(area: str) -> Callable[[Any], None]:
    return lambda page: page.merge_cells(area)


def titled(page: Any) -> None:
    page.insert_rows(1, 2)


def blank_rows(page: Any) -> None:
    """A blank row between the rows, and a thousand behind that have a colour only."""
    page.insert_rows(3)
    for row in range(5, 1005):
        page.cell(row, 1).number_format = "0.00"


WORKBOOKS = [
    wb("workbook garbled inside", TRUNCATED, garbled(cells(*[{}] * 200)), rejected="malformed"),
    wb("sheet that is no XML", TRUNCATED, edited(cells({}), DATA, ("</row></sheetData>", "</sheetData>")),
       rejected="malformed"),
    wb("cell that names a text which is not there", TRUNCATED, raw_cell(
        "sku", '<c {r} t="s"><v>999999</v></c>'), rejected="malformed"),
    wb("rows out of order", TRUNCATED, edited(cells({}, {}), DATA, ('<row r="3"', '<row r="1"')),
       rejected="malformed"),
    wb("encrypted workbook, or an old .xls", NOT_A_FILE, OLD_XLS, rejected="not_this_format"),
    wb("ZIP archive that is no workbook", NOT_A_FILE, edited(cells({}), "").replace(
        b"xl/workbook.xml", b"xl/warkbook.xml"), rejected="not_this_format"),
    wb("sheet missing", NOT_A_FILE, cells({}, sheet="Sheet1"), rejected="no_sheet"),
    wb("several sheets, and none is declared", NOT_A_FILE, several(permit_sheet({})), feed=RMA,
       rejected="no_sheet"),
    wb("sheet in UTF-16", NOT_A_FILE, in_utf16(cells({})), rejected="encoding"),
    wb("sheet's name in other case", SAME, cells({}, sheet="DATA"), 1),
    wb("declared sheet among others", SAME, several(cells({})), 1),
    wb("title rows above the header", COLUMNS, cells({}, change=titled), rejected="header"),
    wb("header cell that is an error", COLUMNS, cells({}, change=lambda page: page.__setitem__("O1",
        "#REF!")),
       rejected="header"),
    wb("blank rows between and behind", SAME, cells({}, {"quantity": "x"}, change=blank_rows), 1,
       quarantined=((4, "not_a_number", "quantity"),)),
    wb("strict Open XML", SAME, edited(edited(cells({}), DATA, STRICT), BOOK, STRICT), 1),
    wb("text in several runs, with its pronunciation", SAME, raw_cell(
        "serial_no", '<c {r} t="inlineStr"><is><r><t>A</t></r><r><t xml:space="preserve"> B</t></r>'
        "<rPh sb=\"0\" eb=\"1\"><t>x</t></rPh></is></c>"), 1, values={"serial_no": ["A B"]}),
    wb("line break spelled _x000A_", SAME, raw_cell(
        "serial_no", '<c {r} t="inlineStr"><is><t>A_x000A_B_x005F_</t></is></c>'), 1,
       values={"serial_no": ["A\nB_"]}),
    wb("cells without places", SAME, edited(cells({}), DATA, *((f' r="{place(n, 2)}"',
        "") for n in NAMES[:5])), 1,
       values={"sku": ["SKU-1"]}),
    wb("NUL spelled _x0000_", ROWS, raw_cell(
        "serial_no", '<c {r} t="inlineStr"><is><t>A_x0000_</t></is></c>', {}), 1,
       quarantined=((2, "nul_byte", "serial_no"),)),
    wb("value beyond the named columns", ROWS, cells({}, {}, change=lambda page: page.__setitem__("R2", "?")),
        1,
       quarantined=((2, "ragged_row", None),)),
    wb("row of the total in merged cells", TOTALS, workbook(
        [NAMES, *([row[n] for n in NAMES] for row in claims({}, {})), ["TOTAL", 2, *[None] * 6, 200.4]],
        change=merge("C4:H4")), 2, control=1, kind="_counted"),
    # -- what cells hold
    wb("dates and times as cells, in any format that shows them", TYPED, cells(
        {"opened_on": dt.datetime(2025, 3, 1), "updated_at": NOON}, {"credited_on": dt.date(2025, 3, 9)},
        change=shown("updated_at", "[$-409]d-mmm-yy h:mm AM/PM;@")), 2, values={
            "opened_on": ["2025-03-01"] * 2, "credited_on": ["None", "2025-03-09"],
            "updated_at": ["2025-03-02 11:00:00+00:00", "2025-03-02 09:00:00+00:00"]}),
    wb("workbook that counts days from 1904", TYPED, edited(cells(
        {"opened_on": 44255, "updated_at": 44256.5}, change=lambda page: (
            shown("opened_on", "dd.mm.yyyy")(page), shown("updated_at", "yyyy-mm-dd hh:mm")(page))),
        BOOK, ("<workbookPr", '<workbookPr date1904="1"')), 1, values={
            "opened_on": ["2025-03-01"], "updated_at": ["2025-03-02 11:00:00+00:00"]}),
    wb("date cell in ISO text", TYPED, raw_cell("opened_on", '<c {r} t="d"><v>2025-03-01</v></c>'), 1,
       values={"opened_on": ["2025-03-01"]}),
    wb("time of day in a date's cell", DATES, cells({"opened_on": NOON}, {}), 1,
       quarantined=((2, "bad_date", "opened_on"),)),
    wb("number where a date belongs", DATES, cells({"opened_on": 45717}, {}), 1,
       quarantined=((2, "bad_date", "opened_on"),)),
    wb("date before there are any", DATES, cells({"opened_on": -1}, {}, change=shown("opened_on",
        "yyyy-mm-dd")), 1,
       quarantined=((2, "bad_date", "opened_on"),)),
    wb("numbers exact to the digit", TYPED, cells(
        {"claimed_amount": 1.1, EURO: 1234567890123.45}, {"claimed_amount": 0.1 + 0.2, EURO: -0.07}), 2,
        values={"claimed_amount": ["1.10", "0.30"], EURO: ["1234567890123.45", "-0.07"]}),
    wb("number in scientific spelling", TYPED, raw_cell(EURO, "<c {r}><v>1.25E-1</v></c>", {}), 1,
       quarantined=((2, "too_many_decimals", EURO),)),
    wb("amount with more digits than a cell holds", NUMBERS, raw_cell(
        EURO, "<c {r}><v>9007199254740993.25</v></c>", {}), 1, quarantined=((2, "not_a_number", EURO),)),
    wb("percentage", TYPED, cells({EURO: 0.5}, {}, change=shown(EURO, "0%")), 1,
       quarantined=((2, "not_a_number", EURO),)),
    wb("ids that became numbers", IDS, cells(
        {"serial_no": 123, "sku": 900719925474099}, {"serial_no": 123.0, "sku": 42},
        change=shown("serial_no", "00000")), 2,
        values={"serial_no": ["00123", "123"], "sku": ["900719925474099", "42"]}),
    wb("id of more digits than a cell holds", IDS, raw_cell(
        "serial_no", "<c {r}><v>9007199254740993</v></c>", {}), 1,
       quarantined=((2, "scientific_id", "serial_no"),)),
    wb("id that became a fraction", IDS, cells({"serial_no": 1.1}, {}), 1,
       quarantined=((2, "scientific_id", "serial_no"),)),
    wb("id shown in scientific notation", IDS, cells({"serial_no": 1230000000000}, {}, change=shown(
        "serial_no", "0.00E+00")), 1, quarantined=((2, "scientific_id", "serial_no"),)),
    wb("id that became a date or a time", IDS, cells(
        {"serial_no": dt.date(2025, 3, 1)}, {"serial_no": dt.time(10, 30)}, {}), 1, quarantined=(
            (2, "date_as_id", "serial_no"), (3, "date_as_id", "serial_no"))),
    wb("errors #REF! and #N/A", TYPED, cells({EURO: "#REF!"}, {"sku": "#N/A"}, {}, change=lambda page: (
        setattr(page[place(EURO, 2)], "data_type", "e"), setattr(page[place("sku", 3)], "data_type", "e"))),
        1,
       quarantined=((2, "error_cell", EURO), (3, "error_cell", "sku"))),
    wb("formula with the value it gave", TYPED, formula(EURO, "1+0.5", "<v>1.5</v>"), 2,
       values={EURO: ["1.50", "1.10"]}),
    wb("formula that gave text, or none", TYPED, formula("serial_no", 'A1&amp;""', "<v></v>", ' t="str"'), 2,
       values={"serial_no": ["None", "None"]}),
    wb("formula that was never computed", TYPED, formula(EURO, "SUM(A1:A9)", "<v></v>"), 1,
       quarantined=((2, "error_cell", EURO),)),
    wb("cells merged down", TYPED, cells(*MERGED_DOWN, change=merge(f"{place('sku', 3)}:{place('sku', 4)}")),
        2,
       quarantined=((3, "merged_cell", "sku"), (4, "merged_cell", "sku"))),
    wb("cells merged across", TYPED, cells({}, {},
        change=merge(f"{place('lot_no', 2)}:{place('serial_no', 2)}")), 1,
       quarantined=((2, "merged_cell", "lot_no"),)),
    wb("true and false as cells and words", TYPED, permit_sheet(
        {"is_void": True}, {}, {"is_void": "yes"}, {"is_void": "perhaps"}), 3, feed=RMA,
        quarantined=((5, "bad_boolean", "is_void"),), values={"is_void": ["True", "False", "True"]}),
    wb("error in a column that the contract does not know", EXTRA, edited(cells({}, change=lambda page: (
        page.__setitem__("P1", "note"), page.__setitem__("P2", "#N/A"))), ""), 1, warns="unknown column note",
       values={"_extra": [{"note": "#N/A"}]}),
    # -- hostile workbooks
    wb("DTD in a sheet", DTD, edited(cells({}), DATA, ("<worksheet", "<!DOCTYPE x []><worksheet")),
       rejected="unsafe_xml"),
    wb("entity bomb in the shared texts", DTD, edited(cells({}), TEXTS, ("<sst", BILLION_LAUGHS + "<sst"),
       ("SKU-1", "&c;")), rejected="unsafe_xml"),
    wb("external entity in the workbook", DTD, edited(cells({}), BOOK, ("<workbook", EXTERNAL + "<workbook")),
       rejected="unsafe_xml"),
    wb("macros and links to other workbooks: inert", SOUND, edited(cells({}), "", **{
        "xl/vbaProject.bin": b"\xcc\x61", "xl/externalLinks/externalLink1.xml": b"<externalLink/>"}), 1),
    wb("workbook that unpacks without end", ARCHIVE, edited(cells({}), "", **{
        "xl/media/x.bin": bytes(32 << 20)}), rejected="unsafe_archive"),
    wb("sheet that unpacks without end", ARCHIVE, edited(cells({}), DATA, (
        "</sheetData>", '<row r="9"/>' + " " * (32 << 20) + "</sheetData>")), rejected="unsafe_archive"),
    wb("part whose name leads outside", ARCHIVE, edited(cells({}), "", **{"../x.xml": b"x"}),
       rejected="unsafe_archive"),
    wb("part that is a link", ARCHIVE, linked(cells({})), rejected="unsafe_archive"),
]  # fmt: skip

# -- Parquet


def columns(*changes: dict[str, Any], rows: int = 2, **types: pa.DataType) -> pa.Table:
    """Claims as a table; `changes` replace or add whole columns."""
    found: dict[str, Any] = {n: [CLAIM[n]] * rows for n in NAMES} | {
        "claim_no": [f"V{i + 1}" for i in range(rows)]
    }
    for change in changes:
        found |= change
    return pa.table({n: pa.array(v, types.get(n)) if isinstance(v, list) else v for n, v in found.items()})


def pa_case(
    name: str, title: str, table: pa.Table | bytes, loaded: int = 0, feed: str = CLAIMS, how: Any = None,
    **expected: Any,
) -> Case:  # fmt: skip
    content = table if isinstance(table, bytes) else parquet(table, **(how or {}))
    return Case(name, title, feed, content, loaded, format="parquet", **expected)


def footer_garbled(content: bytes) -> bytes:
    """Bytes of the footer turned around; both marks stay."""
    return content[:-200] + bytes(255 - b for b in content[-200:-100]) + content[-100:]


def page_garbled(content: bytes) -> bytes:
    return content[:60] + bytes(255 - b for b in content[60:90]) + content[90:]


T = dt.datetime(2025, 3, 2, 10)
UTC_T = T.replace(tzinfo=dt.UTC)
SOUND_PARQUET = written("parquet", claims({}, {}), CONTRACT[CLAIMS])
PARQUET = [
    pa_case("footer garbled", TRUNCATED, footer_garbled(SOUND_PARQUET), rejected="malformed"),
    pa_case("values garbled", TRUNCATED, page_garbled(SOUND_PARQUET), rejected="malformed"),
    pa_case("start of the file missing", TRUNCATED, SOUND_PARQUET[500:], rejected="not_this_format"),
    pa_case("encrypted Parquet", NOT_A_FILE, SOUND_PARQUET[:-4] + b"PARE", rejected="not_this_format"),
    pa_case("bytes that are no UTF-8", NOT_A_FILE, columns({"serial_no": [b"gr\xfcn"] * 2}),
        rejected="encoding"),
    pa_case("several row groups", SAME, columns(rows=5), 5, how={"row_group_size": 2},
            values={"claim_no": ["V1", "V2", "V3", "V4", "V5"]}),
    pa_case("dictionaries, long texts and plain bytes", SAME, columns(
        {"status": pa.array(["open", "credited"]).dictionary_encode(), "sku": pa.array(["S", "T"],
        pa.large_string()),
         "serial_no": [b"A", None]}), 2,
        values={"status": ["open", "credited"], "sku": ["S", "T"], "serial_no": ["A", "None"]}),
    pa_case("row of the total, as from a table with its sum", TOTALS, columns({"claim_no": ["V1", "TOTAL"]}),
        1,
            control=1, kind="_marked"),
    pa_case("row of the total that disagrees", TOTALS, columns(
        {"claim_no": ["V1", "TOTAL"], "claimed_amount": ["100.20", "100.21"]}), rejected="control_total",
        kind="_marked"),
    pa_case("nested column", COLUMNS, columns({"lines": [[1], [2]]}), rejected="column_type"),
    pa_case("column of records", COLUMNS, columns({"sku": [{"a": 1}, {"a": 2}]}), rejected="column_type"),
    pa_case("column of durations", COLUMNS, columns({"quantity": [dt.timedelta(1)] * 2}),
        rejected="column_type"),
    pa_case("index that pandas left", EXTRA, columns({"__index_level_0__": [7, 8]}), 2,
            warns="unknown column __index_level_0__", values={"_extra": [
                {"__index_level_0__": "7"}, {"__index_level_0__": "8"}]}),
    pa_case("column that holds nothing at all", TYPED, columns({"credited_on": pa.nulls(2),
        "lot_no": pa.nulls(2)}), 2,
            values={"credited_on": ["None"] * 2}),
    pa_case("integers as doubles", TYPED, columns({"quantity": [3.0, 2.5], "line_no": [1.0, 2.0]}), 1,
            quarantined=((2, "too_many_decimals", "quantity"),), values={"quantity": ["3"],
            "line_no": ["1"]}),
    pa_case("doubles as amounts, digit by digit", TYPED, columns(
        {"claimed_amount": [1.1, 1234567890123.45], EURO: [1e-2, 0.1 + 0.2]}), 1,
        quarantined=((2, "too_many_decimals", EURO),), values={"claimed_amount": ["1.10"], EURO: ["0.01"]}),
    pa_case("floats as amounts", TYPED, columns({EURO: [1.1, 16777217.0]}, **{EURO: pa.float32()}), 1,
            quarantined=((2, "not_a_number", EURO),), values={EURO: ["1.10"]}),
    pa_case("decimals of any scale", TYPED, columns(
        {EURO: [Decimal("1.1"), Decimal("-0.07")], "quantity": [Decimal(3), Decimal(4)]},
        **{EURO: pa.decimal128(38, 10), "quantity": pa.decimal256(40, 2)}), 2,
        values={EURO: ["1.10", "-0.07"], "quantity": ["3", "4"]}),
    pa_case("NaN and Infinity as numbers", NUMBERS, columns(
        {EURO: [float("nan"), float("inf"), None]}, rows=3), 1,
        quarantined=((1, "not_a_number", EURO), (2, "not_a_number", EURO)), values={EURO: ["None"]}),
    pa_case("NaN in a column of text", NUMBERS, columns({"serial_no": [float("nan"), 5.0]}), 1,
            quarantined=((1, "not_a_number", "serial_no"),), values={"serial_no": ["5"]}),
    pa_case("ids as integers, beyond 2^53 too", IDS, columns({"serial_no": [9007199254740993,
        18446744073709551615]},
            serial_no=pa.uint64()), 2, values={"serial_no": ["9007199254740993", "18446744073709551615"]}),
    pa_case("ids as doubles", IDS, columns({"serial_no": [3.0, 2.5, 9007199254740994.0]}, rows=3), 1,
        quarantined=(
        (2, "scientific_id", "serial_no"), (3, "scientific_id", "serial_no")), values={"serial_no": ["3"]}),
    pa_case("ids as decimals", IDS, columns({"serial_no": [Decimal("3.00"), Decimal("2.50")]}), 1,
            quarantined=((2, "scientific_id", "serial_no"),), values={"serial_no": ["3"]}),
    pa_case("ids as dates", IDS, columns({"serial_no": [dt.date(2025, 3, 1), None]}), 1,
            quarantined=((1, "date_as_id", "serial_no"),)),
    pa_case("ids as UUIDs", IDS, columns({"serial_no": pa.ExtensionArray.from_storage(
        pa.uuid(), pa.array([bytes(range(16)), None], pa.binary(16)))}), 2,
        values={"serial_no": ["00010203-0405-0607-0809-0a0b0c0d0e0f", "None"]}),
    pa_case("dates as times at midnight, as pandas has them", TYPED, columns(
        {"opened_on": [dt.datetime(2025, 3, 1), dt.datetime(2025, 3, 1, 10)]}, opened_on=pa.timestamp("ns")),
        1,
        quarantined=((2, "bad_date", "opened_on"),), values={"opened_on": ["2025-03-01"]}),
    pa_case("times in seconds and in nanoseconds", TYPED, columns(
        {"updated_at": [T, T], "opened_on": [dt.date(2025, 3, 1)] * 2}, updated_at=pa.timestamp("ns"),
        opened_on=pa.date64()), 2, how={"version": "2.6"},
        values={"updated_at": ["2025-03-02 09:00:00+00:00"] * 2}),
    pa_case("old times of Spark (INT96)", TYPED, columns({"updated_at": [T, T]}), 2,
            how={"use_deprecated_int96_timestamps": True},
            values={"updated_at": ["2025-03-02 09:00:00+00:00"] * 2}),
    pa_case("fraction of a second that the layout does not write", TYPED, columns(
        {"updated_at": [T, T.replace(microsecond=1)]}), 1, quarantined=((2, "bad_timestamp", "updated_at"),)),
    pa_case("instants where local times are declared", TYPED, columns(
        {"updated_at": [UTC_T, None]}, updated_at=pa.timestamp("us", "UTC")), quarantined=(
            (1, "bad_timestamp", "updated_at"), (2, "missing_value", "updated_at"))),
    pa_case("instants where UTC is declared", TYPED, pa.table(permits({}, {"authorized_at": UTC_T}) | {
        "authorized_at": pa.array([UTC_T, UTC_T], pa.timestamp("us", "Europe/Berlin"))}), 2, feed=RMA,
        values={"authorized_at": ["2025-03-02 10:00:00+00:00"] * 2, "is_void": ["False"] * 2}),
    pa_case("instants where instants are declared", TYPED, pa.table(permits({}) | {
        "authorized_at": pa.array([UTC_T.replace(microsecond=5)], pa.timestamp("us", "Europe/Berlin")),
        "updated_at": pa.array([UTC_T], pa.timestamp("ms", "UTC"))}), 1, feed=RMA, kind="_instants",
        values={"authorized_at": ["2025-03-02 10:00:00.000005+00:00"],
        "updated_at": ["2025-03-02 10:00:00+00:00"]}),
    pa_case("local times where instants are declared", TYPED, pa.table(permits({})), feed=RMA,
        kind="_instants",
            quarantined=((1, "bad_timestamp", "authorized_at"),)),
    pa_case("values that unpack without end", ARCHIVE, columns(
        {"serial_no": ["x" * 1000] * 40_000}, rows=40_000), rejected="unsafe_archive",
        how={"use_dictionary": False, "compression": "zstd"}),
    pa_case("rows without end, in few bytes", ARCHIVE, pa.table({n: pa.nulls(2_000_000,
        pa.string()) for n in NAMES}),
            rejected="unsafe_archive"),
]  # fmt: skip

CASES = [*FIXED_WIDTH, *WORKBOOKS, *PARQUET]
