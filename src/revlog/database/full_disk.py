"""A full disk, in the words of the server, of dbt and of Python: trying again helps once there is room."""

from __future__ import annotations

import errno
import re

WORDS = re.compile(r"No space left on device|Disk quota exceeded|wrote only \d+ of \d+ bytes")
# disk_full among PostgreSQL's error codes: the words are those of the server's language.
CODE = "53100"


def is_full(error: BaseException | str) -> bool:
    """True where the error, or what a program said, comes of a full disk."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    driver = getattr(error, "orig", error)
    codes = getattr(driver, "sqlstate", None), getattr(driver, "pgcode", None)
    return CODE in codes or WORDS.search(str(error)) is not None


def told(said: object, whose: str = "the database server's disk") -> str:
    """What was said, behind what it means and what to do."""
    return f"{whose} is full; free space there, then run the task again. {said}"
