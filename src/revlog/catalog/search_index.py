"""What the pages' search looks through: one entry a table, column, KPI, code and reader."""

from __future__ import annotations

from collections.abc import Iterator

from revlog.catalog.book import LAYERS, Book, Table
from revlog.outputs import escaping

Entry = dict[str, str]


def entries(book: Book) -> list[Entry]:
    """Entries with name, kind, place (a column's table), url and text; a KPI has its other names, too."""
    return [*_kpis(book), *(e for table in book.tables.values() for e in _table(table)), *_readers(book)]


def script(found: list[Entry]) -> str:
    """The entries as JavaScript: a page opened from disk may not fetch, but may load a script."""
    return f"window.DICTIONARY = {escaping.script(found)};\n"


def _entry(name: str, kind: str, place: str, url: str, text: str) -> Entry:
    return {"name": name, "kind": kind, "place": place, "url": url, "text": text[:160]}


def _kpis(book: Book) -> Iterator[Entry]:
    for kpi in book.kpis.values():
        found = _entry(kpi.name, "KPI", kpi.title, kpi.url, kpi.definition["question"])
        yield found | {"also": kpi.definition.get("also_called", "")}


def _table(table: Table) -> Iterator[Entry]:
    kind = LAYERS[table.layer]
    yield _entry(table.full_name, kind, table.title, table.url, table.description)
    for column in table.columns.values():
        yield _entry(column.name, "Column", table.full_name, f"{table.url}#{column.name}", column.description)
    if table.rows and table.layer == "codes":
        for number, row in enumerate(table.rows, start=1):
            yield _entry(
                next(iter(row.values())), "Code", table.title, f"{table.url}#row-{number}",
                ", ".join(list(row.values())[1:]),
            )  # fmt: skip


def _readers(book: Book) -> Iterator[Entry]:
    for reader in book.readers:
        yield _entry(reader.title, "Reader", reader.owner, f"readers.html#{reader.name}", reader.description)
