"""What `make run` prints at its end: figures in one piece, whatever the terminal's width."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from revlog.reports import summary
from revlog.reports.figures import Figures
from revlog.reports.reconciliation import Reconciliation

DAY = dt.date(2026, 2, 1)
LONG = "Share of the goods' value that refurbishing, resale and vendors' credits won back"
FIGURES = ("1,234,567,890.12", "9,876,543,210.98", "12.50 EUR", "7,654,321", "12,345,678", "10,203,040")


def _figures() -> Figures:
    kpi = {
        "title": LONG, "basis": "SNAPSHOT", "currency": "EUR", "unit": "currency",
        "numerator": Decimal("1234567890.12"), "denominator": Decimal("9876543210.98"),
        "ratio": Decimal("12.50"),
    }  # fmt: skip
    young = {**kpi, "title": "Young", "numerator": None, "denominator": None, "ratio": None}
    files = {
        "source": "erp", "files": 7654321, "refused": 0, "duplicate_files": 0, "loaded": 12345678,
        "quarantined": 0, "duplicate": 10203040,
    }  # fmt: skip
    checks = {"stage": "publish", "engine": "gx", "checks": 7654321, "failed": 0, "warned": 0}
    times = [
        {"business_date": DAY, "step": step, "seconds": 7654321.0} for step in ("core", "working", "night")
    ]
    return Figures(None, [files], [kpi, young], None, [], [checks], [], times)


def _reconciliation() -> Reconciliation:
    exceptions = [
        {
            "class": f"CLASS_{number}", "gap": "E-M", "currency": "EUR",
            "status": "open" if number else "explained",
            "next_action": "", "items": 1000 + number, "amount": Decimal(1), "reporting": Decimal(1 + number),
        }
        for number in range(11)
    ]  # fmt: skip
    patterns = [{"pattern_name": "all", "groups": 1000, "reconciled": 900, "explained": 60, "waiting": 15}]
    return Reconciliation(None, [], [], exceptions, [], patterns)


def _printed(width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(summary, "read_figures", _figures)
    monkeypatch.setattr(summary, "read_reconciliation", _reconciliation)
    monkeypatch.setattr(summary, "read_ahead", list)
    monkeypatch.setattr(summary, "_next", lambda console, figures: None)
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    summary.print_summary(console, seconds=12.0, did_work=True)
    printed = console.file.getvalue()
    assert isinstance(printed, str)
    return printed


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_figure_breaks_over_two_lines(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed(width, monkeypatch)
    assert [figure for figure in FIGURES if figure not in printed] == []
    assert [line for line in printed.splitlines() if len(line) > width] == []


def test_figures_stand_below_each_other_by_their_last_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (
        next(line for line in _printed(100, monkeypatch).splitlines() if f" CLASS_{number} " in line)
        for number in (10, 9)
    )
    assert first.index("1,010") == second.index("1,009")
    narrow = io.StringIO()
    table = summary._table("Figures", "of what", "value")
    for figure in ("1,000,000.00 EUR", "5.6%"):
        summary._row(table, "some words", figure)
    summary._show(Console(file=narrow, width=20, force_terminal=False), table)
    lines = [line.rstrip() for line in narrow.getvalue().splitlines()]
    ends = [line for line in lines if line.endswith(("1,000,000.00 EUR", "5.6%"))]
    assert [len(line) for line in ends] == [len(ends[0])] * 2


def test_without_a_terminal_nothing_breaks_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert [figure for figure in FIGURES if figure not in _printed(80, monkeypatch)] == []


def test_a_kpi_without_final_days_has_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    young = next(line for line in _printed(100, monkeypatch).splitlines() if "Young" in line)
    assert young.split() == ["Young", "SNAPSHOT", "–", "–", "–"]


def test_a_long_list_of_classes_shows_the_largest_and_how_many_more(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed(80, monkeypatch)
    assert "CLASS_10 " in printed and "CLASS_3 " in printed and "CLASS_2 " not in printed
    # 1,000 + 1,001 + 1,002
    assert "and 3 more classes with 3,003 items" in printed
    assert "900 of 1,000 groups agree to the cent (90.0%)" in printed
    assert "  60 more differ for a known reason that asks for nothing:" in printed
    assert "\n  CLASS_0;\n  15 wait for a leg that is not late yet (97.5% with all these);" in printed
    assert "\n  25 have to be looked at (2.5%)." in printed


@pytest.mark.parametrize(
    ("behind", "refused", "first"),
    [
        ([], 0, "look at the night"),
        ([{"domain": "finance", "business_date": DAY}], 0, "see what has to be done"),
        ([], 2, "see what has to be done"),
    ],
)
def test_the_summary_ends_with_three_things_to_do(
    behind: list[dict[str, object]], refused: int, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path / "var"))
    figures = _figures()
    figures.files[0]["refused"] = refused
    figures.behind.extend(behind)
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    summary._next(console, figures)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    numbered = [line for line in lines if line[:5].strip().isdigit()]
    assert [line.split()[0] for line in numbered] == ["1", "2", "3"]
    assert numbered[0].split("  ")[2].strip() == first
    assert any(line.endswith(" var/reports/scorecard.html") for line in numbered)
    assert [line for line in lines if len(line) > 80] == []
