"""Finance's own page: the cents between the refund legs; it lies beside the workbooks, closed to others."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from revlog.companies.company import profile, reporting_currency
from revlog.outputs.files import FOR_OWNER, own_folder, write_text
from revlog.reports import charts, kpi_series, nights
from revlog.reports.kpi_cards import KpiCards, figures_of
from revlog.reports.leads import Figure, Lead, Worst, many, with_since
from revlog.reports.nights import Night
from revlog.reports.page import render
from revlog.reports.reconciliation import Reconciliation, by_class, read_reconciliation
from revlog.reports.snapshots import Row
from revlog.reports.tables import Column, table
from revlog.reports.workbook import folder

LIST = "reconciliation"
PARTS = ((LIST, "Reconciliation"), ("workbooks", "Workbooks"), ("kpis", "KPIs"))
GAPS = {"E-M": "Entitled − credited", "M-P": "Credited − paid", "P-G": "Paid − ledger"}
BESIDE = {"M-T": "Credited − issued", "M-G": "Credited − its posting"}
# From the youngest on, as finance.refund_exceptions has them.
AGES = ("0-3", "4-7", "8-14", "15-30", "31-60", "61-90", "90+")
CHARTS_MOST = 6

EXCEPTIONS = (
    Column("class", "Class", "code"),
    Column("status", "Status"),
    Column("to_look_at", "To look at"),
    Column("amount", "Amount", "amount"),
    Column("currency", "Currency"),
    Column("reporting_amount", "In reporting currency", "amount", True),
    Column("age_days", "Days open", "number"),
    Column("age_bucket", "Age, days", "short"),
    Column("gap_title", "Between"),
    Column("owner", "Owner"),
    Column("next_action", "Next action", "long"),
    Column("order_no", "Order", "code"),
    Column("rma_no", "RMA", "code", True),
    Column("refund_id", "Refund", "code", True),
    Column("memo_no", "Credit memo", "code", True),
    Column("group_key", "Group", "code", True),
    Column("period", "Period", "text", True),
    Column("open_since", "Open since", "day", True),
)
# Whether a group is looked at goes by all of its items; see the list of the chain.
BESIDE_EXCEPTIONS = tuple(column for column in EXCEPTIONS if column.key != "to_look_at")
BY_AGE = (
    Column("class", "Class", "code"),
    Column("age_bucket", "Age, days", "short"),
    Column("status", "Status"),
    Column("items", "Items", "number"),
    Column("gross", "Without sign", "amount"),
    Column("net", "Net", "amount"),
    Column("currency", "Currency"),
    Column("gap_title", "Between"),
)


def write_finance_page() -> Path:
    """Write `finance/scorecard.html` and return its path; raises NotWritten."""
    place = folder()
    books = sorted((path.name for path in place.glob("refunds-*.xlsx")), reverse=True)
    path = place / "scorecard.html"
    found = read_reconciliation()
    date = found.night["business_date"] if found.night else None
    night = nights.before(path, date)
    text, figures = made(found, books, night, profile().targets)
    own_folder(place / nights.FOLDER)
    nights.keep(path, date, figures, FOR_OWNER)
    return write_text(path, text, FOR_OWNER)


def page(found: Reconciliation, workbooks: list[str]) -> str:
    """The page of a night without one before it; `workbooks` are the names of files beside it."""
    return made(found, workbooks, Night(), {})[0]


def made(
    found: Reconciliation, workbooks: list[str], night: Night, targets: dict[str, Decimal]
) -> tuple[str, dict[str, str]]:
    """The page as HTML, and its figures by their names."""
    audiences = dict(kpi_series.groups(found.definitions, found.days)) if found.night else {}
    rows = [{**row, "gap_title": GAPS.get(row["gap"], row["gap"])} for row in found.rows]
    beside = [{**row, "gap_title": BESIDE.get(row["gap"], row["gap"])} for row in found.beside]
    by_age = [{**row, "gap_title": GAPS.get(row["gap"], row["gap"])} for row in found.ages]
    lead = with_since(_lead(found), night)
    tables = {
        "exceptions": table(
            "exceptions",
            "Items between the legs: open, waiting, explained",
            EXCEPTIONS,
            rows,
            "select * from finance.refund_exceptions where is_chain and status not in ('settled', 'cleared')",
        ),
        "beside": table(
            "beside",
            "Items beside the chain: memos against refunds issued, and against their postings",
            BESIDE_EXCEPTIONS,
            beside,
            "select * from finance.refund_exceptions"
            " where not is_chain and status not in ('settled', 'cleared')",
        ),
        "ages": table("ages", "Money open and waiting by class and age", BY_AGE, by_age, shown=12),
    }
    text = render(
        "finance.html",
        title="Finance scorecard",
        parts=PARTS,
        night=found.night,
        since=night.date,
        lead=lead,
        charts=_charts(found.ages),
        not_drawn=_currencies([row for row in found.ages if row["status"] == "open"])[CHARTS_MOST:],
        cards=KpiCards([], night, targets, ""),
        audiences=audiences,
        workbooks=workbooks,
        patterns=found.patterns,
        agreed=found.agreed,
        explained=found.explained,
        waiting=found.waiting,
        to_look_at=found.to_look_at,
        lacks=found.lacks,
        refund_groups=found.groups,
        classes=by_class(found.exceptions),
        gaps=_gaps(found.exceptions),
        gap_titles=GAPS,
        tables=tables,
    )
    return text, {figure.name: str(figure.value) for figure in lead.figures} | figures_of(audiences)


def _lead(found: Reconciliation) -> Lead:
    """How much money is open, in each currency, and how many items."""
    open_rows = [row for row in found.ages if row["status"] == "open"]
    money: dict[str, Decimal] = {}
    for row in open_rows:
        money[row["currency"]] = money.get(row["currency"], Decimal(0)) + row["gross"]
    items = {
        status: sum(row["items"] for row in found.exceptions if row["status"] == status)
        for status in ("open", "waiting")
    }
    differ = found.to_look_at
    items_to_look_at = sum(row["to_look_at"] == "yes" for row in found.rows)
    figures = [
        Figure(
            f"money_open:{currency}",
            amount,
            "open between refund legs",
            "bad" if amount else "good",
            "exceptions",
            {"Status": "open", "Currency": currency},
            currency,
            is_money=True,
        )
        for currency, amount in ((currency, money[currency]) for currency in _currencies(open_rows))
    ]
    figures += [
        Figure(
            "items_open",
            Decimal(items["open"]),
            f"open {many(items['open'], 'item')} between refund legs",
            "warn" if items["open"] else "good",
            "exceptions",
            {"Status": "open"},
        ),
        Figure(
            "items_waiting",
            Decimal(items["waiting"]),
            f"{many(items['waiting'], 'item that waits', 'items that wait')} for the other leg",
            "",
            "exceptions",
            {"Status": "waiting"},
        ),
        Figure(
            "groups_differ",
            Decimal(differ),
            f"refund {many(differ, 'group')} to look at, of {found.groups:,}"
            f" ({items_to_look_at:,} {many(items_to_look_at, 'item')})",
            "warn" if differ else "good",
            "exceptions",
            {"To look at": "yes"},
        ),
    ]
    worst = [
        Worst(
            row["class"],
            f"{row['order_no'] or row['group_key']}: {row['next_action']}",
            f"{_in_words(row)}, {row['age_days']:,} d",
            "exceptions",
            {"Class": row["class"], "Status": "open", "Group": row["group_key"]},
        )
        for row in [row for row in found.rows if row["status"] == "open"][:5]
    ]
    return Lead(
        LIST,
        "Finance",
        "How much money is open, of which class, and how old?",
        figures,
        worst,
        "No item is open.",
    )


def _charts(ages: list[Row]) -> list[charts.Chart]:
    """A chart a currency, those with most money first: open amounts by class and age."""
    open_rows = [row for row in ages if row["status"] == "open"]
    found = []
    for currency in _currencies(open_rows)[:CHARTS_MOST]:
        mine = [row for row in open_rows if row["currency"] == currency]
        sums: dict[tuple[str, str], Decimal] = {}
        for row in mine:
            key = (row["class"], row["age_bucket"])
            sums[key] = sums.get(key, Decimal(0)) + row["gross"]
        classes: dict[str, Decimal] = {}
        for (name, _), amount in sums.items():
            classes[name] = classes.get(name, Decimal(0)) + amount
        bars = [
            {"class": name, "age": age, "amount": amount, "currency": currency}
            for (name, age), amount in sorted(
                sums.items(), key=lambda item: (-classes[item[0][0]], item[0][0], _place(item[0][1]))
            )
        ]
        chart = charts.bars(
            f"Money open by class and age in days, {currency}",
            bars,
            "class",
            ("age", "Days open"),
            "amount",
            lambda row: f"{row['class']}, {row['age']} days: {row['amount']:,.2f} {row['currency']} open",
            list(AGES),
        )
        found += [chart] if chart else []
    return found


def _currencies(rows: list[Row]) -> list[str]:
    """The reporting currency, then those with most money, by what it is in the reporting one."""
    money: dict[str, Decimal] = {}
    for row in rows:
        money[row["currency"]] = money.get(row["currency"], Decimal(0)) + row["reporting"]
    own = reporting_currency()
    return sorted(money, key=lambda name: (name != own, -money[name], name))


def _in_words(row: Row) -> str:
    """The amount of an item, and what it is in the reporting currency where that is another."""
    own = reporting_currency()
    text = f"{row['amount']:,.2f} {row['currency']}"
    if row["currency"] == own or row["reporting_amount"] is None:
        return text
    return f"{text} ({row['reporting_amount']:,.2f} {own})"


def _place(age: str) -> tuple[int, str]:
    return (AGES.index(age) if age in AGES else len(AGES), age)


def _gaps(exceptions: list[Row]) -> list[str]:
    """Gaps that have cents, in the order of the legs."""
    found = {row["gap"] for row in exceptions}
    return [gap for gap in GAPS if gap in found] + sorted(found - GAPS.keys())
