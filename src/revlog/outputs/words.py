"""Small words of what people read."""

from __future__ import annotations


def how_many(count: int, noun: str) -> str:
    """A number with its noun, such as `1 file` or `1,200 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
