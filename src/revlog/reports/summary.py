"""What `make run` prints at its end."""

from __future__ import annotations

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from revlog.companies.company import reporting_currency
from revlog.config.settings import settings
from revlog.database.connections import connect
from revlog.outputs.escaping import rich_text
from revlog.outputs.files import shown_path
from revlog.reports.ahead import read_ahead
from revlog.reports.carried import by_lack, is_lacking
from revlog.reports.figures import Figures, read_figures, step_times
from revlog.reports.reconciliation import by_class, read_reconciliation
from revlog.reports.scorecard_rows import read_scorecard_rows
from revlog.reports.units import counted, shown

UNCLAIMED_SHOWN = 12
CLASSES_SHOWN = 8


def print_summary(console: Console, seconds: float, did_work: bool) -> None:
    """Print files, KPIs, reconciliation, stage times and where to look next."""
    figures = read_figures()
    console.print()
    _files(console, figures)
    _kpis(console, figures)
    _reconciliation(console)
    _ahead(console)
    _checks(console, figures)
    if did_work:
        _stages(console, figures, seconds)
    _next(console, figures)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None)
    # Only the words of the first column give way where the terminal is narrow: a figure stays in one piece.
    for number, name in enumerate(columns):
        is_text = number == 0
        table.add_column(
            name, justify="left" if is_text else "right", no_wrap=not is_text,
            overflow="fold" if is_text else "crop",
        )  # fmt: skip
    return table


def _show(console: Console, table: Table) -> None:
    """Print a table as wide as the terminal, or as its figures are where that is more."""
    unbounded = console.options.update(max_width=1_000)
    for column in table.columns[1:]:
        cells = (column.header, *column.cells)
        column.min_width = max(Measurement.get(console, unbounded, cell).maximum for cell in cells)
    least = Measurement.get(console, unbounded, table).minimum
    console.print(table, width=max(console.width, least), crop=False, no_wrap=False)


def _row(table: Table, *cells: object) -> None:
    table.add_row(*map(rich_text, cells))


def _files(console: Console, figures: Figures) -> None:
    table = _table(
        "Files and rows", "source", "files", "refused", "files twice", "rows loaded",
        "quarantined", "duplicate",
    )  # fmt: skip
    for row in figures.files:
        _row(
            table, row["source"].upper(), f"{row['files']:,}", f"{row['refused']:,}",
            f"{row['duplicate_files']:,}", f"{row['loaded']:,}", f"{row['quarantined']:,}",
            f"{row['duplicate']:,}",
        )  # fmt: skip
    _show(console, table)
    for row in figures.quarantine[:5]:
        told = rich_text(f"{row['rows']} {row['feed']} {row['reason']}")
        console.print(f"  quarantined: {told}", style="dim")
    for row in figures.set_apart:
        console.print(f"  set apart by a layout: {rich_text(row['rule'])}, {row['rows']:,} rows", style="dim")
    _unclaimed(console, figures)
    console.print()


def _unclaimed(console: Console, figures: Figures) -> None:
    """Files that no layout takes, those that were meant for a feed before others."""
    for row in figures.unclaimed[:UNCLAIMED_SHOWN]:
        told = rich_text(f"{row['path']}: {row['detail']}")
        console.print(f"  no layout takes: {told}", style="yellow" if row["feed"] else "dim")
    more = len(figures.unclaimed) - UNCLAIMED_SHOWN
    if more > 0:
        console.print(f"  and {more:,} more, in ops.unclaimed_files", style="dim")


def _kpis(console: Console, figures: Figures) -> None:
    table = _table("KPIs", "KPI", "basis", "numerator", "denominator", "value")
    for row in figures.kpis:
        money = f" {row['currency']}" if "currency" in row["unit"] else ""
        hours = " h" if row["unit"].startswith("hours") else ""
        _row(
            table, row["title"], row["basis"], counted(row["numerator"]), counted(row["denominator"]),
            shown(row["ratio"], row["unit"]) + (money + hours if row["ratio"] is not None else ""),
        )  # fmt: skip
    _show(console, table)
    if figures.kpis:
        told = "Of days and cohorts that no later return can change; kpi_daily.is_mature tells them."
        console.print(f"  {told}", style="dim")
    if (cycle := figures.cycle) and cycle["events"] is not None:
        console.print(
            f"  cycle time by Kaplan–Meier: p50 {_hours(cycle['p50_hours'])}, "
            f"p90 {_hours(cycle['p90_hours'])}; {cycle['events']:,} units disposed of, "
            f"{cycle['censored']:,} open, {cycle['competing']:,} ended otherwise",
            style="dim",
        )
    console.print()


def _hours(value: int | None) -> str:
    return "not reached" if value is None else f"{value:,} h ({value / 24:.1f} d)"


