"""The same rows in each of the six formats, as other software writes them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from revlog.contracts.contract import Contract

Row = Mapping[str, str | None]
FORMATS = ("csv", "jsonl", "xml", "fixed_width", "xlsx", "parquet")
ENDINGS = {name: name for name in FORMATS} | {"fixed_width": "txt"}
# Lines above the first row.
HEADS = {"csv": 1, "jsonl": 0, "xml": 2, "fixed_width": 0, "xlsx": 1, "parquet": 0}
SHEET = "Data"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def written(
    file_format: str, rows: Sequence[Row], contract: Contract, *,
    order: Sequence[str] | None = None, total: tuple[str, str] | None = None, layout: str | None = None,
) -> bytes:  # fmt: skip
    """A file of `rows` (text by column, None for nothing), with the count and total that it states.

    `order` are the columns, those of the contract where it is not given; a column may stand twice.
    """
    names = list(order or contract.columns)
    if file_format == "fixed_width":
        return _fixed_width(names, rows, contract.layouts[layout or "fixed_width"].widths, total)
    return _WRITERS[file_format](names, rows, contract, total)


def _csv(names: list[str], rows: Sequence[Row], contract: Contract, total: Any) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_given(row, n) or "" for n in names] for row in rows)
    if total:
        writer.writerow(_total_row(names, total))
    return out.getvalue().encode()


def _jsonl(names: list[str], rows: Sequence[Row], contract: Contract, total: Any) -> bytes:
    """Numbers are numbers, digit by digit; nothing is null."""
    lines = []
    for row in rows:
        parts = [f"{json.dumps(n)}: {_json_value(_given(row, n), _kind(contract, n))}" for n in names]
        lines.append("{" + ", ".join(parts) + "}\n")
    return ("".join(lines) or "\n").encode()


def _json_value(text: str | None, kind: str) -> str:
    is_number = kind in ("integer", "money") and text and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text)
    return str(text) if is_number else json.dumps(text, ensure_ascii=False)


def _xml(names: list[str], rows: Sequence[Row], contract: Contract, total: Any) -> bytes:
    root = f' records="{total[0]}" total="{total[1]}"' if total else ""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<rows{root}>"]
    for row in rows:
        parts = ((n, _given(row, n)) for n in names)
        lines.append(
            "<row>" + "".join(f"<{n}>{escape(v)}</{n}>" for n, v in parts if v is not None) + "</row>"
        )
    return "\n".join([*lines, "</rows>", ""]).encode()


def _fixed_width(
    names: list[str], rows: Sequence[Row], widths: Mapping[str, tuple[int, int]], total: Any
) -> bytes:
    lines = [_line([_given(row, n) or "" for n in widths], widths) for row in rows]
    if total:
        lines.append(_line(_total_row(list(widths), total), widths))
    return ("".join(lines) or "\n").encode()


def _line(values: Iterable[str], widths: Mapping[str, tuple[int, int]]) -> str:
    end = max(first + size - 1 for first, size in widths.values())
    line = " " * end
    for value, (first, size) in zip(values, widths.values(), strict=True):
        assert len(value) <= size, (value, size)
        line = line[: first - 1] + value.ljust(size) + line[first - 1 + size :]
    return line + "\n"


def _xlsx(names: list[str], rows: Sequence[Row], contract: Contract, total: Any) -> bytes:
    """Cells have the type that a spreadsheet would give them."""
    table = [[_native(_given(row, n), _kind(contract, n)) for n in names] for row in rows]
    if total:
        table.append(_total_row(names, total))
    return workbook([names, *table])


def workbook(
    rows: Iterable[Sequence[Any]], sheet: str = SHEET, change: Callable[[Any], None] | None = None
) -> bytes:
    """A workbook of one sheet, from its first row on; `change` may work on the sheet."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = page.cell(number, column, value)
            if isinstance(value, str):
                cell.data_type = "s"  # else a text with = in front would be a formula
            if isinstance(value, dt.datetime):
                cell.number_format = "yyyy-mm-dd hh:mm:ss"
    if change is not None:
        change(page)
    out = io.BytesIO()
    book.save(out)
    return _with_shared_texts(out.getvalue())


