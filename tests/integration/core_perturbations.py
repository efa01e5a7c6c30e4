"""What source systems do to files that a night has already seen: late, again, corrected, moved."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Record = dict[str, str]
Change = Callable[[list[Record]], list[Record]]
ERP_CSV: dict[str, Any] = {"delimiter": ";", "encoding": "latin-1"}
EVERY_ROW = slice(None)


def move(file: Path, folder: Path) -> Path:
    """Move a file, with the marker that says it is whole, to the same source in another landing zone."""
    target = folder / file.parent.name / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    marker = file.with_name(file.name + ".done")
    shutil.move(file, target)
    shutil.move(marker, target.with_name(target.name + ".done"))
    return target


def drop_last_row(file: Path) -> None:
    """Correct a file of text: it comes again under its name without its last row."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    _touch(file)


def drop_first_half_of_lines(file: Path) -> None:
    """Correct a file of lines: it comes again under its name without its first half."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[len(lines) // 2 :]))
    _touch(file)


def repeat(file: Path, suffix: str) -> None:
    """Send the same content again under another name."""
    shutil.copy(file, _sibling(file, suffix))


def drop_first_half(table: Path) -> None:
    """Correct a Parquet file: half of its rows were not there."""
    rows = pq.read_table(table)
    pq.write_table(rows.slice(rows.num_rows // 2), table)
    _touch(table)


def count_again(table: Path, suffix: str) -> None:
    """A newer file of the same day: one row less, and one unit more of everything."""
    rows = pq.read_table(table).slice(1)
    place = rows.schema.get_field_index("quantity")
    more = pc.add(rows["quantity"], pa.scalar(1, pa.int32()))
    pq.write_table(rows.set_column(place, rows.schema.field(place), more), _sibling(table, suffix))


def recategorise(items: Path, date: str, whole: bool = True) -> None:
    """An item file of an earlier day that comes now, with apparel under another category.

    Where it is not whole, it has only the first three of these items.
    """
    header, *rows = csv.reader(io.StringIO(items.read_text(encoding="utf-8-sig")))
    place = header.index("category")
    apparel = [[*row[:place], "home", *row[place + 1 :]] for row in rows if row[place] == "apparel"]
    others = [row for row in rows if row[place] != "apparel"] if whole else []
    late = items.with_name(f"erp_items_{date}.csv")
    with late.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *apparel[: None if whole else 3], *others])
    late.with_name(late.name + ".done").touch()


def send_again(
    file: Path,
    suffix: str,
    change: Change,
    where: str = "",
    rows: slice = EVERY_ROW,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> int:
    """Send rows of a CSV file again under another name, changed; returns how many.

    Only rows that have a value in `where`, and of these the ones that the slice picks.
    """
    records = _records(file, delimiter, encoding)
    sent = change([record for record in records if not where or record[where]][rows])
    with _sibling(file, suffix).open("w", encoding=encoding, newline="") as out:
        writer = csv.DictWriter(out, list(records[0]), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sent)
    return len(sent)


def swap(columns: Sequence[str], updated_at: str) -> Change:
    """Give each row the next row's values of `columns`."""

    def swapped(records: list[Record]) -> list[Record]:
        return [
            record | {column: other[column] for column in columns} | {"updated_at": updated_at}
            for record, other in zip(records, records[1:] + records[:1], strict=True)
        ]

    return swapped


def halve(column: str, where: str, begins: str) -> Change:
    """Halve the amounts of a column in rows whose value of `where` begins so; only these are sent."""
    return lambda records: [
        record | {column: f"{float(record[column]) / 2:.6f}"}
        for record in records
        if record[where].startswith(begins)
    ]


def put(updated_at: str, **values: str) -> Change:
    """Give each row these values."""
    return lambda records: [record | values | {"updated_at": updated_at} for record in records]


def swap_in_place(file: Path, columns: Sequence[str]) -> None:
    """Correct a CSV file: each row has the next row's values of `columns`."""
    header, *rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8")))
    moved = _rotated(rows, [header.index(column) for column in columns])
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *moved])
    _touch(file)


def swap_receipts_of_work_orders(book: Path, suffix: str, updated_at: str) -> None:
    """Send the work orders of a workbook again: each for the next one's receipt, changed later."""
    workbook = openpyxl.load_workbook(book)
    sheet = workbook.active
    assert sheet is not None
    header = [cell.value for cell in sheet[3]]
    receipt, updated = header.index("receipt_id") + 1, header.index("updated_at") + 1
    last = sheet.max_row
    receipts = [sheet.cell(row, receipt).value for row in range(4, last + 1)]
    for row, value in zip(range(4, last + 1), receipts[1:] + receipts[:1], strict=True):
        sheet.cell(row, receipt).value = value
        sheet.cell(row, updated).value = updated_at
    workbook.save(_sibling(book, suffix))


def serials_sold(sales: Path, rows: slice) -> list[str]:
    """First serial number of the sales lines that the slice picks among those that have any."""
    found = [record["serial_nos"] for record in _records(sales, **ERP_CSV) if record["serial_nos"]]
    return [serials.split("|")[0] for serials in found[rows]]


def serials_received(receipts: Path) -> list[str]:
    """Serial numbers of a file of receipts."""
    found = [json.loads(line) for line in receipts.read_text(encoding="utf-8").splitlines() if _is_row(line)]
    return [row["serial_no"] for row in found if row.get("serial_no")]


def find_in_the_corner(receipts: Path, suffix: str, serials: Sequence[str], received_at: str) -> None:
    """Receipts of goods found later without any paper, with these serial numbers."""
    text = receipts.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines() if _is_row(line)]
    like = next(row for row in rows if row.get("serial_no"))
    with _sibling(receipts, suffix).open("w", encoding="utf-8") as out:
        for serial in serials:
            found = like | {
                "receipt_id": f"FOUND-{serial}", "rma_no": None, "rma_line_no": None, "order_no": None,
                "serial_no": serial, "received_at": received_at, "quantity": 1,
            }  # fmt: skip
            out.write(json.dumps(found) + "\n")


def _records(file: Path, delimiter: str, encoding: str) -> list[Record]:
    """Rows of a CSV file that have a value in every column, be it an empty one."""
    found = csv.DictReader(io.StringIO(file.read_text(encoding=encoding)), delimiter=delimiter)
    return [row for row in found if None not in row and None not in row.values()]


def _is_row(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _rotated(rows: list[list[str]], places: list[int]) -> list[list[str]]:
    moved = [list(row) for row in rows]
    for row, other in zip(moved, rows[1:] + rows[:1], strict=True):
        for place in places:
            row[place] = other[place]
    return moved


def _sibling(file: Path, suffix: str) -> Path:
    """A file of the same feed under another name, with its marker."""
    feed = file.stem.rsplit("_", 1)[0]
    sibling = file.with_name(f"{feed}_{suffix}{file.suffix}")
    sibling.with_name(sibling.name + ".done").touch()
    return sibling


def _touch(file: Path) -> None:
    later = file.stat().st_mtime + 60
    os.utime(file, (later, later))
