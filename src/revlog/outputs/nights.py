"""How long what is written for each night is kept as files; the database keeps its own for longer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# Data Docs quote rows, so they don't outlive their use. Older nights stay in ops.validation_results.
KEPT_NIGHTS = 31


def too_old(nights: Iterable[Path]) -> list[Path]:
    """Of files or folders that bear the date of their night, those that are not kept any more."""
    return sorted(nights)[:-KEPT_NIGHTS]