def _with_shared_texts(content: bytes) -> bytes:
    """Texts of cells apart from the sheet, as spreadsheets write them; openpyxl leaves them inside."""
    texts: dict[str, int] = {}

    def share(found: re.Match[str]) -> str:
        number = texts.setdefault(found[2], len(texts))
        return f'<c{found[1]} t="s"><v>{number}</v></c>'

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            part = old.read(member).decode()
            if member.filename.startswith("xl/worksheets/"):
                part = re.sub(r'<c([^>]*) t="inlineStr"><is>(<t[^>]*>[^<]*</t>)</is></c>', share, part)
            if member.filename == "xl/_rels/workbook.xml.rels":
                relation = (
                    f'<Relationship Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml" Id="rId99"/>'
                )
                part = part.replace("</Relationships>", f"{relation}</Relationships>")
            new.writestr(member.filename, part)
        items = "".join(f"<si>{text}</si>" for text in texts)
        new.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{items}</sst>')
    return out.getvalue()


def _native(text: str | None, kind: str) -> Any:
    """What a cell holds: 15 digits fit into a number of a spreadsheet, the rest is text."""
    if not text or kind not in ("integer", "money", "date", "timestamp"):
        return text
    if kind in ("integer", "money"):
        if not re.fullmatch(r"-?\d{1,15}|-?(?=[\d.]{2,16}$)\d+\.\d+", text):
            return text
        return int(text) if text.lstrip("-").isdigit() else float(text)
    try:
        if kind == "date":
            return dt.datetime.strptime(text, "%Y-%m-%d").date()
        return dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text


def _parquet(names: list[str], rows: Sequence[Row], contract: Contract, total: Any) -> bytes:
    """A column has its own type where all of its values fit into it."""
    columns = [_typed([_given(row, n) for row in rows], _kind(contract, n)) for n in names]
    stated = {"records": total[0], "total": total[1]} if total else {}
    return parquet(pa.Table.from_arrays(columns, names=names).replace_schema_metadata(stated))


def parquet(table: pa.Table, **how: Any) -> bytes:
    """A Parquet file of this table."""
    out = io.BytesIO()
    pq.write_table(table, out, **how)
    return out.getvalue()


def _typed(texts: list[str | None], kind: str) -> pa.Array:
    types = {
        "integer": pa.int64(), "money": pa.decimal128(18, 4), "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }  # fmt: skip
    try:
        return pa.array([_number_or_time(t, kind) for t in texts], types.get(kind, pa.string()))
    except (ValueError, ArithmeticError, pa.ArrowException, OverflowError):
        return pa.array(texts, pa.string())


def _number_or_time(text: str | None, kind: str) -> Any:
    if not text:
        return None
    if kind == "money":
        if not re.fullmatch(r"-?\d+(\.\d+)?", text):
            raise ValueError(text)
        return Decimal(text)
    if kind == "integer":
        return int(text)
    if kind in ("date", "timestamp"):
        found = _native(text, kind)
        if isinstance(found, str):
            raise ValueError(text)
        return found
    return text


def _given(row: Row, name: str) -> str | None:
    return row.get(name)


def _kind(contract: Contract, name: str) -> str:
    return contract.columns[name].type if name in contract.columns else "text"


def _total_row(names: list[str], total: tuple[str, str]) -> list[str]:
    """The mark, the count in the second column, and the total where the amounts stand."""
    row = [""] * len(names)
    row[0], row[1], row[names.index("claimed_amount")] = "TOTAL", *total
    return row


_WRITERS: dict[str, Callable[[list[str], Sequence[Row], Contract, Any], bytes]] = {
    "csv": _csv, "jsonl": _jsonl, "xml": _xml, "xlsx": _xlsx, "parquet": _parquet,
}  # fmt: skip
