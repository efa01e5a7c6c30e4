"""The base of every error that says no."""

from __future__ import annotations


class Refusal(RuntimeError):
    """What was asked for is not done; the message says why, and what to do: people need no traceback."""
