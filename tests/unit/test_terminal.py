"""`make night` on a terminal: no line is wider than it is, nothing is lost, and a log has lines whole."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from revlog.commands import night as commands
from revlog.night import stages
from revlog.night.errors import NightFailed
from revlog.outputs.terminal import fitted

WARNING = (
    "  warning  volume_low on erp_sales_lines: 1,204 rows where nights of this weekday had 3,100 to 3,800;"
    " look whether the export was cut e.g. file erp_sales_lines_2026-02-01.csv, 120 kB"
)
PAGE = "  Data Docs: /srv/" + "a_folder_with_a_long_name/" * 5 + "index.html"


def _night(date: str, tell: Callable[[str], object], full_refresh: bool) -> None:
    print("erp_sales_lines_2026-02-01.csv: 5,123,456 rows, 1,200 quarantined, 3 duplicate, none superseded")
    tell(
        "\n".join(
            ["Gate landed for 2026-02-01: 214 checks, 0 critical failed, 1 warning (1.2 s)", WARNING, PAGE]
        )
    )
    print("without an end of line", end="")
    raise NightFailed("the night of 2026-02-01 is held: " + "check, rows, file, line, owner, remedy; " * 5)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_of_a_night_is_wider_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "whole_night", _night)
    shown = CliRunner().invoke(commands.app, ["night", "2026-02-01"], env={"COLUMNS": str(width)})
    assert shown.exit_code == 1
    # A path has no place to break it at.
    assert [line for line in shown.output.splitlines() if len(line) > width and len(line.split()) > 1] == []
    told = "".join(shown.output.split())
    for text in (WARNING, PAGE, "3 duplicate, none superseded", "without an end of line", "owner, remedy;"):
        assert "".join(text.split()) in told
    # What goes on stands beneath its first line.
    first = next(n for n, line in enumerate(shown.output.splitlines()) if "volume_low" in line)
    assert shown.output.splitlines()[first + 1].startswith("    ") or width == 200


def test_a_log_has_its_lines_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "whole_night", _night)
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = CliRunner().invoke(commands.app, ["night", "2026-02-01"], env={"COLUMNS": None})
    assert WARNING in shown.output.splitlines() and PAGE in shown.output.splitlines()


def test_what_is_printed_afterwards_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.stdout, sys.stderr
    monkeypatch.setattr(stages, "whole_night", _night)
    CliRunner().invoke(commands.app, ["night", "2026-02-01"], env={"COLUMNS": "80"})
    assert (sys.stdout, sys.stderr) == before


def test_lines_are_broken_between_words_only() -> None:
    assert fitted("  one two-three four", 14) == "  one\n    two-three\n    four"
    assert fitted("  see " + "x" * 20, 14) == "  see\n    " + "x" * 20
