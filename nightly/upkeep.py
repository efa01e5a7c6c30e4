"""Retention, erasure and vacuum; each may be repeated without harm."""

from __future__ import annotations


def erase(customers: list[str]) -> str:
    """Delete the direct identifiers of `customers` (keyed hashes) and keep them from coming back."""
    from warehouse.connections import connect

    with connect("admin") as connection:
        for customer in customers:
            connection.execute(
                "insert into ops.erasures (customer_id, reason) values (%s, 'requested')"
                " on conflict (customer_id) do nothing",
                [customer],
            )
        done = connection.execute(
            "delete from raw.crm_customers_identity where customer_id in"
            " (select customer_id from ops.erasures)"
        )
    return f"{done.rowcount} identity rows deleted"


def remove_old(keep_days: int) -> str:
    """Delete what was superseded (and built without) or quarantined more than `keep_days` ago.

    The ledger keeps its counts: what was refused stays known, only the refused text goes.
    """
    from ingestion.contract import all_feeds
    from warehouse.connections import connect

    superseded = 0
    with connect("admin") as connection:
        old = (
            "select file_id from ops.file_ledger where status = 'superseded'"
            " and finished_at < now() - make_interval(days => %s) and changed_seq <="
            " (select coalesce(max(to_seq), 0) from ops.builds where status = 'built')"
        )
        for feed in all_feeds():
            done = connection.execute(f'delete from raw."{feed}" where _file_id in ({old})', [keep_days])
            superseded += done.rowcount
        quarantined = connection.execute(
            "delete from ops.quarantine where quarantined_at < now() - make_interval(days => %s)", [keep_days]
        ).rowcount
    return f"{superseded:,} superseded and {quarantined:,} quarantined rows removed"


def vacuum() -> str:
    """Vacuum and analyse the whole database."""
    from warehouse.connections import connect

    with connect("admin", autocommit=True) as connection:
        connection.execute("vacuum (analyze, skip_locked)")
    return "vacuumed"
