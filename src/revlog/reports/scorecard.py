"""One self-contained page for the morning: each reader's first question, then KPIs and the night's health.

Everyone may open it: what only finance may see is on a page of its own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from revlog.companies.company import profile
from revlog.config.settings import settings
from revlog.outputs.files import FOR_ALL, write_text
from revlog.reports import kpi_series, nights, product_changes
from revlog.reports.kpi_cards import KpiCards, figures_of
from revlog.reports.leads import many, with_since
from revlog.reports.night_work import work_of
from revlog.reports.nights import Night
from revlog.reports.page import render
from revlog.reports.scorecard_leads import leads_of
from revlog.reports.scorecard_rows import ScorecardRows, read_scorecard_rows
from revlog.reports.scorecard_tables import drawings, tables

PARTS = (
    ("ahead", "What next"),
    ("operations", "Operations"),
    ("product", "Product"),
    ("service", "Customer service"),
    ("compliance", "Compliance"),
    ("finance", "Finance"),
    ("engineering", "Data engineering"),
)


@dataclass(frozen=True)
class Beside:
    """Pages of others, seen from this one; empty where there are none.

    The dictionary is led to before it is there, since `make docs` may write it after this page.
    """

    dictionary: str = ""
    has_dictionary: bool = True
    data_docs: str = ""


def write_scorecard() -> Path:
    """Write `reports/scorecard.html` and return its path; raises NotWritten."""
    path = settings().var / "reports" / "scorecard.html"
    rows = read_scorecard_rows()
    date = rows.figures.night["business_date"] if rows.figures.night else None
    night = nights.before(path, date)
    text, figures = made(rows, night, profile().targets, _beside(path))
    nights.keep(path, date, figures, FOR_ALL)
    return write_text(path, text)


def page(rows: ScorecardRows) -> str:
    """The page of a night without one before it."""
    return made(rows, Night(), {}, Beside())[0]


def made(
    rows: ScorecardRows, night: Night, targets: dict[str, Decimal], beside: Beside
) -> tuple[str, dict[str, str]]:
    """The page as HTML, where every text from the data is escaped, and its figures by their names."""
    figures = rows.figures
    audiences = dict(kpi_series.groups(rows.definitions, rows.days)) if figures.night else {}
    changed = product_changes.changes(rows.cohorts)
    work = work_of(rows.work)
    leads = [with_since(lead, night) for lead in leads_of(rows, audiences, changed, work)]
    cards = KpiCards(rows.slices, night, targets, beside.dictionary, figures.cycle, beside.has_dictionary)
    text = render(
        "scorecard.html",
        title="Scorecard",
        parts=PARTS,
        night=figures.night,
        made_at=dt.datetime.now(dt.UTC),
        state=_state(rows),
        leads=leads,
        ahead=rows.ahead,
        audiences=audiences,
        cards=cards,
        since=night.date,
        tables=tables(rows, changed, audiences, work),
        charts=drawings(rows, work),
        work=work,
        statuses=figures.statuses,
        checks=figures.checks,
        set_apart=figures.set_apart,
        has_changes=bool(changed),
        data_docs=beside.data_docs,
    )
    kept = {figure.name: str(figure.value) for lead in leads for figure in lead.figures}
    return text, kept | figures_of(audiences)


def _beside(page_: Path) -> Beside:
    """The dictionary, and the list of nights in Data Docs: each night writes it anew, the last one first."""
    has_dictionary = (page_.parent.parent / "pages" / "kpis.html").exists()
    has_docs = (page_.parent / "data_docs" / "index.html").exists()
    return Beside("../pages/", has_dictionary, "data_docs/index.html" if has_docs else "")


def _state(rows: ScorecardRows) -> dict[str, str]:
    """Whether readers see the last night, in words."""
    night = rows.figures.night
    came = rows.begun
    if night is None:
        return {"kind": "warn", "text": "No night has been published"}
    if came and came > night["business_date"]:
        return {
            "kind": "bad",
            "text": f"The night of {came} is not published ({_why(rows, came)});"
            f" readers see {night['business_date']}",
        }
    text = f"Published: readers see the night of {night['business_date']}"
    if behind := rows.figures.behind:
        held = "; ".join(
            f"{row['domain']} stays at {row['business_date']} ({row['checks']})" for row in behind
        )
        return {"kind": "bad", "text": f"{text}, but {held}"}
    return {"kind": "good", "text": text}


def _why(rows: ScorecardRows, night: dt.date) -> str:
    """What stopped a night: the stage that ended last, where it failed, with its critical checks."""
    last = next((row for row in rows.stages if row["night"] == night), None)
    if last is None or last["outcome"] == "ok":
        return "it is not finished"
    failed = sum(row["severity"] == "critical" for row in rows.alerts if row["business_date"] == night)
    checks = f": {failed} critical {many(failed, 'check')}" if failed else ""
    return f"{last['stage']} {last['detail']}".strip() + f" failed{checks}"
