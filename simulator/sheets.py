"""Values of rows to the body of a file that is no text: a sheet (XLSX) or a table of columns (Parquet).

The rows come as text, their values joined by UNIT. The same rows give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from dataclasses import dataclass
from typing import IO
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simulator.company import DAY, epoch, rounded
from simulator.headers import HEADERS
from simulator.render import UNIT, Text, content, fixed, integer

EXCEL_EPOCH = epoch(dt.date(1899, 12, 30))
STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Sheet:
    """A sheet's name, the lines above its column names, and its columns of numbers and of times."""

    name: str
    numbers: tuple[str, ...]
    times: tuple[str, ...] = ()
    title: tuple[str, ...] = ()


SHEETS = {
    "wms_work_orders": Sheet(
        "Work orders", ("labour_minutes", "labour_rate", "parts_cost"), ("opened_at", "closed_at"),
        ("Work orders of all sites", "Times in UTC"),
    ),
    "erp_vendors": Sheet("Vendors", ("rtv_window_days", "rtv_recovery_pct")),
}  # fmt: skip
TABLES = {
    "wms_returned_stock": pa.schema([
        ("snapshot_date", pa.date32()), ("site", pa.string()), ("location", pa.string()),
        ("sku", pa.string()), ("grade", pa.string()), ("quantity", pa.int32()),
        ("unit_value", pa.decimal128(18, 4)), ("currency", pa.string()),
    ]),
}  # fmt: skip


def split(lines: Text, columns: int) -> list[Text]:
    """Columns of rows; empty values are null."""
    text = pc.utf8_slice_codeunits(lines, 0, -1) if len(lines) else lines  # without the line's end
    values = pc.list_flatten(pc.split_pattern(pa.chunked_array([text]).combine_chunks(), UNIT))
    found = []
    for place in range(columns):
        column = values.take(pa.array(np.arange(place, len(values), columns)))
        found.append(pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column))
    return found


class TableBody:
    """Rows to a Parquet file with the types of its schema."""

    first_line = 1

    def __init__(self, out: IO[bytes], feed: str) -> None:
        self.schema = TABLES[feed]
        self.writer = pq.ParquetWriter(out, self.schema, compression="zstd")

    def add(self, lines: Text) -> None:
        """Append rows."""
        columns = split(lines, len(self.schema))
        arrays = [column.cast(kind) for column, kind in zip(columns, self.schema.types, strict=True)]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))

    def close(self) -> None:
        """Write the footer."""
        self.writer.close()


class SheetBody:
    """Rows to the one sheet of a workbook, written as they come."""

    def __init__(self, out: IO[bytes], feed: str, date: dt.date) -> None:
        self.sheet = SHEETS[feed]
        self.names = HEADERS[feed].split(UNIT)
        self.at = (date.year, date.month, date.day, 23, 30, 0)
        self.zip = zipfile.ZipFile(out, "w")
        for name, text in _parts(self.sheet.name, date).items():
            self.zip.writestr(self._entry(name), text)
        self.rows = self.zip.open(self._entry("xl/worksheets/sheet1.xml"), "w")
        self.rows.write((HEAD + f'<worksheet xmlns="{MAIN}"><sheetData>').encode())
        self.line = 1
        for title in self.sheet.title:
            self._write([pa.array([title])], ())
        self._write([pa.array([name]) for name in self.names], ())
        self.first_line = self.line

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(name, self.at)
        entry.compress_type = zipfile.ZIP_DEFLATED
        return entry

    def add(self, lines: Text) -> None:
        """Append rows."""
        if len(lines):
            self._write(split(lines, len(self.names)), self.names)

    def _write(self, columns: list[Text], names: tuple[str, ...] | list[str]) -> None:
        row = integer(np.arange(self.line, self.line + len(columns[0])))
        cells: list[object] = [pc.binary_join_element_wise('<row r="', row, '">', "")]
        for place, values in enumerate(columns):
            name = names[place] if names else ""
            cells.append(self._cells(name, chr(ord("A") + place), row, values))
        self.rows.write(content(pc.binary_join_element_wise(*cells, "</row>", "")))
        self.line += len(columns[0])

    def _cells(self, name: str, letter: str, row: Text, values: Text) -> Text:
        """Cells of one column: numbers and times where the text is one, else text; none where null."""
        text = _cell(letter, row, ' t="inlineStr"><is><t>', _escaped(values), "</t></is></c>")
        if name in self.sheet.numbers:
            is_number = pc.match_substring_regex(values, r"^-?[0-9]+([.][0-9]+)?$")
            text = pc.if_else(is_number, _cell(letter, row, "><v>", values, "</v></c>"), text)
        if name in self.sheet.times:
            times = pc.strptime(values, format=STAMP, unit="s", error_is_null=True)
            serial = _cell(letter, row, ' s="1"><v>', _serial(times), "</v></c>")
            text = pc.coalesce(serial, text)
        return pc.fill_null(text, "")

    def close(self) -> None:
        """End the sheet and write the archive's directory."""
        self.rows.write(b"</sheetData></worksheet>")
        self.rows.close()
        self.zip.close()


def _cell(letter: str, row: Text, start: str, values: Text, end: str) -> Text:
    return pc.binary_join_element_wise(f'<c r="{letter}', row, f'"{start}', values, end, "")


def _escaped(values: Text) -> Text:
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        values = pc.replace_substring(values, char, entity)
    return values


def _serial(times: Text) -> Text:
    """Days since the end of 1899, with ten decimals."""
    known = pc.is_valid(times).to_numpy(zero_copy_only=False)
    seconds = pc.fill_null(times.cast(pa.int64()), 0).to_numpy() - EXCEL_EPOCH
    one = 10**10
    text = fixed(seconds // DAY * one + rounded(seconds % DAY * one, DAY), 10)
    return pc.if_else(pa.array(known), text, pa.scalar(None, pa.string()))


HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _parts(sheet: str, date: dt.date) -> dict[str, str]:
    """Parts of the workbook besides the sheet."""
    styles = (
        '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
        '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
        '<borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    )
    return {
        "[Content_Types].xml": HEAD + f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/>'
        '<Override PartName="/docProps/core.xml"'
        ' ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
        "_rels/.rels": HEAD + f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        f'<Relationship Id="rId2" Type="{PACKAGE}/relationships/metadata/core-properties"'
        ' Target="docProps/core.xml"/></Relationships>',
        "docProps/core.xml": HEAD + f'<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties"'
        ' xmlns:dcterms="http://purl.org/dc/terms/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{date}T23:30:00Z</dcterms:created>'
        "</cp:coreProperties>",
        "xl/workbook.xml": HEAD + f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": HEAD + f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": HEAD + f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
    }


__all__ = ["SHEETS", "TABLES", "SheetBody", "TableBody"]
