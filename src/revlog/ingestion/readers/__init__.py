"""One module a format: bytes to tables of text with line numbers.

A reader is a function `read(source, contract, layout_name) -> Iterator[Chunk]`. It decides nothing
about values; it refuses what is no readable file of its format and sets apart rows it can't split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from revlog.contracts.contract import Contract
from revlog.ingestion.chunk import Chunk, Source

Reader = Callable[[Source, Contract, str], Iterator[Chunk]]


def reader(file_format: str) -> Reader:
    """Return the reader of a format; a new format is a new module with a `read` function."""
    found: Reader = import_module(f"revlog.ingestion.readers.{file_format}").read
    return found
