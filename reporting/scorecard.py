"""One self-contained page with the four KPIs, the reconciliation and the run's health."""

from __future__ import annotations

import html
from decimal import Decimal
from pathlib import Path
from typing import Any

from reporting.figures import Figures, counted, read_figures, shown, step_times
from warehouse.settings import settings

STYLE = """
:root{--ink:#1d2733;--soft:#64748b;--line:#e2e8f0;--paper:#fff;--ground:#f6f8fb;--accent:#0f766e;
--warn:#b45309;--bad:#b91c1c}
@media (prefers-color-scheme:dark){:root{--ink:#e5e9f0;--soft:#94a3b8;--line:#2b3648;--paper:#161e2b;
--ground:#0e141d;--accent:#2dd4bf;--warn:#f59e0b;--bad:#f87171}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}main{max-width:1120px;margin:auto;padding:28px 20px 60px}
h1{font-size:24px;margin:0}h2{font-size:16px;margin:34px 0 10px}.soft{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:14px;margin-top:22px}
.card{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:16px}
.card b{display:block;font-size:30px;line-height:1.2;margin:4px 0}.card small{color:var(--soft)}
svg{width:100%;height:54px;margin-top:8px;display:block}
table{border-collapse:collapse;width:100%;background:var(--paper);border:1px solid var(--line);
border-radius:10px;overflow:hidden}th,td{padding:7px 12px;text-align:right;
border-top:1px solid var(--line);font-variant-numeric:tabular-nums}th{color:var(--soft);font-weight:500;
border-top:0}th:first-child,td:first-child{text-align:left}.open,.held{color:var(--warn)}
.failed{color:var(--bad)}.ends{display:flex;justify-content:space-between}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(340px,1fr));gap:22px}
"""


def write_scorecard() -> Path:
    """Write `reports/scorecard.html` and return its path."""
    path = settings().var / "reports" / "scorecard.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(read_figures()), encoding="utf-8")
    return path


def page(figures: Figures) -> str:
    """The page as HTML; every text from the data is escaped."""
    night = figures.night or {}
    cards = "".join(_card(row, figures) for row in figures.kpis)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>Reverse logistics scorecard</title><style>{STYLE}</style><main>"
        f"<h1>Reverse logistics scorecard</h1><div class=soft>{_origin(night)}</div>"
        f"<div class=cards>{cards}</div>"
        f"<h2>Refund reconciliation</h2>{_agreement(figures)}{_classes(figures)}"
        f"<div class=two><section><h2>Where returns are</h2>{_statuses(figures)}</section>"
        f"<section><h2>Checks of the last night</h2>{_checks(figures)}</section></div>"
        f"<h2>Files</h2>{_files(figures)}"
        f"<div class=two><section><h2>In quarantine</h2>{_quarantine(figures)}</section>"
        f"{_times(figures)}</div><p class=soft>A dashed line: months whose ratio may still change."
        "</p>"
        "</main></html>"
    )


def _origin(night: dict[str, Any]) -> str:
    return (
        f"Business date {_text(night.get('business_date'))}"
        f" · publication {_text(night.get('publication_id'))}"
        f" · code {_text(str(night.get('code_version', ''))[:10])}"
    )


def _text(value: Any) -> str:
    return html.escape("–" if value is None else str(value))


def _card(row: dict[str, Any], figures: Figures) -> str:
    money = f" {row['currency']}" if "currency" in row["unit"] else ""
    hours = " h" if row["unit"].startswith("hours") else ""
    extra = ""
    if row["kpi"] == "return_cycle_time" and figures.cycle:
        p50, p90 = figures.cycle["p50_hours"], figures.cycle["p90_hours"]
        extra = f"<small> · p50 {_text(p50)} h · p90 {_text(p90)} h</small>"
    points = [
        t
        for t in figures.trend
        if t["kpi"] == row["kpi"] and t["basis"] == row["basis"] and t["ratio"] is not None
    ]
    return (
        f"<div class=card><span>{_text(row['title'])}</span> <small>{_text(row['basis'])}</small>"
        f"<b>{_text(shown(row['ratio'], row['unit']) + money + hours)}</b>"
        f"<small>{counted(row['numerator'])} / {counted(row['denominator'])}</small>{extra}"
        f"{_sparkline(points)}</div>"
    )


