"""What stands in place of personal data, in refused rows and in messages."""

from __future__ import annotations

import re

WITHHELD = "[withheld]"
WITHHELD_ROW = "[withheld: personal data; see file and line]"
MAX_SHAPE = 40


def shape(text: str) -> str:
    """The text with `a` for each letter and `9` for each digit: how it is written, not what it says."""
    return re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "a", text[:MAX_SHAPE]))
