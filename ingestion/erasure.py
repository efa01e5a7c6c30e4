"""Erasing a customer's direct identifiers, so that it holds after a full replay of the old files."""

from __future__ import annotations

from psycopg import sql

from ingestion.contract import all_feeds, load_contract
from ingestion.pseudonym import pseudonym
from ingestion.raw import identity_table
from warehouse import locks
from warehouse.connections import connect
from warehouse.settings import settings


def erase(source_customer_id: str, reason: str) -> int:
    """Delete name, e-mail and telephone of a customer and never store them again.

    `source_customer_id` is the number in the source system. Purchases and returns stay under the
    keyed hash, which then leads to nobody. Runs as the administrator; waits for loads of the feeds
    with identifiers. Returns how many rows were deleted; any number of calls has the same end.
    """
    hashed = pseudonym(source_customer_id, settings().customer_key)
    deleted = 0
    with connect("admin") as connection:
        for feed in feeds_with_identifiers():
            # A load that has read the list of erasures before would write the identifiers again.
            locks.take(connection, locks.feed(feed), tell=print)
            found = connection.execute(
                sql.SQL("delete from {} where customer_id = %s").format(
                    sql.Identifier("raw", identity_table(feed))
                ),
                [hashed],
            )
            deleted += found.rowcount
        connection.execute(
            "insert into ops.erasures (customer_id, reason) values (%s, %s) on conflict do nothing",
            [hashed, reason],
        )
    return deleted


def feeds_with_identifiers() -> list[str]:
    """Feeds that bring direct identifiers."""
    return [feed for feed in all_feeds() if load_contract(feed).direct_identifiers]