def _sparkline(points: list[dict[str, Any]]) -> str:
    """Monthly ratios as a line from zero to their highest; dashed once a month may still change."""
    if len(points) < 2:
        return ""
    top = max(float(p["ratio"]) for p in points) or 1
    step = 300 / (len(points) - 1)
    path = [f"{n * step:.1f},{50 - 46 * float(p['ratio']) / top:.1f}" for n, p in enumerate(points)]
    open_months = (n for n, p in enumerate(points) if not p["is_mature"])
    ripe = next(open_months, len(points))
    first, last = (f"{p['month']:%b %Y}" for p in (points[0], points[-1]))
    return (
        f"<svg viewBox='0 0 300 54' preserveAspectRatio=none role=img aria-label='by month'>"
        "<line x1=0 x2=300 y1=50 y2=50 stroke='var(--line)'/>"
        f"{_line(path[:ripe], '')}{_line(path[max(ripe - 1, 0) :], '4 4')}</svg>"
        f"<small class=ends><span>{first}</span><span>{last}</span></small>"
    )


def _line(path: list[str], dashes: str) -> str:
    return (
        f"<polyline points='{' '.join(path)}' fill=none stroke='var(--accent)' stroke-width=2 "
        f"stroke-dasharray='{dashes}' vector-effect=non-scaling-stroke />"
    )


def _agreement(figures: Figures) -> str:
    groups = sum(r["groups"] for r in figures.patterns)
    agreed = sum(r["reconciled"] for r in figures.patterns)
    return f"<p>{agreed:,} of {groups:,} groups agree to the cent in every leg.</p>"


def _rows(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{_text(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _classes(figures: Figures) -> str:
    rows = [
        [
            _text(r["class"]), _text(r["currency"]), f"{r['items']:,}", _cents(r["entitlement_amount"]),
            _cents(r["cash_amount"]),
            f"<span class={_text(r['status'])}>{_text(r['status'])}</span>",
        ]
        for r in figures.classes
    ]  # fmt: skip
    head = ["Class", "Currency", "Items", "Entitled − credited", "Credited − paid", "Status"]
    return _rows(head, rows)


def _cents(amount: Decimal) -> str:
    return f"{amount:,.2f}" if amount else ""


def _times(figures: Figures) -> str:
    nights, rows = step_times(figures)
    if not nights:
        return ""
    cells = [[_text(step), *(f"{taken:,.1f}" for taken in seconds)] for step, seconds in rows]
    return f"<section><h2>Seconds per step</h2>{_rows(['Step', *nights], cells)}</section>"


def _quarantine(figures: Figures) -> str:
    rows = [[_text(r["feed"]), _text(r["reason"]), f"{r['rows']:,}"] for r in figures.quarantine]
    if not rows:
        return "<p class=soft>No row is in quarantine.</p>"
    return _rows(["Feed", "Reason", "Rows"], rows)


def _statuses(figures: Figures) -> str:
    rows = [[_text(r["status"]), f"{r['lines']:,}", f"{r['overdue']:,}"] for r in figures.statuses]
    return _rows(["Status", "Lines", "Overdue"], rows)


def _checks(figures: Figures) -> str:
    rows = [
        [
            _text(f"{r['stage']} ({r['engine']})"),
            f"{r['checks']:,}",
            f"{r['failed']:,}",
            f"{r['warned']:,}",
        ]
        for r in figures.checks
    ]
    return _rows(["Stage", "Checks", "Failed", "Warnings"], rows)


def _files(figures: Figures) -> str:
    rows = [
        [
            _text(r["source"].upper()), f"{r['files']:,}", f"{r['refused']:,}", f"{r['loaded']:,}",
            f"{r['quarantined']:,}", f"{r['duplicate']:,}",
        ]
        for r in figures.files
    ]  # fmt: skip
    return _rows(["Source", "Files", "Refused", "Rows loaded", "Quarantined", "Duplicate"], rows)
