"""XML, streamed by the children of the root. DTDs and entities are refused.

A column is there when some record has it, be it empty. Elements and attributes beside those that
`fields` names are extra columns, called by their path from the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import IO

import numpy as np
import pyarrow as pa
from lxml import etree

from revlog.contracts.contract import Contract
from revlog.contracts.layout import Layout
from revlog.ingestion.chunk import CHUNK_CHARACTERS, CHUNK_ROWS, BadRow, Chunk, Source, size_of
from revlog.ingestion.readers.encoding import is_iso_8859, refuse_controls, refuse_other_formats
from revlog.values.reasons import FileRejected, Reason, Rejection
from revlog.values.withheld import WITHHELD_ROW

MAX_RAW_TEXT = 10_000
# What the file says of its encoding.
DECLARED = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
# What a message tells of the elements of a file without records.
TAGS_TOLD = 10
# A step to one of several; Excel's XML says at which place a cell stands where those before it are empty.
PLACE, LEFT_OUT = re.compile(r"(.+)\[([0-9]+)\]"), "{urn:schemas-microsoft-com:office:spreadsheet}Index"
# Attributes such as xsi:nil and xml:lang tell of the XML, not of the row.
W3C = "{http://www.w3.org/"
MANY = 100  # attributes of one element
Value = Callable[[etree._Element], str | None]


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the records of an XML file; raises FileRejected where it is broken or unsafe."""
    refuse_other_formats(source.scan.head, allowed=b"<?xml")
    if not source.scan.head.strip():
        raise FileRejected(Rejection.EMPTY_FILE, "the file has no content; ask for it again")
    try:
        with source.open() as file:
            yield from _XmlFile(contract, contract.layouts[layout_name], source.scan.head).chunks(file)
    except (etree.XMLSyntaxError, ValueError) as error:  # the latter for a name with a stray colon
        line = f"line {error.lineno}: " if isinstance(error, etree.XMLSyntaxError) else ""
        raise FileRejected(
            Rejection.MALFORMED, f"{line}{{}}; ask for the file again", str(error)[:400]
        ) from error


