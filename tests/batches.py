"""A settlement batch that does not come to its payout, planted in a file of the processor."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

OFF_BY = Decimal("25.00")


def put_off(landing: Path, night: dt.date) -> tuple[Path, bytes]:
    """Take OFF_BY from the net of a refund in a batch that is paid out; returns the file and what it was."""
    (file,) = landing.rglob(f"erp_payment_settlements_{night:%Y%m%d}*.csv")
    good = file.read_bytes()
    lines = good.decode("utf-8-sig").splitlines()
    dialect = csv.Sniffer().sniff(lines[0], delimiters=",;\t|")
    names, *rows = csv.reader(lines, dialect)
    kind, batch, net = (names.index(name) for name in ("type", "batch_no", "net_amount"))
    paid = {row[batch] for row in rows if row[kind] == "payout"}
    off = next((row for row in rows if row[kind] == "refund" and row[batch] in paid), None)
    assert off, f"{file.name} has no refund in a batch that is paid out: take another seed of the company"
    off[net] = str(Decimal(off[net]) - OFF_BY)
    # TRAILER, rows, total: of a processor that adds up what it says, else the loader refuses the file.
    rows[-1][2] = str(Decimal(rows[-1][2]) - OFF_BY)
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, dialect).writerows([names, *rows])
    return file, good
