"""XML, streamed by the children of the root. DTDs and entities are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

import numpy as np
import pyarrow as pa
from lxml import etree

from ingestion.contract import Contract, Layout
from ingestion.readers.chunk import CHUNK_ROWS, Chunk, Source
from ingestion.readers.encoding import refuse_other_formats
from ingestion.reasons import FileRejected, Rejection

MAX_RAW_TEXT = 10_000
Value = Callable[[etree._Element], str | None]


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the records of an XML file; raises FileRejected where it is broken or unsafe."""
    refuse_other_formats(source.scan.head, allowed=b"<?xml")
    if not source.scan.head.strip():
        raise FileRejected(Rejection.EMPTY_FILE, "the file has no content; ask for it again")
    try:
        with source.open() as file:
            yield from _XmlFile(contract.layouts[layout_name]).chunks(file)
    except etree.XMLSyntaxError as error:
        raise FileRejected(Rejection.MALFORMED, f"{error.msg}; ask for the file again") from error


class _XmlFile:
    """State of one pass."""

    def __init__(self, layout: Layout) -> None:
        self.tag = str(layout.record)
        self.values = {name: path_value(path) for name, path in layout.fields.items()}
        self.climbs = max(path.split("/").count("..") for path in layout.fields.values())
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
            if len(self.rows) >= CHUNK_ROWS:
                yield self._chunk(root or {})
        yield self._chunk(root or {})

    def _take(self, element: etree._Element) -> None:
        for record in element.iter(self.tag):
            self.rows.append([value(record) for value in self.values.values()])
            self.lines.append(record.sourceline or 0)
            self.texts.append(etree.tostring(record, encoding="unicode", with_tail=False))

    def _clear(self) -> None:
        self.rows: list[list[str | None]] = []
        self.lines: list[int] = []
        self.texts: list[str] = []

    def _chunk(self, root: dict[str, str]) -> Chunk:
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.values)
        arrays = [pa.array(list(column), pa.string()) for column in columns]
        texts = self.texts
        chunk = Chunk(
            pa.Table.from_arrays(arrays, names=list(self.values)),
            np.array(self.lines, dtype=np.int64),
            self.done + np.arange(1, len(self.rows) + 1, dtype=np.int64),
            lambda row: texts[row][:MAX_RAW_TEXT],
            root=root,
        )
        self.done += len(self.rows)
        self._clear()
        return chunk


def path_value(path: str) -> Value:
    """Compile a path from a record to its value: `..`, child tags, a last `@attribute`, or `.`."""
    *steps, last = path.split("/")

    def value(record: etree._Element) -> str | None:
        found: etree._Element | None = record
        for step in steps:
            if found is None:
                return None
            found = found.getparent() if step == ".." else found.find(step)
        if found is None:
            return None
        if last.startswith("@"):
            given = found.get(last[1:])
            return None if given is None else str(given)
        target = found if last == "." else found.find(last)
        return None if target is None else "".join(map(str, target.itertext())) or None

    return value


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