class UnfitElementError(ValueError):
    """What a path leads to can't give one value: the element stands more than once, or holds others."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class _XmlFile:
    """State of one pass."""

    def __init__(self, contract: Contract, layout: Layout, head: bytes) -> None:
        self.has_pii, self.layout = contract.has_pii, layout
        self.tag = str(layout.record)
        known = {_tag(path.split("/")[0]) for path in layout.fields.values()}
        self.values = {name: path_value(path, known) for name, path in layout.fields.items()}
        self.climbs = max(path.split("/").count("..") for path in layout.fields.values())
        self.extras = _Extras(layout) if layout.extra_columns != "ignore" else None
        self.seen: dict[str, None] = {}
        self.begun = self.done = 0
        self.others: dict[str, None] = {}
        # ISO 8859 has no characters at 0x80 to 0x9f.
        declared = DECLARED.match(head)
        self.encoding = declared[1].decode() if declared else ""
        self.is_one_byte = is_iso_8859(self.encoding)
        self._clear()

    def chunks(self, file: IO[bytes]) -> Iterator[Chunk]:
        root: dict[str, str] | None = None
        depth = whole = record = 0
        for event, element in etree.iterparse(
            file, events=("start", "end"), resolve_entities=False, no_network=True,
            load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        ):  # fmt: skip
            if event == "start":
                depth += 1
                element.tag = etree.QName(element).localname
                if root is None:
                    _refuse_dtd(element)
                    root = _attributes(element)
                elif not self.begun and len(self.others) < TAGS_TOLD:
                    self.others[str(element.tag)] = None
                if element.tag == self.tag:
                    self._begin(element, record)
                    record = depth
                    # The element in which every path of the record is complete; the root is no part of it.
                    whole = max(min(depth, 2), depth - self.climbs)
                continue
            if depth == record:
                record = 0
            if depth == whole:
                for found in element.iter(self.tag):
                    self._take(found)
                    if self.is_full:
                        yield self._chunk(root or {})
                _forget(element)
            depth -= 1
        self._refuse_lost(root or {})
        yield self._chunk(root or {})

    def _begin(self, element: etree._Element, record: int) -> None:
        self.begun += 1
        if record:
            raise FileRejected(
                Rejection.MALFORMED,
                f"line {element.sourceline}: a <{self.tag}> within another: which is a row, is not said; "
                "ask for the export again",
            )

    def _refuse_lost(self, root: dict[str, str]) -> None:
        """Raise FileRejected where records were passed over, or something else came in their place."""
        if self.begun != self.done:
            raise FileRejected(
                Rejection.MALFORMED,
                f"{self.begun:,} <{self.tag}> stand in the file, {self.done:,} could be read: they lie at "
                "different depths within what their fields climb to",
            )
        control = self.layout.control
        count = root.get(control.root_count or "", "") if control else ""
        is_empty_day = re.fullmatch("0+", count.strip())
        if not self.begun and self.others and not is_empty_day:
            raise FileRejected(
                Rejection.NOT_THIS_FORMAT,
                f"no <{self.tag}> in it, but <{'>, <'.join(self.others)}>; ask for the export again, or "
                "correct `record` in the layout",
            )

    @property
    def is_full(self) -> bool:
        """True where there are enough records for a chunk."""
        return len(self.rows) + len(self.bad) >= CHUNK_ROWS or self.held >= CHUNK_CHARACTERS

    def _take(self, record: etree._Element) -> None:
        self.done += 1
        name = ""
        row: dict[str, str] = {}
        text = etree.tostring(record, encoding="unicode", with_tail=False)
        if self.is_one_byte:
            refuse_controls(text, self.encoding)
        try:
            for name, value in self.values.items():
                if (found := value(record)) is not None:
                    row[name] = found
        except UnfitElementError as error:
            shown = WITHHELD_ROW if self.has_pii else text
            line = record.sourceline or 0
            self.bad.append(BadRow(line, self.done, error.reason, name, shown, str(error)))
            self.held += len(shown)
            return
        self.rows.append(row)
        self.unknown.append(self.extras.of(record) if self.extras else {})
        self.lines.append(record.sourceline or 0)
        self.numbers.append(self.done)
        self.texts.append(text)
        self.held += size_of(text, self.unknown[-1])

    def _clear(self) -> None:
        self.rows: list[dict[str, str]] = []
        self.unknown: list[dict[str, str | None]] = []
        self.lines: list[int] = []
        self.numbers: list[int] = []
        self.texts: list[str] = []
        self.bad: list[BadRow] = []
        self.held = 0

    def _chunk(self, root: dict[str, str]) -> Chunk:
        self.seen |= dict.fromkeys(name for row in self.rows for name in row)
        if self.rows and not self.seen:
            raise FileRejected(Rejection.HEADER, f"no <{self.tag}> has any of the columns of the layout")
        columns = {n: pa.array([row.get(n) or None for row in self.rows], pa.string()) for n in self.seen}
        texts = self.texts
        chunk = Chunk(
            pa.table(columns),
            np.array(self.lines, dtype=np.int64),
            np.array(self.numbers, dtype=np.int64),
            lambda row: texts[row][:MAX_RAW_TEXT],
            self.bad,
            root=root,
            extras=self.unknown,
        )
        self._clear()
        return chunk


class _Extras:
    """What a record and the elements around it hold beside the columns of the layout."""

    def __init__(self, layout: Layout) -> None:
        self.tag = str(layout.record)
        # By how far one has to climb: names of children and attributes that are columns.
        self.known: dict[int, set[str]] = {}
        for path in layout.fields.values():
            steps = path.split("/")
            climbs = steps.count("..")
            self.known.setdefault(climbs, set()).add(_tag(steps[climbs]))
        self._around: dict[int, tuple[etree._Element, dict[str, str | None]]] = {}

    def of(self, record: etree._Element) -> dict[str, str | None]:
        """Extra values of one record by their path."""
        found = self._of(record, 0, "")
        branch, around = record, record.getparent()
        for level in range(1, max(self.known) + 1):
            if around is None or around.getparent() is None:  # the root tells of the file
                break
            known = self._around.get(level)
            if known is None or known[0] is not around:
                known = (around, self._of(around, level, str(branch.tag)))
                self._around[level] = known
            found |= known[1]
            branch, around = around, around.getparent()
        return found

    def _of(self, element: etree._Element, level: int, branch: str) -> dict[str, str | None]:
        known = self.known.get(level, set())
        prefix = "../" * level
        given = {k: v for k, v in _attributes(element).items() if not k.startswith(W3C)}
        found: dict[str, str | None] = {f"{prefix}@{k}": v for k, v in given.items() if f"@{k}" not in known}
        for child in element:
            if child.tag not in known and child.tag not in (branch, self.tag):
                name = f"{prefix}{child.tag}"
                found[name] = _inner(child) if name not in found else f"{found[name]}{_inner(child)}"
        return found


def _attributes(element: etree._Element) -> dict[str, str]:
    """Attributes of an element by name; lxml searches for each value anew, which many make too slow."""
    if len(element.attrib) < MANY:
        return {str(k): str(v) for k, v in element.attrib.items()}
    return {str(found.attrname): str(found) for found in element.xpath("@*")}


def _inner(element: etree._Element) -> str:
    """Text of an element; where it holds others, its XML."""
    if len(element):
        return etree.tostring(element, encoding="unicode", with_tail=False).strip()
    return str(element.text or "").strip()


def path_value(path: str, known: Collection[str] = ()) -> Value:
    """Compile a path from a record to its value: `..`, child tags, a last `@attribute`, or `.`.

    The value is None where the element is absent, and empty where it holds nothing. It raises
    UnfitElementError where the element stands more than once or holds others; the record itself may hold
    the `known` ones, which other paths read.
    """
    *steps, last = path.split("/")

    def value(record: etree._Element) -> str | None:
        found: etree._Element | None = record
        for step in steps:
            if found is None:
                return None
            found = found.getparent() if step == ".." else _only(found, step)
        if found is None:
            return None
        if last.startswith("@"):
            given = found.get(last[1:])
            return None if given is None else str(given)
        target = found if last == "." else _only(found, last)
        return None if target is None else _own_text(target, known if last == "." else ())

    return value


def _own_text(element: etree._Element, known: Collection[str]) -> str:
    for child in element:
        if child.tag not in known or str(child.tail or "").strip():
            raise UnfitElementError(Reason.NESTED_VALUE, f"<{child.tag}> stands where one value belongs")
    return str(element.text or "")


def _tag(step: str) -> str:
    """The tag of a step, which may name one of several: `Cell[2]`."""
    return step.partition("[")[0]


def _only(element: etree._Element, tag: str) -> etree._Element | None:
    if place := PLACE.fullmatch(tag):
        return _at(element, place[1], int(place[2]))
    found = element.findall(tag)
    if len(found) > 1:
        raise UnfitElementError(Reason.REPEATED_ELEMENT, f"{tag} stands {len(found)} times")
    return found[0] if found else None


def _at(element: etree._Element, tag: str, wanted: int) -> etree._Element | None:
    """The child at a place, counted from 1; spreadsheets tell where they have left some out."""
    place = 0
    for child in element.iterchildren(tag):
        place = int(child.get(LEFT_OUT, place + 1))
        if place == wanted:
            return child
    return None


def _refuse_dtd(root: etree._Element) -> None:
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.doctype:
        raise FileRejected(
            Rejection.UNSAFE_XML, "the file declares a DTD; export it without DOCTYPE and entities"
        )


def _forget(element: etree._Element) -> None:
    """Free what has been read: the element and its elder siblings."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
