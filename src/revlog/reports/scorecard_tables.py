"""The tables and charts of the scorecard for everyone."""

from __future__ import annotations

from collections import Counter

from revlog.reports import charts
from revlog.reports.kpi_series import Audiences
from revlog.reports.leads import many
from revlog.reports.night_work import Work
from revlog.reports.product_changes import Change
from revlog.reports.scorecard_rows import ScorecardRows, comes_now_and_then
from revlog.reports.snapshots import Row
from revlog.reports.tables import Column, Table, days_between, table
from revlog.values.reasons import MEANINGS

UNDER_WAY = (
    Column("document", "Return", "code"), Column("next_step", "Next step", "long"),
    Column("waits_for", "Waits for"),
    Column("site", "Site"), Column("overdue", "Overdue"), Column("days_overdue", "Days overdue", "number"),
    Column("days_in_status", "Days in status", "number"), Column("next_step_due_on", "Due on", "day"),
    Column("product", "Product"), Column("open_quantity", "Units open", "number"),
    Column("order_no", "Order", "code", True), Column("status", "Status", "text", True),
    Column("sku", "SKU", "code", True), Column("product_category", "Category", "text", True),
    Column("channel", "Channel", "text", True), Column("reason", "Reason", "text", True),
)  # fmt: skip
CHANGES = (
    Column("kind", "Kind"), Column("product_name", "Name"), Column("name", "SKU or category", "code"),
    Column("verdict", "Verdict"), Column("rate", "Return rate", "share"),
    Column("rate_before", "Before", "share"), Column("chance", "Chance of luck", "chance"),
    Column("returned", "Units back", "number"), Column("shipped", "Units shipped", "number"),
    Column("returned_before", "Back, before", "number", True),
    Column("shipped_before", "Shipped, before", "number", True),
    Column("up_to", "Shipped up to", "day", True),
)  # fmt: skip
KPI_CHANGES = (
    Column("title", "KPI"), Column("basis", "Basis"), Column("verdict", "Verdict"),
    Column("now", "Now", "share"), Column("before", "Before", "share"),
    Column("chance", "Chance of luck", "chance"), Column("days", "Days"),
    Column("days_before", "Days before"),
)  # fmt: skip
REGULATED = (
    Column("receipt_id", "Receipt", "code"), Column("state", "State"), Column("issue", "Issue", "long"),
    Column("product", "Product"),
    Column("disposition", "Disposition"), Column("site", "Site"), Column("quantity", "Units", "number"),
    Column("weight_g", "Weight, g", "number"), Column("received_on", "Received on", "day"),
    Column("disposed_on", "Disposed on", "day"), Column("certificate_no", "Certificate", "code", True),
    Column("sku", "SKU", "code", True), Column("hazmat_class", "Hazard class", "text", True),
    Column("weee_category", "E-waste category", "text", True),
    Column("product_category", "Category", "text", True),
)  # fmt: skip
FEEDS = (
    Column("source", "Source"), Column("feed", "Feed", "code"), Column("newest", "Newest file of", "day"),
    Column("days_old", "Days old", "number"), Column("behind", "Behind"), Column("came", "Came at", "short"),
    Column("files", "Files", "number"),
    Column("refused", "Refused", "number"), Column("twice", "Files twice", "number"),
    Column("loaded", "Rows loaded", "number"), Column("quarantined", "Rows quarantined", "number"),
    Column("duplicate", "Rows duplicate", "number"),
)  # fmt: skip
REFUSED = (
    Column("night", "Night", "day"), Column("feed", "Feed", "code"), Column("name", "File", "code"),
    Column("status", "Status"), Column("reason", "Why", "long"),
    Column("size_bytes", "Bytes", "number", True),
)  # fmt: skip
QUARANTINED = (
    Column("night", "Night", "day"), Column("feed", "Feed", "code"), Column("reason", "Reason", "code"),
    Column("column_name", "Column", "code"), Column("meaning", "What it means", "long"),
    Column("rows", "Rows", "number"), Column("name", "File", "code"),
    Column("first_line", "First line", "number"),
)  # fmt: skip
STEPS = (
    Column("step", "Step"), Column("seconds", "Last night, s", "seconds"),
    Column("usual", "Usual, s", "seconds"), Column("times", "Times the usual", "amount"),
)  # fmt: skip
CHECKS = (
    Column("severity", "Severity"), Column("check_name", "Check", "code"), Column("stage", "Stage"),
    Column("asset", "About", "code"), Column("unexpected_count", "Rows", "number"),
    Column("message", "Message", "long"),
)  # fmt: skip
UNCLAIMED = (
    Column("path", "File in the landing zone", "code"), Column("feed", "Meant for", "code"),
    Column("detail", "Why", "long"),
)  # fmt: skip


