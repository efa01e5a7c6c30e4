"""Time zones that mean the same on every machine."""

from __future__ import annotations

import zoneinfo
from functools import cache

# Names of the IANA database that stand for no place: the zone of this machine, and one of nowhere.
_NO_PLACE = {"localtime", "posixrules", "Factory"}


@cache
def zones() -> frozenset[str]:
    """Names of the IANA database, which mean the same on every machine."""
    return frozenset(zoneinfo.available_timezones() - _NO_PLACE)
