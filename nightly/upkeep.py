"""Retention, erasure and vacuum; each may be repeated without harm."""

from __future__ import annotations

OTHERS_MAY_VACUUM = 170_000


def erase(customers: list[str]) -> str:
    """Delete the direct identifiers of `customers` (keyed hashes) and keep them from coming back."""
    from warehouse.connections import connect

    with connect("maintainer") as connection:
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
    with connect("maintainer") as connection:
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
    """Vacuum and analyse every table of the warehouse."""
    from psycopg import sql

    from warehouse.connections import connect

    with connect("maintainer", autocommit=True) as connection:
        if connection.info.server_version < OTHERS_MAY_VACUUM:
            return "left to autovacuum: before PostgreSQL 17 only the owner of a table may vacuum it"
        tables = connection.execute(
            "select schemaname, relname from pg_stat_user_tables"
            " where has_table_privilege(relid, 'MAINTAIN') order by 1, 2"
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(*table) for table in tables)
        connection.execute(sql.SQL("vacuum (analyze, skip_locked) {}").format(names))
    return f"{len(tables)} tables vacuumed"
