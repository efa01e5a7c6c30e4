"""A simulated company whose returns lost their orders: customer, goods and what was credited are left."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pandas as pd
from lxml import etree

from simulator.company import Company
from simulator.run import simulate

END = dt.date(2026, 1, 31)
STAMP = f"{END:%Y%m%d}"


def hide_orders(landing: Path, scratch: Path, customers: int) -> pd.DataFrame:
    """Write sales, receipts and memos without orders; returns receipt, order and order line, as was true.

    All purchases are spread over so few customers that most have bought a SKU more than once. A memo names
    its receipt where the RMA line that it credits had one receipt only.
    """
    simulate(
        Company(
            out=scratch, truth=scratch / "truth", order_lines=6_000, seed=5, start=dt.date(2025, 6, 1),
            history_end=END, nights=0, dirt=0,
        )
    )  # fmt: skip
    sales, customer_of = _sales(scratch, customers)
    _put(landing, f"erp/erp_sales_lines_{STAMP}.csv", sales)
    receipts = [json.loads(line) for line in _text(scratch, "wms_return_receipts").splitlines()]
    _put(landing, f"wms/wms_return_receipts_{STAMP}.jsonl", _bare(receipts, customer_of))
    _put(landing, f"erp/erp_credit_memos_{STAMP}.xml", _memos(scratch, receipts))
    _put(landing, f"erp/erp_fx_rates_{STAMP}.csv", _text(scratch, "erp_fx_rates"))
    lines = {
        (row["rma_no"], int(row["rma_line_no"])): int(row["order_line_no"])
        for row in csv.DictReader(io.StringIO(_text(scratch, "erp_return_authorizations")))
        if row["order_line_no"]
    }
    return pd.DataFrame(
        [
            (r["receipt_id"], r["order_no"], lines.get((r["rma_no"], r["rma_line_no"])), r["quantity"])
            for r in receipts
        ],
        columns=["receipt_id", "order_no", "line_no", "quantity"],
    )


def _sales(folder: Path, customers: int) -> tuple[str, dict[str, str]]:
    """The file of sales over fewer customers, and each order's customer."""
    rows = list(csv.DictReader(io.StringIO(_text(folder, "erp_sales_lines")), delimiter=";"))
    for row in rows:
        row["customer_id"] = f"K{int(row['customer_id'][1:] or 0) % customers:03}"
        row["replaces_rma_no"] = ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=";", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue(), {row["order_no"]: row["customer_id"] for row in rows}


def _bare(receipts: list[dict[str, object]], customer_of: dict[str, str]) -> str:
    """Receipts without what leads to their order, and with the customer."""
    hidden = ("rma_no", "rma_line_no", "order_no", "tracking_no", "serial_no", "lot_no")
    return "".join(
        json.dumps(
            {k: v for k, v in r.items() if k not in hidden}
            | {"customer_id": customer_of.get(str(r["order_no"]))}
        )
        + "\n"
        for r in receipts
    )


def _memos(folder: Path, receipts: list[dict[str, object]]) -> str:
    """What was credited for goods, by the receipt alone."""
    of_line = {(r["rma_no"], r["rma_line_no"]): r["receipt_id"] for r in receipts}
    count = Counter((r["rma_no"], r["rma_line_no"]) for r in receipts)
    total, memos = Decimal(0), []
    for memo in etree.fromstring(_text(folder, "erp_credit_memos").encode()):
        currency, day = memo.findtext("currency"), memo.findtext("posted_on")
        for line in memo.findall("line"):
            key = (line.findtext("rma_no"), int(line.findtext("rma_line_no") or 0))
            amount = line.findtext("component[@code='merchandise']")
            if amount is None or count[key] != 1 or memo.find("reverses_memo_no") is not None:
                continue
            total += Decimal(amount)
            memos.append(
                f'<memo no="{memo.get("no")}"><currency>{currency}</currency><posted_on>{day}</posted_on>'
                f'<line no="{line.get("no")}"><receipt_id>{of_line[key]}</receipt_id>'
                f'<component code="merchandise">{amount}</component></line></memo>'
            )
    head = f'<credit_memos records="{len(memos)}" total="{total}" extracted_at="{END}T23:30:00Z">'
    return head + "".join(memos) + "</credit_memos>"


def _text(folder: Path, feed: str) -> str:
    file = next(f for f in folder.rglob(f"{feed}_{STAMP}.*") if f.suffix != ".done")
    text = file.read_text(encoding="latin-1" if feed == "erp_sales_lines" else "utf-8")
    return re.sub(r"^<\?xml[^>]*>\s*", "", text)


def _put(landing: Path, name: str, text: str) -> None:
    file = landing / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="latin-1")
    file.with_name(file.name + ".done").touch()
