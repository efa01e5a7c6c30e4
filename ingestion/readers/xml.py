"""XML, streamed by the children of the root. A DTD is refused before anything is parsed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from lxml import etree

from ingestion.contract import Contract, Layout
from ingestion.readers.chunk import CHUNK_ROWS, Chunk, Source
from ingestion.reasons import FileRejected, Rejection


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the records of an XML file; raises FileRejected where it is broken or unsafe."""
    layout = contract.layouts[layout_name]
    _refuse(source)
    try:
        with source.open() as file:
            yield from _records(file, layout)
    except etree.XMLSyntaxError as error:
        raise FileRejected(Rejection.MALFORMED, f"{error.msg}; ask for the file again") from error


def _refuse(source: Source) -> None:
    start = source.scan.head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise FileRejected(Rejection.EMPTY_FILE, "the file has no content; ask for it again")
    lowered = source.scan.head.replace(b"\x00", b"").lower()
    if b"<!doctype html" in lowered or b"<html" in lowered:
        raise FileRejected(Rejection.NOT_THIS_FORMAT, "an HTML page; ask for the export again")
    if b"<!doctype" in lowered or b"<!entity" in lowered:
        raise FileRejected(Rejection.UNSAFE_XML, "the file declares a DTD or entities")
    if not start.startswith(b"<") and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileRejected(Rejection.NOT_THIS_FORMAT, f"expected XML, found {start[:20]!r}")


def _records(file: object, layout: Layout) -> Iterator[Chunk]:
    events = etree.iterparse(
        file, events=("start", "end"), resolve_entities=False, no_network=True,
        load_dtd=False, huge_tree=False,
    )  # fmt: skip
    rows: list[list[str | None]] = []
    lines: list[int] = []
    done = depth = 0
    root: etree._Element | None = None
    paths = [etree.XPath(path) for path in layout.fields.values()]
    for event, element in events:
        if event == "start":
            root = element if root is None else root
            depth += 1
            continue
        depth -= 1
        if depth != 1:
            continue
        for record in element.iter(str(layout.record)):
            rows.append([_text(path(record)) for path in paths])
            lines.append(record.sourceline or 0)
        _forget(element)
        if len(rows) >= CHUNK_ROWS:
            yield _chunk(rows, lines, done, layout, root)
            done, rows, lines = done + len(rows), [], []
    if events.root is not None and events.root.getroottree().docinfo.internalDTD is not None:
        raise FileRejected(Rejection.UNSAFE_XML, "the file declares a DTD")
    yield _chunk(rows, lines, done, layout, root)


def _text(found: object) -> str | None:
    first = found[0] if isinstance(found, list) and found else None
    if first is None:
        return None
    return str(first) if isinstance(first, str) else (first.text or None)


def _forget(element: etree._Element) -> None:
    """Free what has been read: the element and its elder siblings."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _chunk(
    rows: list[list[str | None]], lines: list[int], done: int, layout: Layout,
    root: etree._Element | None,
) -> Chunk:  # fmt: skip
    columns = zip(*rows, strict=True) if rows else [[] for _ in layout.fields]
    table = pa.table(
        {n: pa.array(list(c), pa.string()) for n, c in zip(layout.fields, columns, strict=True)}
    )
    record_no = np.arange(done + 1, done + len(rows) + 1, dtype=np.int64)
    attributes = {str(k): str(v) for k, v in root.attrib.items()} if root is not None else {}
    return Chunk(table, np.array(lines, dtype=np.int64), record_no, root=attributes)
