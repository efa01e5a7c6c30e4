"""Faults that can come in any format: one expectation, six files.

The rows are vendor claims of a company whose layouts are in `tests/faults/company`.
"""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path
from typing import Any

import yaml

from revlog.contracts.contract import CONTRACTS, Contract, parse_contract
from tests.faults.case import Case, Quarantined
from tests.faults.files import zipped
from tests.faults.formats import FORMATS, HEADS, Row, written
from tests.faults.inputs import (
    ARCHIVE,
    BOUNDARY,
    COLUMNS,
    CONFLICT,
    CURRENCY,
    DATES,
    DST,
    EXTRA,
    FORMULA,
    HEADER_ONLY,
    IDS,
    INERT,
    MOJIBAKE,
    NEGATIVE,
    NOT_A_FILE,
    NUMBERS,
    REPEATED,
    ROWS,
    SAME,
    SOUND,
    SPELLING,
    TOTALS,
    TRUNCATED,
)  # fmt: skip

COMPANY = Path(__file__).parent / "company"
TEXT_FORMATS = ("csv", "jsonl", "xml", "fixed_width")
CLAIMS, SALES = "erp_vendor_claims", "erp_recovery_sales"
CLAIM: dict[str, str | None] = {
    "claim_no": "V1", "line_no": "1", "vendor_id": "D1", "receipt_id": "W1", "sku": "SKU-1",
    "lot_no": None, "serial_no": None, "quantity": "1", "claimed_amount": "100.20",
    "credited_amount": "1.10", "currency": "EUR", "status": "open", "opened_on": "2025-03-01",
    "credited_on": None, "updated_at": "2025-03-02 10:00:00",
}  # fmt: skip
SALE: dict[str, str | None] = {
    "recovery_id": "R1", "disposition_id": "D1", "sku": "SKU-1", "serial_no": None, "quantity": "1",
    "channel": "outlet", "gross_proceeds": "100.20", "fees": "1.00", "currency": "EUR",
    "sold_at": "2025-03-01 10:00:00",
}  # fmt: skip


def company_contract(feed: str) -> Contract:
    """A contract as the company has it."""
    own = yaml.safe_load((COMPANY / f"{feed}.yml").read_text(encoding="utf-8"))
    shared = yaml.safe_load((CONTRACTS / f"{feed}.yml").read_text(encoding="utf-8"))
    return parse_contract(shared | own, COMPANY / f"{feed}.yml")


CONTRACT = {feed: company_contract(feed) for feed in (CLAIMS, SALES)}


def claims(*changes: Row) -> list[Row]:
    """Claims, numbered from V1, with what a case changes."""
    return [CLAIM | {"claim_no": f"V{n}"} | change for n, change in enumerate(changes, start=1)]


def every(
    name: str, title: str, rows: list[Row], *, bad: tuple[Quarantined, ...] = (),
    loaded: int | None = None, formats: tuple[str, ...] = FORMATS, feed: str = CLAIMS,
    order: list[str] | None = None, total: tuple[str, str] | None = None, but: dict[str, Any] | None = None,
    **expected: Any,
) -> list[Case]:  # fmt: skip
    """One case a format. `bad` counts rows from 1; all others load unless `loaded` or `rejected` says.

    `but` gives the changes of a case that ends otherwise in a format.
    """
    found = []
    for form in formats:
        layout = f"{expected.get('kind', '').strip('_')}_{form}".lstrip("_")
        content = written(form, rows, CONTRACT[feed], order=order, total=total, layout=layout)
        quarantined = tuple((row + HEADS[form], reason, column) for row, reason, column in bad)
        left = len(rows) - len(bad) - expected.get("duplicate", 0)
        count = 0 if expected.get("rejected") else left if loaded is None else loaded
        case = Case(name, title, feed, content, count, quarantined, format=form, **expected)
        found.append(dataclasses.replace(case, **(but or {}).get(form, {})))
    return found


