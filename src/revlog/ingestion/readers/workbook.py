"""The parts of an XLSX workbook that hold values: sheets, texts and number formats, streamed.

Read from the XML itself, since a value's exact spelling and what kind of cell it stands in decide
about it. Macros, links to other workbooks and formulas are never looked at, let alone run.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from lxml import etree

from revlog.ingestion.archives import BROKEN, safe_members, unsafe
from revlog.values.reasons import FileRejected, Rejection

MAX_ROWS, MAX_COLUMNS = 1 << 20, 1 << 14
# Texts of all cells are kept in memory, as one run of bytes.
MAX_TEXT_BYTES = 512 << 20
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Formats of dates and times that every workbook knows by number (ECMA-376, 18.8.30).
DATES = {*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58}
TIMES = {*range(18, 22), *range(32, 36), 45, 46, 47, 55, 56}
BUILT_IN = {1: "0", 9: "0%", 10: "0.00%", 11: "0.00E+00", 22: "m/d/yy h:mm", 48: "##0.0E+0"}
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]+)(\d+):([A-Z]+)(\d+)[\"']")


@dataclass(frozen=True)
class NumberFormat:
    """What a cell's format says of the number in it; `zeros` is the width that it is filled up to."""

    has_date: bool = False
    has_time: bool = False
    is_scientific: bool = False
    is_percent: bool = False
    zeros: int = 0


PLAIN = NumberFormat()


class Cell(NamedTuple):
    """A cell that holds something.

    `column` counts from 0. `kind` is the cell's type in the file, where `n` is a number, `t` any
    text, `b` a truth, `d` an ISO date, `e` an error, and `f` a formula without a value.
    """

    column: int
    kind: str
    text: str
    format: NumberFormat


