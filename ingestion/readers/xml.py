"""XML, streamed by the children of the root. DTDs and entities are refused.

A column is there when some record has it, be it empty. Elements and attributes beside those that
`fields` names are extra columns, called by their path from the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

import numpy as np
import pyarrow as pa
from lxml import etree

from ingestion.contract import Contract
from ingestion.layout import Layout
from ingestion.readers.chunk import CHUNK_ROWS, BadRow, Chunk, Source
from ingestion.readers.encoding import refuse_other_formats
from ingestion.reasons import FileRejected, Reason, Rejection
from ingestion.withheld import WITHHELD_ROW

MAX_RAW_TEXT = 10_000
# Attributes such as xsi:nil and xml:lang tell of the XML, not of the row.
W3C = "{http://www.w3.org/"
Value = Callable[[etree._Element], str | None]


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the records of an XML file; raises FileRejected where it is broken or unsafe."""
    refuse_other_formats(source.scan.head, allowed=b"<?xml")
    if not source.scan.head.strip():
        raise FileRejected(Rejection.EMPTY_FILE, "the file has no content; ask for it again")
    try:
        with source.open() as file:
            yield from _XmlFile(contract, contract.layouts[layout_name]).chunks(file)
    except (etree.XMLSyntaxError, ValueError) as error:  # the latter for a name with a stray colon
        line = f"line {error.lineno}: " if isinstance(error, etree.XMLSyntaxError) else ""
        raise FileRejected(
            Rejection.MALFORMED, f"{line}{{}}; ask for the file again", str(error)[:400]
        ) from error


class RepeatedElementError(ValueError):
    """An element stands more than once where it can give one value only."""


class _XmlFile:
    """State of one pass."""

    def __init__(self, contract: Contract, layout: Layout) -> None:
        self.has_pii = contract.has_pii
        self.tag = str(layout.record)
        self.values = {name: path_value(path) for name, path in layout.fields.items()}
        self.climbs = max(path.split("/").count("..") for path in layout.fields.values())
        self.extras = _Extras(layout) if layout.extra_columns != "ignore" else None
        self.seen: dict[str, None] = {}
        self.done = 0
        self._clear()

    def chunks(self, file: IO[bytes]) -> Iterator[Chunk]:
        root: dict[str, str] | None = None
        depth = whole = 0
        for event, element in etree.iterparse(
            file, events=("start", "end"), resolve_entities=False, no_network=True,
            load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        ):  # fmt: skip
            if event == "start":
                depth += 1
                element.tag = etree.QName(element).localname
                if root is None:
                    _refuse_dtd(element)
                    root = {str(k): str(v) for k, v in element.attrib.items()}
                if element.tag == self.tag:
                    # The element in which every path of the record is complete.
                    whole = max(2, depth - self.climbs)
                continue
            if depth == whole:
                self._take(element)
                _forget(element)
            depth -= 1
            if len(self.rows) + len(self.bad) >= CHUNK_ROWS:
                yield self._chunk(root or {})
        yield self._chunk(root or {})

    def _take(self, element: etree._Element) -> None:
        for record in element.iter(self.tag):
            self.done += 1
            name = ""
            row: dict[str, str] = {}
            text = etree.tostring(record, encoding="unicode", with_tail=False)
            try:
                for name, value in self.values.items():
                    if (found := value(record)) is not None:
                        row[name] = found
            except RepeatedElementError as error:
                shown = WITHHELD_ROW if self.has_pii else text
                bad = BadRow(
                    record.sourceline or 0, self.done, Reason.REPEATED_ELEMENT, name, shown, str(error)
                )
                self.bad.append(bad)
                continue
            if self.extras is not None:
                row |= self.extras.of(record)
            self.rows.append(row)
            self.lines.append(record.sourceline or 0)
            self.numbers.append(self.done)
            self.texts.append(text)

    def _clear(self) -> None:
        self.rows: list[dict[str, str]] = []
        self.lines: list[int] = []
        self.numbers: list[int] = []
        self.texts: list[str] = []
        self.bad: list[BadRow] = []

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
            self.known.setdefault(climbs, set()).add(steps[climbs])
        self._around: dict[int, tuple[etree._Element, dict[str, str]]] = {}

    def of(self, record: etree._Element) -> dict[str, str]:
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

    def _of(self, element: etree._Element, level: int, branch: str) -> dict[str, str]:
        known = self.known.get(level, set())
        prefix = "../" * level
        given = {str(k): str(v) for k, v in element.attrib.items() if not str(k).startswith(W3C)}
        found = {f"{prefix}@{k}": v for k, v in given.items() if f"@{k}" not in known}
        for child in element:
            if child.tag not in known and child.tag not in (branch, self.tag):
                found[f"{prefix}{child.tag}"] = "".join(map(str, child.itertext())).strip()
        return found


def path_value(path: str) -> Value:
    """Compile a path from a record to its value: `..`, child tags, a last `@attribute`, or `.`.

    The value is None where the element is absent, and empty where it holds nothing. It raises
    RepeatedElementError where the element stands more than once.
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
        return None if target is None else "".join(map(str, target.itertext()))

    return value


def _only(element: etree._Element, tag: str) -> etree._Element | None:
    found = element.findall(tag)
    if len(found) > 1:
        raise RepeatedElementError(f"{tag} stands {len(found)} times")
    return found[0] if found else None


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