def _reconciliation(console: Console) -> None:
    """How many match groups agree to the cent, as every page counts them; amounts stand on finance's own."""
    found = read_reconciliation()
    console.print(
        f"[bold]Refund reconciliation[/]  {found.agreed:,} of {found.groups:,} groups agree to the cent"
        + (f" ({found.agreed / found.groups:.1%})" if found.groups else "")
    )
    if found.groups:
        fine = found.agreed + found.explained + found.waiting
        console.print(
            f"  {found.explained:,} more differ for a known reason that asks for nothing"
            + (f":\n  {rich_text(', '.join(found.reasons))};\n" if found.explained else ";\n")
            + f"  {found.waiting:,} wait for a leg that is not late yet"
            f" ({fine / found.groups:.1%} with all these);\n"
            f"  {found.to_look_at:,} have to be looked at ({found.to_look_at / found.groups:.1%}).",
            style="dim",
        )
    if found.lacks:
        console.print(f"  {found.lacks}", style="dim")
    table = _table("", "class", "items", "status")
    classes = by_class(found.exceptions)
    for entry in classes[:CLASSES_SHOWN]:
        _row(table, entry["name"], f"{entry['count']:,}", entry["status"])
    _show(console, table)
    if more := len(classes[CLASSES_SHOWN:]):
        items = sum(entry["count"] for entry in classes[CLASSES_SHOWN:])
        console.print(
            f"  and {more:,} more classes with {items:,} items, in finance.refund_exceptions", style="dim"
        )
    console.print()


def _ahead(console: Console) -> None:
    """What is to be expected and decided, a line each; nothing before the tables that tell it."""
    if found := read_ahead():
        console.print("[bold]What next[/]")
        for line in found:
            console.print(f"  {rich_text(line.text)}")
        console.print()


def _checks(console: Console, figures: Figures) -> None:
    table = _table("Checks of the last night", "stage", "engine", "checks", "failed", "warnings")
    for row in figures.checks:
        counts = (f"{row[name]:,}" for name in ("checks", "failed", "warned"))
        _row(table, row["stage"], row["engine"], *counts)
    _show(console, table)
    console.print()


def _stages(console: Console, figures: Figures, seconds: float) -> None:
    """Seconds per step and night, and the share that nobody worked in: orchestration."""
    nights, rows = step_times(figures)
    table = _table("Seconds", "step", *nights)
    whole = dict(rows)["night"]
    for step, taken in rows:
        share = [
            f" ({t / w:.0%})" if step == "orchestration" and w else ""
            for t, w in zip(taken, whole, strict=True)
        ]
        _row(table, step, *(f"{t:,.1f}{s}" for t, s in zip(taken, share, strict=True)))
    _show(console, table)
    console.print(f"  everything, with starting and stopping: {seconds:,.0f} s", style="dim")
    console.print()


def _next(console: Console, figures: Figures) -> None:
    """The three things to do next, then where the rest is."""
    night = figures.night and figures.night["business_date"]
    held = "".join(f"; {row['domain']} held back at {row['business_date']}" for row in figures.behind)
    console.print(f"[bold]Three things to do next[/]  (last good night: {night}{held})")
    for number, (why, what) in enumerate(_three(figures), start=1):
        console.print(f"  {number}  {why:<25}{rich_text(what)}", soft_wrap=True)
    console.print("\n[bold]Also there[/]")
    for name, what in _places():
        console.print(f"     {name:<25}{rich_text(what)}", soft_wrap=True)


def _three(figures: Figures) -> list[tuple[str, str]]:
    """Look, ask, go on; what is held back or was refused comes before."""
    looked = [("look at the night", shown_path(settings().var / "reports" / "scorecard.html"))]
    asked = [("ask the marts", "make psql ROLE=bi_reader")]
    goes_on = [("run every night", "make up")]
    if figures.behind or any(row["refused"] for row in figures.files):
        return [("see what has to be done", "make status"), *looked, *asked]
    return [*looked, *asked, *goes_on]


def _places() -> list[tuple[str, str]]:
    pages, finance = settings().var / "reports", settings().var / "finance"
    found = [("checks, row by row", page) for page in pages.glob("data_docs/index.html")]
    found += [("finance", page) for page in finance.glob("scorecard.html")]
    found += [("its workbook", book) for book in sorted(finance.glob("refunds-*.xlsx"))[-1:]]
    return [
        *((name, shown_path(path)) for name, path in found),
        ("ask finance's tables", "make psql ROLE=finance_reader"),
        ("what each column means", "make docs"),
        ("what stands, what failed", "make status"),
        ("stop everything", "make down"),
    ]


RETAILER = """
select to_char(month, 'YYYY-MM') as month, sum(shipped_quantity) as shipped,
    sum(returned_quantity) as returned, sum(credited_reporting) as credited
from marts.product_returns group by month order by month
"""


def print_retailer(console: Console) -> None:
    """Print what a company that sends only some feeds can know, and what the other KPIs lack."""
    rows = read_scorecard_rows()
    _files(console, rows.figures)
    table = _table("Returns by month", "month", "shipped", "returned", "rate", "credited")
    with connect("bi_reader") as connection:
        for month, shipped, returned, credited in connection.execute(RETAILER):
            rate = f"{returned / shipped:.2%}" if shipped else "–"
            money = f"{credited:,.2f} {reporting_currency()}"
            _row(table, month, f"{shipped:,}", f"{returned:,}", rate, money)
    _show(console, table)
    carried = [row["title"] for row in rows.definitions if not is_lacking(row)]
    console.print(f"\n[bold]KPIs that these feeds carry[/]  {rich_text(', '.join(carried))}")
    table = _table("What the other KPIs lack", "KPIs", "why")
    table.columns[1].justify = "left"
    for why, titles in by_lack(rows.definitions):
        _row(table, ", ".join(titles), why)
    _show(console, table)
