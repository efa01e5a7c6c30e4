"""What a terminal shows: lines as wide as it is, so that none is broken in the middle of a word or cut."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import TextIO

# Below this nothing is to be read anyhow.
LEAST = 40


def terminal_width() -> int | None:
    """Columns of the terminal, or what COLUMNS says; None where the text goes to a file or a log."""
    if not (os.environ.get("COLUMNS") or sys.stdout.isatty()):
        return None
    return max(shutil.get_terminal_size().columns, LEAST)


def fitted(line: str, width: int | None, hanging: int = 2) -> str:
    """A line broken between words at `width`, further lines `hanging` deeper; whole where there is none.

    A word alone that is wider, such as a path, stays whole, so that it can be copied: the terminal breaks it.
    """
    if width is None or len(line) <= width:
        return line
    indent = min(len(line) - len(line.lstrip()) + hanging, width // 2)
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


@contextlib.contextmanager
def within_the_terminal() -> Iterator[None]:
    """Whatever is printed meanwhile fits the terminal, whoever prints it."""
    if (width := terminal_width()) is None:
        yield
        return
    out, err = _Fitted(sys.stdout, width), _Fitted(sys.stderr, width)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            yield
        finally:
            out.end()
            err.end()


class _Fitted(io.TextIOBase):
    """Passes on whole lines, fitted."""

    def __init__(self, to: TextIO, width: int) -> None:
        self.to, self.columns, self.rest = to, width, ""

    def write(self, text: str) -> int:
        """Keep what has no end of line yet."""
        *whole, self.rest = (self.rest + text).split("\n")
        for line in whole:
            self.to.write(fitted(line, self.columns) + "\n")
        return len(text)

    def flush(self) -> None:
        """Show what is whole."""
        self.to.flush()

    def isatty(self) -> bool:
        """As what is behind it: colours stay."""
        return self.to.isatty()

    def end(self) -> None:
        """Show what has no end of line."""
        if self.rest:
            self.to.write(fitted(self.rest, self.columns))
        self.rest = ""
        self.to.flush()
