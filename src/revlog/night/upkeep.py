"""Retention, erasure and vacuum; each may be repeated without harm."""

from __future__ import annotations

from revlog.night.errors import NightFailed
from revlog.night.stages import translated

OTHERS_MAY_VACUUM = 170_000


def erase(customers: list[str], reason: str) -> str:
    """Erase customers, given by the company's numbers or as `hash:` and a keyed hash, and uphold the others.

    Raises NightFailed where one is unknown; then none is erased.
    """
    from revlog.ingestion import erasure

    with translated():
        try:
            done = erasure.erase(customers, reason) if customers else []
            upheld = erasure.uphold()
        except erasure.NotErased as error:
            raise NightFailed(str(error)) from None
    told = [str(person) for person in done]
    if upheld is not None and upheld.erased.total():
        told.append(f"erased before, and back: {upheld}")
    return "\n".join(told) or "nobody is to be erased"


@translated()
def remove_old(keep_days: int) -> str:
    """Delete what was superseded (and built without) or quarantined more than `keep_days` ago.

    Of a superseded file's rows their identities go, too, also those of a feed whose contract has gone. The
    ledger keeps its counts: what was refused stays known, only the refused text goes.
    """
    from psycopg import sql

    from revlog.contracts.contract import IDENTITY
    from revlog.database import locks
    from revlog.ingestion.raw import tables

    superseded = identities = 0
    with locks.alone("maintainer", "retention") as connection:
        old = (
            "delete from {} where _file_id in ("
            "select file_id from ops.file_ledger where status = 'superseded'"
            " and finished_at < now() - make_interval(days => %s) and changed_seq <="
            " (select coalesce(max(to_seq), 0) from ops.builds where status = 'built'))"
        )
        for table, columns in tables(connection).items():
            if "_file_id" not in columns:
                continue
            delete = sql.SQL(old).format(sql.Identifier("raw", table))
            removed = connection.execute(delete, [keep_days]).rowcount
            if table.endswith(IDENTITY):
                identities += removed
            else:
                superseded += removed
        quarantined = connection.execute(
            "delete from ops.quarantine where quarantined_at < now() - make_interval(days => %s)", [keep_days]
        ).rowcount
    return (
        f"{superseded:,} superseded rows, {identities:,} of their identities"
        f" and {quarantined:,} quarantined rows removed"
    )


@translated()
def vacuum() -> str:
    """Vacuum and analyse every table of the warehouse."""
    from psycopg import sql

    from revlog.database.connections import connect

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