@dataclass(frozen=True)
class Merge:
    """Rows and columns of a merged cell."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int


class Workbook:
    """An open workbook; raises FileRejected for what is none, is broken, encrypted or unsafe."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._archive = _opened(file)
        # Names of parts are equal in any case (ECMA-376-2, 6.2.2).
        self._parts = {_place(m.filename): m for m in safe_members(self._archive, size)}
        self._path = self._related("", "officeDocument").get("", "xl/workbook.xml")
        if self._path not in self._parts:
            raise FileRejected(
                Rejection.NOT_THIS_FORMAT, "no workbook inside: {}", ", ".join(self._parts)[:200]
            )
        self.starts_1904 = False
        self._columns = _Columns()
        self.sheets = self._sheets()
        # By the number of a cell's style, as the cell spells it.
        self._formats = {str(n): f for n, f in enumerate(self._number_formats())}
        self._texts = self._shared_texts()

    # -- what there is

    def _sheets(self) -> dict[str, str]:
        """Part of each sheet by its name."""
        related = self._related(self._path, "worksheet", by_id=True)
        found: dict[str, str] = {}
        for element in self._elements(self._path, "sheet", "workbookPr"):
            if _local(element) == "workbookPr":
                self.starts_1904 = element.get("date1904") in ("1", "true")
                continue
            number = next((v for k, v in element.attrib.items() if k.endswith("}id")), "")
            if number in related:
                found[str(element.get("name"))] = related[number]
        return found

    def sheet(self, wanted: str | None) -> str:
        """Part of the sheet called `wanted`, in any case, or of the only one; raises FileRejected."""
        named = [p for n, p in self.sheets.items() if wanted and n.strip().casefold() == wanted.casefold()]
        found = named if wanted else list(self.sheets.values())
        if len(found) != 1 or found[0] not in self._parts:
            what = f"no sheet {wanted!r}" if wanted else "not one sheet alone, and the layout names none"
            raise FileRejected(
                Rejection.NO_SHEET,
                f"{what}; there are {len(self.sheets)}, {{}}: set `sheet` in the layout",
                ", ".join(map(repr, self.sheets))[:300],
            )
        return found[0]

    def _number_formats(self) -> list[NumberFormat]:
        """Number format by the style of a cell."""
        part = self._related(self._path, "styles").get("", "")
        if part not in self._parts:
            return []
        codes, styles = dict(BUILT_IN), []
        for element in self._elements(part, "numFmt", "cellXfs"):
            if _local(element) == "numFmt":
                codes[_whole(element.get("numFmtId"))] = element.get("formatCode") or ""
            else:
                styles = [_whole(style.get("numFmtId") or "0") for style in element]
        return [number_format(n, codes.get(n, "")) for n in styles]

    def _shared_texts(self) -> _Texts:
        texts = _Texts()
        part = self._related(self._path, "sharedStrings").get("", "")
        if part in self._parts:
            for element in self._elements(part, "si"):
                texts.add(_text_of(element))
        return texts

    # -- one sheet

    def merges(self, part: str) -> list[Merge]:
        """Merged cells of a sheet, found on the bytes: they stand behind the rows that they concern."""
        found: list[Merge] = []
        rest = b""
        with self._open(part) as file:
            while block := file.read(1 << 20):
                if not rest and block.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise FileRejected(Rejection.ENCODING, "a sheet in UTF-16; save the workbook anew")
                rest += block
                for hit in _MERGED.finditer(rest) if b"mergeCell" in rest else ():
                    left, top, right, bottom = (g.decode() for g in hit.groups())
                    found.append(Merge(int(top), int(bottom), self._columns[left], self._columns[right]))
                rest = rest[max(rest.rfind(b"<"), len(rest) - 1000) :]
        return found

    def rows(self, part: str) -> Iterator[tuple[int, list[Cell]]]:
        """Number of each row that holds something, and its cells."""
        last = 0
        for row in self._elements(part, "row", "sheetData"):
            if _local(row) == "sheetData":
                return  # what follows says how the sheet looks
            number = _whole(row.get("r")) if row.get("r") else last + 1
            if not last < number <= MAX_ROWS:
                raise _malformed(f"row {number} follows row {last}")
            last = number
            cells = self._cells(row, number)
            if cells:
                yield number, cells

    def _cells(self, row: Any, number: int) -> list[Cell]:
        found: list[Cell] = []
        column = -1
        for element in row:
            place = element.get("r")
            letters = place.rstrip("0123456789") if place else ""
            if place and place[len(letters) :] != str(number):
                raise _malformed(f"a cell of another row stands in row {number}")
            column = self._columns[letters] if place else column + 1
            cell = self._cell(element, column)
            if cell is not None:
                found.append(cell)
        return found

    def _cell(self, element: Any, column: int) -> Cell | None:
        kind = element.get("t") or "n"
        form = self._formats.get(element.get("s") or "0", PLAIN)
        value, is_formula = _content(element)
        if value is None:
            # A formula may well give an empty text; a number it gives is there, or was never computed.
            return Cell(column, "f", "", form) if is_formula and kind != "str" else None
        if kind == "s":
            value, kind = self._texts[_whole(value)], "t"
        elif kind in ("str", "inlineStr"):
            value, kind = _unescaped(value), "t"
        return Cell(column, kind, value, form) if value else None

    # -- parts and relations

    def _related(self, part: str, kind: str, by_id: bool = False) -> dict[str, str]:
        """Parts that `part` names in a relation of this kind, by id or, the only one, under ''."""
        folder, name = posixpath.split(part)
        relations = posixpath.join(folder, "_rels", f"{name}.rels")
        if relations not in self._parts:
            return {}
        found: dict[str, str] = {}
        for element in self._elements(relations, "Relationship"):
            is_inside = element.get("TargetMode") != "External"
            if is_inside and str(element.get("Type")).endswith(f"/{kind}"):
                place = _place(posixpath.join("/", folder, str(element.get("Target"))))
                found[str(element.get("Id")) if by_id else ""] = place
        return found

    def _elements(self, part: str, *names: str) -> Iterator[Any]:
        """The elements called so, whatever their name space; each is forgotten after its turn."""
        with self._open(part) as file:
            events = etree.iterparse(
                file, events=("end",), tag=[f"{{*}}{n}" for n in names], resolve_entities=False,
                no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
            )  # fmt: skip
            try:
                for number, (_, element) in enumerate(events):
                    if not number:  # a DTD stands before all elements
                        _refuse_dtd(element)
                    yield element
                    _forget(element)
            except etree.XMLSyntaxError as error:
                raise _malformed(f"{part}: {{}}", error.msg) from error
            if events.root is not None:
                _refuse_dtd(events.root)

    @contextmanager
    def _open(self, part: str) -> Iterator[IO[bytes]]:
        try:
            with self._archive.open(self._parts[part]) as file:
                yield file
        except BROKEN as error:
            raise _malformed(f"{part} can't be unpacked: {{}}", str(error)) from error