def instead(name: str, title: str, contents: dict[str, bytes], rejected: str, **more: Any) -> list[Case]:
    """One case for each format's file of which nothing loads."""
    return [
        Case(name, title, CLAIMS, content, rejected=rejected, format=form, **more)
        for form, content in contents.items()
    ]


def in_bytes(change: Any, *rows: Row, formats: tuple[str, ...] = FORMATS, **how: Any) -> dict[str, bytes]:
    """Sound files whose bytes are changed, by format."""
    return {f: change(written(f, claims(*rows or ({}, {})), CONTRACT[CLAIMS], **how)) for f in formats}


def loads(name: str, title: str, contents: dict[str, bytes], loaded: int, **expected: Any) -> list[Case]:
    """One case for each format's file that loads."""
    return [
        Case(name, title, CLAIMS, content, loaded, format=form, **expected)
        for form, content in contents.items()
    ]


def renamed(old: str, new: str) -> dict[str, bytes]:
    """Claims whose column `old` is called `new`."""
    order = [new if n == old else n for n in CLAIM]
    sound = claims({"serial_no": "A"}, {"serial_no": "B"})
    rows = [{new if k == old else k: v for k, v in row.items()} for row in sound]
    return {
        f: written(f, rows, CONTRACT[CLAIMS], order=order) for f in ("csv", "jsonl", "xml", "xlsx", "parquet")
    }


HTML = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
NAMES = list(CLAIM)
WITHOUT_SKU = [n for n in NAMES if n != "sku"]
EURO = "credited_amount"
SHELL = {"sku": "'; drop table x;--", "serial_no": '$(reboot) {{ 7*7 }} \\N "'}
NAME = 'x"); drop table y;--'

