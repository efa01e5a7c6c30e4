"""Splitting delimited text, held against Python's own csv module."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revlog.contracts.layout import Layout
from revlog.ingestion.readers.encoding import Decoder
from revlog.ingestion.readers.records import Block, Splitter
from revlog.values.reasons import FileRejected

LAYOUT = Layout(file="{date}", format="csv")
VALUES = st.text(alphabet='ab",\n€', max_size=6)
TABLES = st.lists(st.lists(VALUES, min_size=2, max_size=2), min_size=1, max_size=8)


def _split(data: bytes, block_bytes: int) -> list[tuple[int, str]]:
    """Line and text of each record, read in blocks as the reader does."""
    splitter, line, found = Splitter(LAYOUT), 1, []
    file = io.BytesIO(data)
    rest = file.read(block_bytes)
    while rest:
        more = file.read(block_bytes)
        used, block = splitter.split(rest, line, at_end=not more)
        line += rest.count(b"\n", 0, used)
        found += [(int(block.lines[i]), block.text(i)) for i in range(len(block))]
        rest = rest[used:] + more
    return found


@given(TABLES, st.integers(min_value=1, max_value=40))
def test_records_are_those_of_the_csv_module_whatever_the_block(
    rows: list[list[str]], block_bytes: int
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    content = text.getvalue()
    lines, numbers = csv.reader(io.StringIO(content, newline="")), []
    before = 0
    for _ in lines:
        numbers.append(before + 1)
        before = lines.line_num
    found = _split(content.encode(), block_bytes)
    assert [line for line, _ in found] == numbers
    assert [next(csv.reader(io.StringIO(t, newline=""))) for _, t in found] == rows


@pytest.mark.parametrize(
    "data",
    [b'a,"b\nc,d\n', b'a,b\n"c', b'a,"b\nc,"d",e\n', b'a,"b""\nc,d\n'],
)
def test_a_quote_that_runs_on_is_refused(data: bytes) -> None:
    with pytest.raises(FileRejected, match="truncated"):
        _split(data, 1000)


def test_an_endless_record_is_refused_without_reading_on() -> None:
    with pytest.raises(FileRejected, match="longer than a megabyte"):
        _split(b"x" * (4 << 20), 1 << 20)


def test_offsets_move_along_when_the_encoding_does() -> None:
    data = "ä,1\nöö,2\nx,3\n".encode("latin-1")
    _, block = Splitter(LAYOUT).split(data, 1, at_end=True)
    decoded = block.decoded(Decoder("latin-1"))
    assert [decoded.text(i) for i in range(3)] == ["ä,1", "öö,2", "x,3"]


def test_offsets_move_along_where_characters_grow_unevenly() -> None:
    data = "€,1\nä,2\nx,3\n".encode("cp1252")
    _, block = Splitter(LAYOUT).split(data, 1, at_end=True)
    decoded = block.decoded(Decoder("cp1252"))
    assert [decoded.text(i) for i in range(3)] == ["€,1", "ä,2", "x,3"]


def test_utf8_under_a_one_byte_encoding_is_noticed() -> None:
    decoder = Decoder("latin-1")
    decoder.utf8("grün".encode())
    with pytest.raises(FileRejected, match="UTF-8"):
        decoder.finish()


def test_an_empty_block_has_no_records() -> None:
    used, block = Splitter(LAYOUT).split(b"no end yet", 1, at_end=False)
    assert (used, len(block)) == (0, 0)
    assert isinstance(block, Block)
