"""A fault in a file that people write, with its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from revlog.config.settings import ROOT


@dataclass(frozen=True, order=True)
class Found:
    """One fault."""

    path: str
    line: int
    text: str

    @classmethod
    def of(cls, path: Path, line: int, text: str) -> Found:
        """A fault in a line of a file, whose path is told from the project on where it lies in it."""
        return cls(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path), line, text)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"
