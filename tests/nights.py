"""Nights that a test judges in place of the gates."""

from __future__ import annotations

import datetime as dt

from revlog.builds import judged
from revlog.database.connections import connect
from revlog.transform import build


def passes(build_id: int, gate: str) -> None:
    """Say yes in a gate's place."""
    with judged.step(build_id, f"gate {gate}"):
        pass


def begin(date: dt.date, full_refresh: bool = False) -> int:
    """Open a build whose landed gate said yes."""
    build_id = build.begin(date, full_refresh).build_id
    passes(build_id, "landed")
    return build_id


def run_layers(build_id: int) -> None:
    """Build every layer, and say yes to each."""
    for layer in build.LAYERS:
        build.run_layer(build_id, layer)
    passes(build_id, "core")
    passes(build_id, "publish")


def build_night(date: dt.date, full_refresh: bool = False) -> int:
    """A whole build, judged good and finished."""
    build_id = begin(date, full_refresh)
    run_layers(build_id)
    judged.finish(build_id)
    return build_id


def finished_build(date: dt.date, full_refresh: bool = False) -> int:
    """The books of a build that was judged good and finished, without anything that it built."""
    with connect("admin") as connection:
        row = connection.execute(
            "insert into ops.builds (run_date, business_date, from_seq, to_seq, status, is_full_refresh)"
            " values (%s, %s, 0, 0, 'built', %s) returning build_id",
            [date, date, full_refresh],
        ).fetchone()
        assert row is not None
        for step in judged.STEPS:
            connection.execute(
                "insert into ops.build_steps (build_id, step, to_seq, outcome) values (%s, %s, 0, 'good')",
                [row[0], step],
            )
    return int(row[0])


def newest() -> int:
    """Number of the newest build."""
    with connect("auditor") as connection:
        row = connection.execute("select max(build_id) from ops.builds").fetchone()
    assert row is not None
    return int(row[0])