def tables(rows: ScorecardRows, changed: list[Change], audiences: Audiences, work: Work) -> dict[str, Table]:
    """Every table of the page by its name."""
    feeds = [
        {
            **row,
            "days_old": days_between(row["newest"], rows.last_night),
            "behind": "comes now and then"
            if comes_now_and_then(row["feed"])
            else "yes"
            if rows.is_behind(row)
            else "no",
            "came": f"{row['came_at']:%Y-%m-%d %H:%M %Z}" if row["came_at"] else "",
        }
        for row in rows.sources
    ]
    quarantined = [{**row, "meaning": MEANINGS.get(row["reason"], "")} for row in rows.quarantined]
    checks = [
        {**row, "severity": "failed" if row["severity"] == "critical" else "warned"} for row in rows.alerts
    ]
    found = [
        table(
            "under_way",
            "Return lines under way",
            UNDER_WAY,
            rows.under_way,
            "select * from marts.return_tracking where next_step is not null",
        ),
        table("changes", "Return rates of products and categories", CHANGES, [c.as_row() for c in changed]),
        table("kpi_changes", "KPIs whose change can be tested", KPI_CHANGES, _kpi_changes(audiences)),
        table(
            "regulated",
            "Hazardous and e-waste units to look at",
            REGULATED,
            rows.regulated,
            "select * from marts.regulated_units where has_issue or disposition = 'OPEN'",
        ),
        table("feeds", "Feeds: how fresh, and what came last night", FEEDS, feeds, shown=30),
        table(
            "refused",
            "Files refused in the last 31 nights",
            REFUSED,
            rows.refused,
            "select * from ops.file_ledger where status in ('rejected', 'deferred')",
        ),
        table(
            "quarantined",
            "Rows in quarantine, by file, reason and column",
            QUARANTINED,
            quarantined,
            "select * from ops.quarantine",
        ),
        table("steps", "Seconds by step", STEPS, work.steps, shown=20),
        table(
            "checks",
            "Checks that failed or warned last night",
            CHECKS,
            checks,
            shown=12,
            query="select * from ops.validation_results where not success",
        ),
        table(
            "unclaimed",
            "Files that no layout takes",
            UNCLAIMED,
            rows.figures.unclaimed,
            "select * from ops.unclaimed_files",
        ),
    ]
    return {one.name: one for one in found}


def drawings(rows: ScorecardRows, work: Work) -> dict[str, charts.Chart | None]:
    """The charts by their names; None where there is nothing to draw."""
    late = Counter((row["next_step"], row["site"]) for row in rows.under_way if row["overdue"] == "yes")
    totals: Counter[str] = Counter()
    for (step, _), lines in late.items():
        totals[step] += lines
    bars = [
        {"next_step": step, "site": site, "lines": lines}
        for (step, site), lines in sorted(late.items(), key=lambda item: (-totals[item[0][0]], item[0]))
    ]
    return {
        "overdue": charts.bars(
            "Overdue return lines by next step and site",
            bars,
            "next_step",
            ("site", "Site"),
            "lines",
            _overdue_in_words,
            sorted({site for _, site in late}),
        ),
        "nights": charts.columns(
            "Seconds at work by night",
            work.by_night,
            "night",
            "seconds",
            lambda row: f"Night of {row['night']}: {row['seconds']:,.1f} s",
            work.usual,
        ),
    }


def _overdue_in_words(row: Row) -> str:
    """What is said of a bar."""
    lines = row["lines"]
    return f"{row['next_step']}, {row['site']}: {lines:,} {many(lines, 'line')} overdue"


def _kpi_changes(audiences: Audiences) -> list[Row]:
    """One row a KPI and basis whose change can be told from chance, the surest change for the worse first."""
    found = [
        {
            "title": series.title, "basis": line.basis,
            "verdict": "worse" if line.is_worse else "within chance",
            "now": line.now.ratio, "before": line.before.ratio, "chance": line.chance, "days": line.now.days,
            "days_before": line.before.days,
        }
        for groups in audiences.values()
        for group in groups
        for series in group.series
        for line in series.lines
        if line.now and line.before and line.chance is not None
    ]  # fmt: skip
    return sorted(found, key=lambda row: (row["chance"], row["title"], row["basis"]))
