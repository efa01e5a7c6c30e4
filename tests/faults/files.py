"""Files of the standard feeds: sound rows, with what a case changes."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

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
CASE = {
    "case_id": "K1", "customer_id": "C1", "order_no": "O1", "rma_no": "", "topic": "complaint",
    "channel": "chat", "opened_at": "2025-03-01T10:00:00Z", "closed_at": "", "csat": "",
    "updated_at": "2025-03-01T10:00:00Z",
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


def cases(*changes: dict[str, str]) -> bytes:
    return table(CASE, "case_id", list(changes), ",").encode()


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


BILLION_LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>\n'
)
EXTERNAL = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'