class _Texts:
    """The texts that cells share, end to end."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("q", [0])

    def add(self, text: str) -> None:
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))
        if len(self._bytes) > MAX_TEXT_BYTES:
            raise unsafe(f"it holds more than {MAX_TEXT_BYTES:,} bytes of text")

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self._ends) - 1:
            raise _malformed("a cell names text {}, which is not there", str(index))
        return self._bytes[self._ends[index] : self._ends[index + 1]].decode()


def number_format(number: int, code: str) -> NumberFormat:
    """What a format says; `number` is one that every workbook knows, or else `code` counts."""
    if number in DATES or number in TIMES:
        return NumberFormat(has_date=number in DATES, has_time=number in TIMES)
    code = code.split(";")[0]
    elapsed = re.search(r"\[(h+|m+|s+)\]", code, re.IGNORECASE)
    plain = re.sub(r'"[^"]*"|\[[^\]]*\]|[\\_*].', "", code).lower()
    if "e+" in plain or "e-" in plain:
        return NumberFormat(is_scientific=True)
    if plain == "general" or not (elapsed or re.search("[ymdhs]", plain)):
        zeros = len(plain) if re.fullmatch("0+", plain) else 0
        return NumberFormat(is_percent="%" in plain, zeros=zeros)
    has_time = bool(elapsed or re.search("[hs]", plain))
    # An m is a month unless it stands with hours or seconds.
    has_date = bool(re.search("[yd]", plain)) or not has_time
    return NumberFormat(has_date=has_date, has_time=has_time)


def _opened(file: IO[bytes]) -> zipfile.ZipFile:
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    if head == OLE2:
        raise FileRejected(
            Rejection.NOT_THIS_FORMAT,
            "an encrypted or an old .xls workbook; save it as .xlsx without password",
        )
    if not head.startswith(b"PK"):
        raise FileRejected(Rejection.NOT_THIS_FORMAT, "no workbook; ask for the export again")
    try:
        return zipfile.ZipFile(file)
    except BROKEN as error:
        raise FileRejected(
            Rejection.TRUNCATED, "the workbook was cut off: {}; ask for it again", str(error)
        ) from error


def _place(name: str) -> str:
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/").lower()


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _content(element: Any) -> tuple[str | None, bool]:
    """Value of a cell as the file spells it, and whether a formula gave it."""
    value: str | None = None
    is_formula = False
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name == "v":
            value = child.text
        elif name == "is":
            value = _text_of(child)
        elif name == "f":
            is_formula = True
    return value, is_formula


def _text_of(element: Any) -> str:
    """All runs of a text; how it is pronounced (rPh) does not belong to it."""
    if len(element) == 1 and len(element[0]) == 0:
        return _unescaped(element[0].text or "")
    runs = (t for t in element.iter("{*}t") if _local(t.getparent()) != "rPh")
    return _unescaped("".join(t.text or "" for t in runs))


def _unescaped(text: str) -> str:
    """Characters that XML can't hold are spelled _x000D_; half a character is none."""
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Columns(dict[str, int]):
    """Number of each column by its letters, from 0."""

    def __missing__(self, letters: str) -> int:
        number = 0
        for letter in letters:
            number = number * 26 + ord(letter) - 64
        if not 1 <= number <= MAX_COLUMNS or not letters.isalpha():
            raise _malformed("there is no column {}", repr(letters))
        return self.setdefault(letters, number - 1)


def _whole(text: str | None) -> int:
    if text is None or len(text) > 9 or not (text.isdigit() and text.isascii()):
        raise _malformed("{} where a number belongs", repr(text))
    return int(text)


def _malformed(what: str, quoted: str = "") -> FileRejected:
    return FileRejected(Rejection.MALFORMED, f"{what}; ask for the workbook again", quoted[:400])


def _refuse_dtd(element: Any) -> None:
    info = element.getroottree().docinfo
    if info.internalDTD is not None or info.doctype:
        raise FileRejected(
            Rejection.UNSAFE_XML, "a part of the workbook declares a DTD; save it anew from a spreadsheet"
        )


def _forget(element: Any) -> None:
    """Free what has been read: the element and its elder siblings."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
