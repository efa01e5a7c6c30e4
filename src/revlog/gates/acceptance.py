"""What an operator lets pass, with the reason kept."""

from __future__ import annotations

import datetime as dt

from revlog.contracts.contract import feeds
from revlog.database.actor import of_system
from revlog.database.connections import connect


def accept(feed: str, business_date: dt.date, reason: str) -> None:
    """Write to `ops.acceptances`; a second call for the same feed and date changes nothing.

    Raises ValueError where the feed is unknown or the reason empty.
    """
    if feed not in feeds():
        raise ValueError(f"unknown feed {feed!r}; there are {', '.join(feeds())}")
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the acceptance")
    with connect("transformer") as connection:
        connection.execute(
            "insert into ops.acceptances (feed, business_date, reason, accepted_by)"
            " values (%s, %s, %s, %s) on conflict (feed, business_date) do nothing",
            [feed, business_date, reason, of_system()],
        )
