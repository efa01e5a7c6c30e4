"""Two nights that begin at once, without the lock that keeps them apart: no change may be lost."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from warehouse import build

DAY = dt.date(2026, 2, 1)


def test_a_build_is_not_closed_with_layers_that_belong_to_another(fresh_database: Path) -> None:
    first = build.begin(DAY)
    for layer in ("staging", "core"):
        build._note_done(first, layer)
    second = build.begin(DAY)
    build._note_done(second, "marts")
    with pytest.raises(build.NoBuildOpen, match="staging, core not built yet"):
        build.finish()
    for layer in ("staging", "core"):
        build._note_done(second, layer)
    assert f"build {second.build_id} " in build.finish()


def test_a_build_that_is_closed_stays_closed_however_often_asked(fresh_database: Path) -> None:
    only = build.begin(DAY)
    for layer in build.LAYERS:
        build._note_done(only, layer)
    assert build.finish() == build.finish()


def test_nothing_is_closed_before_a_build_begins(fresh_database: Path) -> None:
    with pytest.raises(build.NoBuildOpen, match="no build is open"):
        build.finish()
