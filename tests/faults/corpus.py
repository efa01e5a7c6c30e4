"""The fault corpus: files as they come wrong, each with the outcome worked out by hand."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

from tests.faults.case import Case

# -- builders: sound rows, with what a case changes


SALE = {
    "recovery_id": "R1", "disposition_id": "D1", "sku": "SKU-1", "serial_no": "", "quantity": "1",
    "channel": "outlet", "gross_proceeds": "100.20", "fees": "1.00", "currency": "EUR",
    "sold_at": "2025-03-01 10:00:00",
}  # fmt: skip
INVOICE = {
    "invoice_no": "I1", "tracking_no": "T1", "charge_type": "freight", "amount": "4,50",
    "currency": "EUR", "invoiced_on": "01/03/2025",
}  # fmt: skip
CUSTOMER = {
    "customer_id": "C1", "name": "Ada Grün", "email": "ada@example.com", "phone": "+49 1",
    "country": "DE", "segment": "consumer", "created_at": "2024-01-01 00:00:00",
    "merged_into": "", "marketing_consent": "yes",
}  # fmt: skip
REFUND: dict[str, Any] = {
    "refund_id": "F1", "tender_no": 1, "request_id": "Q1", "order_no": "O1", "order_line_no": 1,
    "customer_id": "C1", "amount": 10.5, "currency": "EUR", "tender": "card",
    "status": "succeeded", "is_returnless": False, "created_at": "2025-03-01T10:00:00Z",
    "updated_at": "2025-03-01T10:00:00Z",
}  # fmt: skip
RECEIPT: dict[str, Any] = {
    "receipt_id": "W1", "sku": "SKU-1", "quantity": 1, "site": "LEJ",
    "received_at": "2025-03-01T10:00:00", "received_zone": "Europe/Berlin",
}  # fmt: skip
DISPOSITION = (
    '<disposition id="{id}"><receipt_id>W1</receipt_id><quantity>{quantity}</quantity>'
    '<code>RS</code><handling_cost currency="EUR">{cost}</handling_cost>'
    "<disposed_at>2025-03-01T10:00:00Z</disposed_at></disposition>"
)
MEMO = (
    '<memo no="{no}"><currency>EUR</currency><posted_on>2025-03-01</posted_on>'
    '<line no="1"><order_no>O1</order_no><component code="{code}">{amount}</component></line></memo>'
)


def table(
    row: dict[str, str], key: str, changes: list[dict[str, str]], delimiter: str,
    end: str = "\n", order: list[str] | None = None,
) -> str:  # fmt: skip
    """CSV text: a header and one row for each of `changes`; keys are numbered from 1."""
    names = order or list(row)
    lines = [delimiter.join(names)]
    for number, change in enumerate(changes, start=1):
        full = row | {key: f"{row[key][0]}{number}"} | change
        lines.append(delimiter.join(full[n] for n in names))
    return end.join([*lines, ""])


def sales(*changes: dict[str, str], end: str = "\n", order: list[str] | None = None) -> bytes:
    return table(SALE, "recovery_id", list(changes), "\t", end, order).encode()


def invoices(*changes: dict[str, str], total: str | None) -> bytes:
    text = table(INVOICE, "invoice_no", list(changes), ";")
    return (text + ("" if total is None else f"TOTAL;;;{total};;\n")).encode()


def customers(*changes: dict[str, str]) -> bytes:
    return table(CUSTOMER, "customer_id", list(changes), ",").encode("utf-8-sig")


def refunds(*changes: dict[str, Any]) -> bytes:
    return b"".join(
        json.dumps(REFUND | {"refund_id": f"F{n}"} | change).encode() + b"\n"
        for n, change in enumerate(changes, start=1)
    )


def receipts(*changes: dict[str, Any]) -> bytes:
    return b"".join(
        json.dumps(RECEIPT | {"receipt_id": f"W{n}"} | change).encode() + b"\n"
        for n, change in enumerate(changes, start=1)
    )


def dispositions(
    *changes: dict[str, str], stated: int | None = None, prolog: str = "", root: str = ""
) -> bytes:
    rows = [
        DISPOSITION.format(**{"id": f"X{n}", "quantity": "1", "cost": "1.00"} | change)
        for n, change in enumerate(changes, start=1)
    ]
    count = len(rows) if stated is None else stated
    body = "\n".join(rows)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{prolog}<dispositions records="{count}" '
        f'extracted_at="2025-03-02T01:00:00Z"{root}>\n{body}\n</dispositions>\n'
    ).encode()


def memos(*changes: dict[str, str], records: int, total: str) -> bytes:
    rows = [
        MEMO.format(**{"no": f"M{n}", "code": "merchandise", "amount": "10.00"} | change)
        for n, change in enumerate(changes, start=1)
    ]
    body = "\n".join(rows)
    return (
        f'<credit_memos records="{records}" total="{total}" '
        f'extracted_at="2025-03-02T01:00:00Z">\n{body}\n</credit_memos>\n'
    ).encode()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zipped_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("link.csv")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    return buffer.getvalue()


S, I, C = "erp_recovery_sales", "wms_carrier_invoices", "crm_customers"  # noqa: E741
F, W, X, M = "crm_refunds", "wms_return_receipts", "wms_dispositions", "erp_credit_memos"

SOUND = "sound files"
TRUNCATED = "truncated inside a row, unclosed quote, broken JSON/XML/XLSX/Parquet"
BOUNDARY = "truncated on a row boundary"
NOT_A_FILE = "wrong delimiter, an HTML error page, undeclared encoding, 0 bytes"
SAME = "UTF-8 BOM, CR or CRLF, newline inside quotes, reordered columns"
MOJIBAKE = "mojibake"
HEADER_ONLY = "header only"
EXTRA = "extra column"
COLUMNS = "required column missing, renamed without an alias, or twice"
ROWS = "ragged row, NUL byte, field over its limit"
TOTALS = "TOTAL row, footer, trailer"
REPEATED = "exact duplicate row"
CONFLICT = "one key twice with different values in one file"
DATES = "impossible or ambiguous date, out-of-range date"
DST = "local time in the DST gap or overlap"
SPELLING = "decimal comma, thousands mark, `100.20-`, `(100.20)`, `100.20 CR`"
IDS = '`1.23E+12` as an id, id beyond 2^53, leading zeros, "NA", "null" as a value'
NUMBERS = "NaN, Infinity, overflow, more decimals than the currency has"
CURRENCY = "unknown currency, or another than the order's"
NEGATIVE = "negative amount or quantity"
FORMULA = "`=cmd()`, `+`, `-`, `@` at the start of text"
JSON = "JSON with a key twice, NaN, 1e400"
DTD = "XML with a DTD, entity bomb, external entity"
ARCHIVE = "archive bomb, `../` or absolute names, links inside archives"
INERT = "quotes, semicolons, SQL, shell or Jinja in a file name, header or value"

BILLION_LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>\n'
)
EXTERNAL = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'

CASES = [
    # -- whole files
    Case("sound CSV", SOUND, S, sales({}, {}), loaded=2, values={"gross_proceeds": ["100.20"] * 2}),
    Case("sound JSON lines", SOUND, F, refunds({}, {}), loaded=2),
    Case("sound XML", SOUND, X, dispositions({}, {}), loaded=2),
    Case("CSV cut inside a row", TRUNCATED, S, sales({}, {})[:-30], rejected="truncated"),
    Case("CSV cut inside the last value", TRUNCATED, S, sales({}, {})[:-4], loaded=1,
         quarantined=((3, "bad_timestamp", "sold_at"),)),
    Case("CSV cut inside a quoted value", TRUNCATED, S,
         sales({}, {"serial_no": '"A B'})[:-40], rejected="truncated"),
    Case("CSV quote that never closes", TRUNCATED, S,
         sales({}, {"sku": '"SKU-1'}, {}, {}), rejected="truncated"),
    Case("CSV quote that closes in a later row", TRUNCATED, S,
         sales({"sku": '"SKU-1'}, {"sku": '"SKU-2"'}, {}), rejected="truncated"),
    Case("JSON lines cut inside a line", TRUNCATED, F, refunds({}, {})[:-20], rejected="truncated"),
    Case("JSON lines with a line that is no JSON", TRUNCATED, F,
         refunds({}) + b'{"refund_id": "F2",,}\n' + refunds({}), rejected="malformed"),
    Case("JSON array instead of lines", TRUNCATED, F,
         json.dumps([REFUND, REFUND], indent=1).encode(), rejected="malformed"),
    Case("XML cut inside an element", TRUNCATED, X, dispositions({}, {})[:-60], rejected="malformed"),
    Case("XML with an unescaped ampersand", TRUNCATED, X,
         dispositions({"cost": "1.00 & more"}), rejected="malformed"),
    Case("CSV cut before its TOTAL row", BOUNDARY, I, invoices({}, {}, total=None),
         rejected="truncated"),
    Case("CSV cut on a row boundary, TOTAL kept", BOUNDARY, I, invoices({}, total="9,00"),
         rejected="control_total"),
    Case("XML with fewer records than stated", BOUNDARY, X, dispositions({}, {}, stated=3),
         rejected="control_total"),
    Case("comma file where tabs are declared", NOT_A_FILE, S,
         table(SALE, "recovery_id", [{}], ",").encode(), rejected="header"),
    Case("HTML page as CSV", NOT_A_FILE, S, b"<!DOCTYPE html><html><body>502</body></html>",
         rejected="not_this_format"),
    Case("HTML page as JSON lines", NOT_A_FILE, F, b"\n <html><body>Sign in</body></html>",
         rejected="not_this_format"),
    Case("HTML page as XML", NOT_A_FILE, X, b"<html><body>Sign in</body></html>",
         rejected="not_this_format"),
    Case("Latin-1 bytes where UTF-8 is declared", NOT_A_FILE, S,
         sales({"sku": "Grün"}).decode().encode("latin-1"), rejected="encoding"),
    Case("UTF-16 where UTF-8 is declared", NOT_A_FILE, S,
         sales({}).decode().encode("utf-16"), rejected="encoding"),
    Case("CSV of 0 bytes", NOT_A_FILE, S, b"", rejected="empty_file"),
    Case("JSON lines of 0 bytes", NOT_A_FILE, F, b"", rejected="empty_file"),
    Case("XML of 0 bytes", NOT_A_FILE, X, b"", rejected="empty_file"),
    Case("ZIP archive under the name of a CSV", NOT_A_FILE, S, zipped(a=b"x"),
         rejected="not_this_format"),
    # -- spellings that mean the same
    Case("UTF-8 byte order mark", SAME, S, b"\xef\xbb\xbf" + sales({}), loaded=1,
         values={"recovery_id": ["R1"]}),
    Case("byte order mark before JSON", SAME, F, b"\xef\xbb\xbf" + refunds({}), loaded=1),
    Case("CRLF line ends", SAME, S, sales({}, {}, end="\r\n"), loaded=2,
         values={"sold_at": ["2025-03-01 10:00:00+00:00"] * 2}),
    Case("CR line ends", SAME, S, sales({}, {}, end="\r"), loaded=2,
         values={"sold_at": ["2025-03-01 10:00:00+00:00"] * 2}),
    Case("no line end after the last row", SAME, S, sales({}, {})[:-1], loaded=2),
    Case("blank lines between and after rows", SAME, S,
         sales({}, {"quantity": "x"}).replace(b"\nR", b"\n\nR") + b"\n\n", loaded=1,
         quarantined=((5, "not_a_number", "quantity"),)),
    Case("newline inside quotes", SAME, S,
         sales({"serial_no": '"A\nB"'}, {"quantity": "x"}), loaded=1,
         quarantined=((4, "not_a_number", "quantity"),), values={"serial_no": ["A\nB"]}),
    Case("delimiter and doubled quote inside quotes", SAME, S,
         sales({"serial_no": '"A\t""B"""'}), loaded=1, values={"serial_no": ['A\t"B"']}),
    Case("inch mark in a value without quotes", SAME, S, sales({"sku": '17" SCREEN'}), loaded=1,
         values={"sku": ['17" SCREEN']}),
    Case("reordered columns", SAME, S, sales({}, order=list(reversed(SALE))), loaded=1,
         values={"recovery_id": ["R1"], "gross_proceeds": ["100.20"]}),
    Case("columns in an XML of another namespace", SAME, X,
         dispositions({}, root=' xmlns="urn:example:wms"'), loaded=1,
         values={"disposition_id": ["X1"]}),
    Case("mojibake where a pattern stands", MOJIBAKE, C,
         customers({}, {"email": "grÃ¼n @example.com"}), loaded=1,
         quarantined=((3, "mojibake", "email"),)),
    Case("mojibake in free text", MOJIBAKE, C, customers({"name": "Ada GrÃ¼n"}), loaded=1,
         warns="mojibake in name"),
    # -- columns
    Case("header only", HEADER_ONLY, S, sales(), loaded=0),
    Case("header only where a day without rows is alarming", HEADER_ONLY, C, customers(),
         rejected="empty_file"),
    Case("extra column", EXTRA, S, sales({}).replace(b"sold_at\n", b"sold_at\tstore\n").replace(
         b"10:00:00\n", b"10:00:00\tBerlin\n"), loaded=1, warns="unknown column store",
         values={"_extra": [{"store": "Berlin"}]}),
    Case("extra key in JSON", EXTRA, F, refunds({"note": "x"}), loaded=1,
         warns="unknown column note", values={"_extra": [{"note": "x"}]}),
    Case("required column missing", COLUMNS, S, sales({}, order=[c for c in SALE if c != "sku"]),
         rejected="header"),
    Case("required column renamed", COLUMNS, S, sales({}).replace(b"sku\t", b"article\t"),
         rejected="header"),
    Case("optional column renamed", COLUMNS, S, sales({}).replace(b"serial_no\t", b"serial\t"),
         rejected="header"),
    Case("column twice", COLUMNS, S, sales({}).replace(b"serial_no\t", b"sku\t"),
         rejected="header"),
    Case("required key in no JSON line", COLUMNS, F,
         refunds({}, {}).replace(b'"amount"', b'"amount_eur"'), rejected="header"),
    # -- rows
    Case("row with a field too few", ROWS, S, sales({}, {}, {}).replace(b"R2\t", b""), loaded=2,
         quarantined=((3, "ragged_row", None),)),
    Case("row with a field too many", ROWS, S, sales({}, {}, {}).replace(b"R2\t", b"R2\t\t"),
         loaded=2, quarantined=((3, "ragged_row", None),)),
    Case("text after a closing quote", ROWS, S, sales({"sku": '"SKU"-1'}, {}), loaded=1,
         quarantined=((2, "ragged_row", None),)),
    Case("NUL byte", ROWS, S, sales({}, {"sku": "SKU\x00"}, {}), loaded=2,
         quarantined=((3, "nul_byte", None),)),
    Case("NUL spelt out in JSON", ROWS, F, refunds({"order_no": "O\x00"}, {}), loaded=1,
         quarantined=((1, "nul_byte", None),)),
    Case("field over its limit", ROWS, S, sales({"sku": "S" * 1001}, {"sku": "S" * 1000}),
         loaded=1, quarantined=((2, "too_long", "sku"),)),
    Case("required value missing", ROWS, S, sales({"sku": ""}, {"sku": "  "}, {}), loaded=1,
         quarantined=((2, "missing_value", "sku"), (3, "missing_value", "sku"))),
    Case("value that is not on the list", ROWS, S, sales({"channel": "market"}, {}), loaded=1,
         quarantined=((2, "value_not_allowed", "channel"),)),
    Case("word that is neither true nor false", ROWS, C,
         customers({"marketing_consent": "perhaps"}, {}), loaded=1,
         quarantined=((2, "bad_boolean", "marketing_consent"),)),
    # -- totals
    Case("TOTAL row that agrees", TOTALS, I, invoices({}, {"amount": "1.204,50"}, total="1.209,00"),
         loaded=2, control=1, values={"amount": ["4.50", "1204.50"]}),
    Case("TOTAL row that disagrees", TOTALS, I, invoices({}, {}, total="9,01"),
         rejected="control_total"),
    Case("two TOTAL rows", TOTALS, I, invoices({}, total="4,50") + b"TOTAL;;;4,50;;\n",
         rejected="control_total"),
    Case("TOTAL row beside an unreadable amount", TOTALS, I,
         invoices({}, {"amount": "4,5O"}, total="9,00"), loaded=1, control=1,
         quarantined=((3, "not_a_number", "amount"),)),
    Case("TOTAL row counts a quarantined row's amount", TOTALS, I,
         invoices({}, {"currency": "XXX"}, total="9,00"), loaded=1, control=1,
         quarantined=((3, "unknown_currency", "currency"),)),
    Case("XML total that agrees", TOTALS, M,
         memos({}, {"amount": "0.50"}, records=2, total="10.50"), loaded=2,
         values={"memo_no": ["M1", "M2"], "amount": ["10.00", "0.50"]}),
    Case("XML total that disagrees", TOTALS, M, memos({}, {}, records=2, total="19.99"),
         rejected="control_total"),
    # -- keys
    Case("exact duplicate row", REPEATED, S, sales({}, {"recovery_id": "R1"}, {}), loaded=2,
         duplicate=1),
    Case("exact duplicate JSON line", REPEATED, W, receipts({}, {"receipt_id": "W1"}), loaded=1,
         duplicate=1),
    Case("one key, two values, no version", CONFLICT, S,
         sales({}, {"recovery_id": "R1", "quantity": "2"}, {}), loaded=1,
         quarantined=((2, "conflicting_duplicate", "recovery_id"),
                      (3, "conflicting_duplicate", "recovery_id"))),
    Case("one key, two values, newest by version", CONFLICT, F,
         refunds({"updated_at": "2025-03-03T00:00:00Z", "amount": 11},
                 {"refund_id": "F1", "updated_at": "2025-03-02T00:00:00Z"}),
         loaded=1, duplicate=1, values={"amount": ["11.00"]}),
    Case("one key, two values, one version", CONFLICT, F, refunds({"amount": 11}, {"refund_id": "F1"}),
         quarantined=((1, "conflicting_duplicate", "refund_id, tender_no"),
                      (2, "conflicting_duplicate", "refund_id, tender_no"))),
    # -- dates and times
    Case("31st of February", DATES, I, invoices({"invoiced_on": "31/02/2025"}, {}, total="9,00"),
         loaded=1, control=1, quarantined=((2, "bad_date", "invoiced_on"),)),
    Case("month and day turned around", DATES, I,
         invoices({"invoiced_on": "03/13/2025"}, {}, total="9,00"), loaded=1, control=1,
         quarantined=((2, "bad_date", "invoiced_on"),)),
    Case("date in another format", DATES, I,
         invoices({"invoiced_on": "2025-03-01"}, {}, total="9,00"), loaded=1, control=1,
         quarantined=((2, "bad_date", "invoiced_on"),)),
    Case("date out of range", DATES, I,
         invoices({"invoiced_on": "01/03/1900"}, {"invoiced_on": "31/12/9999"}, {}, total="13,50"),
         loaded=1, control=1, quarantined=((2, "date_out_of_range", "invoiced_on"),
                                           (3, "date_out_of_range", "invoiced_on"))),
    Case("25 o'clock", DATES, S, sales({"sold_at": "2025-03-01 25:00:00"}, {}), loaded=1,
         quarantined=((2, "bad_timestamp", "sold_at"),)),
    Case("instant without its offset", DATES, F, refunds({"created_at": "2025-03-01T10:00:00"}, {}),
         loaded=1, quarantined=((1, "bad_timestamp", "created_at"),)),
    Case("local time in the DST gap", DST, W, receipts({"received_at": "2025-03-30T02:30:00"}),
         loaded=1, values={"received_at": ["2025-03-30 01:00:00+00:00"],
                           "received_at_local": ["2025-03-30T02:30:00"]}),
    Case("local time in the DST overlap", DST, W, receipts({"received_at": "2025-10-26T02:30:00"}),
         loaded=1, values={"received_at": ["2025-10-26 00:30:00+00:00"],
                           "received_at_local": ["2025-10-26T02:30:00"]}),
    Case("unknown time zone", DST, W, receipts({"received_zone": "Europe/Leipzig"}, {}), loaded=1,
         quarantined=((1, "bad_timestamp", "received_at"),)),
    # -- numbers
    Case("decimal comma and thousands mark as declared", SPELLING, I,
         invoices({"amount": "1.000,25"}, total="1.000,25"), loaded=1, control=1,
         values={"amount": ["1000.25"]}),
    Case("thousands mark out of place", SPELLING, I, invoices({"amount": "1.23"}, {}, total="9,00"),
         loaded=1, control=1, quarantined=((2, "not_a_number", "amount"),)),
    Case("decimal comma where a point is declared", SPELLING, S,
         sales({"gross_proceeds": "100,20"}, {}), loaded=1,
         quarantined=((2, "not_a_number", "gross_proceeds"),)),
    Case("signs that are not declared", SPELLING, S,
         sales({"fees": "1.20-"}, {"fees": "(1.20)"}, {"fees": "1.20 CR"}, {"fees": "+1.20"}, {}),
         loaded=1, quarantined=tuple((n, "not_a_number", "fees") for n in (2, 3, 4, 5))),
    Case("id in scientific notation", IDS, S,
         sales({"serial_no": "1.23E+12"}, {"serial_no": "12E5"}), loaded=1,
         quarantined=((2, "scientific_id", "serial_no"),), values={"serial_no": ["12E5"]}),
    Case("id beyond 2^53 as a JSON number", IDS, W, receipts({"lot_no": 9007199254740993}), loaded=1,
         values={"lot_no": ["9007199254740993"]}),
    Case("leading zeros", IDS, S, sales({"sku": "000123"}), loaded=1, values={"sku": ["000123"]}),
    Case("NA and null as values", IDS, S, sales({"sku": "NA", "serial_no": "null"}), loaded=1,
         values={"sku": ["NA"], "serial_no": ["null"]}),
    Case("NaN and Infinity in CSV", NUMBERS, S,
         sales({"fees": "NaN"}, {"fees": "Infinity"}, {"fees": "1e3"}, {}), loaded=1,
         quarantined=tuple((n, "not_a_number", "fees") for n in (2, 3, 4))),
    Case("overflow", NUMBERS, S,
         sales({"fees": "10000000000000000.00"}, {"fees": "9999999999999999.99"},
               {"quantity": "9223372036854775808"}), loaded=1,
         quarantined=((2, "number_out_of_range", "fees"), (4, "number_out_of_range", "quantity")),
         values={"fees": ["9999999999999999.99"]}),
    Case("more decimals than cents", NUMBERS, S,
         sales({"fees": "1.005"}, {"fees": "1.500"}, {"quantity": "1.5"}), loaded=1,
         quarantined=((2, "too_many_decimals", "fees"), (4, "too_many_decimals", "quantity")),
         values={"fees": ["1.50"]}),
    Case("cents in a currency without any", NUMBERS, S,
         sales({"currency": "JPY", "gross_proceeds": "100.20"},
               {"currency": "JPY", "gross_proceeds": "100.00", "fees": "1"}), loaded=1,
         quarantined=((2, "too_many_decimals", "gross_proceeds"),)),
    Case("unknown currency", CURRENCY, S, sales({"currency": "EURO"}, {"currency": "eur"}, {}),
         loaded=1, quarantined=((2, "unknown_currency", "currency"),
                                (3, "unknown_currency", "currency"))),
    Case("negative quantity", NEGATIVE, S, sales({"quantity": "-1"}, {}), loaded=1,
         quarantined=((2, "negative_not_allowed", "quantity"),)),
    Case("negative amount of a kind that reverses", NEGATIVE, I,
         invoices({"charge_type": "credit", "amount": "-4,50"}, {"amount": "-1,00"}, total="-5,50"),
         loaded=1, control=1, quarantined=((3, "negative_not_allowed", "amount"),),
         values={"amount": ["-4.50"]}),
    # -- hostile content
    Case("formulas in text", FORMULA, S, sales({"sku": "=cmd()", "serial_no": "@x"}), loaded=1,
         values={"sku": ["=cmd()"], "serial_no": ["@x"]}),
    Case("JSON with a key twice", JSON, F,
         refunds({}, {}).replace(b'"refund_id": "F2"', b'"refund_id": "F2", "refund_id": "F3"'),
         loaded=1, quarantined=((2, "duplicate_json_key", None),)),
    Case("NaN in JSON", JSON, F, refunds({"amount": float("nan")}, {}), loaded=1,
         quarantined=((1, "bad_json", None),)),
    Case("1e400 in JSON", JSON, F, refunds({}, {}).replace(b"10.5", b"1e400", 1), loaded=1,
         quarantined=((1, "bad_json", None),)),
    Case("JSON line that is no object", JSON, F, b'"F1"\n' + refunds({}), loaded=1,
         quarantined=((1, "bad_json", None),)),
    Case("half a surrogate pair in JSON", JSON, F,
         refunds({}, {}).replace(b'"O1"', b'"O\\ud800"', 1), loaded=1,
         quarantined=((1, "bad_json", None),)),
    Case("entity bomb", DTD, X, dispositions({"cost": "&c;"}, prolog=BILLION_LAUGHS),
         rejected="unsafe_xml"),
    Case("external entity", DTD, X, dispositions({"cost": "&x;"}, prolog=EXTERNAL),
         rejected="unsafe_xml"),
    Case("harmless DTD", DTD, X, dispositions({}, prolog="<!DOCTYPE dispositions>\n"),
         rejected="unsafe_xml"),
    Case("gzip", ARCHIVE, S, gzip.compress(sales({})), loaded=1, suffix=".gz"),
    Case("ZIP of one file", ARCHIVE, S, zipped(inner=sales({})), loaded=1, suffix=".zip"),
    Case("gzip cut off", ARCHIVE, S, gzip.compress(sales({}))[:-12], rejected="unsafe_archive",
         suffix=".gz"),
    Case("gzip bomb", ARCHIVE, S, gzip.compress(sales({}) + b"\n" * (32 << 20)),
         rejected="unsafe_archive", suffix=".gz"),
    Case("ZIP entry that leads outside", ARCHIVE, S, zipped(**{"../x.csv": sales({})}),
         rejected="unsafe_archive", suffix=".zip"),
    Case("ZIP entry with an absolute name", ARCHIVE, S, zipped(**{"/x.csv": sales({})}),
         rejected="unsafe_archive", suffix=".zip"),
    Case("ZIP with a link", ARCHIVE, S, zipped_link(), rejected="unsafe_archive", suffix=".zip"),
    Case("ZIP of two files", ARCHIVE, S, zipped(a=sales({}), b=sales({})),
         rejected="unsafe_archive", suffix=".zip"),
    Case("SQL, shell and Jinja in values", INERT, S,
         sales({"sku": "'; drop table raw.x;--", "serial_no": "$(reboot) {{ 7*7 }} \\N"}), loaded=1,
         values={"sku": ["'; drop table raw.x;--"], "serial_no": ["$(reboot) {{ 7*7 }} \\N"]}),
    Case("SQL, shell and Jinja in the file's name", INERT, S, sales({}), loaded=1,
         part="_'; drop table x;-- $(reboot) {{ 7*7 }} %s"),
    Case("SQL in a header", INERT, S, sales({}).replace(
         b"sold_at\n", b"sold_at\t\"x\"\"); drop table y;--\"\n").replace(
         b"10:00:00\n", b"10:00:00\t1\n"), loaded=1, warns="unknown column",
         values={"_extra": [{'x"); drop table y;--': "1"}]}),
    Case("line break in the file's name", INERT, S, sales({}), rejected="unsafe_name", part="_a\nb"),
]  # fmt: skip