CASES = [
    # -- whole files
    *every("sound file", SOUND, claims({}, {}), values={
        "claim_no": ["V1", "V2"], "claimed_amount": ["100.20"] * 2, EURO: ["1.10"] * 2,
        "opened_on": ["2025-03-01"] * 2, "updated_at": ["2025-03-02 09:00:00+00:00"] * 2,
        "lot_no": ["None"] * 2}),
    *loads("sound file in gzip", SOUND, in_bytes(gzip.compress, {}, {"sku": "GZ"}), 2, suffix=".gz"),
    *loads("sound file in a ZIP archive", SOUND,
           in_bytes(lambda b: zipped(file=b), {}, {"sku": "ZIP"}), 2, suffix=".zip"),
    *instead("file cut inside a row", TRUNCATED,
             in_bytes(lambda b: b[:-30], formats=("csv", "jsonl", "fixed_width", "xlsx", "parquet")),
             "truncated"),
    *instead("file cut inside a row", TRUNCATED, in_bytes(lambda b: b[:-30], formats=("xml",)), "malformed"),
    *instead("file cut in half", TRUNCATED,
             in_bytes(lambda b: b[: len(b) // 2], *[{}] * 50, formats=("xlsx", "parquet")), "truncated"),
    *every("last row missing, count and total as before", BOUNDARY, claims({}), total=("2", "200.40"),
           kind="_counted", formats=("csv", "xml", "fixed_width", "xlsx", "parquet"),
           rejected="control_total"),
    *every("last rows missing, and the row of the total with them", BOUNDARY, claims({}, {}), kind="_counted",
           formats=("csv", "fixed_width", "xlsx"), rejected="truncated"),
    *every("last rows missing, nothing tells: the volume check holds the publish", BOUNDARY,
           claims({}, {}, {}), formats=("jsonl",)),
    *instead("HTML page", NOT_A_FILE, dict.fromkeys(FORMATS, HTML), "not_this_format"),
    *instead("0 bytes", NOT_A_FILE, dict.fromkeys(FORMATS, b""), "empty_file"),
    *instead("CSV of another delimiter", NOT_A_FILE, {"csv": written(
        "csv", claims({}), CONTRACT[CLAIMS]).replace(b",", b"\t")}, "header"),
    *instead("CSV in place of the format", NOT_A_FILE, dict.fromkeys(
        ("fixed_width", "xlsx", "parquet"), written("csv", claims({}), CONTRACT[CLAIMS])), "not_this_format"),
    *instead("CSV in place of the format", NOT_A_FILE, dict.fromkeys(
        ("jsonl", "xml"), written("csv", claims({}), CONTRACT[CLAIMS])), "malformed"),
    *instead("Parquet in place of the format", NOT_A_FILE, dict.fromkeys(
        ("csv", "jsonl", "xml", "fixed_width", "xlsx"), written("parquet", claims({}), CONTRACT[CLAIMS])),
        "not_this_format"),
    *instead("workbook in place of the format", NOT_A_FILE, dict.fromkeys(
        ("csv", "jsonl", "xml", "fixed_width", "parquet"), written("xlsx", claims({}), CONTRACT[CLAIMS])),
        "not_this_format"),
    *instead("Latin-1 where UTF-8 is declared", NOT_A_FILE, in_bytes(
        lambda b: b.decode().encode("latin-1"), {"lot_no": "grün"}, formats=("csv", "jsonl", "fixed_width")),
        "encoding"),
    *instead("Latin-1 where UTF-8 is declared", NOT_A_FILE, in_bytes(
        lambda b: b.decode().encode("latin-1"), {"lot_no": "grün"}, formats=("xml",)), "malformed"),
    *instead("UTF-16 where UTF-8 is declared", NOT_A_FILE, in_bytes(
        lambda b: b.decode().encode("utf-16"), formats=("csv", "jsonl", "fixed_width")), "encoding"),
    # -- spellings that mean the same
    *loads("UTF-16, which XML tells by itself", SAME, in_bytes(
        lambda b: b.decode().encode("utf-16"), formats=("xml",)), 2, values={"claim_no": ["V1", "V2"]}),
    *loads("UTF-8 byte order mark", SAME, in_bytes(lambda b: b"\xef\xbb\xbf" + b, formats=TEXT_FORMATS), 2,
           values={"claim_no": ["V1", "V2"]}),
    *loads("CRLF line ends", SAME, in_bytes(lambda b: b.replace(b"\n", b"\r\n"), formats=TEXT_FORMATS), 2,
           values={"updated_at": ["2025-03-02 09:00:00+00:00"] * 2}),
    *loads("CR line ends", SAME, in_bytes(lambda b: b.replace(b"\n", b"\r"), formats=("csv", "xml",
        "fixed_width")),
           2, values={"updated_at": ["2025-03-02 09:00:00+00:00"] * 2}),
    *loads("no line end after the last row", SAME, in_bytes(
        lambda b: b[:-1], formats=TEXT_FORMATS), 2, values={"updated_at": ["2025-03-02 09:00:00+00:00"] * 2}),
    *every("newline inside a value", SAME, claims({"serial_no": "A\nB"}), values={"serial_no": ["A\nB"]},
           formats=("csv", "jsonl", "xml", "xlsx", "parquet")),
    *every("reordered columns", SAME, claims({}, {}), order=NAMES[::-1], values={
        "claim_no": ["V1", "V2"], "claimed_amount": ["100.20"] * 2},
        formats=("csv", "jsonl", "xml", "xlsx", "parquet")),
    *every("white space around values", SAME, claims({"sku": "  SKU-1 ", "status": "open "}),
           values={"sku": ["SKU-1"], "status": ["open"]}),
    *every("umlauts", SAME, claims({"lot_no": "grün"}, {}), values={"lot_no": ["grün", "None"]}),
    *every("mojibake where a pattern stands", MOJIBAKE, claims({}, {"lot_no": "grÃ¼n "}),
           bad=((2, "mojibake", "lot_no"),)),
    *every("mojibake where any text may stand", MOJIBAKE, claims({"serial_no": "grÃ¼n"}),
           warns="mojibake in serial_no"),
    # -- columns
    *every("no rows", HEADER_ONLY, [], values={}),
    *every("no rows where a day without any is alarming", HEADER_ONLY, [], feed=SALES, rejected="empty_file"),
    *every("extra column", EXTRA, claims({"note": "Berlin"}), order=[*NAMES, "note"],
           formats=("csv", "jsonl", "xml", "xlsx", "parquet"), warns="unknown column note",
           values={"_extra": [{"note": "Berlin"}]}),
    *every("extra column", EXTRA, claims({"note": "Berlin"}), formats=("fixed_width",), kind="_wide",
           warns="unknown column note", values={"_extra": [{"note": "Berlin"}]}),
    *every("extra column where the layout refuses any", EXTRA, claims({"note": "Berlin"}),
           order=[*NAMES, "note"], kind="_strict", rejected="unexpected_column"),
    *every("required column missing", COLUMNS, claims({}), order=WITHOUT_SKU, rejected="header",
           formats=("csv", "jsonl", "xml", "xlsx", "parquet")),
    *instead("lines without a required column", COLUMNS, in_bytes(
        lambda b: b"\n".join(line[:56] + line[86:] for line in b.split(b"\n")), formats=("fixed_width",)),
        "not_this_format"),
    *instead("required column renamed", COLUMNS, renamed("sku", "article"), "header"),
    *instead("optional column renamed", COLUMNS, {
        f: b for f, b in renamed("serial_no", "serial").items() if f not in ("jsonl", "xml")}, "header"),
    *loads("optional column renamed: kept as an extra column", COLUMNS, {
        f: b for f, b in renamed("serial_no", "serial").items() if f in ("jsonl", "xml")}, 2,
        warns="unknown column serial", values={"_extra": [{"serial": "A"}, {"serial": "B"}]}),
    *every("column twice", COLUMNS, claims({}), order=[*NAMES, "sku"], formats=("csv", "xlsx", "parquet"),
           rejected="header"),
    *every("column twice", COLUMNS, claims({}), order=[*NAMES, "sku"], formats=("jsonl",),
           bad=((1, "duplicate_json_key", None),)),
    *every("column twice", COLUMNS, claims({}), order=[*NAMES, "sku"], formats=("xml",),
           bad=((1, "repeated_element", "sku"),)),
    # -- rows
    *every("NUL byte", ROWS, claims({}, {"serial_no": "A\0B"}, {}), bad=((2, "nul_byte", None),),
           formats=("csv", "jsonl", "fixed_width")),
    *every("NUL byte", ROWS, claims({}, {"serial_no": "A\0B"}, {}), bad=((2, "nul_byte", "serial_no"),),
           formats=("parquet",)),
    *every("NUL byte", ROWS, claims({}, {"serial_no": "A\0B"}, {}), formats=("xml",), rejected="malformed"),
    *every("field over its limit", ROWS, claims({"sku": "S" * 21}, {"sku": "S" * 20}),
           bad=((1, "too_long", "sku"),)),
    *every("required value missing", ROWS, claims({"sku": None}, {"sku": "  "}, {"quantity": None}, {}), bad=(
        (1, "missing_value", "sku"), (2, "missing_value", "sku"), (3, "missing_value", "quantity"))),
    *every("value that is not on the list", ROWS, claims({"status": "closed"}, {}),
           bad=((1, "value_not_allowed", "status"),)),
    # -- totals
    *every("count and total that agree", TOTALS, claims({}, {"claimed_amount": "0.05"}), total=("2",
        "100.25"),
           kind="_counted", formats=("csv", "fixed_width", "xlsx"), control=1,
           values={"claimed_amount": ["100.20", "0.05"]}),
    *every("count and total that agree", TOTALS, claims({}, {"claimed_amount": "0.05"}), total=("2",
        "100.25"),
           kind="_counted", formats=("xml", "parquet"), values={"claimed_amount": ["100.20", "0.05"]}),
    *every("total that disagrees", TOTALS, claims({}, {}), total=("2", "200.41"), kind="_counted",
           formats=("csv", "xml", "fixed_width", "xlsx", "parquet"), rejected="control_total"),
    *every("count that disagrees", TOTALS, claims({}, {}), total=("3", "200.40"), kind="_counted",
           formats=("csv", "xml", "fixed_width", "xlsx", "parquet"), rejected="control_total"),
    *every("total beside a quarantined row", TOTALS, claims({}, {"currency": "XXX"}), total=("2", "200.40"),
           bad=((2, "unknown_currency", "currency"),), kind="_counted",
           formats=("csv", "fixed_width", "xlsx"), control=1),
    *every("total beside a quarantined row", TOTALS, claims({}, {"currency": "XXX"}), total=("2", "200.40"),
           bad=((2, "unknown_currency", "currency"),), kind="_counted", formats=("xml", "parquet")),
    # -- keys
    *every("exact duplicate row", REPEATED, claims({}, {"claim_no": "V1"}, {}), duplicate=1,
           values={"claim_no": ["V1", "V3"]}),
    *every("true repeats, which the contract keeps", REPEATED, [SALE, SALE, SALE | {"recovery_id": "R2"}],
           feed=SALES, values={"recovery_id": ["R1", "R1", "R2"], "_ordinal": ["1", "2", "1"]}),
    *every("one key, two values, newest by version", CONFLICT, claims(
        {"quantity": "2", "updated_at": "2025-03-03 10:00:00"}, {"claim_no": "V1"}), duplicate=1,
        values={"quantity": ["2"]}),
    *every("one key, two values, one version", CONFLICT, claims({"quantity": "2"}, {"claim_no": "V1"}, {}),
        bad=(
        (1, "conflicting_duplicate", "claim_no, line_no"), (2, "conflicting_duplicate",
        "claim_no, line_no"))),
    # -- dates and times
    *every("31st of February", DATES, claims({"opened_on": "2025-02-31"}, {}), bad=((1, "bad_date",
        "opened_on"),)),
    *every("month and day turned around", DATES, claims({"opened_on": "2025-13-01"}, {}),
           bad=((1, "bad_date", "opened_on"),)),
    *every("date in another format", DATES, claims({"opened_on": "01.03.2025"}, {}),
           bad=((1, "bad_date", "opened_on"),)),
    *every("date out of range", DATES, claims({"opened_on": "1900-03-05"}, {"credited_on": "9999-12-31"}, {}),
        bad=(
        (1, "date_out_of_range", "opened_on"), (2, "date_out_of_range", "credited_on"))),
    *every("25 o'clock", DATES, claims({"updated_at": "2025-03-01 25:00:00"}, {}),
           bad=((1, "bad_timestamp", "updated_at"),)),
    *every("date where a time belongs", DATES, claims({"updated_at": "2025-03-01"}, {}),
           bad=((1, "bad_timestamp", "updated_at"),)),
    *every("local time in the DST gap", DST, claims({"updated_at": "2025-03-30 02:30:00"}), values={
        "updated_at": ["2025-03-30 01:00:00+00:00"], "updated_at_local": ["2025-03-30 02:30:00"]}),
    *every("local time in the DST overlap", DST, claims({"updated_at": "2025-10-26 02:30:00"}), values={
        "updated_at": ["2025-10-26 00:30:00+00:00"], "updated_at_local": ["2025-10-26 02:30:00"]}),
    # -- numbers
    *every("thousands marks and signs as declared", SPELLING, claims(
        {EURO: "1,204.50"}, {EURO: "100.20-"}, {EURO: "(100.20)"}, {EURO: "100.20 CR"}, {EURO: "-100.20"}),
        values={EURO: ["1204.50", "-100.20", "-100.20", "-100.20", "-100.20"]}),
    *every("decimal comma that is not declared", SPELLING, claims({EURO: "100,20"}, {EURO: "+1.20"}, {}),
           bad=((1, "not_a_number", EURO), (2, "not_a_number", EURO))),
    *every("id in scientific notation", IDS, claims({"serial_no": "1.23E+12"}, {"serial_no": "12E5"}),
           bad=((1, "scientific_id", "serial_no"),), values={"serial_no": ["12E5"]}),
    *every("ids that look like numbers, dates or nothing", IDS, claims(
        {"serial_no": "000123"}, {"serial_no": "NA"}, {"serial_no": "null"},
        {"serial_no": "9007199254740993"},
        {"serial_no": "10:30"}, {"serial_no": "2025-03-01"}, {"serial_no": "1.10"}), values={"serial_no": [
            "000123", "NA", "null", "9007199254740993", "10:30", "2025-03-01", "1.10"]}),
    *every("NaN and Infinity", NUMBERS, claims({EURO: "NaN"}, {EURO: "Infinity"}, {EURO: "1e3"}, {}),
        bad=tuple(
        (n, "not_a_number", EURO) for n in (1, 2, 3))),
    *every("overflow", NUMBERS, claims({EURO: "10000000000000.01"}, {EURO: "9999999999999.99"},
                                       {"quantity": "9223372036854775808"}), bad=(
        (1, "number_out_of_range", EURO), (3, "number_out_of_range", "quantity")),
        values={EURO: ["9999999999999.99"]}),
    *every("more decimals than cents", NUMBERS, claims({EURO: "1.005"}, {EURO: "1.500"}, {"quantity": "1.5"}),
        bad=(
        (1, "too_many_decimals", EURO), (3, "too_many_decimals", "quantity")), values={EURO: ["1.50"]}),
    *every("cents in a currency without any", NUMBERS, claims(
        {"currency": "JPY"}, {"currency": "JPY", "claimed_amount": "100.00", EURO: "1"}),
        bad=((1, "too_many_decimals", "claimed_amount"),)),
    *every("unknown currency", CURRENCY, claims({"currency": "EURO"}, {"currency": "eur"}, {}), bad=(
        (1, "unknown_currency", "currency"), (2, "unknown_currency", "currency"))),
    *every("negative quantity and amount", NEGATIVE, claims(
        {"quantity": "-1"}, {"claimed_amount": "-0.01"}, {EURO: "-0.01"}), bad=(
        (1, "negative_not_allowed", "quantity"), (2, "negative_not_allowed", "claimed_amount")),
        values={EURO: ["-0.01"]}),
    # -- hostile content
    *every("formulas in text", FORMULA, claims(
        {"serial_no": "=cmd()"}, {"serial_no": "+1"}, {"serial_no": "-1"}, {"serial_no": "@x"}),
        values={"serial_no": ["=cmd()", "+1", "-1", "@x"]}),
    *every("SQL, shell and Jinja in values", INERT, claims(SHELL), values={k: [v] for k, v in SHELL.items()}),
    *every("SQL in a header", INERT, claims({NAME: "1"}), order=[*NAMES, NAME], warns="unknown column",
           formats=("csv", "jsonl", "xlsx", "parquet"), values={"_extra": [{NAME: "1"}]}),
    *every("SQL, shell and Jinja in the file's name", INERT, claims({}),
        part="_'; drop table x;-- $(reboot) {{ 7*7 }} %s"),
    *instead("file that unpacks without end", ARCHIVE, in_bytes(
        lambda b: gzip.compress(b + b"\n" * (32 << 20))), "unsafe_archive", suffix=".gz"),
    *instead("archive entry that leads outside", ARCHIVE, in_bytes(
        lambda b: zipped(**{"../file": b})), "unsafe_archive", suffix=".zip"),
]  # fmt: skip
